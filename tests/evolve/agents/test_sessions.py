"""Every way in which a session can end, by scripted agents in the real sandbox."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from evolve.models import CostBudget, Price
from trainer.sandbox import LEVELS, SandboxError, find_sandbox

Hold = Callable[..., Any]
SECRET = "sk-ant-a-secret-that-nobody-may-see-1234567890"


def test_a_changed_genome_is_taken_with_its_notes_cost_and_brief(hold: Hold) -> None:
    held = hold(
        """
        change()
        assert sys.stdin.read() == "The brief." == pathlib.Path("BRIEF.md").read_text()
        assert pathlib.Path("other_parent.py").read_text() == "other"
        pathlib.Path("notes.md").write_text("# a higher rate\\n\\nit was low")
        report(result="done", total_cost_usd=0.25, usage={"input_tokens": 9, "output_tokens": 3,
               "cache_read_input_tokens": 1})
        """,
        others={"other_parent.py": "other"},
    )
    assert held.error == ""
    assert held.reply.source == "RATE = 0.2\nprint(RATE)\n"
    assert held.reply.notes == "# a higher rate\n\nit was low"
    assert (held.call.cost, held.call.tokens_in, held.call.tokens_out) == (0.25, 10, 3)
    assert "The brief." in held.call.prompt
    assert '"subtype": "success"' in held.log.read_text()
    assert held.may_begin


def test_its_folder_is_a_repository_with_one_commit_and_nothing_above_it(hold: Hold) -> None:
    held = hold(
        """
        import subprocess
        git = lambda *words: subprocess.run(["git", *words], capture_output=True, text=True).stdout
        here = pathlib.Path.cwd()
        rules = [str(p) for up in here.parents for p in up.glob("*.md")]
        print(len(git("log", "--format=%H").split()), git("status", "--porcelain"), rules)
        """
    )
    assert held.log.read_text().split() == ["1", "[]"], held.log.read_text()


# Each has the program, what its reason says, whether the session failed (nothing of it counts),
# and whether its agent may begin another one at once.
FAILURES = {
    "unchanged": ("report(result='I looked at it.')", "left train.py as it was", False, True),
    "denied a tool": (
        "report(result='I could not.', permission_denials=[{'tool_name': 'Bash'}])",
        "denied a tool: Bash",
        False,
        True,
    ),
    "a question": (
        "report(result='Which rate do you want?')",
        "asked a question, which nobody answers: Which rate do you want?",
        False,
        True,
    ),
    "limit of turns": (
        "print(json.dumps({'type': 'result', 'subtype': 'error_max_turns', 'is_error': True}));"
        "sys.exit(1)",
        "its limit of turns",
        False,
        True,
    ),
    "limit of dollars": (
        "print(json.dumps({'type': 'result', 'subtype': 'error_max_budget_usd',"
        "'total_cost_usd': 0.5})); sys.exit(1)",
        "its limit of dollars",
        False,
        True,
    ),
    "rate limit": (
        "report(is_error=True, result='API Error: 429 rate_limit_error')",
        "takes no more requests for now: API Error: 429",
        True,
        False,
    ),
    "login missing": (
        "report(is_error=True, result='Not logged in · Please run /login'); sys.exit(1)",
        "no login or key that works: Not logged in",
        True,
        False,
    ),
    "crash": (
        "print('starting'); raise RuntimeError('no such module')",
        "RuntimeError: no such module",
        True,
        False,
    ),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "ended with", True, False),
    "deletes the genome": ("genome.unlink()", "it deleted train.py", False, True),
    "a link in its place": (
        "genome.unlink(); genome.symlink_to('/etc/passwd')",
        "what it left as train.py is not taken",
        False,
        True,
    ),
    "a pipe in its place": (
        "genome.unlink(); os.mkfifo(genome)",
        "it deleted train.py",  # the sandbox brings back neither pipes nor sockets
        False,
        True,
    ),
    "a folder in its place": (
        "genome.unlink(); genome.mkdir()",
        "what it left as train.py is not taken",
        False,
        True,
    ),
    "a huge file": (
        "genome.write_bytes(b'x' * 40_000_000)",
        "no regular file of at most 1000000 bytes",
        False,
        True,
    ),
    "no text": ("genome.write_bytes(bytes(range(128, 256)))", "not taken", False, True),
    "half of its JSON": (
        """print('{"type": "result", "subtype": "succ')""",
        "left train.py as it was",
        False,
        True,
    ),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_session_without_a_genome_says_why(hold: Hold, what: str) -> None:
    body, words, failed, may_begin = FAILURES[what]
    held = hold(body)
    assert held.reply.source is None
    assert words in (held.error or held.reply.reason), (held.error, held.reply.reason)
    assert bool(held.error) == failed
    assert held.may_begin == may_begin


@pytest.mark.parametrize("name", LEVELS)
def test_a_session_works_at_each_level_of_the_sandbox(hold: Hold, name: str) -> None:
    try:
        level = find_sandbox(name)
    except SandboxError as error:
        pytest.skip(str(error))
    held = hold("change(); report(result=sys.stdin.read())", level=level)
    assert held.reply.source == "RATE = 0.2\nprint(RATE)\n", (held.error, held.log.read_text())
    assert held.reply.said == "The brief."


@pytest.mark.parametrize(
    "act", ["os.mkfifo(genome)", "genome.symlink_to('/etc/passwd')", "genome.mkdir()"]
)
def test_without_a_sandbox_nothing_but_a_plain_file_is_taken_either(hold: Hold, act: str) -> None:
    held = hold(f"genome.unlink(); {act}", level=find_sandbox("none"))
    assert "what it left as train.py is not taken" in held.reply.reason


def test_what_it_changes_besides_is_listed_and_dropped(hold: Hold) -> None:
    held = hold(
        """
        change()
        pathlib.Path("BRIEF.md").write_text("Do what I say.")
        pathlib.Path("other_parent.py").unlink()
        pathlib.Path("train.pt").write_bytes(b"weights")
        pathlib.Path("sub").mkdir()
        pathlib.Path("sub/link").symlink_to("/etc")
        report(result="done")
        """,
        others={"other_parent.py": "other"},
    )
    assert held.reply.source is not None
    assert set(held.reply.dropped) == {"BRIEF.md", "other_parent.py", "train.pt", "sub/link"}


def test_it_cannot_read_or_write_what_is_the_users(hold: Hold, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    private = tmp_path / "home" / "private.txt"
    private.write_text("mine")
    private.chmod(0o666)
    held = hold(
        f"""
        for act in (lambda p: p.read_text(), lambda p: p.write_text("x")):
            try:
                print("did", act(pathlib.Path({str(private)!r})))
            except OSError as error:
                print("could not")
        try:
            pathlib.Path({str(tmp_path)!r}, "made").write_text("x")
        except OSError:
            print("could not")
        pathlib.Path.home().joinpath("settings").write_text("its own home")
        print(pathlib.Path.home())
        """
    )
    assert held.log.read_text().split("\n")[:3] == ["could not"] * 3
    assert str(tmp_path) not in held.log.read_text()
    assert private.read_text() == "mine"
    assert not (tmp_path / "made").exists()


def test_it_sees_no_variable_but_those_that_are_named(hold: Hold) -> None:
    env = {"MY_KEY": SECRET, "OTHER_KEY": "sk-another-secret-of-the-user-12345"}
    held = hold(
        """
        print(sorted(name for name in os.environ if name.endswith("_KEY")))
        print("key:", os.environ["MY_KEY"], os.environ["CUDA_VISIBLE_DEVICES"] == "")
        genome.write_text(f"KEY = {os.environ['MY_KEY']!r}")
        pathlib.Path("notes.md").write_text("with " + os.environ["MY_KEY"])
        """,
        env=env,
        see=("MY_KEY",),
    )
    assert held.log.read_text() == "['MY_KEY']\nkey: *** True\n"
    assert held.reply.source == "KEY = '***'"
    assert SECRET not in held.call.reply


def test_secrets_of_its_login_are_struck_out_of_the_transcript(hold: Hold, tmp_path: Path) -> None:
    login = tmp_path / "home" / ".scripted" / "auth.json"
    login.parent.mkdir(parents=True)
    login.write_text(f'{{"token": "{SECRET}"}}')
    held = hold(
        """
        mine = pathlib.Path.home() / ".scripted" / "auth.json"
        print(mine.read_text())
        mine.write_text("another one")
        """,
        login=(".scripted/auth.json",),
    )
    assert held.log.read_text() == '{"token": "***"}\n'
    assert login.read_text() == f'{{"token": "{SECRET}"}}'


def test_one_that_ignores_sigterm_is_killed_and_its_genome_is_still_there(hold: Hold) -> None:
    begun = time.monotonic()
    held = hold(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("working", flush=True)
        change()
        time.sleep(600)
        """,
        seconds=1.5,
    )
    assert time.monotonic() - begun < 60
    assert held.reply.source == "RATE = 0.2\nprint(RATE)\n"


def test_one_that_works_too_long_says_so_and_one_that_is_silent_counts_as_limited(
    hold: Hold,
) -> None:
    slow = hold("print('working', flush=True); time.sleep(600)", seconds=1.0)
    assert "its time was over: it had not ended after 1.0 s" in slow.reply.reason
    assert slow.may_begin
    silent = hold("time.sleep(600)", seconds=1.0)
    assert "said nothing until its time was over" in silent.error
    assert not silent.may_begin


def test_sigterm_leaves_it_time_to_finish(hold: Hold) -> None:
    held = hold(
        """
        def finish(*told):
            change()
            report(result="finished in time")
            sys.exit(0)
        signal.signal(signal.SIGTERM, finish)
        print("working", flush=True)
        time.sleep(600)
        """,
        seconds=1.5,
        notice=10.0,
    )
    assert held.reply.source is not None
    assert held.reply.said == "finished in time"


def test_nothing_of_it_outlives_its_end(hold: Hold) -> None:
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    held = hold(
        f"""
        if not os.fork():
            os.setsid()
            if not os.fork():
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.execvp(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)",
                                           {mark!r}])
            os._exit(0)
        time.sleep(0.5)
        change()
        """
    )
    assert held.reply.source is not None
    living = [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or [])]
    assert living == []


def test_an_endless_output_is_cut_and_ends_with_its_time(hold: Hold) -> None:
    held = hold(
        """
        change()
        while True:
            print("x" * 10_000)
        """,
        seconds=2.0,
    )
    assert held.reply.source is not None
    assert held.log.stat().st_size < 5 << 20


def test_tokens_have_the_price_that_the_user_gives_where_it_reports_no_dollars(hold: Hold) -> None:
    body = """
        change()
        print(json.dumps({"type": "turn.completed",
                          "usage": {"input_tokens": 1000, "output_tokens": 100}}))
        """
    assert hold(body).call.cost is None
    assert hold(body, price=Price(2.0, 10.0)).call.cost == pytest.approx(0.003)


def test_caps_on_dollars_and_sessions_keep_agents_from_beginning(hold: Hold) -> None:
    dear = "change(); report(result='done', total_cost_usd=3.0)"
    budget = CostBudget(5.0)
    held = hold(dear, budget=budget)
    assert held.pool.list_unavailable() == ("scripted",), "another one would cost 3 dollars, too"
    assert held.pool.exhausted
    capped = hold("change()", most=1)
    assert capped.pool.exhausted
    assert hold("change()", most=2).may_begin


def test_close_ends_what_is_under_way(
    write_agent: Any, open_pool: Any, hold_session_of: Any
) -> None:
    pool = open_pool(write_agent("print('x', flush=True); time.sleep(600)"))
    thread = threading.Thread(target=hold_session_of, args=(pool, "scripted"), daemon=True)
    thread.start()
    while pool.list_unavailable() == ():
        time.sleep(0.01)
    time.sleep(0.5)
    pool.close()
    thread.join(30)
    assert not thread.is_alive()
    assert pool.list_unavailable() == (), "another session may begin, if the search goes on"


def test_an_agent_is_free_again_if_its_proposal_fails_before_it_works(
    write_agent: Any, open_pool: Any
) -> None:
    pool = open_pool(write_agent("change()"), budget=CostBudget(5.0))
    pool.begin("scripted")
    assert pool.list_unavailable() == ("scripted",)
    pool.end("scripted")
    pool.end("scripted")
    assert pool.list_unavailable() == ()


def test_news_tell_of_an_obstacle_once_and_of_its_end(hold: Hold) -> None:
    held = hold("report(is_error=True, result='Not logged in')")
    news = held.pool.take_news()
    assert len(news) == 1
    assert news[0].startswith("WARNING: agent scripted: it has no login")
    assert held.pool.take_news() == []
