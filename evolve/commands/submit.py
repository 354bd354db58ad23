"""`python -m evolve submit`: a hand-written genome becomes a child of a run."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from archive.run_folder import RunError
from evolve.commands.json_output import json_option, print_json
from evolve.commands.options import new_parser, run_argument
from evolve.commands.verdict import describe_verdict, reach_verdict, write_verdict
from evolve.genome import KnownGenomes, RefusedError, screen
from evolve.genome.decoding import decode_genome
from evolve.loop.submissions import find_twin
from evolve.runs.history import view_search
from evolve.runs.inbox import Answer, Submission, Ticket, hand_in
from evolve.runs.run import Run, open_run
from population import Individual
from population.invocation import write_command

LATEST = 50  # newest genomes that may be the parent, besides the elites
PAUSE = 0.5  # seconds between two looks at what came of it
PATIENCE = 15.0  # seconds in which a run that goes on takes what was handed in


def arguments() -> argparse.ArgumentParser:
    parser = new_parser(
        "submit",
        "Hand a genome to a run: it is screened, measured as any child is, and recorded. The run "
        "need not be at work: then it takes the genome when it goes on.",
    )
    run_argument(parser)
    parser.add_argument("file", metavar="FILE", help="the genome, or - for standard input")
    parser.add_argument(
        "-m",
        "--idea",
        default="",
        metavar="IDEA",
        help="what it tries and why, in a line (default: the name of the file)",
    )
    parser.add_argument(
        "--parents",
        type=_parse_parents,
        default=(),
        metavar="A[,B]",
        help="genomes that it was made of, one or two numbers (default: the one that it shares "
        "most lines with)",
    )
    parser.add_argument(
        "--wait", action="store_true", help="wait for its measurement and say what came of it"
    )
    json_option(parser)
    return parser


def _parse_parents(text: str) -> tuple[int, ...]:
    parts = [part.removeprefix("#") for part in text.split(",")]
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not one or two numbers, as in 12 or 12,7")
    return tuple(map(int, parts))


def command(options: argparse.Namespace) -> int:
    """Hand a genome to a run, and with --wait say what came of it."""
    idea = options.idea or f"from {Path(options.file).name}"
    with closing(open_run(options.name)) as run:
        source = _read(options.file, run.task.language)
        answer, parents = submit_genome(run, source, idea, options.parents, options.file)
    if answer is None:
        return _say_waits(options, idle=True)
    assert answer.individual is not None
    if not options.wait:
        text = f"#{answer.individual} is queued in {options.name}, child of {_name(parents)}"
        _say(options, {"id": answer.individual, "parents": parents, "status": "queued"}, text)
        return 0
    if not options.json:
        print(f"#{answer.individual} is queued, child of {_name(parents)}; waiting", flush=True)
    return _await_verdict(options, answer.individual)


def submit_genome(
    run: Run, source: str, idea: str, parents: tuple[int, ...] = (), name: str = "the genome"
) -> tuple[Answer | None, tuple[int, ...]]:
    """Hand a genome to a run, and wait until the run has taken it.

    Args:
        run: The run.
        source: Text of the genome.
        idea: What it tries and why.
        parents: Ids of the genomes that it was made of; empty finds the one that it is most like.
        name: Name of the genome in what is said of it.

    Returns:
        The run's answer, which is None if nobody works on the run, and the parents' ids.

    Raises:
        RunError: The genome is refused, or there is no such parent.
    """
    _screen(run, source, name)
    individuals = {one.id: one for one in run.individuals()}
    parents = parents or (_find_parent(run, source, individuals),)
    for number in parents:
        if number not in individuals:
            raise RunError(f"run {run.folder.name} has no genome {number}, to be a parent")
    ticket = hand_in(run.folder, Submission(source, " ".join(idea.split()), parents))
    answer = _await_answer(run, ticket)
    if answer is not None and answer.individual is None:
        raise RunError(f"{name} is refused: {answer.reason}")
    return answer, parents


def _read(file: str, language: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return decode_genome(data, language)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"{file} cannot be read: {reason}") from error


def _screen(run: Run, source: str, file: str) -> None:
    """Refuse here what the run would refuse, whether it is at work or not."""
    try:
        screen(source, run.task, KnownGenomes(run.record.digests()))
    except RefusedError as error:
        twin = find_twin(run, source)
        which = f" It is genome #{twin}." if twin is not None else ""
        raise RunError(f"{file} is refused: {error}.{which}") from error


def _find_parent(run: Run, source: str, individuals: dict[int, Individual]) -> int:
    """The individual that shares most lines with a genome, the fittest of several."""
    archive = view_search(run).archive
    near = [*(archive.elites if archive else []), *list(individuals.values())[-LATEST:]]
    near += [one for one in individuals.values() if not one.parents]
    own = Counter(source.splitlines())

    def shared(one: Individual) -> int:
        theirs = Counter(run.lineage.source(one.commit).splitlines())
        return (own & theirs).total() - (theirs - own).total()

    lines = {one.id: shared(one) for one in near}
    alike = [one for one in near if lines[one.id] == max(lines.values())]
    scored = [one for one in alike if one.scored] or alike
    return max(scored, key=lambda one: (one.fitness, -one.id)).id


def _await_answer(run: Run, ticket: Ticket) -> Answer | None:
    """What the run says of a submission; None if nobody works on the run."""
    patience = time.monotonic() + PATIENCE
    while (answer := ticket.take_answer()) is None:
        if time.monotonic() > patience or not run.folder.is_locked():
            return ticket.take_answer()
        time.sleep(PAUSE)
    return answer


def _say_waits(options: argparse.Namespace, *, idle: bool) -> int:
    resume = write_command("resume", options.name)
    text = f"it waits in the inbox of {options.name}, which takes it when it goes on: {resume}"
    _say(options, {"id": None, "status": "waits for the run"}, text)
    return 0 if idle and not options.wait else 1


def _await_verdict(options: argparse.Namespace, number: int) -> int:
    """Wait until a genome was measured: 0 if it scored, 1 if it failed or nobody measures it."""
    with closing(open_run(options.name)) as run:
        while True:
            at_work = run.folder.is_locked()
            individual = run.individuals()[number]
            if individual.measurements:
                break
            if not at_work:
                resume = write_command("resume", options.name)
                text = f"the run has stopped before #{number} was measured; go on with: {resume}"
                _say(options, {"id": number, "status": "waits for the run"}, text)
                return 1
            time.sleep(PAUSE)
        search = view_search(run)
        verdict = reach_verdict(search, search.individuals[number])
        lines = write_verdict(verdict, run, search)
        _say(options, describe_verdict(verdict, run, search), "\n".join(lines))
        return 0 if individual.scored else 1


def _say(options: argparse.Namespace, values: dict[str, object], text: str) -> None:
    if options.json:
        print_json(values)
    else:
        print(text)


def _name(parents: tuple[int, ...]) -> str:
    return " and ".join(f"#{number}" for number in parents)
