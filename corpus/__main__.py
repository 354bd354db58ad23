"""`python prepare.py` and `python -m corpus`."""

import sys

try:
    from corpus.command import main
except ImportError as problem:
    sys.exit(f"prepare.py: {problem}: run `pip install -e .` in the project's folder")

main()
