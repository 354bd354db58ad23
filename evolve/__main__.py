"""`python -m evolve`."""

import signal

from evolve.cli import main

if __name__ == "__main__":
    code = main()
    # all is said: one Ctrl-C more, while the interpreter takes itself down, changes nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(code)
