"""Makes the data that prepare.py serves: reads text, tokenises it, packs it into rows.

`python prepare.py` runs its command. It imports prepare.py; prepare.py, which a genome imports,
needs nothing of it.
"""
