"""The launcher's options, and the limits and paths that levels take from them."""

from __future__ import annotations

import os
import resource

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime")
NETWORK = (  # of /etc: how names are resolved, and whose certificates are trusted
    *("resolv.conf", "hosts", "host.conf", "gai.conf", "nsswitch.conf", "services", "protocols"),
    *("ssl", "pki", "ca-certificates", "crypto-policies"),
)
DEVICES = ("null", "zero", "full", "random", "urandom")
MAPPED = 8 << 30  # bytes of address space that libraries map without using them


class Options:
    """The launcher's options, as `Sandbox.wrap` writes them.

    Args:
        words: Words of the command line.

    Attributes:
        command: Words of the command to run.
        level: Name of the level.
        program: Path of the program that the level runs; empty if it needs none.
        folder: Path of the working folder.
        read: Paths that the command may read.
        masked: Paths that it may not read though they lie below one that it may.
        fds: Descriptors that it inherits.
        driver: Whether it uses a driver in the kernel.
        device_files: Paths of the device files that it may use.
        keep: Whether what it leaves in its folder is kept.
        network: Whether it may use the network.
        notice: Seconds that it has to end after SIGTERM; 0 kills it at once.
        memory: Most bytes of memory, all its processes together.
        processes: Most processes and threads.
        file_size: Most bytes of a single file.
        disk: Most bytes in its folder.
        open_files: Most descriptors of each process.
        environ: Environment variables of the command, to the byte.
    """

    def __init__(self, words: list[str]) -> None:
        # Parsed by hand: argparse would take as long to import as all the rest.
        split = words.index("--")
        self.command = words[split + 1 :]
        given: dict[str, list[str]] = {}
        for word in words[:split]:
            name, _, value = word.removeprefix("--").partition("=")
            given.setdefault(name, []).append(value)
        self.level = given["level"][0]
        self.program = given["program"][0]
        self.folder = given["folder"][0]
        self.read = given.get("read", [])
        self.masked = frozenset(given.get("mask", []))
        self.fds = [int(fd) for fd in given.get("fd", [])]
        self.driver = given["driver"] == ["1"]
        self.device_files = given.get("device-file", [])
        self.keep = given["keep"] == ["1"]
        self.network = given["network"] == ["1"]
        self.notice = float(given["notice"][0])
        self.memory = int(given["memory"][0])
        self.processes = int(given["processes"][0])
        self.file_size = int(given["file-size"][0])
        self.disk = int(given["disk"][0])
        self.open_files = int(given["open-files"][0])
        # The environment as it was: Python's own start may add a locale.
        with open("/proc/self/environ", "rb") as file:
            pairs = [pair.partition(b"=") for pair in file.read().split(b"\0") if pair]
        self.environ = {name: value for name, _, value in pairs}

    @property
    def etc(self) -> tuple[str, ...]:
        """Names in /etc that it may read."""
        return (*ETC, *NETWORK) if self.network else ETC

    def set_limits(self, held: set[str], user: int | None) -> None:
        """Limit this process and what it starts.

        Args:
            held: Names of the controllers of a control group that limit it already.
            user: User id of its own that it will get; None if it keeps the caller's.
        """
        limits = {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_FSIZE: self.file_size,
            resource.RLIMIT_NOFILE: self.open_files,
        }
        if user is not None:
            limits[resource.RLIMIT_NPROC] = self.processes
        elif "pids" not in held:
            limits[resource.RLIMIT_NPROC] = self.processes + _threads(os.getuid())
        maps_freely = self.driver or self.network  # a driver and a JavaScript engine do
        if "memory" not in held and not maps_freely:
            limits[resource.RLIMIT_DATA] = self.memory
            limits[resource.RLIMIT_AS] = self.memory + MAPPED
        for limit, value in limits.items():
            most = resource.getrlimit(limit)[1]
            if most != resource.RLIM_INFINITY:
                value = min(value, most)
            resource.setrlimit(limit, (value, value))


def _threads(user: int) -> int:
    """Count a user's threads, as RLIMIT_NPROC does."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue  # gone by now
    return count
