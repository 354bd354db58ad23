"""Edits that make examples/code_optimizer faster, as a good language model would propose them.

Each takes some steps of the program from their slow form to a fast one. They apply in any order,
and all of them together make the program about a hundred times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Good:
    """An edit: what is said of it, what each function becomes, the imports and dead constants."""

    idea: str
    why: str
    functions: dict[str, str]
    imports: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()


GOOD = [
    Good(
        "read each line once, and look its hour up",
        "each line was read twice, and the days since 1970 counted month by month for each",
        {
            "read_events": '''
def read_events(log):
    """The events in the log, in its order, and how many of its lines cannot be read.

    Blank lines, and lines which begin with #, count for nothing.
    """
    events = []
    unreadable = 0
    for line in log.split("\\n"):
        words = line.split()
        if not words or words[0][0] == "#":
            continue
        event = read_words(words)
        if event is None:
            unreadable += 1
        else:
            events.append(event)
    return events, unreadable
''',
            "split_lines": "",
            "read_line": '''
def read_words(words):
    """The event that the words of a line tell of, or None if it cannot be read."""
    if len(words) != 5 or words[1] not in ("OUT", "IN"):
        return None
    text = words[0]
    hour = hour_of(text[:14])
    minute, second = sixtieth(text[14:16]), sixtieth(text[17:])
    if hour is None or minute is None or second is None or text[16] != ":":
        return None
    event = {"time": hour + minute * 60 + second, "kind": words[1]}
    for word in words[2:]:
        name, value = field_of(word)
        event[name] = value
    return event if len(event) == 5 and "" not in event else None


@lru_cache(maxsize=100)
def sixtieth(text):
    """What two digits of a minute or of a second mean, None if they are none."""
    good = len(text) == 2 and text.isascii() and text.isdecimal() and text < "60"
    return int(text) if good else None


@lru_cache(maxsize=1000)
def hour_of(text):
    """Seconds from the start of 1970 to an hour such as 2031-05-04T07:, None if it is none."""
    return seconds_of(text + "00:00")


@lru_cache(maxsize=1000)
def field_of(word):
    """The name and the value of a field such as bike=B041; its name is empty if it is none."""
    name, _, value = word.partition("=")
    return (name, value) if value and name in ("bike", "rider", "dock") else ("", "")
''',
            "seconds_of": '''
def seconds_of(text):
    """Seconds from the start of 1970 to a time such as 2031-05-04T07:15:09, None if it is none."""
    if len(text) != 19 or not text.isascii() or text[10] != "T" or text < "1970":
        return None
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(time.replace(tzinfo=datetime.UTC).timestamp()) if time.isoformat() == text else None
''',
            "days_in": "",
        },
        imports=("from functools import lru_cache", "import datetime"),
        drops=("CHUNK",),
    ),
    Good(
        "sort with sorted, and keep the last event of each kind in a dict",
        "both steps compare each event with all earlier ones",
        {
            "in_order": '''
def in_order(events):
    """The events by time; those of one second stay as they came."""
    return sorted(events, key=lambda event: event["time"])
''',
            "at_known_docks": '''
def at_known_docks(events, docks):
    """The events at docks that belong to the network, and how many others there are."""
    numbers = {dock["dock"] for dock in docks}
    known = [event for event in events if event["dock"] in numbers]
    return known, len(events) - len(known)
''',
            "without_resent": '''
def without_resent(events, seconds):
    """The events without those which were sent twice, and how many these are.

    An event was sent twice if one that is kept has the same kind, bike, rider and dock, and is at
    most so many seconds older.
    """
    last = {}
    kept = []
    for event in events:
        key = event["kind"], event["bike"], event["rider"], event["dock"]
        if key not in last or event["time"] - last[key] > seconds:
            last[key] = event["time"]
            kept.append(event)
    return kept, len(events) - len(kept)
''',
        },
        drops=("DRAWERS",),
    ),
    Good(
        "pair trips in one pass, medians once for each dock",
        "both look through everything for every trip",
        {
            "pair_trips": '''
def pair_trips(events):
    """The trips in the order of their starts, and the bikes that are still out, by number.

    A trip is an OUT and the next event of the same bike, if that is an IN and later. The trip is
    its rider's who took the bike out. A bike whose last event is an OUT is still out.
    """
    trips = []
    out = {}
    for event in events:
        bike = event["bike"]
        if event["kind"] == "OUT":
            out[bike] = {
                "bike": bike,
                "rider": event["rider"],
                "from": event["dock"],
                "to": "",
                "start": event["time"],
                "end": 0,
            }
            trips.append(out[bike])
        elif bike in out:
            trip = out.pop(bike)
            trip["to"] = event["dock"]
            trip["end"] = event["time"]
    finished = [trip for trip in trips if trip["end"] > trip["start"]]
    return finished, sorted(out)
''',
            "with_pace": '''
def with_pace(trips, percent):
    """The trips with `slow`: whether they took longer than so many percent of what is usual.

    Usual is the median of all trips that begin at the same dock.
    """
    durations = {}
    for trip in trips:
        durations.setdefault(trip["from"], []).append(trip["end"] - trip["start"])
    limits = {dock: percentile(values, 50) * percent for dock, values in durations.items()}
    for trip in trips:
        trip["slow"] = (trip["end"] - trip["start"]) * 100 > limits[trip["from"]]
    return trips
''',
            "percentile": '''
def percentile(values, percent):
    """The smallest value that so many percent of the values do not exceed; 0 if there are none."""
    return sorted(values)[(len(values) * percent + 99) // 100 - 1] if values else 0
''',
        },
    ),
    Good(
        "shortest routes once for each dock",
        "the routes from one dock come out of one search, which trips from there can share",
        {
            "with_distances": '''
def with_distances(trips, docks, roads):
    """The trips with their `metres` by the shortest route, which are -1 where there is none."""
    ways = {dock["dock"]: [] for dock in docks}
    for one, other, length in roads:
        if one in ways and other in ways:
            ways[one].append((other, length))
            ways[other].append((one, length))
    reached = {}
    for trip in trips:
        start = trip["from"]
        if start not in reached:
            reached[start] = distances_from(start, ways)
        trip["metres"] = reached[start].get(trip["to"], -1)
    return trips
''',
            "shortest": '''
def distances_from(start, ways):
    """Metres from one dock to each that can be reached along the roads."""
    metres = {}
    heap = [(0, start)]
    while heap:
        walked, dock = heapq.heappop(heap)
        if dock in metres:
            continue
        metres[dock] = walked
        for other, length in ways[dock]:
            if other not in metres:
                heapq.heappush(heap, (walked + length, other))
    return metres
''',
        },
        imports=("import heapq",),
        drops=("ROUTES_KEPT", "FAR"),
    ),
    Good(
        "work each fare out from the smaller ones",
        "the recursion asks for the same minutes again and again",
        {
            "with_fares": '''
def with_fares(trips, tickets):
    """The trips with their `minutes`, of which one that has begun counts, and `cents`."""
    fares = [0]
    for trip in trips:
        minutes = (trip["end"] - trip["start"] + 59) // 60
        while len(fares) <= minutes:
            now = len(fares)
            fares.append(min([cents + fares[max(now - span, 0)] for span, cents in tickets]))
        trip["minutes"] = minutes
        trip["cents"] = fares[minutes]
    return trips
''',
            "cheapest": "",
        },
        drops=("FARES_KEPT",),
    ),
    Good(
        "count the bikes from event to event",
        "a list of every second of the night is large, and hardly any second has an event",
        {
            "fewest_bikes": '''
def fewest_bikes(docks, events):
    """For each dock the fewest bikes which stood there at the end of any second, by its number.

    The moment before the first event counts, too. It may fall below zero: docks miscount.
    """
    bikes = {dock["dock"]: dock["stock"] for dock in docks}
    fewest = dict(bikes)
    times = {}
    for event in events:
        number = event["dock"]
        if times.get(number) != event["time"]:
            times[number] = event["time"]
            fewest[number] = min(fewest[number], bikes[number])
        bikes[number] += 1 if event["kind"] == "IN" else -1
    return {number: min(fewest[number], bikes[number]) for number in bikes}
''',
            "history_of": "",
        },
    ),
    Good(
        "give each dock its own trips and events",
        "every figure of every dock goes through the whole night",
        {
            "all_figures": '''
def all_figures(docks, events, trips, rush):
    """The figures of all docks, most departures first, those with equally many by number."""
    fewest = fewest_bikes(docks, events)
    departures = {dock["dock"]: [] for dock in docks}
    arrivals = dict.fromkeys(departures, 0)
    for trip in trips:
        departures[trip["from"]].append(trip)
        arrivals[trip["to"]] += 1
    figures = []
    for dock in docks:
        number = dock["dock"]
        figure = dock_figures(dock, departures[number], rush, fewest[number])
        figure["arrivals"] = arrivals[number]
        figures.append(figure)
    return sorted(figures, key=lambda figure: (-figure["departures"], figure["dock"]))
''',
            "dock_figures": '''
def dock_figures(dock, departures, rush, fewest):
    """The figures of one dock by the trips that began there, without its arrivals.

    `median` and `long` are the percentiles 50 and 90 of the seconds that trips from here took,
    `slow` is how many of them were slow.
    """
    durations = [trip["end"] - trip["start"] for trip in departures]
    return {
        "dock": dock["dock"],
        "name": dock["name"],
        "departures": len(departures),
        "median": percentile(durations, 50),
        "long": percentile(durations, 90),
        "slow": sum([trip["slow"] for trip in departures]),
        "rush": busiest([trip["start"] for trip in departures], rush),
        "fewest": fewest,
    }
''',
            "busiest": '''
def busiest(starts, seconds):
    """The most of these sorted times that lie within so many seconds, the last of them excluded."""
    most = first = 0
    for last, start in enumerate(starts):
        while starts[first] <= start - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
''',
        },
    ),
    Good(
        "sets and dicts for riders and relays, one join for the journal",
        "the last steps compare every trip with every other, and add the page up blank by blank",
        {
            "best_riders": '''
def best_riders(trips, top):
    """The riders who spent most: lists of rider, trips, minutes and cents, ties by number."""
    rows = {}
    for trip in trips:
        row = rows.setdefault(trip["rider"], [trip["rider"], 0, 0, 0])
        row[1] += 1
        row[2] += trip["minutes"]
        row[3] += trip["cents"]
    return sorted(rows.values(), key=lambda row: (-row[3], row[0]))[:top]
''',
            "longest_relay": '''
def longest_relay(trips):
    """How many trips the longest relay has.

    In a relay each trip begins at the dock where the one before ended, at that second or later.
    """
    best = {}
    under_way = []
    for trip in trips:
        while under_way and under_way[0][0] <= trip["start"]:
            _, dock, length = heapq.heappop(under_way)
            best[dock] = max(best.get(dock, 0), length)
        heapq.heappush(under_way, (trip["end"], trip["to"], best.get(trip["from"], 0) + 1))
    lengths = [length for _, _, length in under_way]
    return max([*best.values(), *lengths], default=0)
''',
            "alike_docks": '''
def alike_docks(trips, docks, top):
    """The pairs of docks with most riders in common, and how many in a thousand these are.

    Of the riders who began a trip at one of the two docks, so many began one at each. Lists of the
    two numbers, the smaller first, and the share, rounded down; ties by number. Pairs with none in
    common are left out.
    """
    riders = {}
    for trip in trips:
        riders.setdefault(trip["from"], set()).add(trip["rider"])
    pairs = []
    for one, other in itertools.combinations(sorted(riders), 2):
        common = len(riders[one] & riders[other])
        if common:
            share = common * 1000 // (len(riders[one]) + len(riders[other]) - common)
            pairs.append([one, other, share])
    pairs.sort(key=lambda pair: -pair[2])
    return pairs[:top]
''',
            "riders_from": "",
            "journal": '''
def journal(trips, docks):
    """A line for every trip, by its end, then by its bike's number."""
    names = {dock["dock"]: f"{dock['name']:<18}" for dock in docks}
    lines = []
    for trip in sorted(trips, key=lambda trip: (trip["end"], trip["bike"])):
        hour, minute = divmod(trip["end"] // 60 % 1440, 60)
        length = f"{trip['minutes']} min"
        lines.append(
            f"{hour:02d}:{minute:02d} {trip['bike']:<6}{names[trip['from']]}"
            f"{names[trip['to']]}{length:>8}{' slow' if trip['slow'] else ''}\\n"
        )
    return "".join(lines)
''',
            "clock": "",
            "padded": "",
        },
        imports=("import heapq", "import itertools"),
    ),
]
