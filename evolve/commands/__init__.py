"""The commands of `python -m evolve`, a file each."""
