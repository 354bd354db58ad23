"""Checks, before anything costs money, whether the tests can run on this machine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    try:
        installed = version("pytest")
    except PackageNotFoundError as error:
        raise SystemExit(
            "the tests are run by pytest, which is not installed: pip install -e '.[examples]'"
        ) from error
    print(f"---\nfingerprint.pytest: {installed}")


if __name__ == "__main__":
    main()
