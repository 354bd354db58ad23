"""What the parts of a genome are worth, and the genome without what does not count: runs of
scripted genomes whose parts have known worths. All is real but the processes of the children."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from population import Measurement

SEED = """\
import os, random
from given import GOAL

WIDTH = 32
RATE = 0.1
LABEL = "start"


class Noise:
    def draw(self):
        return random.gauss(0, 0.002)

    def name(self):
        return "gauss"


def offset():
    return 0.1


random.seed(int(os.environ["TRAINER_SEED"]))
print("---")
print("score:", 2 + (RATE - GOAL) ** 2 + 8 / WIDTH + offset() + Noise().draw())
print("size:", WIDTH)
print("work:", 100)
print("seconds:", 1.0)
"""
WORTHS = {"constant WIDTH": 0.125, "constant RATE": 0.04, "def offset": 0.05}
NO_OPS = ("constant LABEL", "def Noise.name")
NEEDED = SEED.replace("WIDTH = 32", "WIDTH = 64").replace(
    "RATE = 0.1\n", "RATE = 0.3\nSHIFT = 0.05\n"
)
NEEDED = NEEDED.replace("return 0.1", "return 0.1 - SHIFT")
BEST = NEEDED.replace('"start"', '"end"').replace('"gauss"', '"normal"')

RUNS = "SELECT individual, purpose, seed, fitness FROM measurements ORDER BY id"


@pytest.fixture(scope="module")
def ablated(steps: ModuleType, make_place: Callable[[], Any]) -> Any:
    """A run whose best was ablated."""
    stage = steps.Stage(make_place())
    stage.evolve(BEST, seed=SEED)
    stage.output = stage.ablate(4)
    assert stage.code == 0
    return stage


def test_the_table_tells_what_each_part_is_worth(ablated: Any) -> None:
    table = ablated.read_table(ablated.output)
    assert set(table) == {*WORTHS, *NO_OPS, "constant SHIFT"}
    for part, worth in WORTHS.items():
        _, found, interval, runs, verdict, _ = table[part]
        low, high = map(float, interval.split(" to "))
        assert 0 < low < float(found) < high
        assert float(found) == pytest.approx(worth, abs=0.006)
        assert (runs, verdict) == ("4", "counts")
    for part in NO_OPS:
        low, high = map(float, table[part][2].split(" to "))
        assert low < 0 < high
        assert table[part][4] == "no-op"
    assert table["constant RATE"][0] == "0.1 -> 0.3"
    assert "no-ops, as far as these runs show: constant LABEL, def Noise.name" in ablated.output


def test_what_new_code_needs_cannot_be_reverted_alone_and_runs_twice(ablated: Any) -> None:
    assert "cannot be reverted alone" in " ".join(
        ablated.read_table(ablated.output)["constant SHIFT"]
    )
    assert re.search(r"constant SHIFT cannot be reverted alone: crash: .*SHIFT", ablated.output)
    runs = ablated.place.rows(
        "a", "SELECT status FROM individuals i JOIN measurements m ON m.individual = i.id "
        "WHERE description LIKE 'without constant SHIFT%'"
    )  # fmt: skip
    assert runs == [("crash",), ("crash",)]


def test_the_distilled_genome_has_what_counts_and_nothing_else(ablated: Any) -> None:
    place = ablated.place
    ((number, commit, parents, description),) = place.rows(
        "a", "SELECT id, commit_hash, parents, description FROM individuals "
        "WHERE operator = 'distill'"
    )  # fmt: skip
    assert place.git("a", "show", f"refs/genomes/{number}:toy.py") == NEEDED
    assert parents == "[1]"
    best = place.git("a", "rev-parse", "refs/genomes/1").strip()
    assert place.git("a", "log", "-1", "--format=%H %P", commit).split() == [commit, best]
    assert description == "without constant LABEL, def Noise.name"
    assert place.count("a", f"measurements WHERE individual = {number}") == 4
    assert re.search(
        rf"distilled genome #{number}, without .*, is as good as #1 as far as \d and \d fresh runs "
        r"show: score 2\.\d+ against 2\.\d+, \S+ (better|worse) \(95 % interval -\S+ to \+",
        ablated.output,
    )
    assert f"export a {number} -o distilled.py" in ablated.output


def test_runs_are_fresh_and_interleaved_and_decide_nothing(ablated: Any) -> None:
    rows = ablated.place.rows("a", "SELECT individual, seed, kept FROM measurements "
                              "WHERE purpose = 'ablation' ORDER BY id")  # fmt: skip
    seeds = [seed for _, seed, _ in rows]
    used = {seed for (seed,) in ablated.place.rows("a", "SELECT seed FROM measurements "
                                                   "WHERE purpose != 'ablation'")}  # fmt: skip
    assert len(set(seeds)) == len(seeds)
    assert not used & set(seeds)
    assert not any(kept for _, _, kept in rows)
    numbers = [number for number, _, _ in rows]
    everyone, back, rest = numbers[:8], numbers[8:16], numbers[16:]
    assert everyone[0] == everyone[-1] == 1
    assert back == everyone[::-1]
    fit = [number for number in everyone if number in rest]
    assert len(fit) == 7, "all but the one that failed"
    assert rest[:14] == fit + fit[::-1]
    distilled = rest[15]
    assert rest[14:] == [1, distilled, distilled, 1] * 2
    assert "1 of 1" in ablated.call("list")
    elites = ablated.call("list", "a")
    assert not any(f"#{number}" in elites for number in {*everyone, distilled} - {1})


def test_it_is_not_measured_again_but_told_again(ablated: Any) -> None:
    before = ablated.place.count("a", "measurements")
    again = ablated.ablate(None)
    assert ablated.read_table(again) == ablated.read_table(ablated.output)
    assert ablated.place.count("a", "measurements") == before


def test_story_and_show_have_the_table(ablated: Any) -> None:
    story = (ablated.folder / "artifacts" / "changes.md").read_text()
    assert re.search(r"\| constant WIDTH \| 32 -> 64 \| \+0\.12\d* \|.*\| counts \|", story)
    assert ablated.read_table(ablated.call("show", "a", "best")) == ablated.read_table(
        ablated.output
    )


def test_its_genomes_can_be_shown(ablated: Any) -> None:
    rows = ablated.place.rows("a", "SELECT id, description, operator FROM individuals WHERE id > 1")
    assert {operator for *_, operator in rows} == {"ablate", "distill"}
    for number, description, _ in rows:
        shown = ablated.call("show", "a", str(number))
        assert ablated.code == 0
        assert f"\n#{number} {description}" in shown
        assert "not measured by the search" in shown or "crash" in shown
    assert len(ablated.place.results("a")) == ablated.place.count("a", "measurements")


# -- what else there can be to revert -------------------------------------------------------------


def test_more_runs_are_added_to_those_that_there_are(stage: Any) -> None:
    stage.evolve(SEED.replace("WIDTH = 32", "WIDTH = 64"), seed=SEED)
    stage.ablate(2)
    assert stage.place.count("a", "measurements WHERE purpose = 'ablation'") == 6
    table = stage.read_table(stage.ablate(5))
    assert stage.place.count("a", "measurements WHERE purpose = 'ablation'") == 15
    assert table["constant WIDTH"][3] == "5"
    assert stage.place.count("a", "individuals") == 2, "without its only change it is the seed"


def test_without_its_last_change_a_genome_is_its_parent(stage: Any) -> None:
    first = SEED.replace("WIDTH = 32", "WIDTH = 64")
    stage.evolve(first, first.replace("RATE = 0.1", "RATE = 0.3"), seed=SEED)
    table = stage.read_table(stage.ablate(2))
    assert table["constant RATE"][-1] == "#1"
    assert table["constant WIDTH"][-1] == "#3"
    assert stage.place.count("a", "individuals") == 4


def test_code_that_nothing_uses_any_more_goes_with_what_used_it(stage: Any) -> None:
    idle = SEED.replace("return 0.1", "return 0.1 - SHIFT").replace(
        'LABEL = "start"', 'LABEL = "start"\nSHIFT = 0.0'
    )
    stage.evolve(idle.replace("RATE = 0.1", "RATE = 0.3"), seed=SEED)
    output = stage.ablate(4)
    table = stage.read_table(output)
    assert "cannot be reverted alone" in " ".join(table["constant SHIFT"])
    assert table["def offset"][4] == "no-op"
    expected = SEED.replace("RATE = 0.1", "RATE = 0.3")
    ((number,),) = stage.place.rows("a", "SELECT id FROM individuals WHERE operator = 'distill'")
    assert stage.place.git("a", "show", f"refs/genomes/{number}:toy.py") == expected


def test_parts_that_count_together_alone_are_not_left_out_together(stage: Any) -> None:
    """Either of two parts is enough: each one alone is a no-op, without both it is worse."""
    seed = SEED.replace("offset() +", "(0 if BOLD or KEEN else 0.1) +")
    seed = seed.replace("RATE = 0.1\n", "RATE = 0.1\nBOLD = False\nKEEN = False\n")
    best = seed.replace("BOLD = False", "BOLD = True").replace("KEEN = False", "KEEN = True")
    stage.evolve(best, seed=seed)
    output = stage.ablate(4)
    assert [row[4] for row in stage.read_table(output).values()] == ["no-op", "no-op"]
    first, second = re.findall(
        r"distilled genome #\d+, without (.*), is (worse than|as good as) #1 .* fresh runs show",
        output,
    )
    assert first[0] == "constant BOLD, constant KEEN"
    assert first[1] == "worse than"
    assert second[0] in ("constant BOLD", "constant KEEN")
    assert second[1] == "as good as"


def test_what_the_contract_demands_cannot_be_reverted(stage: Any) -> None:
    """The word that the task demands stands in the best's own line alone."""
    seed = SEED.replace("(RATE - GOAL)", "(RATE - 0.3)").replace(
        "WIDTH = 32", "WIDTH = 32 + 0 * GOAL"
    )
    best = SEED.replace("WIDTH = 32", "WIDTH = 64")
    stage.evolve(best, seed=seed)
    output = stage.ablate(2)
    assert re.search(r"top-level code near line \d+ cannot be reverted alone: .*`GOAL`", output)


def test_comments_are_no_parts(stage: Any) -> None:
    best = SEED.replace("WIDTH = 32", "WIDTH = 64").replace("RATE = 0.1", "RATE = 0.1  # slow")
    stage.evolve(best, seed=SEED)
    assert set(stage.read_table(stage.ablate(2))) == {"constant WIDTH"}


def test_a_score_without_noise_has_intervals_without_width(stage: Any) -> None:
    seed = SEED.replace("random.gauss(0, 0.002)", "0.0")
    best = seed.replace("WIDTH = 32", "WIDTH = 64").replace('"start"', '"end"')
    stage.evolve(best, seed=seed)
    table = stage.read_table(stage.ablate(2))
    assert table["constant WIDTH"][1:3] == ("+0.1250", "+0.1250 to +0.1250")
    assert table["constant LABEL"][4] == "no-op"


def test_a_distilled_genome_is_a_child_of_its_own_if_an_ablation_alone_knows_it(stage: Any) -> None:
    best = SEED.replace("WIDTH = 32", "WIDTH = 64").replace('"start"', '"end"')
    stage.evolve(best, seed=SEED)
    output = stage.ablate(3)
    made = stage.place.rows("a", "SELECT id, operator, digest FROM individuals WHERE id > 1")
    assert [operator for _, operator, _ in made] == ["ablate", "ablate", "distill"]
    distilled = made[-1]
    alike = next(number for number, _, digest in made if digest == distilled[-1])
    assert stage.read_table(output)["constant LABEL"][-1] == f"#{alike}"
    assert alike < distilled[0]
    measured = stage.place.count("a", "measurements")
    assert stage.ablate(3) == output[output.index("\nwhat the parts of") :]
    assert stage.place.count("a", "measurements") == measured


# -- what there is nothing to revert in -----------------------------------------------------------


def test_a_run_whose_best_is_its_seed_has_nothing_to_revert(stage: Any) -> None:
    said = stage.evolve(SEED.replace("WIDTH = 32", "WIDTH = 16"), seed=SEED, distill=True)
    assert stage.code == 0
    assert "are worth" not in said
    refused = stage.call("ablate", "a")
    assert stage.code == 2
    assert "genome 0 is a seed, and still the best of this run" in refused
    assert stage.place.count("a", "measurements WHERE purpose = 'ablation'") == 0


def test_a_genome_that_failed_has_no_parts_to_measure(stage: Any) -> None:
    stage.evolve(SEED.replace("WIDTH = 32", "WIDTH = 0"), seed=SEED)
    refused = stage.call("ablate", "a", "1")
    assert stage.code == 2
    assert "genome 1 has no score" in refused


def test_one_run_of_each_is_refused(stage: Any) -> None:
    with pytest.raises(SystemExit):
        stage.call("ablate", "a", "--runs", "1")


# -- interruption, and what comes after -----------------------------------------------------------


def interrupt_at(moment: int, measure_one: Any) -> Any:
    """Measures as `measure_one`, and presses Ctrl-C during the run of that number, from 1."""
    numbers = count(1)

    def measure(*given: Any, **more: Any) -> Measurement:
        if next(numbers) == moment:
            os.kill(os.getpid(), signal.SIGINT)
        return measure_one(*given, **more)

    return measure


@pytest.mark.parametrize("moment", [1, 9, 30])
def test_an_interrupted_ablation_goes_on_where_it_stopped(
    steps: ModuleType, stage: Any, ablated: Any, moment: int
) -> None:
    stage.evolve(BEST, seed=SEED)
    said = stage.ablate(4, measure=interrupt_at(moment, steps.run_here))
    assert stage.code == 130
    assert "not all was measured; go on with: python -m evolve ablate a 1" in said
    made = stage.place.count("a", "measurements WHERE purpose = 'ablation'")
    assert made == moment
    output = stage.ablate(None if moment > 1 else 4)
    assert stage.code == 0
    assert stage.read_table(output) == stage.read_table(ablated.output)
    assert stage.place.rows("a", RUNS) == ablated.place.rows("a", RUNS)


@pytest.fixture(scope="module")
def instant(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    """instant.py, of which a job in a process that dies when told to is used."""
    return load(Path(__file__).parents[1] / "instant.py", "instant")


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_killed_ablation_goes_on_where_it_stopped(
    instant: ModuleType, stage: Any, ablated: Any, share: float
) -> None:
    stage.evolve(BEST, seed=SEED)
    acts = 600  # on the disk, of an ablation: more or less
    ended = instant.forked(lambda: stage.ablate(4), int(share * acts))
    before = stage.place.rows("a", RUNS)
    output = stage.ablate(4)
    assert stage.place.rows("a", RUNS)[: len(before)] == before
    assert stage.place.rows("a", RUNS) == ablated.place.rows("a", RUNS)
    assert stage.read_table(output) == stage.read_table(ablated.output)
    assert ended.killed
    assert stage.place.git("a", "fsck", "--strict") == ""
    genomes = "SELECT id, parents, operator, description, digest FROM individuals ORDER BY id"
    assert stage.place.rows("a", genomes) == ablated.place.rows("a", genomes)


def test_the_search_goes_on_with_the_distilled_genome_as_a_child_and_replays(stage: Any) -> None:
    last = BEST.replace("WIDTH = 64", "WIDTH = 128")
    stage.evolve(BEST, seed=SEED)
    stage.ablate(3)
    ((number,),) = stage.place.rows("a", "SELECT id FROM individuals WHERE operator = 'distill'")
    (stage.place.task_folder / "step2.txt").write_text(last)
    stage.resume()
    assert stage.code == 0
    assert stage.place.count("a", "measurements WHERE purpose = 'search' AND individual > 0") == 1
    stage.resume(generations=3)
    searched = stage.place.rows("a", "SELECT individual FROM measurements WHERE individual > 0 "
                                "AND purpose = 'search' ORDER BY id")  # fmt: skip
    assert searched == [(1,), (number,), (number + 1,)]
    replayed = stage.call("replay", "a")
    assert stage.code == 0, replayed
    assert "2 of 2 proposals are the same" in replayed
    assert "3 of 3" in stage.call("list")
    stage.ablate(2)
    assert stage.code == 0
    assert stage.call("replay", "a") == replayed


# -- at the end of a run --------------------------------------------------------------------------


def test_a_run_that_is_asked_to_distils_its_best_within_its_share(stage: Any) -> None:
    said = stage.evolve(BEST, seed=SEED, distill=True, final_runs=2)
    assert stage.code == 0
    assert "--distill: at most 24 of these runs" in said
    assert "in 6 parts, which are taken in 4 groups" in said
    table = stage.read_table(said)
    assert len(table) == 4
    assert stage.place.count("a", "measurements WHERE purpose = 'ablation'") <= 24
    assert stage.place.count("a", "measurements WHERE purpose = 'final'") == 4
    again = stage.resume()
    assert stage.read_table(again) == table
    finer = stage.read_table(stage.ablate(3))
    assert len(finer) == 6
    assert stage.read_table(stage.resume()) == finer, "what is known better is not measured again"
    assert stage.call("replay", "a").startswith("1 of 1")


# -- by the command line --------------------------------------------------------------------------


def test_the_command_measures_real_children_as_the_run_did(stage: Any) -> None:
    place = stage.place
    stage.write(SEED, SEED.replace("WIDTH = 32", "WIDTH = 64"))
    begun = place.evolve(
        *("--task", "toy", "--run", "a", "--generations", "1", "--children", "1"),
        *("--devices", "cpu:0", "--final-runs", "0"),
    )
    assert begun.returncode == 0, begun.stderr
    done = place.evolve("ablate", "a", "best", "--runs", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert stage.read_table(done.stdout)["constant WIDTH"][4] == "counts"
    assert place.rows("a", "SELECT DISTINCT device, status FROM measurements") == [("cpu:0", "ok")]
    assert place.living() == []
    (place.task_folder / "given.py").write_text("GOAL = 0.2\n")
    refused = place.evolve("ablate", "a")
    assert refused.returncode == 2
    assert "another protocol" in refused.stderr
