"""What models cost: as the user says, or as litellm's table knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolve.models.model_spec import read_provider
from evolve.settings import OptionError

Table = Mapping[str, Mapping[str, Any]]  # litellm's, from the name of a model to its facts


@dataclass(frozen=True)
class Price:
    """The price of a model.

    Attributes:
        tokens_in: US dollars for a million tokens of requests.
        tokens_out: US dollars for a million tokens of replies.
    """

    tokens_in: float
    tokens_out: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """Read IN:OUT.

        Raises:
            OptionError: The text is no pair of numbers from 0.
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

    def compute_cost(self, tokens_in: int, tokens_out: int) -> float:
        """The cost of a request, in dollars."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1e6


FREE = Price(0.0, 0.0)


@dataclass(frozen=True)
class PriceList:
    """The prices that the user gives.

    Attributes:
        named: Prices of single models, by name.
        other: Price of every other model of unknown price; None leaves it unknown.
    """

    named: Mapping[str, Price]
    other: Price | None = None

    @classmethod
    def parse(cls, texts: Sequence[str]) -> PriceList:
        """Read any number of NAME=IN:OUT and IN:OUT; the last one counts.

        Raises:
            OptionError: One of the texts is no price.
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


def look_up_model(name: str, table: Table) -> Mapping[str, Any]:
    """Look up the facts of a hosted model in litellm's table; empty if it does not know the model.

    The table has some names with their provider and some without. The latter count only if they are
    of the same provider, since others have other prices and limits.
    """
    entry, (_, _, rest) = table.get(name), name.partition("/")
    while entry is None and rest:
        found = table.get(rest, {})
        if str(found.get("litellm_provider", "")).startswith(read_provider(name)):
            entry = found
        rest = rest.partition("/")[2]
    return entry or {}


def look_up_price(name: str, table: Table) -> Price | None:
    """Look up the price of a hosted model; None if it is unknown.

    Where both prices are 0, nobody has filled them in.
    """
    entry = look_up_model(name, table)
    prices = [entry.get(f"{way}_cost_per_token") for way in ("input", "output")]
    if None in prices or not any(prices):
        return None
    tokens_in, tokens_out = (float(price) * 1e6 for price in prices if price is not None)
    return Price(tokens_in, tokens_out)
