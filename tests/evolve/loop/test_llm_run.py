"""Runs with a language model: a real HTTP server that speaks chat-completions, with a script."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

KEY = "sk-a-key-that-nobody-may-see-12345"
COMMON = ("--task", "toy", "--run", "m", "--devices", "cpu:0,cpu:1", "--final-runs", "0")


def evolve(place: Any, server: Any, *arguments: str) -> Any:
    return place.evolve(
        *COMMON,
        *("--model", "openai/test", "--api-base", server.base),
        *arguments,
        env={"OPENAI_API_KEY": KEY},
    )


def talk(scripted: ModuleType) -> Callable[[Any], str]:
    """A script whose every third answer is no edit, and whose others reach several cells."""

    def script(request: Any) -> str:
        if request.number % 3 == 2 and not request.is_retry:
            return "I think that the learning rate should be higher."
        found = re.search(r"^WIDTH = .*$", request.genome, re.MULTILINE)
        assert found
        width = 8 * 2 ** (request.number % 5) + request.number + 1
        return str(scripted.edit(found[0], f"WIDTH = {width}", idea=f"width {width}"))

    return script


@pytest.fixture(scope="module")
def talked(make_place: Callable[[], Any], serve: Any, scripted: ModuleType) -> Any:
    """A complete run with mutations, crossovers and replies that are no edits."""
    place, server = make_place(), serve(talk(scripted))
    operators = "tweak,crossover,perturb:0.2"
    done = evolve(place, server, "--generations", "4", "--price", "2:10", "--operators", operators)
    assert done.returncode == 0, done.stderr
    place.output, place.server = done.stdout, server
    return place


def test_mutations_have_one_git_parent_and_crossovers_two(talked: Any) -> None:
    commits = dict(talked.rows("m", "SELECT id, commit_hash FROM individuals"))
    arity = {"tweak": 1, "crossover": 2, "perturb": 1, "recombine": 2}
    found = set()
    for number, operator, parents in talked.rows(
        "m", "SELECT id, operator, parents FROM individuals WHERE id > 0"
    ):
        git_parents = talked.git("m", "log", "-1", "--format=%P", f"refs/genomes/{number}").split()
        assert git_parents == [commits[parent] for parent in json.loads(parents)]
        assert len(git_parents) == arity[operator]
        found.add(operator)
    assert {"tweak", "crossover"} <= found


def test_the_child_is_the_reply_applied_to_the_parent(talked: Any) -> None:
    rows = talked.rows("m", "SELECT id, description FROM individuals WHERE operator = 'tweak'")
    assert rows
    for number, description in rows:
        width = description.removeprefix("width ")
        source = talked.git("m", "show", f"refs/genomes/{number}:toy.py")
        assert f"\nWIDTH = {width}\n" in source
        message = talked.git("m", "log", "-1", "--format=%B", f"refs/genomes/{number}")
        assert message.startswith(f"#{number} tweak: width {width}\n\nit should help")


def test_tokens_and_cost_of_every_call_are_recorded(talked: Any, scripted: ModuleType) -> None:
    calls = talked.rows("m", "SELECT tokens_in, tokens_out, cost, model, error FROM calls")
    assert len(calls) == len(talked.server.requests)
    cost = pytest.approx((scripted.TOKENS_IN * 2 + scripted.TOKENS_OUT * 10) / 1e6)
    for call in calls:
        assert call == (scripted.TOKENS_IN, scripted.TOKENS_OUT, cost, "openai/test", "")
    proposals = talked.count("m", "proposals WHERE operator IN ('tweak', 'crossover')")
    assert len(calls) > proposals, "some were asked twice"


def test_a_reply_that_is_no_edit_goes_back_once_with_the_reason(talked: Any) -> None:
    retries = [request for request in talked.server.requests if request.is_retry]
    assert retries
    for request in retries:
        assert [m["role"] for m in request.messages] == ["system", "user", "assistant", "user"]
        assert "learning rate should be higher" in request.messages[2]["content"]
        assert "SEARCH" in request.last


def test_the_model_sees_the_task_the_genome_and_what_was_tried(talked: Any) -> None:
    last = talked.server.requests[-1]
    assert "Make the score small." in last.system + last.user
    assert "WIDTH = " in last.genome
    assert "than its parent" in last.user
    assert any(request.is_crossover for request in talked.server.requests)


def test_a_child_of_two_is_compared_with_the_better_one(talked: Any) -> None:
    number, parents = talked.rows(
        "m",
        "SELECT i.id, i.parents FROM individuals i JOIN measurements m ON m.individual = i.id "
        "WHERE operator = 'crossover' AND fitness NOT NULL ORDER BY i.id LIMIT 1",
    )[0]
    shown = talked.evolve("show", "m", str(number)).stdout
    own = shown.partition("its notes:")[2].partition("\n\n")[0]
    assert re.search(r"(than|from) the better parent, #(\d+)", own)[2] in map(
        str, json.loads(parents)
    )


def test_the_key_reaches_the_server_and_nothing_else(talked: Any) -> None:
    assert all(r.authorization == f"Bearer {KEY}" for r in talked.server.requests)
    assert KEY not in talked.output
    for path in talked.run("m").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    packed = talked.rows("m", "SELECT prompt, reply FROM calls")
    assert packed
    for text in (zlib.decompress(data).decode() for row in packed for data in row):
        assert text
        assert KEY not in text


def test_children_do_not_see_the_key(
    make_place: Callable[[], Any], serve: Any, scripted: ModuleType
) -> None:
    place = make_place()
    toy = place.task_folder / "toy.py"
    place.write(toy.read_text().replace("\nWIDTH", "\nprint(sorted(os.environ.items()))\nWIDTH"))
    done = evolve(place, serve(scripted.tweaked), "--generations", "1")
    assert done.returncode == 0, done.stderr
    logs = [path.read_text() for path in (place.run("m") / "logs").glob("*.log")]
    assert len(logs) >= 6
    assert all("TRAINER_SEED" in log and KEY not in log for log in logs)


def test_a_child_that_fails_early_goes_back_to_the_model_with_what_it_printed(
    make_place: Callable[[], Any], serve: Any, scripted: ModuleType
) -> None:
    broken = "raise RuntimeError('no such kernel')\n"

    def script(request: Any) -> str:
        mending = "Mend it" in request.user
        if not mending and request.number:
            return str(scripted.tweaked(request))
        if not mending:
            return str(scripted.edit("WIDTH = 32  # units", f"{broken}WIDTH = 640", "a kernel"))
        return str(scripted.edit(broken.strip(), "", "another kernel"))

    place, server = make_place(), serve(script)
    place.write((place.task_folder / "toy.py").read_text().replace("DEPTH = 4", "DEPTH = 0"))
    options = ("--children", "5", "--budget", "20", "--operators", "tweak,repair")
    done = evolve(place, server, "--generations", "9", *options)
    assert done.returncode == 0, done.stderr
    request = next(r for r in server.requests if "Mend it" in r.user)
    assert 'Its idea was "a kernel".' in request.user
    assert '(crash): "RuntimeError: no such kernel"' in request.user
    assert re.search(r"^\| Traceback \(most recent call last\)", request.user, re.MULTILINE)
    broken_ones = place.rows("m", "SELECT individual FROM measurements WHERE status = 'crash'")
    mended = place.rows(
        "m",
        "SELECT parents, status FROM individuals i JOIN measurements m ON m.individual = i.id "
        "WHERE operator = 'repair' AND purpose = 'search'",
    )
    assert mended == [(f"[{broken_ones[0][0]}]", "ok")]


def test_max_cost_is_kept_and_offline_operators_go_on(
    make_place: Callable[[], Any], serve: Any, scripted: ModuleType
) -> None:
    place, server = make_place(), serve(scripted.tweaked)
    each = (scripted.TOKENS_IN * 2 + scripted.TOKENS_OUT * 10) / 1e6
    limit = 7.5 * each
    done = evolve(
        *(place, server, "--generations", "4", "--price", "2:10"),
        *("--operators", "tweak:1,perturb:1", "--max-cost", str(limit)),
    )
    assert done.returncode == 0, done.stderr
    assert place.rows("m", "SELECT sum(cost) FROM calls")[0][0] <= limit
    assert len(server.requests) == 7
    assert place.count("m", "individuals WHERE id > 0") == 20
    assert "the offline operators go on" in done.stdout


def test_a_cap_without_a_price_is_refused(make_place: Callable[[], Any], serve: Any) -> None:
    place, server = make_place(), serve(lambda request: 500)
    done = evolve(place, server, "--max-cost", "1")
    assert done.returncode == 2
    assert "--price" in done.stderr
    assert server.requests == []


def test_a_model_that_does_not_answer_gives_way_to_the_offline_operators(
    make_place: Callable[[], Any], serve: Any
) -> None:
    place, server = make_place(), serve(lambda request: (401, f"bad key {KEY}"))
    done = evolve(place, server, "--generations", "2", "--offline-after", "1")
    assert done.returncode == 1, "it was asked to work with a model, and did not"
    assert "no model ever answered" in done.stdout
    assert place.count("m", "individuals WHERE id > 0") == 10
    errors = place.rows("m", "SELECT error, cost, reply FROM calls")
    assert errors
    assert all("AuthenticationError" in error and KEY not in error for error, _, _ in errors)
    assert KEY not in done.stdout
    assert "did not answer" in done.stdout
    assert "the offline operators go on" in done.stdout


def test_a_model_that_never_gives_a_child_is_told_few_times_and_is_no_success(
    place: Any, chat: Callable[[Any], Any]
) -> None:
    server = chat(lambda request: "I am sorry, I cannot help with that.")
    done = place.evolve(
        *("--task", "toy", "--run", "m", "--generations", "2", "--final-runs", "0"),
        *("--model", "openai/test", "--api-base", server.base),
    )
    assert done.returncode == 1, done.stderr
    replies = place.count("m", "calls WHERE error = ''")
    assert f"none of the models' {replies} replies gave a child" in done.stdout
    assert "prompts m --refused" in done.stdout
    refused = place.count("m", "proposals WHERE reason != '' AND told > 0")
    told = [line for line in done.stdout.splitlines() if " gave no child: " in line]
    assert len(told) == len({line.partition(" ")[0] for line in told}), "once for each operator"
    assert refused >= len(told)
