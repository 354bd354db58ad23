"""What `--model` says: a name, a weight, and the address of a server of one's own."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evolve.models.model_spec import LOCAL, OWN_SERVERS, ModelSpec, check_address, is_free

BASE = "http://127.0.0.1:8000/v1"
names = st.from_regex(r"[a-z][a-z0-9./-]{0,12}(:[0-9]*[a-z][a-z0-9]*)?", fullmatch=True)
weights = st.floats(1e-3, 1e3).map(lambda weight: f"{weight:.3f}") | st.just(".5")


@given(names, weights)
def test_a_model_has_a_weight_after_its_name_or_weighs_one(name: str, weight: str) -> None:
    assert ModelSpec.parse(name) == ModelSpec(name, 1.0)
    assert ModelSpec.parse(f" {name}:{weight}\n") == ModelSpec(name, float(weight))


@given(st.sampled_from(OWN_SERVERS), names, weights)
def test_a_model_of_a_server_of_ones_own_may_have_its_address(
    who: str, name: str, weight: str
) -> None:
    name = f"{who}/{name}"
    assert ModelSpec.parse(f"{name}@{BASE}") == ModelSpec(name, 1.0, BASE)
    assert ModelSpec.parse(f"{name}:{weight}@{BASE}") == ModelSpec(name, float(weight), BASE)


@pytest.mark.parametrize(
    "name",
    [
        *("ollama/qwen3:8b", "anthropic/claude-x", "openai/gpt-5.1", "anthropic/claude-haiku-4-5"),
        *("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0", "bedrock/anthropic.claude-v2:1"),
        *("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "mistral.mistral-7b-v0:2"),
        *("bedrock/openai.gpt-oss-120b-1:0", "bedrock/amazon.nova-premier-v1:0:1000k"),
        *("vertex_ai/claude-sonnet-4-5@20250929", "cloudflare/@cf/meta/llama-2-7b"),
    ],
)
def test_a_tag_or_a_number_in_a_name_is_no_weight(name: str) -> None:
    assert ModelSpec.parse(name) == ModelSpec(name)
    assert ModelSpec.parse(f"{name}:3") == ModelSpec(name, 3)
    assert ModelSpec.parse(f"{name}:0.25") == ModelSpec(name, 0.25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(("", "is empty"), ("  ", "is empty"), ("a:0", "a "), ("anthropic/x-4-5:0", "x-4-5 ")),
        (f"openai/x@{BASE}:0.7", r"openai/x has its weight before .* NAME:WEIGHT@URL"),
        ("openai/x@http://127.0.0.1:8000:2", "NAME:WEIGHT@URL"),
        ("openai/x@http://127.0.0.1:port/v1", "http://HOST:PORT/v1"),
        ("openai/x@http://", "http://HOST:PORT/v1"),
        (f"anthropic/claude@{BASE}", "claude is hosted, and only its provider may see its key"),
        (f"gpt-4o@{BASE}", "hosted"),
    ],
)
def test_what_names_no_model_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelSpec.parse(text)


@given(st.text(max_size=12) | st.text("a:.01/- ", max_size=8))
@example(":0")
@example("a:0.000")
def test_any_text_is_a_model_or_refused_in_words(text: str) -> None:
    spec, refusal = None, ""
    try:
        spec = ModelSpec.parse(text)
    except ValueError as error:
        refusal = str(error)
    if spec is None:
        assert "model" in refusal
    else:
        assert spec.weight > 0
        assert spec.name
        assert text.strip().startswith(spec.name)


@pytest.mark.parametrize(
    "address",
    [
        *("http://me:PASSWORD@host/v1", "https://PASSWORD@host", "me:PASSWORD@host:8000"),
        *("https://host/v1?key=PASSWORD", "https://host/v1#PASSWORD"),
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(ValueError, match=r"no password .* OPENAI_API_KEY") as refused:
        check_address(address)
    assert "PASSWORD" not in str(refused.value)
    if address.startswith("http"):
        with pytest.raises(ValueError, match="no password"):
            ModelSpec.parse(f"openai/x@{address}")


@pytest.mark.parametrize("address", ["", "127.0.0.1:8000", "ftp://host", "http:///v1", "host"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"http://HOST:PORT/v1"):
        check_address(address)


@given(st.sampled_from(OWN_SERVERS))
def test_the_general_address_is_for_those_on_servers_of_ones_own_that_have_none(who: str) -> None:
    own, other = f"{who}/x", "https://elsewhere/v1"
    assert ModelSpec.parse(own).choose_server(BASE) == BASE
    assert ModelSpec.parse(own).choose_server(None) is None
    assert ModelSpec.parse(f"{own}@{other}").choose_server(BASE) == other
    for hosted in ("anthropic/x", "x", "gemini/x", "bedrock/openai/x", "openrouter/openai/x"):
        assert ModelSpec.parse(hosted).choose_server(BASE) is None


@pytest.mark.parametrize("who", LOCAL)
def test_what_runs_on_this_machine_is_free_and_nothing_else(who: str) -> None:
    name, there = f"{who}/qwen3:8b", "http://10.0.0.7:11434"
    variable = f"{who.removesuffix('_chat').upper()}_API_BASE"
    assert is_free(name, None, {})
    assert is_free(name, "http://localhost:11434", {variable: there})
    assert not is_free(name, there, {})
    assert not is_free(name, None, {variable: there})
    assert not is_free(f"{who}/gpt-oss:120b-cloud", None, {})
    assert not is_free("openai/qwen3:8b", BASE, {})
