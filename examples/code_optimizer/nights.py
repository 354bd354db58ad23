"""Nights of the rental network to report on, drawn at random: the benchmark's inputs."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

NAMES = (
    ("Mill", "Harbour", "Station", "Orchard", "Chapel", "Bridge", "Linden", "Market", "Garden"),
    ("Lane", "Square", "Gate", "Steps", "Row", "Quay", "Yard"),
)
BROKEN = (
    "# the clock of {dock} was set",
    "",
    "{time} OUT bike={bike} rider={rider}",
    "{time} PING bike={bike} rider={rider} dock={dock}",
    "{time} IN bike={bike} rider= dock={dock}",
    "{day} OUT bike={bike} rider={rider} dock={dock}",
    "{time} IN bike={bike} bike={bike} dock={dock}",
    "{time} OUT bike={bike} rider={rider} dock={dock} dock={dock}",
)


@dataclass(frozen=True)
class Shape:
    """A kind of night.

    Attributes:
        name: Its name.
        trips: Number of trips that riders make.
        docks: Number of docks of the network.
        roads: Number of roads from each dock to others.
        bikes: Number of bikes.
        riders: Number of riders.
        hours: Hours from the first departure to the last.
        minutes: Most minutes that a trip takes.
        resent: Events in a hundred that the docks send twice.
        broken: Lines in a hundred that cannot be read or do not count.
    """

    name: str
    trips: int
    docks: int
    roads: int
    bikes: int
    riders: int
    hours: float
    minutes: int
    resent: int
    broken: int


def draw_night(shape: Shape, rng: random.Random) -> list[Any]:
    """Draw a night of some shape: the arguments of `report`."""
    docks = [f"D{number:02d}" for number in rng.sample(range(100), shape.docks)]
    riders = [f"R{number:03d}" for number in rng.sample(range(1000), shape.riders)]
    night = datetime(rng.randint(2029, 2034), 1, 1) + timedelta(seconds=rng.randrange(31_000_000))
    events = _draw_events(shape, docks, riders, rng)
    lines = [_write_line(night, event, rng) for event in events]
    for _ in range(len(lines) * shape.broken // 100):
        lines.insert(rng.randrange(len(lines)), _write_broken_line(night, rng.choice(events), rng))
    names = [f"{first} {second}" for first in NAMES[0] for second in NAMES[1]]
    table = [
        {"dock": dock, "name": name, "stock": rng.randint(2, 12)}
        for dock, name in zip(docks, rng.sample(names, len(docks)), strict=True)
    ]
    return ["\n".join(lines) + "\n", table, _draw_roads(shape, docks, rng), _draw_rules(rng)]


def spoil_log(night: list[Any], rng: random.Random) -> list[Any]:
    """Make most lines of a night's log odd in some way.

    So a version has to be right for whatever may come, and not only for what a night mostly has.
    """
    log, *others = night
    lines = log.split("\n")
    for _ in range(len(lines)):
        at = rng.randrange(len(lines))
        lines[at] = rng.choice(SPOILING)(lines[at], rng)
    return ["\n".join(lines), *others]


def _exchange_character(line: str, rng: random.Random) -> str:
    at = rng.randrange(len(line) + 1)
    return line[:at] + rng.choice(ODD_CHARACTERS) + line[at + rng.randrange(2) :]


def _exchange_digit(line: str, rng: random.Random) -> str:
    """Exchange one of a time's last digits; the others would make trips of days, or of years."""
    found = re.search(r"T\d\d:\d\d:\d\d", line)
    if not found:
        return line
    at = found.start() + rng.choice([5, 7, 8])
    return line[:at] + rng.choice(DIGITS) + line[at + 1 :]


def _move_word(line: str, rng: random.Random) -> str:
    words = line.split(" ")
    words.insert(rng.randrange(len(words) + 1), words.pop(rng.randrange(len(words))))
    return rng.choice([" ", "  ", "\t"]).join(words)


def _repeat_word(line: str, rng: random.Random) -> str:
    words = line.split(" ")
    words[rng.randrange(len(words))] = rng.choice(words)
    return " ".join(words)


DIGITS = "0123456789\u0660\u0967\u00b2\uff15"  # of which Python takes the last four for digits, too
ODD_CHARACTERS = "\t\r\x0b\x1c\u2003\u0660\u00b2=#:-+TZ., "
SPOILING = (_exchange_character, _exchange_digit, _move_word, _repeat_word)

Event = tuple[int, str, str, str, str]  # second, kind, bike, rider, dock


def _draw_events(
    shape: Shape, docks: list[str], riders: list[str], rng: random.Random
) -> list[Event]:
    """Draw what the docks send, about in order."""
    places = {
        f"B{number:03d}": rng.choice(docks) for number in rng.sample(range(1000), shape.bikes)
    }
    free = dict.fromkeys(places, 0)
    weights = [rng.randint(1, 6) for _ in docks]
    sent: list[tuple[float, Event]] = []
    for start in sorted(rng.randrange(int(shape.hours * 3600)) for _ in range(shape.trips)):
        bike = min(rng.sample(sorted(places), 3), key=lambda bike: free[bike])
        start = max(start, free[bike])
        seconds = rng.randint(60, shape.minutes * 60)
        goal, rider = rng.choices(docks, weights)[0], rng.choice(riders)
        pair = [
            (start, "OUT", bike, rider, places[bike]),
            (start + seconds, "IN", bike, rider, goal),
        ]
        if rng.randrange(50) == 0:
            del pair[1]  # never the first: then two trips would look like one long one
        if rng.randrange(50) == 0:
            pair = [(*event[:4], "D??") for event in pair]
        places[bike], free[bike] = goal, start + seconds + rng.randint(0, 600)
        for event in pair:
            late = rng.expovariate(1 / 20)
            sent.append((event[0] + late, event))
            if rng.randrange(100) < shape.resent:
                again = (event[0] + rng.choice([0, 0, 3, 9, 60]), *event[1:])
                sent.append((again[0] + late, again))
    return [event for _, event in sorted(sent)]


def _write_line(night: datetime, event: Event, rng: random.Random) -> str:
    second, kind, bike, rider, dock = event
    fields = [f"bike={bike}", f"rider={rider}", f"dock={dock}"]
    rng.shuffle(fields)
    return f"{(night + timedelta(seconds=second)).isoformat()} {kind} {' '.join(fields)}"


def _write_broken_line(night: datetime, event: Event, rng: random.Random) -> str:
    time = (night + timedelta(seconds=event[0])).isoformat()
    bike, rider, dock = event[2:]
    form = rng.choice(BROKEN)
    return form.format(time=time, day=time[:10], bike=bike, rider=rider, dock=dock)


def _draw_roads(shape: Shape, docks: list[str], rng: random.Random) -> list[list[Any]]:
    """Draw roads between docks that mostly, but not always, connect them all."""
    roads = [
        [dock, rng.choice(docks[max(0, number - 4) : number]), rng.randint(200, 3000)]
        for number, dock in enumerate(docks)
        if number
    ]
    for dock in docks:
        roads += [[dock, rng.choice(docks), rng.randint(500, 6000)] for _ in range(shape.roads - 1)]
    rng.shuffle(roads)
    return roads[rng.randrange(2) :]


def _draw_rules(rng: random.Random) -> dict[str, Any]:
    spans = [5, rng.randint(11, 13), rng.randint(27, 33), rng.randint(55, 65)]
    cents = [
        rng.randint(80, 100),
        rng.randint(160, 220),
        rng.randint(390, 480),
        rng.randint(690, 880),
    ]
    return {
        "resend": rng.randint(10, 40),
        "rush": rng.randint(300, 1200),
        "slow": rng.randint(120, 180),
        "tickets": [list(pair) for pair in zip(spans, cents, strict=True)],
        "top": rng.randint(5, 10),
    }
