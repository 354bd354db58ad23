"""What models cost: as the user says, or as litellm's table knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolve.models.model_spec import provider
from evolve.settings import OptionError


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    tokens_in: float
    tokens_out: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """Read IN:OUT.

        Raises:
            OptionError: it is no pair of numbers.
        """
        try:
            tokens_in, tokens_out = map(float, text.split(":"))
        except ValueError as error:
            raise OptionError(
                f"a price is IN:OUT in dollars a million tokens, or NAME=IN:OUT, not {text}"
            ) from error
        if not (0 <= tokens_in < math.inf and 0 <= tokens_out < math.inf):
            raise OptionError(f"a price is a number from 0, not {text}")
        return cls(tokens_in, tokens_out)

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """The cost of a call, in dollars."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


FREE = Price(0.0, 0.0)


@dataclass(frozen=True)
class PriceList:
    """What the user says of prices.

    Attributes:
        named: the prices of single models, by name.
        other: of every other model that nobody knows the price of; None leaves it unknown.
    """

    named: Mapping[str, Price]
    other: Price | None = None

    @classmethod
    def parse(cls, texts: Sequence[str]) -> PriceList:
        """Read any number of NAME=IN:OUT and IN:OUT; the last one counts.

        Raises:
            OptionError: one of them is no price.
        """
        named: dict[str, Price] = {}
        other = None
        for text in texts:
            name, equals, price = text.rpartition("=")
            if equals:
                named[name] = Price.parse(price)
            else:
                other = Price.parse(price)
        return cls(named, other)


def table_price(name: str, table: Mapping[str, Mapping[str, Any]]) -> Price | None:
    """The price of a hosted model in litellm's table; None if that does not know it.

    The table has some names with their provider and some without, which count only if they are of
    the same provider: another one has other prices. Where both prices are 0, nobody has filled
    them in.
    """
    entry, (_, _, rest) = table.get(name), name.partition("/")
    while entry is None and rest:
        found = table.get(rest, {})
        if str(found.get("litellm_provider", "")).startswith(provider(name)):
            entry = found
        rest = rest.partition("/")[2]
    prices = [(entry or {}).get(f"{way}_cost_per_token") for way in ("input", "output")]
    if None in prices or not any(prices):
        return None
    tokens_in, tokens_out = (float(price) * 1e6 for price in prices if price is not None)
    return Price(tokens_in, tokens_out)
