"""The cap on dollars: what is on its way counts, and what is too expensive is not asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.rows import ModelCall
from evolve.models import (
    BudgetSpentError,
    CostBudget,
    Ensemble,
    LiteLLM,
    ModelError,
    Price,
    TooLongError,
)
from evolve.models.client import USUAL_REPLY

# litellm's own types make pydantic wonder when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

ASKED = [{"role": "user", "content": "Hello?"}]
A, B = "openai/a", "openai/b"
PER_REPLY_TOKEN = Price(0, 1)
Chat = Callable[[Callable[[Any], Any]], Any]


def model(server: Any, name: str = A, price: Price = PER_REPLY_TOKEN) -> LiteLLM:
    return LiteLLM(name, api_base=server.base, price=price, max_retries=0)


def ask_often(ensemble: Ensemble, times: int, calls: list[ModelCall]) -> None:
    """Ask in so many threads at once."""
    threads = [
        threading.Thread(target=ensemble.ask, args=(A, ASKED, calls), daemon=True)
        for _ in range(times)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@given(
    st.floats(0.01, 1),
    st.lists(st.tuples(st.sampled_from(["ask", "answer"]), st.floats(0, 0.4)), max_size=60),
)
def test_what_costs_no_more_than_expected_never_exceeds_the_cap(
    most: float, steps: list[tuple[str, float]]
) -> None:
    budget, spent, on_their_way = CostBudget(most), 0.0, []
    for step, price in [*steps, *[("answer", 0.0)] * len(steps)]:
        if step == "answer" and on_their_way:
            expected = on_their_way.pop()
            budget.settle(expected, expected)
            spent += expected
        elif step == "ask":
            reserved = sum(on_their_way)
            try:
                if budget.reserve(price):
                    on_their_way.append(price)
                else:
                    assert reserved > 0, "only what is on its way is waited for"
                    assert spent + reserved + price > most - 1e-9, "nothing waits that fits"
            except BudgetSpentError:
                assert spent + price > most - 1e-9, "nothing is refused that fits"
    assert spent <= most + 1e-9


def test_without_a_cap_money_does_not_matter() -> None:
    budget = CostBudget(None, spent=1e9)
    assert not budget.limited
    assert all(budget.reserve(1e9) for _ in range(99))


@pytest.mark.parametrize(("most", "spent"), [(0.0, 0.0), (2.0, 2.0), (2.0, 2.5)])
def test_when_the_money_is_gone_nothing_is_asked_not_even_what_is_free(
    most: float, spent: float
) -> None:
    with pytest.raises(BudgetSpentError, match=rf"took \${spent:.2f} of the \${most:.2f} allowed"):
        CostBudget(most, spent).reserve(0.0)


def test_a_run_that_goes_on_has_what_is_left(chat: Chat, scripted: ModuleType) -> None:
    each = scripted.TOKENS_OUT / 1e6
    server, calls = chat(lambda request: "yes"), list[ModelCall]()
    budget = CostBudget(10.5 * each, spent=each)
    ensemble = Ensemble([model(server)], budget=budget, patience=60)
    for _ in range(9):  # after the first the length of its replies is known
        ensemble.ask(A, ASKED, calls)
    with pytest.raises(BudgetSpentError, match="the models took"):
        ensemble.ask(A, ASKED, calls)
    assert budget.exhausted
    assert len(server.requests) == len(calls) == 9


def test_what_is_too_expensive_from_one_model_a_cheaper_one_is_asked(chat: Chat) -> None:
    server, calls = chat(lambda request: "yes"), list[ModelCall]()
    budget = CostBudget(1.0)
    expensive, cheap = model(server, A, Price(0, 1000)), model(server, B, Price(0, 10))
    answer = Ensemble([expensive, cheap], budget=budget, patience=60).ask(A, ASKED, calls)
    assert (answer.model, calls) == (B, [answer])
    assert [request.model for request in server.requests] == ["b"]
    assert not budget.exhausted


def test_where_one_model_failed_and_another_is_too_expensive_the_budget_stays_open(
    chat: Chat,
) -> None:
    answers = iter([500, "the cheap one is back"])
    server, calls = chat(lambda request: next(answers)), list[ModelCall]()
    budget = CostBudget(1.0)
    cheap, expensive = model(server, A, Price(0, 10)), model(server, B, Price(0, 1000))
    ensemble = Ensemble([cheap, expensive], budget=budget, patience=60)
    with pytest.raises(ModelError, match="openai/a did not answer"):
        ensemble.ask(A, ASKED, calls)
    assert not budget.exhausted
    assert ensemble.ask(B, ASKED, calls).model == A
    assert [request.model for request in server.requests] == ["a", "a"]


def test_where_one_model_is_too_small_and_another_too_expensive_the_budget_stays_open(
    chat: Chat,
) -> None:
    server = chat(lambda request: (400, "maximum context length is 4096 tokens"))
    budget = CostBudget(1.0)
    small, expensive = model(server, A, Price(0, 10)), model(server, B, Price(0, 1000))
    with pytest.raises(TooLongError):
        Ensemble([small, expensive], budget=budget, patience=60).ask(A, ASKED, [])
    assert not budget.exhausted


def test_what_is_too_expensive_from_every_model_exhausts_the_budget(chat: Chat) -> None:
    server = chat(lambda request: "yes")
    budget = CostBudget(1.0)
    models = [model(server, name, Price(0, 1000)) for name in (A, B)]
    with pytest.raises(BudgetSpentError):
        Ensemble(models, budget=budget, patience=60).ask(A, ASKED, [])
    assert budget.exhausted
    assert server.requests == []


def test_a_request_waits_while_one_on_its_way_may_leave_enough(chat: Chat) -> None:
    arrived, release = threading.Event(), threading.Event()

    def script(request: Any) -> str:
        arrived.set()
        release.wait(60)
        return "cheaper than expected"

    def sleep(seconds: float) -> None:
        assert arrived.wait(60)
        counts.append(len(server.requests))
        release.set()

    server, calls, counts = chat(script), list[ModelCall](), list[int]()
    expected = PER_REPLY_TOKEN.compute_cost(0, USUAL_REPLY)
    budget = CostBudget(1.5 * expected)
    ask_often(Ensemble([model(server)], budget=budget, patience=60, sleep=sleep), 2, calls)
    assert counts[0] == 1, "the other one waits"
    assert [call.error for call in calls] == ["", ""]


def test_retries_are_paid_from_the_same_budget(chat: Chat) -> None:
    """Three rounds of a proposal, in many threads: the cap counts requests, not proposals."""
    server, calls = chat(lambda request: "What?"), list[ModelCall]()
    budget = CostBudget(PER_REPLY_TOKEN.compute_cost(0, 4 * USUAL_REPLY))
    ensemble = Ensemble([model(server)], budget=budget, patience=60, sleep=lambda seconds: None)

    def three_times() -> None:
        try:
            for _ in range(3):
                ensemble.ask(A, ASKED, calls)
        except BudgetSpentError:
            pass

    threads = [threading.Thread(target=three_times, daemon=True) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert budget.exhausted
    assert len(server.requests) == len(calls)
    assert sum(call.cost or 0.0 for call in calls) <= PER_REPLY_TOKEN.compute_cost(
        0, 4 * USUAL_REPLY
    )
    assert len(calls) > 4, "once it is known that the replies are short, more of them fit"
