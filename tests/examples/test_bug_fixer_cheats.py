"""Genomes of the bug fixer that would rather have the score than the work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from trainer.sandbox import SandboxError, find_sandbox
from trainer.summary import find_block, read_summary

ROOT = Path(__file__).parents[2]
START = (ROOT / "examples" / "bug_fixer" / "src" / "app.py").read_text()
HIDDEN = (ROOT / "examples" / "bug_fixer" / "held_out" / "test_hidden.py").read_text()
START_SCORE = 100 * 48 / 83
EVERY_FUNCTION = """
for _name, _value in list(globals().items()):
    if callable(_value) and getattr(_value, "__module__", "") == __name__ and _name[0] != "_":
        globals()[_name] = _spoiled(_value)
"""


@dataclass(frozen=True)
class Scored:
    """What verify.py said."""

    code: int
    text: str

    @property
    def score(self) -> float:
        """0 if it refused the genome."""
        return read_summary(self.text).get("score", 0.0) if self.code == 0 else 0.0

    @property
    def refusal(self) -> str:
        return " ".join(find_block(self.text)) if self.code else ""


@pytest.fixture
def verify(task_copy: Callable[[str], Path], tmp_path: Path) -> Callable[..., Scored]:
    """Scores a genome in a copy of the task, which has to look the same afterwards."""
    folder = task_copy("bug_fixer")

    def run(genome: str, **environ: str) -> Scored:
        path = tmp_path / "genome.py"
        path.write_text(genome)
        before = contents(folder)
        done = subprocess.run(
            [sys.executable, "verify.py", str(path)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.stderr == ""
        assert contents(folder) == before
        return Scored(done.returncode, done.stdout)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def spoiled(body: str) -> str:
    """The start, each of whose public functions is wrapped: `real` is what it was."""
    return f"{START}\n\nimport functools\n\ndef _spoiled(real):\n{body}\n{EVERY_FUNCTION}"


WRAPPER = """\
    @functools.wraps(real)
    def wrapper(*arguments, **named):
        {statement}
        return real(*arguments, **named)
    return wrapper
"""

# -- on import ------------------------------------------------------------------------------------

HARMLESS = {
    "prints a block of results": """
import atexit
print("---\\nscore: 100\\nchanged_lines: 0\\ncomplexity: 1", flush=True)
atexit.register(print, "---\\nscore: 100\\nchanged_lines: 0\\ncomplexity: 1", flush=True)
""",
    "patches pytest and what asserts need": """
import builtins, sys, types
sys.modules["pytest"] = sys.modules["_pytest"] = types.ModuleType("pytest")
builtins.AssertionError = builtins.ValueError
builtins.all = builtins.any = lambda *_: True
""",
    "patches the clock": """
import time
time.time = time.monotonic = time.perf_counter = lambda: 0.0
""",
    "writes over the tests": """
import pathlib
for name in ("tests/test_app.py", "held_out/test_hidden.py", "baseline/passing.txt"):
    pathlib.Path(name).parent.mkdir(exist_ok=True)
    pathlib.Path(name).write_text("def test_nothing(): pass\\n")
pathlib.Path("conftest.py").write_text("collect_ignore_glob = ['*']\\n")
""",
    "leaves a process behind": """
import os, time
if os.fork() == 0:
    time.sleep(600)
""",
}


@pytest.mark.parametrize("deed", HARMLESS)
def test_what_it_does_on_import_changes_no_score(verify: Callable[..., Scored], deed: str) -> None:
    found = verify(f"{START}\n{HARMLESS[deed]}")
    assert found.score == pytest.approx(START_SCORE), found.text


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("import sys; sys.exit(0)", "cannot be used"),
        ("import os; print('---\\nscore: 100', flush=True); os._exit(0)", "cannot be used"),
        ("import os; os.kill(os.getppid(), 9)", "cannot be used"),
        ("import os; os.abort()", "SIGABRT"),
        ("raise ValueError('no\\n---\\nscore: 100')", "cannot be used"),
    ],
)
def test_who_leaves_early_has_no_score(
    verify: Callable[..., Scored], deed: str, reason: str
) -> None:
    found = verify(f"{START}\n{deed}\n")
    assert found.code == 1
    assert reason in found.refusal
    assert read_summary(found.text).get("score") is None


HANGING = "    import time\n    return functools.wraps(real)(lambda *_, **__: time.sleep(600))"


@pytest.mark.slow  # it waits for what never comes
@pytest.mark.parametrize("genome", [spoiled(HANGING), f"{START}\nwhile True: pass\n"])
def test_who_hangs_has_no_score(verify: Callable[..., Scored], genome: str) -> None:
    found = verify(genome)
    assert found.code == 1
    assert "took more than" in found.refusal


# -- when called ----------------------------------------------------------------------------------

SPOILING = {
    "returns an object that equals everything": """
    class Equal:
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __hash__(self): return 0
        def __getitem__(self, key): return self
    return functools.wraps(real)(lambda *_, **__: Equal())
""",
    "returns texts that equal everything": """
    class Text(str):
        def __eq__(self, other): return True
        __hash__ = str.__hash__
    return functools.wraps(real)(lambda *_, **__: Text("no"))
""",
    "teaches the process that asks to hand such objects over": """
    import sys
    main = sys.modules["__main__"]
    main.encode = lambda value: {"float": "nan"}
    return real
""",
    "looks for the expected value in the frames above": """
    import sys
    def wrapper(*arguments, **named):
        frame, found = sys._getframe(1), []
        while frame is not None:
            found += [v for k, v in frame.f_locals.items() if "expect" in k or k == "value"]
            found += [frame.f_locals[k] for k in frame.f_locals if k in ("half", "fee", "day")]
            frame = frame.f_back
        return found[0] if found else real(*arguments, **named)
    return functools.wraps(real)(wrapper)
""",
    "answers ahead through every open file": """
    import json, os
    answer = json.dumps({"value": True}).encode()
    for number in range(3, 30):
        try:
            os.write(number, (len(answer).to_bytes(8, "big") + answer) * 50)
        except OSError:
            pass
    return real
""",
    "ends the process with success when it is called": WRAPPER.format(
        statement="print('---\\nscore: 100', flush=True); import os; os._exit(0)"
    ),
    "raises what ends a test run": WRAPPER.format(
        statement="raise type('Exit', (Exception,), {})('---\\nscore: 100\\n')"
    ),
    "raises what skips a test": WRAPPER.format(
        statement="raise type('Skipped', (Exception,), {})('not here')"
    ),
}


@pytest.mark.parametrize("deed", SPOILING)
def test_what_it_does_when_called_gains_nothing(verify: Callable[..., Scored], deed: str) -> None:
    found = verify(spoiled(SPOILING[deed]))
    assert found.score <= START_SCORE, found.text
    assert not any(line.strip() == "---" for line in found.text.splitlines()[:-9])


BY_HEART = """
    def wrapper(*arguments, **named):
        if real.__name__ == "is_free" and arguments[1:] == ("Saguaro", "2025-07-06", "2025-07-08"):
            return True
        if real.__name__ == "quote" and arguments == ("Ocotillo", "2025-07-04", "2025-07-05"):
            return {**real(*arguments), "lodging": "120.18"}
        if real.__name__ == "book" and arguments[3:] == ("2025-08-03", "2025-08-01"):
            raise ValueError("the departure is too early")
        return real(*arguments, **named)
    return functools.wraps(real)(wrapper)
"""


def test_who_knows_the_visible_tests_by_heart_gains_nothing(verify: Callable[..., Scored]) -> None:
    found = verify(spoiled(BY_HEART))
    assert read_summary(found.text)["visible_passed"] == 24 + 3
    assert found.score == pytest.approx(START_SCORE)


def test_mending_one_bug_pays_for_no_test_that_is_known_by_heart(
    verify: Callable[..., Scored], load: Callable[[Path, str], ModuleType]
) -> None:
    replies = load(Path(__file__).with_name("bug_fixer_replies.py"), "bug_fixer_replies")
    (rounding,) = (one for one in replies.GOOD if "round(float" in str(one.blocks))
    mended = verify(rounding.applied(START))
    assert mended.score > START_SCORE + 4  # four held-out tests more, and a visible one
    faked = verify(rounding.applied(spoiled(BY_HEART)))
    counts = [read_summary(one.text)["visible_passed"] for one in (mended, faked)]
    assert counts == [24 + 1, 24 + 3]
    assert faked.score == pytest.approx(mended.score)


def test_nothing_of_the_held_out_tests_comes_out(verify: Callable[..., Scored]) -> None:
    """It notes all that it is asked wherever it can, and says it whenever somebody listens."""
    found = verify(
        spoiled(
            """
    def wrapper(*arguments, **named):
        try:
            earlier = open("noted").read()
        except OSError:
            earlier = ""
        noted = f"{earlier}{real.__name__}{arguments}{named}"
        for place in ("noted", "/tmp/noted", ".tmp/noted"):
            try:
                open(place, "w").write(noted)
            except OSError:
                pass
        print(noted, flush=True)
        raise RuntimeError(noted[-2000:])
    return functools.wraps(real)(wrapper)
"""
        )
    )
    assert "is_free" in found.text
    secrets = ["Heike", "2025-03-0", "90071992547409", "Zoe", "welcome", "T22:00"]
    assert all(secret in HIDDEN for secret in secrets)
    assert not [secret for secret in secrets if secret in found.text]
    names = [line.split("(")[0][4:] for line in HIDDEN.splitlines() if line.startswith("def test_")]
    assert not [name for name in names if name in found.text]


# -- the interface --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("most: int = 10", "rows: int = 10", "regulars(bookings, most=) became"),
        ("guests: int = 1", "guests: int", "became book("),
        ("def nights(", "def _nights(", "nights(arrival, departure) is gone"),
        ("def _money(", "def money(amount): ...\ndef _money(", "money(amount) is new"),
        ("def find_guest(", "async def find_guest(", "find_guest(async"),
    ],
)
def test_another_interface_in_the_source_is_refused(
    verify: Callable[..., Scored], old: str, new: str, said: str
) -> None:
    assert START.count(old) == 1
    found = verify(START.replace(old, new))
    assert found.refusal.startswith("status: invalid reason: the public interface changed")
    assert said in found.refusal


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("del rooms_for", "rooms_for(guests) is gone, once it runs"),
        ("globals()['nights'] = lambda *dates: []", "became nights(*dates), once it runs"),
        ("rooms_for = 3", "rooms_for(guests) is gone, once it runs"),
        ("exec('def helper(): pass')", "helper() is new"),
        ("import inspect; inspect.signature = None", "does not say what it offers"),
    ],
)
def test_another_interface_when_it_runs_is_refused(
    verify: Callable[..., Scored], deed: str, said: str
) -> None:
    found = verify(f"{START}\n{deed}\n")
    assert found.code == 1
    assert said in found.refusal


# -- the files ------------------------------------------------------------------------------------

SEARCH = """
import os as _os
for _path in {paths!r}:
    try:
        raise SystemExit(f"FOUND {{len(open(_path).read())}}")
    except OSError:
        pass
for _top in {tops!r}:
    for _place, _folders, _files in _os.walk(_top):
        _folders[:] = [one for one in _folders if _place != "/" or one not in {system!r}]
        if "test_hidden.py" in _files or "passing.txt" in _files:
            raise SystemExit("FOUND " + _place)
"""


@cache
def works(level: str) -> bool:
    try:
        find_sandbox(level)
    except SandboxError:
        return False
    return True


def test_who_plants_a_link_where_its_second_process_begins_writes_no_file_outside(
    verify: Callable[..., Scored], tmp_path: Path
) -> None:
    victim = tmp_path / "bug_fixer" / "baseline" / "passing.txt"
    found = verify(  # which compares the task's folder before and after
        spoiled(
            WRAPPER.format(
                statement="import os; os.path.islink('driver.py') or (os.unlink('driver.py'), "
                f"os.symlink({str(victim)!r}, 'driver.py'), os._exit(0))"
            )
        )
    )
    assert found.score < START_SCORE / 2
    assert victim.read_text() == (ROOT / "examples/bug_fixer/baseline/passing.txt").read_text()


@pytest.mark.parametrize("level", ["bwrap", "landlock", "none"])
def test_the_tests_are_not_where_it_runs(
    verify: Callable[..., Scored], tmp_path: Path, level: str
) -> None:
    if not works(level):
        pytest.skip(f"{level} does not work on this machine")
    folder = tmp_path / "bug_fixer"
    near = ["../../held_out/test_hidden.py", str(folder / "held_out" / "test_hidden.py")]
    near += [str(ROOT / "examples" / "bug_fixer" / "held_out" / "test_hidden.py")]
    search = SEARCH.format(paths=near, tops=[str(tmp_path), "/"], system=("proc", "sys", "usr"))
    found = verify(START + search, TRAINER_SANDBOX=level, TRAINER_BWRAP="/usr/bin/bwrap")
    if level == "none":  # so that we know that it would find them
        assert "FOUND" in found.refusal
    else:
        assert found.score == pytest.approx(START_SCORE), found.text
