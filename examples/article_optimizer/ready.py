"""Looks, before anything costs money, whether an article can be scored here."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    """Say what scores depend on besides the task's files."""
    try:
        versions = {name: version(name) for name in ("textstat", "pyphen")}
    except PackageNotFoundError as error:
        raise SystemExit(
            f"readability is measured by {error.name}, which is not installed: "
            "pip install -e '.[examples]'"
        ) from error
    judge = os.environ.get("ARTICLE_JUDGE", "")
    if judge:
        print(f"an LLM judge: {judge}, three calls a measurement, which --max-cost does not count")
    else:
        print("an LLM judge: none (ARTICLE_JUDGE=MODEL names one)")
    print("---")
    for name, number in versions.items():
        print(f"fingerprint.{name}: {number}")
    print(f"fingerprint.judge: {judge or 'none'}")


if __name__ == "__main__":
    main()
