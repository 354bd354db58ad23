"""What the night report promises. Each test gets the program as `main`, and calls `main.report`."""

from __future__ import annotations

from typing import Any

DAY = "2031-05-04"
DOCKS = [
    {"dock": "D01", "name": "Mill Lane", "stock": 5},
    {"dock": "D02", "name": "Harbour Gate", "stock": 2},
    {"dock": "D03", "name": "Chapel Steps", "stock": 0},
]
ROADS = [["D01", "D02", 700], ["D02", "D03", 400], ["D01", "D03", 1500], ["D03", "D02", 450]]
RULES = {"resend": 20, "rush": 600, "slow": 150, "tickets": [[10, 150], [25, 310]], "top": 3}


def event(time: str, kind: str, bike: str, rider: str, dock: str) -> str:
    return f"{DAY}T{time} {kind} bike={bike} rider={rider} dock={dock}"


def trip(bike: str, rider: str, start: str, dock: str, end: str, goal: str) -> list[str]:
    return [event(start, "OUT", bike, rider, dock), event(end, "IN", bike, rider, goal)]


def report(main: Any, *lines: str, docks: Any = DOCKS, roads: Any = ROADS, **rules: Any) -> Any:
    log = "".join(f"{line}\n" for line in lines)
    return main.report(log, docks, roads, {**RULES, **rules})


def figures(result: Any, dock: str) -> Any:
    return next(row for row in result["docks"] if row["dock"] == dock)


def refused(function: Any, *arguments: Any) -> str:
    """The kind of error that a call ends with; empty if it ends well."""
    try:
        function(*arguments)
    except Exception as error:
        return getattr(error, "kind", type(error).__name__)
    return ""


# -- reading the log --------------------------------------------------------------------------


def test_a_night_without_events_is_reported(main: Any) -> None:
    result = main.report("", DOCKS, ROADS, RULES)
    assert result["docks"][0] == {
        "dock": "D01",
        "name": "Mill Lane",
        "departures": 0,
        "arrivals": 0,
        "median": 0,
        "long": 0,
        "slow": 0,
        "rush": 0,
        "fewest": 5,
    }
    assert {key: value for key, value in result.items() if key != "docks"} == {
        "unreadable": 0,
        "strangers": 0,
        "resent": 0,
        "events": 0,
        "trips": 0,
        "lent": [],
        "cents": 0,
        "metres": 0,
        "riders": [],
        "relay": 0,
        "alike": [],
        "journal": "",
    }


def test_fields_come_in_any_order_and_lines_without_an_end_count(main: Any) -> None:
    first = f"{DAY}T07:00:00 OUT dock=D01 rider=R1 bike=B1"
    second = f"  {DAY}T07:09:00   IN rider=R1 bike=B1 dock=D02"
    assert main.report(f"{first}\n{second}", DOCKS, ROADS, RULES)["trips"] == 1


def test_blank_lines_and_remarks_count_for_nothing(main: Any) -> None:
    result = report(main, "", "   ", "# a remark", "  #another one of 5 words", "")
    assert (result["events"], result["unreadable"]) == (0, 0)


def test_lines_that_cannot_be_read_are_counted(main: Any) -> None:
    good = event("07:00:00", "OUT", "B1", "R1", "D01")
    bad = [
        good.replace("OUT", "PING"),
        good.replace("OUT", "out"),
        good.replace(" bike=B1", ""),
        good + " more=1",
        good.replace("rider=R1", "rider="),
        good.replace("rider=R1", "bike=B2"),
        good.replace("rider=R1", "raider=R1"),
        good.replace("bike=B1", "B1"),
        good[:40],
    ]
    assert report(main, good, *bad)["unreadable"] == len(bad)
    assert report(main, good, *bad)["events"] == 1


def test_times_that_do_not_exist_cannot_be_read(main: Any) -> None:
    good = event("07:00:00", "OUT", "B1", "R1", "D01")
    times = [
        "2031-02-29T07:00:00",
        "2031-13-01T07:00:00",
        "2031-00-01T07:00:00",
        "2031-04-31T07:00:00",
        "2031-05-00T07:00:00",
        "2031-05-04T24:00:00",
        "2031-05-04T07:60:00",
        "2031-05-04T07:00:60",
        "1969-12-31T23:59:59",
        "2031-05-04",
        "2031-05-04T07:00",
        "2031-05-04_07:00:00",
        "2031-5-04T007:00:00",
        "2031-05-04T07:00:0x",
        "2031-05-04T07.00.00",
        "20310504T070000",
        "2031-05-04T07:00:00Z",
        "2031-W18-7T07:00:00",
        "2031-05-04T-7:00:00",
        "2031-05-04T+7:00:00",
        "2031-05-04T07:00:+1",
        "x",
    ]
    for time in times:
        line = good.replace(f"{DAY}T07:00:00", time)
        assert report(main, line)["unreadable"] == 1, time


def test_nights_at_the_end_of_a_month_have_their_length(main: Any) -> None:
    nights = [
        ("2032-02-28T23:59:00", "2032-02-29T00:01:00", 2),
        ("2032-02-29T23:59:00", "2032-03-01T00:01:00", 2),
        ("2031-02-28T23:59:00", "2031-03-01T00:01:00", 2),
        ("2100-02-28T23:59:00", "2100-03-01T00:01:00", 2),
        ("2000-02-28T23:59:00", "2000-03-01T00:01:00", 2 + 24 * 60),
        ("2032-12-31T23:59:00", "2033-01-01T00:01:00", 2),
        ("1970-01-01T00:00:00", "1970-01-01T00:01:00", 1),
    ]
    for start, end, minutes in nights:
        lines = [f"{start} OUT bike=B1 rider=R1 dock=D01", f"{end} IN bike=B1 rider=R1 dock=D01"]
        assert report(main, *lines, tickets=[[60, 5]])["riders"][0][2] == minutes, start


# -- cleaning it ------------------------------------------------------------------------------


def test_events_that_come_late_are_put_in_order(main: Any) -> None:
    lines = [
        *trip("B1", "R1", "08:00:00", "D02", "08:10:00", "D03"),
        *trip("B1", "R2", "07:00:00", "D01", "07:10:00", "D02"),
    ]
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
        result = report(main, *(lines[number] for number in order))
        assert (result["trips"], result["relay"], result["lent"]) == (2, 2, [])


def test_events_of_one_second_stay_as_they_came(main: Any) -> None:
    first = trip("B1", "R1", "07:00:00", "D01", "07:10:00", "D02")
    second = trip("B1", "R2", "07:10:00", "D02", "07:20:00", "D03")
    assert report(main, *first, *second)["trips"] == 2
    swapped = report(main, first[0], second[0], first[1], second[1])
    assert (swapped["trips"], swapped["lent"]) == (0, [])


def test_events_at_strange_docks_are_counted_and_left_out(main: Any) -> None:
    lines = trip("B1", "R1", "07:00:00", "D09", "07:10:00", "D01")
    result = report(main, *lines, event("07:20:00", "OUT", "B2", "R2", "D1"))
    assert (result["strangers"], result["events"], result["trips"]) == (2, 1, 0)


def test_an_event_that_was_sent_twice_counts_once(main: Any) -> None:
    out, back = trip("B1", "R1", "07:00:00", "D01", "07:30:00", "D02")
    again = event("07:00:20", "OUT", "B1", "R1", "D01")
    result = report(main, out, out, again, back, back)
    assert (result["resent"], result["events"], result["trips"]) == (3, 2, 1)


def test_what_comes_again_later_counts_from_the_one_that_was_kept(main: Any) -> None:
    times = ["07:00:00", "07:00:15", "07:00:21", "07:00:40", "07:00:42"]
    lines = [event(time, "OUT", "B1", "R1", "D01") for time in times]
    result = report(main, *lines)
    assert (result["resent"], result["events"]) == (2, 3)
    assert report(main, *lines, resend=0)["resent"] == 0


def test_an_event_that_differs_in_one_word_was_not_sent_twice(main: Any) -> None:
    lines = [
        event("07:00:00", "OUT", "B1", "R1", "D01"),
        event("07:00:00", "IN", "B1", "R1", "D01"),
        event("07:00:00", "OUT", "B2", "R1", "D01"),
        event("07:00:00", "OUT", "B1", "R2", "D01"),
        event("07:00:00", "OUT", "B1", "R1", "D02"),
    ]
    assert report(main, *lines)["resent"] == 0


# -- trips ------------------------------------------------------------------------------------


def test_a_bike_that_is_taken_twice_makes_one_trip(main: Any) -> None:
    lines = [
        event("07:00:00", "OUT", "B1", "R1", "D01"),
        event("07:30:00", "OUT", "B1", "R2", "D02"),
        event("07:40:00", "IN", "B1", "R3", "D03"),
        event("07:50:00", "IN", "B1", "R3", "D03"),
    ]
    result = report(main, *lines)
    assert result["riders"] == [["R2", 1, 10, 150]]
    assert result["lent"] == []


def test_bikes_that_do_not_come_back_are_lent(main: Any) -> None:
    lines = [event("07:00:00", "OUT", f"B{number}", "R1", "D01") for number in (9, 10, 3)]
    result = report(main, *lines, event("07:05:00", "IN", "B3", "R1", "D01"))
    assert result["lent"] == ["B10", "B9"]
    assert result["trips"] == 1


def test_a_trip_of_no_seconds_is_none(main: Any) -> None:
    result = report(main, *trip("B1", "R1", "07:00:00", "D01", "07:00:00", "D01"))
    assert (result["trips"], result["lent"], result["events"]) == (0, [], 2)


def test_metres_are_those_of_the_shortest_route(main: Any) -> None:
    assert report(main, *trip("B1", "R1", "07:00:00", "D01", "07:10:00", "D03"))["metres"] == 1100
    assert report(main, *trip("B1", "R1", "07:00:00", "D03", "07:10:00", "D02"))["metres"] == 400
    assert report(main, *trip("B1", "R1", "07:00:00", "D03", "07:10:00", "D03"))["metres"] == 0


def test_docks_without_a_road_and_roads_to_nowhere_do_not_count(main: Any) -> None:
    lines = trip("B1", "R1", "07:00:00", "D01", "07:10:00", "D03")
    lines += trip("B2", "R2", "07:00:00", "D01", "07:10:00", "D02")
    result = report(main, *lines, roads=[["D01", "D02", 5], ["D02", "D07", 1], ["D07", "D03", 1]])
    assert (result["trips"], result["metres"]) == (2, 5)


def test_a_fare_is_the_cheapest_set_of_tickets(main: Any) -> None:
    def cents(end: str) -> Any:
        return report(main, *trip("B1", "R1", "07:00:00", "D01", end, "D02"))["riders"][0][2:]

    assert cents("07:00:01") == [1, 150]
    assert cents("07:10:00") == [10, 150]
    assert cents("07:10:01") == [11, 300]
    assert cents("07:20:01") == [21, 310]
    assert cents("07:30:00") == [30, 450]
    assert cents("07:35:01") == [36, 600]
    assert cents("09:00:00") == [120, 1540]


def test_a_trip_is_slow_if_it_takes_longer_than_is_usual_at_its_dock(main: Any) -> None:
    lines = []
    for number, end in enumerate(("07:10:00", "07:20:00", "07:30:00", "07:30:01")):
        lines += trip(f"B{number}", "R1", "07:00:00", "D01", end, "D02")
    lines += trip("B9", "R1", "07:00:00", "D02", "11:00:00", "D01")
    result = report(main, *lines)
    assert [figures(result, dock)["slow"] for dock in ("D01", "D02")] == [1, 0]
    assert [line[-5:] == " slow" for line in result["journal"].splitlines()] == [
        False,
        False,
        False,
        True,
        False,
    ]


# -- what the night was like ------------------------------------------------------------------


def test_percentiles_are_durations_that_occurred(main: Any) -> None:
    lines = []
    for number in range(1, 11):
        lines += trip(f"B{number}", "R1", "07:00:00", "D01", f"07:{number:02d}:00", "D02")
    row = figures(report(main, *lines), "D01")
    assert (row["median"], row["long"]) == (300, 540)
    row = figures(report(main, *lines[:6]), "D01")
    assert (row["median"], row["long"]) == (120, 180)


def test_docks_with_most_departures_come_first(main: Any) -> None:
    lines = trip("B1", "R1", "07:00:00", "D03", "07:10:00", "D02")
    lines += trip("B2", "R1", "07:00:00", "D03", "07:10:00", "D03")
    rows = report(main, *lines, docks=DOCKS[::-1])["docks"]
    assert [(row["dock"], row["departures"], row["arrivals"]) for row in rows] == [
        ("D03", 2, 1),
        ("D01", 0, 0),
        ("D02", 0, 1),
    ]


def test_a_rush_ends_before_its_last_second(main: Any) -> None:
    lines = []
    for number, start in enumerate(("07:00:00", "07:05:00", "07:10:00", "07:14:59", "07:15:00")):
        lines += trip(f"B{number}", "R1", start, "D01", "08:00:00", "D02")
    assert figures(report(main, *lines), "D01")["rush"] == 3
    assert figures(report(main, *lines, rush=601), "D01")["rush"] == 4
    assert figures(report(main, *lines, rush=1), "D01")["rush"] == 1


def test_the_fewest_bikes_are_those_at_the_end_of_a_second(main: Any) -> None:
    lines = [
        event("07:00:00", "OUT", "B1", "R1", "D02"),
        event("07:00:10", "OUT", "B2", "R2", "D02"),
        event("07:00:10", "IN", "B3", "R3", "D02"),
        event("07:01:00", "IN", "B1", "R1", "D02"),
        event("07:02:00", "OUT", "B4", "R4", "D03"),
    ]
    result = report(main, *lines)
    assert [figures(result, dock)["fewest"] for dock in ("D01", "D02", "D03")] == [5, 1, -1]


def test_the_best_riders_are_those_who_spent_most(main: Any) -> None:
    lines = trip("B1", "R2", "07:00:00", "D01", "07:05:00", "D02")
    lines += trip("B2", "R1", "07:00:00", "D01", "07:06:00", "D02")
    lines += trip("B3", "R3", "07:00:00", "D01", "07:05:00", "D02")
    lines += trip("B3", "R3", "07:20:00", "D02", "07:45:00", "D02")
    lines += trip("B4", "R9", "07:20:00", "D02", "07:21:00", "D02")
    assert report(main, *lines)["riders"] == [
        ["R3", 2, 30, 460],
        ["R1", 1, 6, 150],
        ["R2", 1, 5, 150],
    ]
    assert report(main, *lines, top=0)["riders"] == []


def test_the_longest_relay_follows_the_bikes_from_dock_to_dock(main: Any) -> None:
    lines = trip("B1", "R1", "07:00:00", "D01", "07:10:00", "D02")
    lines += trip("B2", "R2", "07:10:00", "D02", "07:20:00", "D03")
    lines += trip("B3", "R3", "07:15:00", "D03", "07:25:00", "D01")  # leaves too early
    lines += trip("B4", "R4", "09:00:00", "D03", "09:25:00", "D01")
    lines += trip("B5", "R5", "09:24:59", "D01", "09:30:00", "D02")
    assert report(main, *lines)["relay"] == 3
    lines += trip("B6", "R6", "09:25:00", "D01", "09:26:00", "D01")
    lines += trip("B7", "R7", "09:26:00", "D01", "09:27:00", "D01")
    assert report(main, *lines)["relay"] == 5


def test_docks_are_alike_that_share_riders(main: Any) -> None:
    lines = []
    for number, (rider, dock) in enumerate(
        [("R1", "D01"), ("R1", "D02"), ("R1", "D01"), ("R2", "D01"), ("R3", "D02"), ("R3", "D03")]
    ):
        lines += trip(f"B{number}", rider, "07:00:00", dock, "07:05:00", "D01")
    shares = [["D02", "D03", 500], ["D01", "D02", 333]]
    assert report(main, *lines)["alike"] == shares
    assert report(main, *lines, docks=DOCKS[::-1])["alike"] == shares
    assert report(main, *lines, top=1)["alike"] == shares[:1]


# -- the page ---------------------------------------------------------------------------------


def test_the_journal_has_a_line_for_each_trip_by_its_end(main: Any) -> None:
    lines = trip("B1", "R1", "07:00:00", "D01", "09:05:30", "D02")
    lines += trip("B02", "R2", "08:00:00", "D02", "08:01:00", "D03")
    lines += trip("B01", "R3", "08:00:30", "D03", "08:01:00", "D03")
    assert report(main, *lines)["journal"] == (
        "08:01 B01   Chapel Steps      Chapel Steps         1 min\n"
        "08:01 B02   Harbour Gate      Chapel Steps         1 min\n"
        "09:05 B1    Mill Lane         Harbour Gate       126 min\n"
    )


def test_long_names_and_numbers_push_the_journal_aside(main: Any) -> None:
    docks = [{"dock": "D01", "name": "The Old Customs House", "stock": 1}]
    start, end = "2031-05-04T00:00:00", "2031-05-12T00:00:00"
    log = f"{start} OUT bike=BIKE100 rider=R1 dock=D01\n{end} IN bike=BIKE100 rider=R1 dock=D01\n"
    result = main.report(log, docks, [], {**RULES, "tickets": [[2000, 5]]})
    assert result["journal"] == (
        "00:00 BIKE100The Old Customs HouseThe Old Customs House11520 min\n"
    )


def test_what_cannot_be_is_refused(main: Any) -> None:
    assert refused(main.report, "", DOCKS, [["D01", "D02", -1]], RULES) == "ValueError"
    assert refused(main.report, "", DOCKS, ROADS, {**RULES, "tickets": []}) == "ValueError"
    assert refused(main.report, "", DOCKS, ROADS, RULES) == ""


def test_the_second_report_knows_nothing_of_the_first(main: Any) -> None:
    lines = trip("B1", "R1", "07:00:00", "D01", "07:10:00", "D03")
    lines += trip("B2", "R2", "07:05:00", "D01", "07:35:00", "D02")
    first = report(main, *lines)
    other = report(main, *lines, roads=[], tickets=[[1, 7]], resend=0, rush=1, top=1)
    assert (other["metres"], other["cents"]) == (0, 280)
    assert report(main, *lines) == first
