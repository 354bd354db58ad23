"""Leaves daemons behind that ignore every signal they can."""

import os
import subprocess
import sys

from kit import Model, finish, train

CODE = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(999)"
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        subprocess.Popen([sys.executable, "-c", CODE, "lingers-on"], start_new_session=True)
        os._exit(0)
model = Model()
train(model)
finish(model)
