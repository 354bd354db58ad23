"""Keys go to the servers that they are for, and are in nothing that is recorded or told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.models import LiteLLM, ModelError
from evolve.models.model_spec import OPENAI_LIKE, OWN_SERVERS, name_key_variable
from evolve.models.prices import FREE
from trainer.secrets import MASK, SHORTEST, SURELY, Secrets

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
KEY = "sk-abcdefgh"
LONG = f"{KEY}-{KEY}-{KEY}"
Chat = Callable[[Callable[[Any], Any]], Any]


def error_of(model: LiteLLM) -> ModelError:
    with pytest.raises(ModelError) as caught:
        model(ASKED)
    return caught.value


def test_the_key_of_the_environment_is_sent_and_never_shown(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = chat(lambda request: (400, f"bad header: {request.authorization}"))
    error = error_of(LiteLLM("openai/test", api_base=server.base))
    assert server.requests[0].authorization == f"Bearer {KEY}"
    assert "bad header: Bearer ***" in str(error)
    assert KEY not in str(error) + repr(error.call)


@pytest.mark.parametrize("name", ["X_API_KEY", "HF_TOKEN", "db_password", "clientSecret"])
def test_whatever_the_environment_calls_a_secret_is_hidden(chat: Chat, name: str) -> None:
    server = chat(lambda request: (400, f"<{KEY}> twice <{KEY}> in plain sight"))
    environment = {name: KEY, "HOME": "in plain sight", "EMPTY_KEY": ""}
    error = error_of(LiteLLM("openai/test", api_base=server.base, environment=environment))
    assert "<***> twice <***> in plain sight" in error.call.error
    assert KEY not in str(error)


def test_a_key_that_a_server_sends_back_is_not_in_the_reply(chat: Chat) -> None:
    long = f"{KEY}-{KEY}-{KEY}"
    server = chat(lambda request: f"your key is {long}, and training is a word")
    model = LiteLLM(
        "openai/test",
        api_base=server.base,
        environment={"OPENAI_API_KEY": long, "SOME_TOKEN": "training"},
    )
    assert model(ASKED).reply == "your key is ***, and training is a word"


@pytest.mark.parametrize("names", [("A_KEY", "B_KEY"), ("B_KEY", "A_KEY")])
def test_of_a_secret_that_begins_with_another_nothing_is_shown(
    chat: Chat, names: tuple[str, str]
) -> None:
    server = chat(lambda request: (400, f"<{KEY}-and-more>"))
    environment = dict(zip(names, (KEY, f"{KEY}-and-more"), strict=True))
    error = error_of(LiteLLM("openai/test", api_base=server.base, environment=environment))
    assert "<***>" in error.call.error


def test_a_key_in_a_prompt_is_neither_sent_nor_recorded(chat: Chat) -> None:
    server = chat(lambda request: "yes")
    environment = {"SOME_API_KEY": f"{LONG}'\"\\", "PLAIN": "a value that is no secret"}
    model = LiteLLM("openai/test", api_base=server.base, environment=environment)
    said = f"it printed {environment['SOME_API_KEY']} and a value that is no secret"
    call = model([{"role": "user", "content": said}])
    seen = [{"role": "user", "content": "it printed *** and a value that is no secret"}]
    assert server.requests[0].messages == seen
    assert json.loads(call.prompt) == seen
    assert KEY not in call.prompt


# -- the helper -----------------------------------------------------------------------------------

short = st.text("abc", min_size=SHORTEST, max_size=SURELY - 1)
long = st.text("abc", min_size=SURELY, max_size=2 * SURELY)


@given(st.lists(short | long, max_size=3), st.text("ab c", max_size=80))
def test_of_no_secret_anything_is_left(values: list[str], text: str) -> None:
    secrets = Secrets({f"KEY_{number}": value for number, value in enumerate(values)})
    told = text.join(values)
    assert not any(value in secrets.hide(told) for value in values)
    in_code = secrets.hide_in_code(told)
    assert not any(value in in_code for value in values if len(value) >= SURELY)
    assert Secrets({}).hide(told) == told


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("https_proxy", "http://me:pass-word@proxy:3128", "pass-word"),
        ("DATABASE_URL", "postgres://me:pass-word@host/db?ssl=1", "pass-word"),
        ("DB_PASSWD", " pass-word\n", "pass-word"),
        ("AWS_SECRET_ACCESS_KEY", "abcdefgh", "abcdefgh"),
        ("CERTIFICATE_KEY", f"-----BEGIN-----\n{LONG}\n{LONG[1:]}\n-----END-----", LONG[1:]),
    ],
)
def test_secrets_are_known_by_their_names_and_by_their_place_in_an_address(
    name: str, value: str, secret: str
) -> None:
    assert Secrets({name: value}).hide(f"<{secret}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("HOME", "/home/somebody"), ("TOKENIZER", "some-tokenizer-of-somebody")),
        *(("KEYBOARD_LAYOUT", "qwertz-latin1"), ("API_KEY", "short"), ("URL", "http://host:8000")),
    ],
)
def test_what_is_no_secret_stays(name: str, value: str) -> None:
    assert Secrets({name: value}).hide(f"<{value}>") == f"<{value}>"


def test_what_may_be_a_word_of_the_code_stays_in_code() -> None:
    secrets = Secrets({"SOME_TOKEN": "training"})
    assert secrets.hide("training failed") == "*** failed"
    assert secrets.hide_in_code("training = True") == "training = True"


# -- which key goes where -------------------------------------------------------------------------


@pytest.mark.parametrize("who", OWN_SERVERS)
def test_a_server_of_ones_own_gets_its_own_key_and_no_other(chat: Chat, who: str) -> None:
    server = chat(lambda request: 401)
    name, own = f"{who}/test", name_key_variable(f"{who}/test")
    others = {name_key_variable(f"{one}/x") for one in OWN_SERVERS} | {"ANTHROPIC_API_KEY"}
    keys = {variable: f"key-of-{variable}" for variable in sorted(others)}
    model = LiteLLM(name, api_base=server.base, price=FREE, environment=keys, max_retries=0)
    error_of(model)
    assert server.requests
    for request in server.requests:
        assert request.authorization == f"Bearer {keys[own]}"
        assert not any(key in request.head for variable, key in keys.items() if variable != own)


@pytest.mark.parametrize("who", OPENAI_LIKE)
def test_openais_key_goes_to_nobody_who_says_that_he_is_openais_model(chat: Chat, who: str) -> None:
    server = chat(lambda request: 401)
    environment = {"OPENAI_API_KEY": LONG}
    error_of(LiteLLM(f"{who}/gpt-4o-mini", api_base=server.base, environment=environment))
    assert [request.authorization for request in server.requests] == ["Bearer none"]
    assert LONG not in server.requests[0].head


@pytest.mark.parametrize("name", ["anthropic/claude-sonnet-4-5", "gpt-4o", "bedrock/openai/x"])
def test_a_hosted_model_is_asked_at_no_other_server(name: str) -> None:
    with pytest.raises(ValueError, match="only its provider may see its key"):
        LiteLLM(name, api_base="http://127.0.0.1:1/v1")
