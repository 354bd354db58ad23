"""The night report of a bicycle rental network.

Every night the docks of the network send what happened at them: bicycles that went out and bicycles
that came in. `report` turns this log into the page that the operators read at breakfast. It grew
over the years while the network was small, and nobody has looked at its speed since.

A line of the log has five words: the time, OUT or IN, and the fields `bike=`, `rider=` and `dock=`
in any order:

    2031-05-04T07:15:09 OUT bike=B041 rider=R207 dock=D03

Docks send over a poor connection: lines arrive late, twice, or in pieces.
"""

from __future__ import annotations

CHUNK = 64  # characters of the log that are looked at together
DRAWERS = 2  # into which events are filed, so that one which was sent twice is found sooner
ROUTES_KEPT = 16  # of the routes that were looked up last
FARES_KEPT = 16  # of the fares that were worked out last

FAR = float("inf")  # metres, longer than any route


def report(log, docks, roads, rules):
    """What happened in one night.

    Args:
        log: the text that the docks have sent.
        docks: of each dock a dict with its `dock` (such as "D03"), `name`, and `stock`, the number
            of bicycles which stood there before the first event.
        roads: lists of two docks and the metres between them. A road leads both ways, and between
            two docks there may be several.
        rules: a dict with
            resend: seconds within which an event that comes again counts as sent twice;
            rush: seconds that a rush lasts;
            slow: percent of its dock's median duration above which a trip is slow;
            tickets: lists of minutes and cents, the tickets from which a fare is put together;
            top: how many entries the lists of the best have.

    Returns:
        A dict of plain data, in which everything is counted in whole numbers: seconds, minutes,
        metres, cents. See `summary` and the functions that it calls for what its parts mean.

    Raises:
        ValueError: a road is shorter than nothing, or no ticket is sold.
    """
    for road in roads:
        if road[2] < 0:
            raise ValueError("the road from " + road[0] + " to " + road[1] + " has no length")
    if len(rules["tickets"]) == 0:
        raise ValueError("there is no ticket to buy")
    events, unreadable = read_events(log)
    events = in_order(events)
    events, strangers = at_known_docks(events, docks)
    events, resent = without_resent(events, rules["resend"])
    trips, lent = pair_trips(events)
    trips = with_distances(trips, docks, roads)
    trips = with_fares(trips, rules["tickets"])
    trips = with_pace(trips, rules["slow"])
    counts = {"unreadable": unreadable, "strangers": strangers, "resent": resent}
    return summary(counts, events, trips, lent, docks, rules)


# -- reading the log --------------------------------------------------------------------------


def read_events(log):
    """The events in the log, in its order, and how many of its lines cannot be read.

    Blank lines, and lines which begin with #, count for nothing.
    """
    events = []
    unreadable = 0
    for line in split_lines(log):
        if line.strip() == "" or line.strip()[0] == "#":
            continue
        if read_line(line) is None:
            unreadable = unreadable + 1
        else:
            events = events + [read_line(line)]
    return events, unreadable


def split_lines(log):
    """The lines of the log without their ends, taken from it chunk by chunk."""
    lines = []
    rest = ""
    while len(log) > 0:
        rest = rest + log[:CHUNK]
        log = log[CHUNK:]
        while "\n" in rest:
            line = ""
            for character in rest:
                if character == "\n":
                    break
                line = line + character
            lines.append(line)
            rest = rest[len(line) + 1 :]
    if rest != "":
        lines.append(rest)
    return lines


def read_line(line):
    """The event that a line tells of, or None if it cannot be read."""
    words = line.split()
    if len(words) != 5 or words[1] not in ["OUT", "IN"]:
        return None
    time = seconds_of(words[0])
    if time is None:
        return None
    event = {"time": time, "kind": words[1]}
    for name in ["bike", "rider", "dock"]:
        values = []
        for word in line.split()[2:]:
            if word.startswith(name + "="):
                values.append(word[len(name) + 1 :])
        if len(values) != 1 or values[0] == "":
            return None
        event[name] = values[0]
    return event


def seconds_of(text):
    """Seconds from the start of 1970 to a time such as 2031-05-04T07:15:09, None if it is none."""
    if len(text) != 19:
        return None
    for position in range(19):
        pattern = "0000-00-00T00:00:00"[position]
        if pattern == "0" and text[position] not in "0123456789":
            return None
        if pattern != "0" and text[position] != pattern:
            return None
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if year < 1970 or month < 1 or month > 12 or day < 1 or day > days_in(year, month):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    days = day - 1
    for earlier_year in range(1970, year):
        for earlier_month in range(1, 13):
            days = days + days_in(earlier_year, earlier_month)
    for earlier_month in range(1, month):
        days = days + days_in(year, earlier_month)
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def days_in(year, month):
    """The days of a month."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return lengths[month - 1]


# -- cleaning it ------------------------------------------------------------------------------


def in_order(events):
    """The events by time; those of one second stay as they came."""
    ordered = []
    for event in events:
        position = 0
        while position < len(ordered) and ordered[position]["time"] <= event["time"]:
            position = position + 1
        ordered.insert(position, event)
    return ordered


def at_known_docks(events, docks):
    """The events at docks that belong to the network, and how many others there are."""
    known = []
    for event in events:
        if find_dock(docks, event["dock"]) is not None:
            known = known + [event]
    return known, len(events) - len(known)


def find_dock(docks, wanted):
    """The dock with this number, or None."""
    for dock in docks:
        if dock["dock"] == wanted:
            return dock
    return None


def without_resent(events, seconds):
    """The events without those which were sent twice, and how many these are.

    An event was sent twice if one that is kept has the same kind, bike, rider and dock, and is at
    most so many seconds older.
    """
    drawers = [[] for _ in range(DRAWERS)]
    kept = []
    for event in events:
        number = 0
        for character in event["bike"]:
            number = number + ord(character)
        drawer = drawers[number % DRAWERS]
        twice = False
        for earlier in drawer:
            same = True
            for name in ["kind", "bike", "rider", "dock"]:
                if earlier[name] != event[name]:
                    same = False
            if same and event["time"] - earlier["time"] <= seconds:
                twice = True
        if not twice:
            drawer.append(event)
            kept.append(event)
    return kept, len(events) - len(kept)


# -- from events to trips ---------------------------------------------------------------------


def pair_trips(events):
    """The trips in the order of their starts, and the bikes that are still out, by number.

    A trip is an OUT and the next event of the same bike, if that is an IN and later. The trip is
    its rider's who took the bike out. A bike whose last event is an OUT is still out.
    """
    trips = []
    lent = []
    for index, event in enumerate(events):
        if event["kind"] != "OUT":
            continue
        following = [other for other in events[index + 1 :] if other["bike"] == event["bike"]]
        if len(following) == 0:
            lent.append(event["bike"])
        elif following[0]["kind"] == "IN" and following[0]["time"] > event["time"]:
            trips.append(
                {
                    "bike": event["bike"],
                    "rider": event["rider"],
                    "from": event["dock"],
                    "to": following[0]["dock"],
                    "start": event["time"],
                    "end": following[0]["time"],
                }
            )
    return trips, sorted(lent)


def with_distances(trips, docks, roads):
    """The trips with their `metres` by the shortest route, which are -1 where there is none."""
    measured = []
    kept = []
    for trip in trips:
        metres = None
        for start, end, known in kept:
            if start == trip["from"] and end == trip["to"]:
                metres = known
        if metres is None:
            metres = shortest(trip["from"], trip["to"], docks, roads)
            kept = (kept + [[trip["from"], trip["to"], metres]])[-ROUTES_KEPT:]
        measured = measured + [{**trip, "metres": metres}]
    return measured


def shortest(start, end, docks, roads):
    """Metres from one dock to another along the roads, -1 if none leads there."""
    metres = {dock["dock"]: FAR for dock in docks}
    metres[start] = 0
    for _ in docks:
        for one, other, length in roads:
            if one not in metres or other not in metres:
                continue
            if metres[one] + length < metres[other]:
                metres[other] = metres[one] + length
            if metres[other] + length < metres[one]:
                metres[one] = metres[other] + length
    return metres[end] if metres[end] < FAR else -1


def with_fares(trips, tickets):
    """The trips with their `minutes`, of which one that has begun counts, and `cents`."""
    priced = []
    kept = []
    for trip in trips:
        minutes = (trip["end"] - trip["start"] + 59) // 60
        cents = None
        for known_minutes, known_cents in kept:
            if known_minutes == minutes:
                cents = known_cents
        if cents is None:
            cents = cheapest(minutes, tickets)
            kept = (kept + [[minutes, cents]])[-FARES_KEPT:]
        priced = priced + [{**trip, "minutes": minutes, "cents": cents}]
    return priced


def cheapest(minutes, tickets):
    """Cents for the cheapest tickets which together last so many minutes or longer."""
    if minutes <= 0:
        return 0
    best = None
    for span, cents in tickets:
        total = cents + cheapest(minutes - span, tickets)
        if best is None or total < best:
            best = total
    return best


def with_pace(trips, percent):
    """The trips with `slow`: whether they took longer than so many percent of what is usual.

    Usual is the median of all trips that begin at the same dock.
    """
    judged = []
    for trip in trips:
        durations = [
            other["end"] - other["start"] for other in trips if other["from"] == trip["from"]
        ]
        slow = (trip["end"] - trip["start"]) * 100 > percentile(durations, 50) * percent
        judged = judged + [{**trip, "slow": slow}]
    return judged


def percentile(values, percent):
    """The smallest value that so many percent of the values do not exceed; 0 if there are none."""
    rest = list(values)
    needed = (len(rest) * percent + 99) // 100
    found = 0
    for _ in range(needed):
        found = min(rest)
        rest.remove(found)
    return found


# -- what the night was like ------------------------------------------------------------------


def summary(counts, events, trips, lent, docks, rules):
    """The report's parts: see the functions below."""
    return {
        **counts,
        "events": len(events),
        "trips": len(trips),
        "lent": lent,
        "cents": sum([trip["cents"] for trip in trips]),
        "metres": sum([trip["metres"] for trip in trips if trip["metres"] > 0]),
        "docks": all_figures(docks, events, trips, rules["rush"]),
        "riders": best_riders(trips, rules["top"]),
        "relay": longest_relay(trips),
        "alike": alike_docks(trips, docks, rules["top"]),
        "journal": journal(trips, docks),
    }


def all_figures(docks, events, trips, rush):
    """The figures of all docks, most departures first, those with equally many by number."""
    fewest = fewest_bikes(docks, events)
    figures = []
    for dock in docks:
        figures.append(dock_figures(dock, trips, rush, fewest[dock["dock"]]))
    return sorted(figures, key=lambda figure: (-figure["departures"], figure["dock"]))


def dock_figures(dock, trips, rush, fewest):
    """The figures of one dock, of which the fewest bikes are known.

    `median` and `long` are the percentiles 50 and 90 of the seconds that trips from here took,
    `slow` is how many of them were slow.
    """
    number = dock["dock"]
    return {
        "dock": number,
        "name": dock["name"],
        "departures": len([trip for trip in trips if trip["from"] == number]),
        "arrivals": len([trip for trip in trips if trip["to"] == number]),
        "median": percentile([t["end"] - t["start"] for t in trips if t["from"] == number], 50),
        "long": percentile([t["end"] - t["start"] for t in trips if t["from"] == number], 90),
        "slow": len([trip for trip in trips if trip["from"] == number and trip["slow"]]),
        "rush": busiest(number, trips, rush),
        "fewest": fewest,
    }


def busiest(number, trips, seconds):
    """The most trips that began at a dock from some moment on until so many seconds later.

    A trip that begins exactly so many seconds later is not counted any more.
    """
    most = 0
    for first in [trip for trip in trips if trip["from"] == number]:
        starts = []
        for trip in trips:
            if trip["from"] == number:
                if first["start"] <= trip["start"] < first["start"] + seconds:
                    starts.append(trip["start"])
        if len(starts) > most:
            most = len(starts)
    return most


def fewest_bikes(docks, events):
    """For each dock the fewest bikes which stood there at the end of any second, by its number.

    The moment before the first event counts, too. It may fall below zero: docks miscount.
    """
    histories = {}
    for dock in docks:
        histories[dock["dock"]] = history_of(dock, events)
    return {number: min(history) for number, history in histories.items()}


def history_of(dock, events):
    """How many bikes stood at a dock before the first event and at the end of each second since."""
    history = [dock["stock"]]
    if len(events) == 0:
        return history
    first = events[0]["time"]
    changes = [0] * (events[-1]["time"] - first + 1)
    for event in events:
        if event["dock"] == dock["dock"]:
            if event["kind"] == "OUT":
                changes[event["time"] - first] = changes[event["time"] - first] - 1
            else:
                changes[event["time"] - first] = changes[event["time"] - first] + 1
    for change in changes:
        history.append(history[-1] + change)
    return history


def best_riders(trips, top):
    """The riders who spent most: lists of rider, trips, minutes and cents, ties by number."""
    riders = []
    for trip in trips:
        if trip["rider"] not in riders:
            riders.append(trip["rider"])
    rows = []
    for rider in riders:
        own = [trip for trip in trips if trip["rider"] == rider]
        minutes = sum([trip["minutes"] for trip in own])
        cents = sum([trip["cents"] for trip in own])
        rows.append([rider, len(own), minutes, cents])
    best = []
    while len(rows) > 0 and len(best) < top:
        rows = sorted(rows, key=lambda row: (-row[3], row[0]))
        best.append(rows[0])
        rows = rows[1:]
    return best


def longest_relay(trips):
    """How many trips the longest relay has.

    In a relay each trip begins at the dock where the one before ended, at that second or later.
    """
    lengths = []
    for trip in trips:
        longest = 1
        for number, length in enumerate(lengths):
            before = trips[number]
            if before["to"] == trip["from"] and before["end"] <= trip["start"]:
                longest = max([longest, length + 1])
        lengths = lengths + [longest]
    return max(lengths) if len(lengths) > 0 else 0


def alike_docks(trips, docks, top):
    """The pairs of docks with most riders in common, and how many in a thousand these are.

    Of the riders who began a trip at one of the two docks, so many began one at each. Lists of the
    two numbers, the smaller first, and the share, rounded down; ties by number. Pairs with none in
    common are left out.
    """
    pairs = []
    for one in docks:
        for other in docks:
            if one["dock"] < other["dock"]:
                ours = riders_from(one["dock"], trips)
                theirs = riders_from(other["dock"], trips)
                common = [rider for rider in ours if rider in theirs]
                everyone = ours + [rider for rider in theirs if rider not in ours]
                if len(common) > 0:
                    share = len(common) * 1000 // len(everyone)
                    pairs.append([one["dock"], other["dock"], share])
    pairs = sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))
    return pairs[:top]


def riders_from(number, trips):
    """The riders who began a trip at a dock, each once."""
    riders = []
    for trip in trips:
        if trip["from"] == number and trip["rider"] not in riders:
            riders = riders + [trip["rider"]]
    return riders


# -- the page ---------------------------------------------------------------------------------


def journal(trips, docks):
    """A line for every trip, by its end, then by its bike's number."""
    text = ""
    for trip in sorted(trips, key=lambda trip: (trip["end"], trip["bike"])):
        line = clock(trip["end"]) + " " + padded(trip["bike"], 6)
        line = line + padded(find_dock(docks, trip["from"])["name"], 18)
        line = line + padded(find_dock(docks, trip["to"])["name"], 18)
        length = str(trip["minutes"]) + " min"
        while len(length) < 8:
            length = " " + length
        line = line + length + (" slow" if trip["slow"] else "")
        text = text + line + "\n"
    return text


def clock(time):
    """The hour and the minute of a time, such as 07:15."""
    minutes = time // 60 % (24 * 60)
    hour, minute = str(minutes // 60), str(minutes % 60)
    if len(hour) < 2:
        hour = "0" + hour
    if len(minute) < 2:
        minute = "0" + minute
    return hour + ":" + minute


def padded(text, width):
    """The text with blanks behind it, up to a width."""
    while len(text) < width:
        text = text + " "
    return text
