"""What models cost: as the user says, as litellm's table knows, or nobody knows."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.models import LiteLLM
from evolve.models.client import USUAL_REPLY
from evolve.models.prices import FREE, Price, PriceList, look_up_price

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

dollars = st.floats(0, 1e4)
tokens = st.integers(0, 10**7)


@given(dollars, dollars, tokens, tokens)
def test_a_price_is_for_a_million_tokens_in_and_out(
    price_in: float, price_out: float, tokens_in: int, tokens_out: int
) -> None:
    price = Price.parse(f"{price_in!r}:{price_out!r}")
    assert price == Price(price_in, price_out)
    exact = Fraction(price_in) * tokens_in + Fraction(price_out) * tokens_out
    assert price.compute_cost(tokens_in, tokens_out) == pytest.approx(float(exact / 10**6))


@pytest.mark.parametrize("text", ["", "1", "1:", "1:2:3", "a:b", "-1:2", "1:-2", "nan:1", "1,5:2"])
def test_what_is_no_price_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=f"price.*{text}"):
        Price.parse(text)


def test_the_table_knows_some_prices_and_a_server_of_ones_own_has_none() -> None:
    known = LiteLLM("gpt-4o-mini").price
    assert known is not None
    assert 0 < known.tokens_in < known.tokens_out < 10
    assert LiteLLM("openai/gpt-4o-mini").price == known
    assert LiteLLM("openai/of-this-house").price is None
    assert LiteLLM("openai/gpt-4o-mini", api_base="http://127.0.0.1:1/v1").price is None
    assert LiteLLM("gpt-4o-mini", price=Price(1, 2)).price == Price(1, 2)


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("anthropic/claude-sonnet-4-5", Price(3, 15)),
        ("claude-sonnet-4-5", Price(3, 15)),
        ("openai/responses/gpt-4o-mini", Price(0.15, 0.6)),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", Price(3.3, 16.5)),
        ("bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0", Price(3.3, 16.5)),
        ("vertex_ai/gemini-2.5-pro", Price(1.25, 10)),
        ("groq/claude-sonnet-4-5", None),
        ("anthropic/claude-of-tomorrow", None),
        ("hosted_vllm/gpt-4o-mini", None),
        ("ollama_chat/qwen3:8b", FREE),
    ],
)
def test_a_price_is_found_with_the_provider_and_without(name: str, price: Price | None) -> None:
    found = LiteLLM(name).price
    assert (found is None) == (price is None)
    if found is not None and price is not None:
        assert (found.tokens_in, found.tokens_out) == pytest.approx(
            (price.tokens_in, price.tokens_out)
        )


def entry(provider: str, tokens_in: float | None, tokens_out: float | None) -> dict[str, object]:
    return {
        "litellm_provider": provider,
        "input_cost_per_token": tokens_in,
        "output_cost_per_token": tokens_out,
    }


TABLE = {
    "who/whole": entry("who", 1e-6, 2e-6),
    "whole": entry("who", 7e-6, 7e-6),
    "bare": entry("who_converse", 3e-6, 4e-6),
    "nothing": entry("who", 0.0, 0.0),
    "half": entry("who", None, 4e-6),
    "in for nothing": entry("who", 0, 4e-6),
    "images": {"litellm_provider": "who"},
}


@pytest.mark.parametrize(
    ("name", "price"),
    [
        *(("who/whole", Price(1, 2)), ("who/bare", Price(3, 4)), ("who/eu-west/bare", Price(3, 4))),
        *(("bare", Price(3, 4)), ("who/in for nothing", Price(0, 4)), ("else/bare", None)),
        *(("else/who/bare", None), ("who/nothing", None), ("nothing", None), ("who/half", None)),
        *(("who/images", None), ("who/unknown", None), ("unknown", None), ("", None), ("/", None)),
    ],
)
def test_the_table_is_believed_where_it_speaks_of_the_same_provider(
    name: str, price: Price | None
) -> None:
    assert look_up_price(name, TABLE) == price


def test_prices_are_of_a_model_or_of_all_that_are_unknown() -> None:
    prices = PriceList.parse(["1:2", "openai/a=3:4", "x=y=5:6", "openai/a=0:0", "7:8"])
    assert prices == PriceList({"openai/a": FREE, "x=y": Price(5, 6)}, Price(7, 8))
    assert PriceList.parse([]) == PriceList({}, None)
    for text in ("a=", "=", "a=1", "a=b:1"):
        with pytest.raises(ValueError, match="a price is"):
            PriceList.parse([text])


def test_an_estimate_counts_the_request_and_a_usual_reply() -> None:
    words = [{"role": "user", "content": "word " * 500}]
    of_input = LiteLLM("openai/x", price=Price(1e6, 0)).estimate(words)
    assert of_input is not None
    assert 500 <= of_input < 520
    of_reply = LiteLLM("openai/x", price=Price(0, 1e6)).estimate(words)
    assert of_reply == USUAL_REPLY
    assert LiteLLM("openai/x").estimate(words) is None
