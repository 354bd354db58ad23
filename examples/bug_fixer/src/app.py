"""Ocotillo House: the bookings, prices and invoices of a small guest house in Arizona.

The web shop, the front desk and the accountant's spreadsheet share these functions, so all data
is plain:

- a booking is a dict: {"id": 7, "guest": "Ada Moss", "room": "Saguaro", "arrival": "2025-07-01",
  "departure": "2025-07-04", "guests": 2}; a list of bookings has them in the order they were made
- a date is text, "2025-07-01"; a moment is text with an offset, "2025-07-01T15:00:00-07:00"
- an amount of money is text with two decimals, "129.00", rounded half up to whole cents

No function changes the lists and dicts that it is given.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

Booking = dict[str, Any]

HOUSE_TIME = timezone(timedelta(hours=-7))  # Arizona has no summer time
CHECK_IN = time(15)
LONG_STAY = 7  # nights; from here on a welcome basket waits in the room

ROOMS = {
    "Saguaro": {"sleeps": 2, "rate": "89.00"},
    "Ocotillo": {"sleeps": 2, "rate": "104.50"},
    "Palo Verde": {"sleeps": 4, "rate": "149.00"},
}
WEEKEND = Decimal("1.15")  # Friday and Saturday nights cost that much more
LODGING_TAX = Decimal("0.0725")
EXTRAS = {"breakfast": "11.50", "parking": "8.00", "bicycle": "18.25", "welcome basket": "0.00"}
INCLUDED = ["linen and towels"]


# -- the calendar ---------------------------------------------------------------------------------


def nights(arrival: str, departure: str) -> list[str]:
    """The dates of the nights that are slept; the departure's own night is not."""
    first, end = date.fromisoformat(arrival), date.fromisoformat(departure)
    return [str(first + timedelta(days=n)) for n in range((end - first).days)]


def rooms_for(guests: int) -> list[str]:
    """The names of the rooms that sleep so many, the cheapest first."""
    fitting = [name for name, room in ROOMS.items() if room["sleeps"] >= guests]
    return sorted(fitting, key=lambda name: Decimal(ROOMS[name]["rate"]))


def is_free(bookings: list[Booking], room: str, arrival: str, departure: str) -> bool:
    """Whether no booking holds the room in any of these nights."""
    first, end = date.fromisoformat(arrival), date.fromisoformat(departure)
    for booking in bookings:
        if booking["room"] != room:
            continue
        taken_from = date.fromisoformat(booking["arrival"])
        taken_to = date.fromisoformat(booking["departure"])
        if first <= taken_to and taken_from <= end:
            return False
    return True


def book(
    bookings: list[Booking], guest: str, room: str, arrival: str, departure: str, guests: int = 1
) -> Booking:
    """A new booking, with the next free id; adding it to the list is the caller's.

    Raises:
        ValueError: there is no such room or it is taken, nobody is named, the dates are none or in
            the wrong order, or the party is nobody or too large for the room.
    """
    if not guest.strip():
        raise ValueError("a booking needs a guest's name")
    if room not in ROOMS:
        raise ValueError(f"there is no room called {room}")
    if guests > ROOMS[room]["sleeps"]:
        raise ValueError(f"{room} sleeps {ROOMS[room]['sleeps']}, not {guests}")
    if not is_free(bookings, room, arrival, departure):
        raise ValueError(f"{room} is taken between {arrival} and {departure}")
    return {
        "id": max((booking["id"] for booking in bookings), default=0) + 1,
        "guest": guest.strip(),
        "room": room,
        "arrival": arrival,
        "departure": departure,
        "guests": guests,
    }


def occupancy(bookings: list[Booking], month: str) -> dict[str, int]:
    """How many nights of a month, such as "2025-07", each room was sold."""
    first = date.fromisoformat(f"{month}-01")
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    sold = dict.fromkeys(ROOMS, 0)
    for booking in bookings:
        for night in nights(booking["arrival"], booking["departure"]):
            if first <= date.fromisoformat(night) < last:
                sold[booking["room"]] += 1
    return sold


def arriving(bookings: list[Booking], moment: str) -> list[Booking]:
    """The bookings that arrive on the day which it is at the house at that moment, by room."""
    today = str(_house_time(moment).date())
    due = [booking for booking in bookings if booking["arrival"] == today]
    return sorted(due, key=lambda booking: booking["room"])


# -- money ----------------------------------------------------------------------------------------


def quote(room: str, arrival: str, departure: str) -> dict[str, str]:
    """What the room costs for a stay: lodging, tax and their total."""
    rate = Decimal(ROOMS[room]["rate"])
    lodging = Decimal(0)
    for night in nights(arrival, departure):
        weekend = date.fromisoformat(night).weekday() in (4, 5)
        lodging += Decimal(_money(rate * WEEKEND if weekend else rate))
    tax = Decimal(_money(lodging * LODGING_TAX))
    return {"lodging": _money(lodging), "tax": _money(tax), "total": _money(lodging + tax)}


def invoice(booking: Booking, extras: list[str] | None = None) -> dict[str, Any]:
    """A stay's invoice: a line for the room, for what is included, for each extra, and the total.

    Raises:
        ValueError: there is no such extra.
    """
    stay = nights(booking["arrival"], booking["departure"])
    price = quote(booking["room"], booking["arrival"], booking["departure"])
    items = INCLUDED
    if len(stay) >= LONG_STAY:
        items.append("welcome basket")
    lines = [{"text": f"{booking['room']}, {len(stay)} nights", "amount": price["total"]}]
    for item in [*items, *(extras or [])]:
        if item not in EXTRAS and item not in INCLUDED:
            raise ValueError(f"there is no extra called {item}")
        lines.append({"text": item, "amount": EXTRAS.get(item, "0.00")})
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    return {"guest": booking["guest"], "lines": lines, "total": _money(total)}


def cancellation_fee(total: str, arrival: str, cancelled: str) -> str:
    """What is due of a total when a booking is cancelled at a moment, by the hours to check-in.

    Nothing up to 72 hours before, half of it up to 24 hours before, then all of it.
    """
    check_in = datetime.combine(date.fromisoformat(arrival), CHECK_IN, HOUSE_TIME)
    left = check_in - _house_time(cancelled)
    if left >= timedelta(hours=72):
        return _money(Decimal(0))
    if left >= timedelta(hours=24):
        return _money(Decimal(total) / 2)
    return _money(Decimal(total))


def payment_plan(total: str, parts: int, first_due: str) -> list[dict[str, str]]:
    """Monthly instalments that add up to the total; a cent that cannot be split is paid early.

    They are due on the same day of each month, or on its last day where it has no such day.

    Raises:
        ValueError: there is not at least one part.
    """
    if parts < 1:
        raise ValueError("a plan needs at least one part")
    cents, rest = divmod(int(Decimal(total) * 100), parts)
    start = date.fromisoformat(first_due)
    plan = []
    for number in range(parts):
        months = start.year * 12 + start.month - 1 + number
        year, month = months // 12, months % 12 + 1
        day = min(start.day, calendar.monthrange(year, month)[1])
        amount = Decimal(cents + (number < rest)) / 100
        plan.append({"due": str(date(year, month, day)), "amount": _money(amount)})
    return plan


# -- guests ---------------------------------------------------------------------------------------


def find_guest(bookings: list[Booking], name: str) -> list[Booking]:
    """A guest's bookings, in their order, however the name's letters are written."""
    wanted = _name_key(name)
    return [booking for booking in bookings if _name_key(booking["guest"]) == wanted]


def regulars(bookings: list[Booking], most: int = 10) -> list[dict[str, Any]]:
    """The guests with the most nights, most first; of equals, who booked first comes first."""
    names: dict[str, str] = {}
    slept: dict[str, int] = {}
    for booking in bookings:
        key = _name_key(booking["guest"])
        names.setdefault(key, booking["guest"])
        stay = nights(booking["arrival"], booking["departure"])
        slept[key] = slept.get(key, 0) + len(stay)
    ranking = sorted(slept, key=lambda key: slept[key])
    ranking.reverse()
    return [{"guest": names[key], "nights": slept[key]} for key in ranking[:most]]


# -- shared by the above --------------------------------------------------------------------------


def _money(amount: Decimal) -> str:
    """An amount in whole cents, half a cent rounded up."""
    return f"{round(float(amount), 2):.2f}"


def _house_time(moment: str) -> datetime:
    """A moment as the clock in the hall shows it."""
    return datetime.fromisoformat(moment).replace(tzinfo=HOUSE_TIME)


def _name_key(name: str) -> str:
    """What two spellings of one name have in common."""
    return " ".join(name.split()).lower()
