"""Makes the data that prepare.py serves: reads text, tokenises it, packs it into rows.

`python prepare.py` runs it. It imports prepare.py; prepare.py, which a genome imports, needs
nothing of it.
"""

from corpus.command import main

__all__ = ["main"]
