"""The levels that there are, the strongest first.

To add a level, write `trainer/sandbox/NAME.py` with a subclass of `Level`, and add its line to
`LEVELS`. The choices of `--sandbox` and what `auto` tries follow from it. A level is imported
only where it is used, since the launcher's start counts.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainer.sandbox.level import Level

LEVELS = {
    "bwrap": "trainer.sandbox.bubblewrap:Bubblewrap",
    "landlock": "trainer.sandbox.landlock:Landlock",
    "none": "trainer.sandbox.unprotected:Unprotected",
}


def load_level(name: str) -> type[Level]:
    """Import the level of that name.

    Raises:
        KeyError: There is none.
    """
    module, _, attribute = LEVELS[name].partition(":")
    level: type[Level] = getattr(import_module(module), attribute)
    return level
