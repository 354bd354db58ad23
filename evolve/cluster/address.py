"""The address of a cluster, as `--cluster` takes it."""

from __future__ import annotations

import argparse
import re

AUTO, NONE = "auto", "none"
CLIENT = re.compile(r"ray://[^\s/:]+:\d+")
LOCAL = re.compile(r"local:([1-9]\d*)")


def parse_address(text: str) -> str:
    """The address of a cluster; empty for "none".

    Raises:
        argparse.ArgumentTypeError: It is no such address.
    """
    if text == NONE:
        return ""
    if text == AUTO or CLIENT.fullmatch(text) or LOCAL.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not {AUTO}, ray://HOST:PORT, local:N or {NONE}")


def count_local_workers(address: str) -> int:
    """Number of workers of a cluster that is started on this machine; 0 for any other address."""
    found = LOCAL.fullmatch(address)
    return int(found[1]) if found else 0
