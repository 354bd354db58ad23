"""Whether the search wins: this program against greedy and against optimisers, on real training.

    python benchmarks/search.py --out FOLDER [--seeds 6] [--evaluations 100] [--budget 5]
    python benchmarks/search.py --draw benchmarks/records/search.csv
    python benchmarks/search.py --landscapes [--seeds 40]

Every search changes the constants of the same seed and gets the same number of evaluations, each a
training run by the trainer's own rules (sandbox, referee, clock); what a search spends on repeats
and on knowing the noise counts. This program uses its offline operators alone. Its rivals:

    plain         MAP-Elites without surrogates, parents drawn evenly: perturb and recombine
    greedy        keep or discard: perturb the best so far, believe every run
    random        independent draws: perturb the seed
    tpe, gp       Optuna's TPESampler and GPSampler
    cma           DEAP's CMA-ES
    greedy-tune   greedy with the surrogate of `tune` (not among the default ones)

A run of a search is a run of `python -m evolve` in FOLDER/runs, one on each core at a time, a seed
of every search before the next seed. In FOLDER `list`, `show` and `compare` work on them. Stop it
with Ctrl-C; the same command goes on, and one with more seeds, arms or evaluations extends it. At
the end the claimed bests of all runs at all checkpoints are measured together, on eight fresh seeds
in turns. --record writes the table from which --draw makes table and figure again.

--landscapes lets the same searches work on landscapes of known truth (landscapes.py), whose genomes
are written as constants, with as many landscapes of each kind as --seeds; the records go to --out.
The landscape `training` is fitted to the trainings of a comparison, a table beside its record.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from search_arms import ARMS, CHILDREN, DEFAULT, ROOT, Runner, Study
from search_record import Claim, StudyRecord, list_claims, list_seed, make_record
from search_tables import draw_figure, write_table
from search_trainings import Trainings
from search_truth import FreshRuns, digest, measure_fresh

from evolve.loop.contexts import VISITED
from population.errors import UserError
from trainer.devices import find_devices

PICTURES = ROOT / "docs"


def main() -> int:
    options = _parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends and cleans up as Ctrl-C does
    try:
        if options.draw:
            for path in options.draw:
                _show(StudyRecord.read(path), options.pictures / f"{path.stem}.png")
            return 0
        if options.landscapes is not None:
            from search_landscapes import compare_landscapes

            compare_landscapes(options)
            return 0
        return _compare(options)
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return 130
    except (UserError, ValueError, OSError) as error:
        print(f"search: {error}", file=sys.stderr)
        return 2


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="folder of the comparison, new or to go on with")
    parser.add_argument("--task", type=Path, default=ROOT, help="folder of the task's program.md")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=DEFAULT, metavar="ARM")
    parser.add_argument("--seeds", type=int, default=None, help="runs of each arm (default 6)")
    parser.add_argument("--evaluations", type=int, default=100, help="of each run (default 100)")
    parser.add_argument("--checkpoints", type=int, nargs="+", default=[10, 25, 50, 75, 100])
    parser.add_argument("--budget", type=float, default=5.0, help="seconds of a child (default 5)")
    parser.add_argument("--fresh", type=int, default=8, help="fresh runs of a claimed best")
    parser.add_argument("--devices", default="cpu", help="as of `evolve`; default every core")
    parser.add_argument("--sandbox", default="auto", help="as of `evolve`")
    parser.add_argument("--record", type=Path, help="write the record to this .csv file")
    parser.add_argument("--draw", type=Path, nargs="+", metavar="RECORD", help="show records again")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder for figures")
    parser.add_argument(
        "--landscapes",
        nargs="*",
        metavar="NAME",
        help="simulated landscapes instead (default choices, valleys and slow)",
    )
    parser.add_argument("--noise", type=float, help="of a run on a landscape; default its own")
    parser.add_argument("--processes", type=int, default=1, help="for landscapes")
    options = parser.parse_args()
    if not options.draw and options.landscapes is None and options.out is None:
        parser.error("say where the runs are to be: --out FOLDER")
    most = VISITED - CHILDREN
    if options.evaluations > most:
        parser.error(f"an operator sees {VISITED} genomes, so --evaluations may be {most} at most")
    options.checkpoints = sorted({n for n in options.checkpoints if n < options.evaluations})
    options.checkpoints.append(options.evaluations)
    return options


def _compare(options: argparse.Namespace) -> int:
    study = Study(
        out=options.out.resolve(),
        task=options.task.resolve(),
        arms=tuple(options.arms),
        seeds=6 if options.seeds is None else options.seeds,
        evaluations=options.evaluations,
        budget=options.budget,
        sandbox=options.sandbox,
    )
    devices = [device.name for device in find_devices(options.devices)]
    failed = Runner(devices, _say).work(study.list_runs())
    claims = [
        claim
        for run in study.list_runs()
        if run.is_begun
        for claim in list_claims(run, options.checkpoints)
    ]
    if not claims:
        print("no run has come to a checkpoint", file=sys.stderr)
        return 1
    fresh = FreshRuns(study.out / "fresh.jsonl")
    _measure(study, claims, fresh, options)
    record = make_record(study, claims, fresh, options.checkpoints)
    path = options.record or study.out / "search.csv"
    record.write(path)
    trainings = Trainings.gather(run for run in study.list_runs() if run.is_begun)
    trainings.write(path.with_name(f"{path.stem}.trainings.csv"))
    _show(record, (options.pictures if options.record else study.out) / f"{path.stem}.png")
    return 1 if failed else 0


def _measure(
    study: Study, claims: list[Claim], fresh: FreshRuns, options: argparse.Namespace
) -> None:
    sources = [list_seed(study), *(claim.source for claim in claims)]
    measure_fresh(
        {digest(source): source for source in sources},
        options.fresh,
        fresh,
        task=study.task,
        budget=study.budget,
        devices=options.devices,
        sandbox=study.sandbox,
        folder=study.out / "fresh",
        say=_say,
    )


def _show(record: StudyRecord, picture: Path) -> None:
    print(write_table(record))
    draw_figure(record, picture)
    print(f"figure: {picture}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
