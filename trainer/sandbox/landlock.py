"""The level landlock: a process gives up its own rights, where no namespace can be made."""

from __future__ import annotations

import os

from trainer.sandbox import folder as files
from trainer.sandbox import privileges, seccomp, syscalls
from trainer.sandbox.level import Level, SandboxError
from trainer.sandbox.options import DEVICES, SYSTEM, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("passwd", "group", "nsswitch.conf")
TRUNCATION = 3  # the ABI from which on Landlock governs it


class Landlock(Level):
    """A command in the caller's namespaces, with next to none of the caller's rights."""

    name = "landlock"
    is_watched = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.user = privileges.pick_user(os.getpid()) if os.geteuid() == 0 else None

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> tuple[str, str]:
        try:
            version = syscalls.landlock_abi()
        except OSError as error:
            raise SandboxError(f"no {error.args[1]}") from error
        return f"Landlock (ABI {version}) with seccomp", ""

    def enter(self, launcher: int) -> None:
        """Become the command, which dies with the launcher."""
        options = self.options
        rules = self._rules()
        os.chdir(options.folder)
        if self.user is not None:
            files.hand_over(options.folder, self.user)
            needed = [options.folder, *options.read]
            privileges.become(self.user, read_everything=not privileges.can_enter(needed))
        syscalls.die_with(launcher)
        rules.enforce()
        may_cut = rules.abi >= TRUNCATION
        filtered = seccomp.build_filter(
            truncation=may_cut, pinned=self.is_pinned, network=options.network
        )
        syscalls.filter_calls(filtered)
        super().enter(launcher)

    def excess(self, processes: list[int]) -> str | None:
        try:
            held = files.count_bytes(self.options.folder, processes)
        except files.TooMuchError as error:
            return f"its working folder holds {error}"
        most = self.options.disk
        return f"its working folder holds more than {most} bytes" if held > most else None

    def ended(self, code: int) -> None:
        """Remove what it left in the shared memory, where a user of its own shows whose it is."""
        if self.user is None or not os.path.isdir("/dev/shm"):
            return
        with os.scandir("/dev/shm") as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_uid == self.user:
                    os.unlink(entry.path)

    def _rules(self) -> syscalls.Ruleset:
        options = self.options
        rules = syscalls.Ruleset(network=options.network)
        for path in options.read:
            rules.allow_but(path, syscalls.READ, options.masked)
        for path in (*SYSTEM, *(f"/etc/{name}" for name in (*options.etc, *NAMES))):
            if os.path.exists(path):
                rules.allow_but(path, syscalls.READ, options.masked)
        for path in ("/proc", "/sys" if options.driver else "/sys/devices/system"):
            if os.path.exists(path):
                rules.allow(path, syscalls.LOOK)
        for name in DEVICES:
            rules.allow(f"/dev/{name}", syscalls.READ_FILE | syscalls.WRITE_FILE)
        for path in filter(os.path.exists, options.device_files):
            rules.allow(path, syscalls.DEVICE | syscalls.READ_DIR)
        if os.path.isdir("/dev/shm"):
            rules.allow("/dev/shm", syscalls.SHARED)
        rules.allow(options.folder, syscalls.OWN)
        return rules
