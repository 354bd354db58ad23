"""Fills the disk, also by files that are open and deleted."""

import os

with open("ghost", "wb") as file:
    os.unlink("ghost")
    while True:
        file.write(b"x" * 10_000_000)
