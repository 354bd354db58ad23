"""The secrets of an environment, masked in whatever is sent, stored and shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMED = re.compile(
    r"key(?!board|ring)|token(?!iz)|secret|passw|passphrase|credential", re.IGNORECASE
)
IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")  # the password of a proxy or a database
SHORTEST = 8  # characters of a secret
SURELY = 20  # characters of one that is masked in code, too, where a shorter one may be a word
MASK = "***"


class Secrets:
    """The secrets of an environment: values of variables named as keys, and passwords in URLs.

    Args:
        environment: Environment variables by name.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        found = set[str]()
        for name, value in environment.items():
            found.update(IN_URL.findall(value))
            if NAMED.search(name):
                lines = value.split("\n")  # those of a certificate are printed one by one, too
                found |= {value.strip(), *(line.strip() for line in lines if len(line) >= SURELY)}
        # the longest first, since one may be the beginning of another
        known = [secret for secret in found if len(secret) >= SHORTEST]
        self._secrets = sorted(known, key=lambda secret: (-len(secret), secret))

    def hide(self, text: str) -> str:
        """Mask every secret in a text of people and programs, such as an error or a log."""
        return self._without(text, SHORTEST)

    def hide_in_code(self, text: str) -> str:
        """Mask the secrets in a text with code in it, except those that may be a word of it."""
        return self._without(text, SURELY)

    def _without(self, text: str, shortest: int) -> str:
        for secret in self._secrets:
            if len(secret) >= shortest:
                text = text.replace(secret, MASK)
        return text
