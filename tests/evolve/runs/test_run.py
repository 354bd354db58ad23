"""Whole runs of a toy task by the real program: what they leave, and what commands say of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from archive import Record
from evolve.runs.run import open_run
from views.exports import Exported, write_csv

Make = Callable[[], Any]


@pytest.fixture(scope="module")
def evolved(make_place: Make) -> Any:
    """A place with a complete run `a`: 8 generations of 5 children on two devices."""
    place = make_place()
    done = place.evolve(
        *("--task", "toy", "--run", "a", "--generations", "8", "--seed", "7"),
        *("--devices", "cpu:0,cpu:1"),
    )
    assert done.returncode == 0, done.stderr
    place.output = done.stdout
    return place


def test_every_experiment_is_recorded_once(evolved: Any) -> None:
    children = evolved.count("a", "individuals WHERE parents != '[]'")
    assert children == 40
    assert evolved.count("a", "measurements WHERE purpose = 'search' AND individual > 0") == 40
    assert evolved.count("a", "measurements WHERE purpose = 'search' AND individual = 0") == 2
    assert evolved.count("a", "measurements WHERE purpose = 'final'") == 4, "two of seed and best"
    assert evolved.count("a", "proposals WHERE individual IS NOT NULL") == 40


def test_every_learning_curve_is_kept(evolved: Any) -> None:
    with closing(Record.open(evolved.run("a") / "archive.db")) as record:
        curves = [record.curve(experiment.number) for experiment in record.experiments()]
    assert curves == [((None, 1, 3.0),)] * len(curves) != []


def test_results_tsv_has_a_line_an_experiment(evolved: Any) -> None:
    rows = evolved.results("a")
    assert list(rows[0])[:5] == ["commit", "score", "memory_gb", "status", "description"]
    assert len(rows) == evolved.count("a", "measurements")
    assert [int(row["experiment"]) for row in rows] == list(range(1, len(rows) + 1))
    assert {row["status"] for row in rows} - {"repeat"} == {"keep", "discard", "final"}
    fitness = dict(evolved.rows("a", "SELECT id, fitness FROM measurements"))
    assert all(float(r["score"]) == pytest.approx(fitness[int(r["experiment"])]) for r in rows)


def test_genetic_parents_are_git_parents(evolved: Any) -> None:
    commits = dict(evolved.rows("a", "SELECT id, commit_hash FROM individuals"))
    crossovers = 0
    for number, commit, parents in evolved.rows(
        "a", "SELECT id, commit_hash, parents FROM individuals WHERE parents != '[]'"
    ):
        named = evolved.git("a", "log", "-1", "--format=%H %P", f"refs/genomes/{number}").split()
        genetic = [commits[parent] for parent in json.loads(parents)]
        assert named == [commit, *genetic]
        crossovers += len(genetic) == 2
    assert crossovers > 0, "a mix of operators makes merges, too"
    assert evolved.git("a", "fsck", "--strict") == ""


def test_the_headline_comes_from_fresh_seeds(evolved: Any) -> None:
    searched = {row[0] for row in evolved.rows("a", "SELECT seed FROM measurements m "
                                               "WHERE purpose = 'search'")}  # fmt: skip
    fresh = [row[0] for row in evolved.rows("a", "SELECT seed FROM measurements "
                                            "WHERE purpose = 'final'")]  # fmt: skip
    assert len(set(fresh)) == 4
    assert not searched & set(fresh)
    line = next(line for line in evolved.output.splitlines() if "(the seed) in" in line)
    query = "SELECT individual, avg(fitness) FROM measurements WHERE purpose = 'final' GROUP BY 1"
    means = dict(evolved.rows("a", query))
    assert f"{means[0]:.3f}" in line
    assert f"{abs(means[0] - min(means.values())):.3g} better" in line


def test_the_best_beats_the_seed(evolved: Any) -> None:
    query = (
        "SELECT individual, max(fitness), min(fitness) FROM measurements "
        "WHERE purpose = 'final' GROUP BY individual ORDER BY individual"
    )
    finals = evolved.rows("a", query)
    (_, _, luckiest_seed), (_, unluckiest_best, _) = finals
    assert unluckiest_best < luckiest_seed


def test_a_run_says_what_it_does(evolved: Any) -> None:
    for words in ("40 children", "cpu:0, cpu:1", "Ctrl-C", "no language model", "all generations"):
        words = words.replace("40 children", "8 generations of 5 children")
        assert words in evolved.output
    assert "generation 8: 5 of 5 children scored" in evolved.output
    assert str(evolved.run("a").relative_to(evolved.folder) / "artifacts") in evolved.output


def test_the_run_folder_is_complete(evolved: Any) -> None:
    folder = evolved.run("a")
    assert (folder / "program.md").read_text() == (evolved.task_folder / "program.md").read_text()
    for picture in ("heatmap.png", "progress.png"):
        assert (folder / "artifacts" / picture).read_bytes().startswith(b"\x89PNG")
    numbers = [row[0] for row in evolved.rows("a", "SELECT id FROM individuals")]
    assert all((folder / "logs" / f"{number}.log").exists() for number in numbers)
    assert not (folder / "work").exists(), "working folders are gone"
    assert evolved.living() == []


def test_the_same_seed_asks_the_same_first_questions(make_place: Make) -> None:
    """One device and a score without noise: the whole search is repeated."""
    place = make_place()
    place.write((place.task_folder / "toy.py").read_text().replace("random.gauss(0, 0.005)", "0"))
    common = ("--task", "toy", "--generations", "2", "--devices", "cpu:0", "--final-runs", "0")
    # by weights: what the bandit learns depends on the seconds that a child took
    common += ("--operators", "perturb:1,recombine:1,tune:1")
    told = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        done = place.evolve(*common, "--run", name, "--seed", seed)
        assert done.returncode == 0, done.stderr
        told.append(place.rows(name, "SELECT parents, operator, description, digest "
                               "FROM individuals ORDER BY id"))  # fmt: skip
    assert told[0] == told[1]
    assert told[0] != told[2]


@pytest.mark.parametrize("strategy", ["greedy", "random"])
def test_the_other_strategies_write_the_same_records(make_place: Make, strategy: str) -> None:
    place = make_place()
    done = place.evolve(
        *("--task", "toy", "--run", "s", "--generations", "4", "--devices", "cpu:0"),
        *("--strategy", strategy, "--final-runs", "2"),
    )
    assert done.returncode == 0, done.stderr
    rows = place.rows("s", "SELECT i.id, i.parents, m.fitness, m.kept FROM individuals i "
                      "JOIN measurements m ON m.individual = i.id "
                      "WHERE m.purpose = 'search' AND i.id > 0 ORDER BY m.id")  # fmt: skip
    assert len(rows) == 20
    assert len(place.results("s")) == place.count("s", "measurements")
    seed = place.rows("s", "SELECT avg(fitness) FROM measurements WHERE individual = 0 "
                      "AND purpose = 'search'")[0][0]  # fmt: skip
    incumbent, fittest = 0, seed
    for number, parents, fitness, kept in rows:
        assert json.loads(parents) == [incumbent if strategy == "greedy" else 0]
        assert bool(kept) == (fitness < fittest), "a child is kept if it is the fittest so far"
        if kept:
            incumbent, fittest = number, fitness
    assert incumbent > 0


def test_show_export_and_list_agree_with_the_record(evolved: Any) -> None:
    commit = evolved.git("a", "rev-parse", "best").strip()
    ((best,),) = evolved.rows("a", f"SELECT id FROM individuals WHERE commit_hash = '{commit}'")
    shown = evolved.evolve("show", "a", "best").stdout
    assert shown.startswith("fresh runs: score ")
    assert f"\n#{best} " in shown
    assert "what changed against parent" in shown
    source = evolved.git("a", "show", f"refs/genomes/{best}:toy.py")
    assert evolved.evolve("export", "a", "best").stdout == source
    target = evolved.folder / "taken.py"
    assert evolved.evolve("export", "a", str(best), "-o", str(target)).returncode == 0
    assert target.read_text() == source
    assert "40 of 40" in evolved.evolve("list").stdout
    elites = evolved.evolve("list", "a").stdout
    assert f"#{best}" in elites


def test_heatmap_draws_in_the_terminal_and_into_a_file(evolved: Any) -> None:
    drawn = evolved.evolve("heatmap", "a")
    assert drawn.returncode == 0
    assert "score" in drawn.stdout
    picture = evolved.folder / "map.png"
    assert evolved.evolve("heatmap", "a", "-o", str(picture)).returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_pictures_are_written_into_the_run_or_elsewhere(evolved: Any) -> None:
    names = ["heatmap", "progress", "lineage", "operators", "curves"]
    artifacts = evolved.run("a") / "artifacts"
    done = evolved.evolve("pictures", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [f"runs/a/artifacts/{name}.png" for name in names]
    assert all((artifacts / f"{name}.png").read_bytes()[:4] == b"\x89PNG" for name in names)
    some = ("pictures", "a", "--only", "lineage,curves", "--format", "svg", "-o", "drawn")
    assert evolved.evolve(*some).stdout.split() == ["drawn/lineage.svg", "drawn/curves.svg"]
    again = evolved.evolve(*some)
    assert (again.returncode, "--force" in again.stderr) == (2, True)
    unknown = evolved.evolve("pictures", "a", "--only", "mona-lisa")
    assert unknown.returncode == 2
    assert "there is no picture mona-lisa; there are heatmap, progress" in unknown.stderr


def test_other_programs_read_a_run(evolved: Any) -> None:
    rows = evolved.results("a")
    for name in ("csv", "parquet"):
        done = evolved.evolve("export", "a", "--to", name)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"a.{name}: {len(rows)} experiments of a\n"
    csv, parquet = (
        pd.read_csv(evolved.folder / "a.csv"),
        pd.read_parquet(evolved.folder / "a.parquet"),
    )
    assert list(csv["experiment"]) == list(parquet["experiment"]) == [*range(1, len(rows) + 1)]
    assert [*parquet["individual"].map(str)] == [row["individual"] for row in rows]
    refused = evolved.evolve("export", "a", "--to", "csv")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert evolved.evolve("export", "a").returncode == 2, "neither a genome nor a format"


def test_tensorboard_reads_a_run(evolved: Any) -> None:
    event_files = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    done = evolved.evolve("export", "a", "--to", "tensorboard", "-o", "events")
    assert done.returncode == 0, done.stderr
    search = event_files.EventAccumulator(str(evolved.folder / "events" / "search")).Reload()
    assert set(search.Tags()["scalars"]) == {
        "score/fitness",
        "score/fitness, final",
        "score/best so far",
    }
    scored = [row for row in evolved.results("a") if row["score"] and row["purpose"] != "final"]
    fitness = [event.value for event in search.Scalars("score/fitness")]
    assert fitness == pytest.approx([float(row["score"]) for row in scored], abs=1e-6)
    curve = evolved.folder / "events" / "genome 0, experiment 1"
    (point,) = event_files.EventAccumulator(str(curve)).Reload().Scalars("training loss")
    assert (point.step, point.value) == (1, 3.0)
    again = evolved.evolve("export", "a", "--to", "tensorboard", "-o", "events")
    assert again.returncode == 2
    assert "not an empty folder" in again.stderr


def test_a_table_holds_no_formula(evolved: Any, tmp_path: Path) -> None:
    place = tmp_path / "b"
    shutil.copytree(evolved.run("a"), place)
    with closing(sqlite3.connect(place / "archive.db")) as db, db:
        db.execute("UPDATE individuals SET description = '=1+1' WHERE id = 1")
    with closing(open_run(str(place))) as run:
        write_csv(Exported(run.record, run.task.metric, run.task.direction), tmp_path / "b.csv")
    table = pd.read_csv(tmp_path / "b.csv")
    assert set(table.loc[table["individual"] == 1, "description"]) == {"'=1+1"}


def test_a_genome_of_another_run_seeds_a_run(evolved: Any) -> None:
    done = evolved.evolve(
        *("--task", "toy", "--run", "b", "--generations", "0", "--seed-genome", "a:best"),
        *("--seed-genome", "toy/toy.py", "--devices", "cpu:0"),
    )
    assert done.returncode == 0, done.stderr
    assert evolved.git("b", "show", "refs/genomes/0:toy.py") == (
        evolved.evolve("export", "a", "best").stdout
    )
    assert evolved.count("b", "individuals") == 2


def test_a_folder_of_genomes_seeds_a_run(evolved: Any, tmp_path: Path) -> None:
    source = evolved.evolve("export", "a", "best").stdout
    for name, line in (("two.py", "SECOND = 2\n"), ("one.py", "FIRST = 1\n"), ("notes.md", "")):
        (tmp_path / name).write_text(source + line)
    done = evolved.evolve(
        *("--task", "toy", "--run", "of-a-folder", "--generations", "0"),
        *("--seed-genome", str(tmp_path), "--devices", "cpu:0"),
    )
    assert done.returncode == 0, done.stderr
    descriptions = evolved.rows("of-a-folder", "SELECT description FROM individuals ORDER BY id")
    assert [text for (text,) in descriptions] == ["one.py", "two.py"]


def test_a_finished_run_goes_on_and_is_binned_anew(make_place: Make) -> None:
    place = make_place()
    first = place.evolve("--task", "toy", "--run", "a", "--generations", "2", "--final-runs", "2")
    assert first.returncode == 0, first.stderr
    before = place.rows("a", "SELECT * FROM measurements")
    again = place.evolve("rebin", "a", "--cells", "12")
    assert again.returncode == 0, again.stderr
    assert "of 144 are now" in again.stdout
    outer = place.evolve("rebin", "a", "--bounds", "size=1:10")
    assert outer.returncode == 0, outer.stderr
    assert place.rows("a", "SELECT * FROM measurements") == before, "what was measured stays"
    more = place.evolve("resume", "a", "--generations", "3")
    assert more.returncode == 0, more.stderr
    assert place.count("a", "individuals WHERE parents != '[]'") == 15
    numbers = [row[0] for row in place.rows("a", "SELECT id FROM proposals ORDER BY id")]
    assert numbers == sorted(set(numbers)), "no proposal is drawn twice"
    finals = place.rows("a", "SELECT individual, seed FROM measurements WHERE purpose = 'final'")
    ends = sum("2 runs of each" in done.stdout for done in (first, more))  # none if no child won
    assert ends
    assert len(finals) == len(set(finals)) == 4 * ends, "each end has fresh runs of its own"


def test_the_notebook_reads_a_run(evolved: Any, execute: Callable[..., list[str]]) -> None:
    kinds = execute("analysis.ipynb", EVOLVE_RUN=str(evolved.run("a")))
    assert kinds.count("image/png") == 5, "all of the run's pictures"
    assert kinds.count("text/html") >= 1


def test_a_finished_run_is_not_run_again(place: Any) -> None:
    assert place.evolve("--task", "toy", "--run", "a", "--generations", "1").returncode == 0
    before = place.rows("a", "SELECT * FROM measurements"), place.rows("a", "SELECT * FROM events")
    for more in ((), ("--generations", "1")):
        again = place.evolve("resume", "a", *more)
        assert again.returncode == 0, again.stderr
        assert "run a is finished: 5 children done" in again.stdout
        assert "`python -m evolve resume a --generations N` goes on with it" in again.stdout
        assert "to come" not in again.stdout
    after = place.rows("a", "SELECT * FROM measurements"), place.rows("a", "SELECT * FROM events")
    assert after == before
    on = place.evolve("resume", "a", "--generations", "2")
    assert on.returncode == 0, on.stderr
    assert place.count("a", "individuals WHERE parents != '[]'") == 10


def test_a_run_that_reached_its_target_is_not_run_again(place: Any) -> None:
    place.evolve("--task", "toy", "--run", "a", "--generations", "1", "--target", "9")
    again = place.evolve("resume", "a")
    assert "has reached its target 9" in again.stdout
    assert "`python -m evolve resume a --target X` sets another one" in again.stdout
    assert place.count("a", "individuals WHERE parents != '[]'") == 0
