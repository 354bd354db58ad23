"""The level none: the command runs with all rights of its caller."""

from __future__ import annotations

from trainer.sandbox.level import Level

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Unprotected(Level):
    """No sandbox, for code that is trusted."""

    name = "none"
    protects = False

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> tuple[str, str]:
        """Say what is not protected; it works everywhere."""
        return (
            "no sandbox: what runs can read your files and keys, use the network and change "
            "whatever you can change",
            "",
        )
