"""How long free devices have waited for a child, and which of them wait no longer."""

from __future__ import annotations

from collections.abc import Callable


class DeviceWaits:
    """Decides which free devices wait for a child of a language model, and how long.

    At first all devices may wait at once. Each wait in vain lowers their number by one, and each
    child of a model that no device was waiting for raises it again. So a model that can feed one
    device of eight keeps one waiting, and one that gives nothing costs each device a single wait,
    however many useless replies come meanwhile.

    Args:
        patience: Seconds after which a device waits no longer.
        clock: Function that gives the time in seconds.
    """

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._patience, self._clock = patience, clock
        self._begun: list[float] = []  # when each wait began, the longest first
        self._expired = 0  # how many of the longest ones were in vain
        self._most = 0  # devices that there are
        self._spent = 0  # how many devices may not wait any more

    def update(self, free: int, slots: int) -> None:
        """Learn how many devices are free now, with nothing queued for them.

        Args:
            free: Number of free devices.
            slots: Number of all devices.
        """
        now, begun = self._clock(), self._begun
        gone = max(len(begun) - free, 0)
        del begun[:gone]  # whoever has waited longest got the child
        begun += [now] * (free - len(begun))
        self._expired, self._most = max(self._expired - gone, 0), slots
        in_vain = sum(now - since >= self._patience for since in begun)
        self._spent = min(self._spent + max(in_vain - self._expired, 0), slots)
        self._expired = max(in_vain, self._expired)

    def record_model_child(self) -> None:
        """Learn that a model has given a child, which the longest wait was for."""
        if self._patient:
            del self._begun[self._expired]
        else:
            self._spent = max(self._spent - 1, 0)

    @property
    def overdue(self) -> int:
        """The number of free devices that wait no longer."""
        return len(self._begun) - self._patient

    @property
    def _patient(self) -> int:
        """The number of free devices that still wait."""
        return min(len(self._begun) - self._expired, self._most - self._spent)
