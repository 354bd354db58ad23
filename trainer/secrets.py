"""What the environment keeps secret, kept out of what is sent, stored and shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMED = re.compile(
    r"key(?!board|ring)|token(?!iz)|secret|passw|passphrase|credential", re.IGNORECASE
)
IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")  # the password of a proxy or a database
SHORTEST = 8  # characters of a secret
SURELY = 20  # that are hidden in code, too, where a shorter one may be a word of it
MASK = "***"


class Secrets:
    """The secrets of an environment: what it calls a key, and the passwords of its URLs.

    Args:
        environment: names with their values.
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
        """A text of people and programs, such as an error or a log, without any secret."""
        return self._without(text, SHORTEST)

    def hide_in_code(self, text: str) -> str:
        """A text with code in it, without those secrets that are too long for a word of it."""
        return self._without(text, SURELY)

    def _without(self, text: str, shortest: int) -> str:
        for secret in self._secrets:
            if len(secret) >= shortest:
                text = text.replace(secret, MASK)
        return text
