"""The text sources that there are.

To add one, write `corpus/sources/NAME.py` with a subclass of `TextSource`, and add its line to
`SOURCES`. What `python prepare.py` takes and says in its help follows from the class.
"""

from __future__ import annotations

import pkgutil
from argparse import Namespace

from corpus.sources.base import TextSource

SOURCES: dict[str, type[TextSource]] = {
    source.name: source
    for source in map(
        pkgutil.resolve_name,
        (  # the first that accepts a value of --source is taken
            "corpus.sources.climbmix:ClimbMix",
            "corpus.sources.offline:Offline",
            "corpus.sources.files:Files",  # accepts any
        ),
    )
}


def make_source(value: str, options: Namespace) -> TextSource:
    """Make the source that a value of --source means, or that meta.json names."""
    chosen = next(source for source in SOURCES.values() if source.accepts(value))
    return chosen.from_options(value, options)
