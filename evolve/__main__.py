"""`python -m evolve`, and the command `evolve`."""

import signal
import sys


def run() -> int:
    """Run the command line: its exit code."""
    from evolve.startup import describe_import_error, make_printable

    make_printable()
    try:
        from evolve.cli import main

        code = main()
    except ImportError as error:
        text = describe_import_error(error)
        if text is None:
            raise
        print(f"evolve: {text}", file=sys.stderr)
        return 2
    # all is said: one Ctrl-C more, while the interpreter takes itself down, changes nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    raise SystemExit(run())
