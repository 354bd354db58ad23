"""archive.db through its methods and through SQLite itself: whole transactions, damage, meta."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import ModelCall, ProposalRow, Purpose, Record, RecordError
from population import CurvePoint, Direction, Individual, Measurement, Status

ROOT = Path(__file__).parents[2]
OK = Measurement(
    *(Status.OK, 1.25, {"size": 1e6, "speed": 2.5}),
    seconds=3.5,
    seed=7,
    device="cpu:1",
    ended=1700000000.25,
    memory_gb=0.5,
    details={"depth": 4.0, "lr": float("nan")},
)
CRASH = Measurement(Status.CRASH, None, {}, seconds=0.5, reason="ValueError: né\n", ended=2.0)


def child(number: int, *parents: int) -> Individual:
    return Individual(
        number, f"{number:040x}", parents, "tweak", f"idea {number}", 1, Direction.MINIMIZE
    )


def proposal(number: int, individual: int | None, *calls: ModelCall) -> ProposalRow:
    return ProposalRow(number, "tweak", (0,), individual, "", 0.5, 3.0, calls)


def add(
    record: Record, row: ProposalRow, child: Individual | None = None, digest: str = ""
) -> None:
    record.begin_proposal(row)
    record.end_proposal(row, child, digest)


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        return {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("individuals", "measurements", "proposals", "calls", "events")
        }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.db"


@pytest.fixture
def record(path: Path) -> Record:
    made = Record.create(path, {"settings": {"seed": 3}})
    made.add_seed(child(0), "d0")
    return made


def test_everything_comes_back_after_reopening(record: Record, path: Path) -> None:
    call = ModelCall(
        "openai/test", '[{"role": "user"}]', "ré\u2028ply", 10, 20, 0.5, 1.5, full=True
    )
    failed = ModelCall("openai/test", "[]", error="Timeout")
    add(record, proposal(0, 1, call, failed), child(1, 0), "d1")
    first = record.add_measurement(0, OK, Purpose.SEARCH, True)
    second = record.add_measurement(1, CRASH, Purpose.SEARCH, False)
    final = record.add_measurement(0, OK, Purpose.FINAL, False)
    record.add_event(5.0, "models", "all is well")
    record.close()

    again = Record.open(path)
    assert [e.number for e in again.experiments()] == [1, 2, 3]
    assert again.experiments()[1] == second
    assert again.experiments()[2].purpose is final.purpose is Purpose.FINAL
    back = again.experiments()[0]
    assert (back.individual, back.purpose, back.kept) == (first.individual, Purpose.SEARCH, True)
    assert back.measurement.measures == OK.measures
    assert str(back.measurement.details["lr"]) == "nan"
    seed, one = again.individuals(Direction.MINIMIZE)
    assert len(seed.measurements) == 1, "fresh runs do not decide about the archive"
    assert (seed.objective, one.status, one.parents) == (1.25, Status.CRASH, (0,))
    assert one.measurements[0] == CRASH
    assert again.proposals() == [proposal(0, 1, call, failed)]
    assert again.digests() == [("d0", ""), ("d1", "")]
    assert again.events() == [(5.0, "models", "all is well")]
    assert again.meta("settings") == {"seed": 3}


def test_a_learning_curve_is_read_by_its_experiment_alone(record: Record, path: Path) -> None:
    curve = (CurvePoint(0.5, 10, 3.25), CurvePoint(None, None, 2.5))
    record.add_measurement(0, OK, Purpose.SEARCH, True)
    with_curve = record.add_measurement(0, replace(OK, curve=curve), Purpose.REPEAT, False)
    record.close()
    again = Record.open(path)
    assert again.curve(with_curve.number) == curve
    assert again.curve(1) == again.curve(99) == ()
    assert all(e.measurement.curve == () for e in again.experiments())


def test_the_unpriced_is_not_free(record: Record) -> None:
    assert record.spend().cost == 0
    priced = ModelCall("m", "p", "r", 100, 20, 0.25)
    unpriced = ModelCall("m", "p", "r", 7, 3, None)
    failed = ModelCall("m", "p", error="Timeout")
    add(record, proposal(0, None, priced, unpriced))
    add(record, proposal(4, None, priced, failed))
    spend = record.spend()
    assert (spend.calls, spend.tokens_in, spend.tokens_out) == (4, 207, 43)
    assert (spend.cost, spend.unpriced) == (0.5, 1)
    assert record.next_proposal() == 5, "a number that was lost in flight is not used again"


def test_meta_replaces_and_defaults(record: Record) -> None:
    record.set_meta({"axes": [1, 2], "limit": None})
    record.set_meta({"axes": [3]})
    assert record.meta("axes") == [3]
    assert record.meta("limit", 5) is None
    assert record.meta("nothing", 5) == 5


@pytest.mark.parametrize(
    "broken",
    [
        lambda record: record.end_proposal(proposal(0, 2), child(2, 0), "d2"),  # it has ended
        lambda record: record.end_proposal(proposal(1, 0), child(0), "d0"),  # genome 0 again
        lambda record: record.end_proposal(
            proposal(1, 2, ModelCall("m", "p", "r", "many")),  # type: ignore[arg-type]
            child(2, 0),
            "d2",
        ),
    ],
)
def test_a_transaction_is_whole_or_not_at_all(record: Record, path: Path, broken) -> None:
    add(record, proposal(0, 1), child(1, 0), "d1")
    record.begin_proposal(proposal(1, None))
    before = counts(path)
    with pytest.raises(RecordError, match="what was recorded before is safe"):
        broken(record)
    assert counts(path) == before
    record.end_proposal(proposal(1, 2), child(2, 0), "d2")
    assert counts(path)["individuals"] == before["individuals"] + 1


def test_another_process_sees_each_step_at_once(record: Record, path: Path) -> None:
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        for n in range(1, 4):
            add(record, proposal(n, n), child(n, 0), f"d{n}")
            assert reader.execute("SELECT count(*) FROM individuals").fetchone() == (n + 1,)


def test_nothing_recorded_is_lost_when_the_process_is_killed(path: Path) -> None:
    """The writer is killed without warning after a number of writes that it announced."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from archive import Purpose, Record\n"
        "from population import Direction, Individual, Measurement, Status\n"
        "record = Record.create(Path(sys.argv[1]), {'settings': {}})\n"
        "record.add_seed(Individual(0, 'c', (), 'seed', '', 0, Direction.MINIMIZE), 'd')\n"
        "for n in range(50):\n"
        "    ok = Measurement(Status.OK, float(n), {}, 1.0)\n"
        "    record.add_measurement(0, ok, Purpose.SEARCH, True)\n"
        "    if n == 30: os.kill(os.getpid(), 9)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    fitness = [e.measurement.fitness for e in Record.open(path).experiments()]
    assert fitness == [float(n) for n in range(31)]


def test_what_is_no_record_is_told(tmp_path: Path, path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no .*archive\.db; `python -m evolve list`"):
        Record.open(path)
    path.write_bytes(b"this is no database, though it has a name like one" * 20)
    with pytest.raises(RecordError, match=r"not a database.*backup"):
        Record.open(path)
    path.write_bytes(b"")
    with pytest.raises(RecordError, match="is no record of a run"):
        Record.open(path)
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(RecordError, match="is no record of a run"):
        Record.open(tmp_path / "foreign.db")


def test_a_record_of_another_version_is_left_alone(record: Record, path: Path) -> None:
    record.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordError, match="schema version 99, this program reads 7"):
        Record.open(path)


def test_corruption_in_the_middle_is_told(record: Record, path: Path) -> None:
    for n in range(1, 200):
        add(record, proposal(n, n), child(n, 0), f"d{n}")
    record.close()
    data = bytearray(path.read_bytes())
    noise = random.Random(0)
    for page in range(4096 * 2, len(data), 4096):
        data[page : page + 200] = noise.randbytes(200)
    path.write_bytes(data)
    with pytest.raises(RecordError, match="backup"):
        Record.open(path).proposals()


def test_an_existing_record_is_not_overwritten(record: Record, path: Path) -> None:
    with pytest.raises(RecordError, match="exists already"):
        Record.create(path, {})
    assert counts(path)["individuals"] == 1


@settings(max_examples=25, deadline=None)
@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"])),
    reply=st.text(st.characters(exclude_categories=["Cs"])),
    cost=st.none() | st.floats(0, 1e3),
)
def test_every_call_comes_back_as_it_was(prompt: str, reply: str, cost: float | None) -> None:
    with TemporaryDirectory() as folder, closing(Record.create(Path(folder) / "a.db", {})) as made:
        call = ModelCall("m", prompt, reply, 1, 2, cost, 0.5, "")
        add(made, proposal(0, None, call))
        assert made.proposals()[0].calls == (call,)


def test_a_proposal_whose_process_was_killed_is_asked_for_again_and_paid_for(
    record: Record, path: Path
) -> None:
    answered = ModelCall("m", "p", "r", 10, 20, cost=0.5)
    add(record, proposal(0, None, answered))
    for number, asked in ((1, 4), (2, 5)):
        record.begin_proposal(replace(proposal(number, None), ended=0.0, model="m", asked=asked))
    record.begin_proposal(replace(proposal(3, None), operator="lessons", ended=0.0, model="m"))
    record.add_calls(1, [answered])
    record.close()

    again = Record.open(path)
    again.abandon_proposals(7.0)
    assert again.unfinished_proposals() == [1, 2], "lessons are learnt anew, by another number"
    assert again.spend().cost == pytest.approx(0.5 * 2 + 0.5 * 3), "one request each was on its way"
    again.abandon_proposals(8.0)
    assert again.unfinished_proposals() == [1, 2]
    assert again.spend().cost == pytest.approx(2.5), "which is charged once"
    assert (again.next_proposal(), again.next_place()) == (4, 6)

    row = replace(proposal(1, 1, answered), model="m", asked=6, told=7, screened=(1, 1))
    row = replace(row, form="constants")
    row = replace(row, target=((1.0, 2.5), (0.25, 4.0)))
    again.begin_proposal(row)
    again.end_proposal(row, child(1, 0), "d1")
    assert [(ask.place, ask.number) for ask in again.asks()] == [(4, 1), (5, 2), (6, 1)]
    assert [ask.target for ask in again.asks()] == [(), (), row.target]
    assert again.last_calls(1) == (answered,)
    assert len(again.calls(1)) == 3
    assert again.count_replies(apart_from=("lessons",)) == 3, (
        "those that nobody waited for are none"
    )
    assert again.count_replies(apart_from=("lessons", "tweak")) == 0
    assert again.costs()[1] == {"m": 0.5}, "what the search was told is what its last try took"
    assert (again.proposals()[1].screened, again.proposals()[1].form) == ((1, 1), "constants")


def test_a_call_that_an_earlier_version_lost_is_none_of_the_last_try(
    record: Record, path: Path
) -> None:
    lost = ModelCall("m", "p", error="the run ended before it was answered", cost=0.25)
    answered = ModelCall("m", "p", "r", 10, 20, cost=0.5)
    add(record, proposal(0, None, answered, lost, answered, answered))
    assert record.last_calls(0) == (answered, answered)
    assert record.costs() == {0: {"m": 1.0}}


def test_events_and_lessons_are_read_by_name(record: Record) -> None:
    record.add_event(5.0, "models", "no answer")
    record.add_event(7.0, "defect", "Traceback\n  line 1\nValueError: né")
    record.add_lessons(9.0, 12, "wide is good")
    assert [(e.time, e.kind, e.text) for e in record.events()] == record.events()
    assert record.events()[1].text.splitlines()[-1] == "ValueError: né"
    (lessons,) = record.lessons()
    assert (lessons.time, lessons.children, lessons.text) == (9.0, 12, "wide is good")


def test_a_table_whose_columns_have_another_order_is_read(record: Record, path: Path) -> None:
    """As one has whose columns were added by migrations."""
    add(record, proposal(0, 1, ModelCall("m", "p", "r", 1, 2, 0.5, 1.5)), child(1, 0), "d1")
    record.add_measurement(1, OK, Purpose.SEARCH, True, told=3)
    before = (
        record.individuals(Direction.MINIMIZE),
        record.proposals(),
        [(e.number, e.individual, e.told, e.measurement.seconds) for e in record.experiments()],
    )
    record.close()
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("individuals", "measurements", "proposals", "calls"):
            names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            columns = ", ".join(reversed(names))
            db.execute(f"CREATE TABLE turned AS SELECT {columns} FROM {table}")
            db.execute(f"DROP TABLE {table}")
            db.execute(f"ALTER TABLE turned RENAME TO {table}")
    again = Record.open(path)
    assert before == (
        again.individuals(Direction.MINIMIZE),
        again.proposals(),
        [(e.number, e.individual, e.told, e.measurement.seconds) for e in again.experiments()],
    )
