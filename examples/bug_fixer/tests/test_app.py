"""What Ocotillo House expects of its software. Some of it does not hold yet."""

import pytest


def stay(arrival, departure, room="Saguaro", guest="Ada Moss", number=1, guests=1):
    return {
        "id": number,
        "guest": guest,
        "room": room,
        "arrival": arrival,
        "departure": departure,
        "guests": guests,
    }


JULY = [
    stay("2025-07-03", "2025-07-06", "Saguaro", "Ada Moss", number=1, guests=2),
    stay("2025-07-03", "2025-07-05", "Ocotillo", "Bo Lindqvist", number=2),
    stay("2025-07-10", "2025-07-12", "Palo Verde", "José Núñez", number=3, guests=4),
]


# -- the calendar ---------------------------------------------------------------------------------


def test_the_day_of_departure_is_not_a_night(app):
    assert app.nights("2025-07-01", "2025-07-04") == ["2025-07-01", "2025-07-02", "2025-07-03"]


def test_a_stay_may_span_the_turn_of_the_year(app):
    assert app.nights("2024-12-31", "2025-01-02") == ["2024-12-31", "2025-01-01"]


def test_rooms_for_a_party_are_listed_cheapest_first(app):
    assert app.rooms_for(2) == ["Saguaro", "Ocotillo", "Palo Verde"]
    assert app.rooms_for(3) == ["Palo Verde"]
    assert app.rooms_for(5) == []


@pytest.mark.parametrize(
    ("arrival", "departure"),
    [("2025-07-04", "2025-07-05"), ("2025-07-01", "2025-07-09"), ("2025-07-05", "2025-07-07")],
)
def test_a_room_is_not_free_while_somebody_sleeps_there(app, arrival, departure):
    assert app.is_free(JULY, "Saguaro", arrival, departure) is False


def test_a_room_is_free_again_on_the_day_the_last_guest_leaves(app):
    assert app.is_free(JULY, "Saguaro", "2025-07-06", "2025-07-08") is True


def test_a_booking_of_another_room_does_not_matter(app):
    assert app.is_free(JULY, "Palo Verde", "2025-07-03", "2025-07-06") is True


def test_a_booking_gets_the_next_id_and_a_tidy_name(app):
    booking = app.book(JULY, "  Mia Okafor ", "Ocotillo", "2025-08-01", "2025-08-03", guests=2)
    assert booking == {
        "id": 4,
        "guest": "Mia Okafor",
        "room": "Ocotillo",
        "arrival": "2025-08-01",
        "departure": "2025-08-03",
        "guests": 2,
    }


@pytest.mark.parametrize(
    ("guest", "room", "guests", "reason"),
    [
        ("   ", "Saguaro", 1, "name"),
        ("Mia Okafor", "Yucca", 1, "no room called Yucca"),
        ("Mia Okafor", "Saguaro", 3, "sleeps 2"),
    ],
)
def test_a_booking_that_makes_no_sense_is_refused(app, guest, room, guests, reason):
    with pytest.raises(ValueError, match=reason):
        app.book(JULY, guest, room, "2025-08-01", "2025-08-03", guests)


def test_a_room_that_is_taken_cannot_be_booked(app):
    with pytest.raises(ValueError, match="taken"):
        app.book(JULY, "Mia Okafor", "Saguaro", "2025-07-04", "2025-07-08")


def test_nobody_can_leave_before_they_arrive(app):
    with pytest.raises(ValueError, match="departure"):
        app.book(JULY, "Mia Okafor", "Ocotillo", "2025-08-03", "2025-08-01")


def test_occupancy_counts_the_nights_of_each_room(app):
    assert app.occupancy(JULY, "2025-07") == {"Saguaro": 3, "Ocotillo": 2, "Palo Verde": 2}
    assert app.occupancy(JULY, "2025-06") == {"Saguaro": 0, "Ocotillo": 0, "Palo Verde": 0}


def test_the_arrivals_of_a_day_are_listed_by_room(app):
    due = app.arriving(JULY, "2025-07-03T08:30:00-07:00")
    assert [booking["guest"] for booking in due] == ["Bo Lindqvist", "Ada Moss"]
    assert app.arriving(JULY, "2025-07-04T08:30:00-07:00") == []


# -- money ----------------------------------------------------------------------------------------


def test_a_stay_in_the_week_costs_the_rate_and_the_tax(app):
    price = app.quote("Saguaro", "2025-07-07", "2025-07-10")
    assert price == {"lodging": "267.00", "tax": "19.36", "total": "286.36"}


def test_the_price_of_a_weekend_night_is_rounded_half_up(app):
    assert app.quote("Ocotillo", "2025-07-04", "2025-07-05")["lodging"] == "120.18"  # 120.175


def test_an_invoice_has_a_line_for_everything(app):
    booking = stay("2025-07-07", "2025-07-10")
    assert app.invoice(booking, ["breakfast", "breakfast"]) == {
        "guest": "Ada Moss",
        "lines": [
            {"text": "Saguaro, 3 nights", "amount": "286.36"},
            {"text": "linen and towels", "amount": "0.00"},
            {"text": "breakfast", "amount": "11.50"},
            {"text": "breakfast", "amount": "11.50"},
        ],
        "total": "309.36",
    }


def test_an_extra_that_is_not_offered_cannot_be_invoiced(app):
    with pytest.raises(ValueError, match="champagne"):
        app.invoice(stay("2025-07-07", "2025-07-09"), ["champagne"])


@pytest.mark.parametrize(
    ("cancelled", "fee"),
    [
        ("2025-07-04T12:00:00-07:00", "0.00"),
        ("2025-07-08T16:00:00-07:00", "95.25"),
        ("2025-07-10T09:00:00-07:00", "190.50"),
    ],
)
def test_the_later_a_stay_is_cancelled_the_more_is_due(app, cancelled, fee):
    assert app.cancellation_fee("190.50", "2025-07-10", cancelled) == fee


def test_instalments_add_up_and_the_first_takes_the_odd_cent(app):
    plan = app.payment_plan("100.00", 3, "2025-05-15")
    assert plan == [
        {"due": "2025-05-15", "amount": "33.34"},
        {"due": "2025-06-15", "amount": "33.33"},
        {"due": "2025-07-15", "amount": "33.33"},
    ]


def test_an_instalment_of_the_31st_is_due_on_the_last_day_of_shorter_months(app):
    plan = app.payment_plan("400.00", 4, "2024-12-31")
    assert [part["due"] for part in plan] == [
        "2024-12-31",
        "2025-01-31",
        "2025-02-28",
        "2025-03-31",
    ]


# -- guests ---------------------------------------------------------------------------------------


def test_a_guest_is_found_whatever_the_case_and_the_blanks(app):
    assert [one["id"] for one in app.find_guest(JULY, " bo  LINDQVIST ")] == [2]
    assert app.find_guest(JULY, "Bo") == []


def test_a_guest_is_found_if_the_accents_were_typed_as_separate_characters(app):
    assert [one["id"] for one in app.find_guest(JULY, "Jose\u0301 Nu\u0301n\u0303ez")] == [3]


def test_the_guest_with_the_most_nights_comes_first(app):
    assert app.regulars([*JULY, {**JULY[1], "id": 4}], most=2) == [
        {"guest": "Bo Lindqvist", "nights": 4},
        {"guest": "Ada Moss", "nights": 3},
    ]


def test_of_guests_with_as_many_nights_the_first_to_book_comes_first(app):
    ranked = app.regulars([stay("2025-07-01", "2025-07-03", guest=name) for name in "CAB"])
    assert [one["guest"] for one in ranked] == ["C", "A", "B"]


def test_the_basket_of_a_long_stay_is_not_on_the_next_invoice(app):
    week = app.invoice(stay("2025-07-07", "2025-07-14"))
    assert [line["text"] for line in week["lines"]][1:] == ["linen and towels", "welcome basket"]
    night = app.invoice(stay("2025-07-14", "2025-07-15"))
    assert [line["text"] for line in night["lines"]][1:] == ["linen and towels"]
