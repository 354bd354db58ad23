"""The level landlock: where no namespace can be made, a process gives up its own rights."""

from __future__ import annotations

import os

from trainer.sandbox import folder as files
from trainer.sandbox import landlock, privileges, seccomp
from trainer.sandbox.options import DEVICES, ETC, SYSTEM, Options

NAMES = ("passwd", "group", "nsswitch.conf")
TRUNCATION = 3  # the ABI from which on Landlock governs it


class Confined:
    """A command in the caller's namespaces, with next to none of the caller's rights."""

    watched = True

    def __init__(self, options: Options) -> None:
        self._options = options
        self.user = privileges.own_user(os.getpid()) if os.geteuid() == 0 else None

    def enter(self, launcher: int) -> None:
        """Become the command, which dies with the launcher."""
        options = self._options
        rules = self._rules()
        os.chdir(options.folder)
        if self.user is not None:
            files.hand_over(options.folder, self.user)
            needed = [options.folder, *options.read]
            privileges.become(self.user, read_everything=not privileges.can_enter(needed))
        landlock.die_with(launcher)
        rules.enforce()
        landlock.filter_calls(seccomp.program(truncation=rules.abi >= TRUNCATION))
        os.execvpe(options.command[0], options.command, options.environ)

    def started(self) -> None:
        """Nothing is left to do."""

    def excess(self, processes: list[int]) -> str | None:
        """What the command holds too much of, if anything."""
        if files.held(self._options.folder, processes) > self._options.disk:
            return f"its working folder holds more than {self._options.disk} bytes"
        return None

    def ended(self, code: int) -> None:
        """Remove what it left in the shared memory, as far as that can be told from others'."""
        if self.user is None or not os.path.isdir("/dev/shm"):
            return
        with os.scandir("/dev/shm") as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_uid == self.user:
                    os.unlink(entry.path)

    def _rules(self) -> landlock.Ruleset:
        rules = landlock.Ruleset()
        options = self._options
        for path in options.read:
            rules.allow_but(path, landlock.READ, options.masked)
        for path in (*SYSTEM, *(f"/etc/{name}" for name in (*ETC, *NAMES))):
            if os.path.exists(path):
                rules.allow_but(path, landlock.READ, options.masked)
        for path in ("/proc", "/sys" if options.gpu else "/sys/devices/system"):
            if os.path.exists(path):
                rules.allow(path, landlock.LOOK)
        for name in DEVICES:
            rules.allow(f"/dev/{name}", landlock.READ_FILE | landlock.WRITE_FILE)
        for path in options.gpu_files():
            rules.allow(path, landlock.DEVICE | landlock.READ_DIR)
        if os.path.isdir("/dev/shm"):
            rules.allow("/dev/shm", landlock.SHARED)
        rules.allow(options.folder, landlock.OWN)
        return rules
