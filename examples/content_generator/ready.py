"""Looks, before anything costs money, whether an article can be scored on this machine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    try:
        installed = version("textstat")
    except PackageNotFoundError as error:
        raise SystemExit(
            "readability is measured by textstat, which is not installed: "
            "pip install -e '.[examples]'"
        ) from error
    print(f"---\nfingerprint.textstat: {installed}")


if __name__ == "__main__":
    main()
