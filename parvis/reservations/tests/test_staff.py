"""Reservations at the Bureau: decided, paid, moved, blocked, booked for a caller, written down."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from parvis.core.db import as_town
from parvis.reservations.models import (
    Block,
    Booking,
    Closure,
    Organisation,
    Payment,
    Rate,
    Resource,
    Unit,
)
from parvis.reservations.tests import make
from parvis.reservations.tests.make import ZONE
from parvis.residents.tests import make as people

NOW = timezone.now()
DAY = (NOW.astimezone(ZONE) + timedelta(days=3)).date()


@pytest.fixture
def clerk(client, town):
    member = people.staff(town, roles={"reservations": "act"})
    people.sign_in(client, member.person, second_factor=True)
    return member


@pytest.fixture
def agathe(town):
    return people.resident(town)


def url(name, *args):
    return reverse(f"reservations_staff:{name}", args=args)


def span(hour=10, length=2, days=3):
    return make.span_on(NOW.astimezone(ZONE).date() + timedelta(days=days), hour, length)


def moment(opens="10:00", closes="12:00", **more):
    return {"first_on": DAY.isoformat(), "opens": opens, "closes": closes, **more}


def book(resource, person, *args, **facts):
    return make.booking(resource, person, *(args or (span(),)), now=NOW, **facts)


def said(answer):
    """What the page says, without its tags."""
    words = re.sub(r"<(svg|style|script).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", words)


def test_the_queue_shows_what_waits_and_a_decision_takes_it_away(client, town, clerk, agathe):
    asked = book(make.space(town, "Salle Tremblay", mode="approval"), agathe)
    assert "Salle Tremblay" in said(client.get(url("queue")))
    refused = client.post(url("refuse", asked.pk), {"note": ""})
    assert refused.status_code == 422
    assert "Écrivez pourquoi" in said(refused)
    answer = client.post(url("approve", asked.pk), {"note": "Bonne fête"}, follow=True)
    assert answer.status_code == 200
    asked.refresh_from_db()
    assert (asked.state, asked.note) == ("confirmed", "Bonne fête")
    assert "Aucune demande" in said(client.get(url("queue")))


def test_a_clerk_notes_a_payment_and_takes_a_mistake_back(client, town, clerk, agathe):
    room = make.space(town)
    Rate.objects.create(municipality=town, resource=room, unit="flat", amount=44)
    booking = book(room, agathe)
    too_much = client.post(url("pay", booking.pk), {"kind": "fee", "amount": "45", "means": "cash"})
    assert too_much.status_code == 422
    for amount in ("20", "24,00"):
        client.post(url("pay", booking.pk), {"kind": "fee", "amount": amount, "means": "card"})
    paid = Payment.objects.of(town).order_by("pk")
    assert [one.amount for one in paid] == [20, 24]
    client.post(url("withdraw_payment", booking.pk, paid[0].pk))
    assert paid.counted().get().amount == 24


def test_a_clerk_moves_a_booking_or_sees_what_is_free(client, town, clerk, agathe):
    room = make.space(town)
    booking = book(room, agathe)
    book(room, people.resident(town), span(14))
    taken = client.post(url("move", booking.pk), moment("13:00", "15:00", token=1))
    assert taken.status_code == 422
    assert "Libre le plus près" in said(taken)
    client.post(url("move", booking.pk), moment("16:00", "18:00", token=1))
    booking.refresh_from_db()
    assert booking.span == span(16)


def test_the_town_cancels_with_a_sentence(client, town, clerk, agathe):
    booking = book(make.space(town), agathe)
    assert client.post(url("cancel", booking.pk), {"note": ""}).status_code == 422
    client.post(url("cancel", booking.pk), {"note": "Dégât d’eau"})
    booking.refresh_from_db()
    assert (booking.state, booking.ended_by_town) == ("cancelled", True)


def test_a_clerk_books_for_someone_who_calls(client, town, clerk, agathe):
    room = make.space(town, mode="approval", notice=100_000)
    assert agathe.name in said(client.get(url("counter"), {"q": agathe.email}))
    assert room.name in said(client.get(url("counter_what", agathe.pk)))
    page = url("counter_book", agathe.pk, room.pk)
    nothing = client.post(page, moment("12:00", "10:00", key="k", last_on=""))
    assert nothing.status_code == 422
    for _click in range(2):
        client.post(page, moment(key="k", purpose="Cours"))
    booking = Booking.objects.of(town).get()
    assert (booking.state, booking.by_id, booking.resident) == (
        "confirmed", clerk.person.pk, agathe
    )  # fmt: skip
    taken = client.post(page, moment(key="other"))
    assert taken.status_code == 422
    assert "Libre le plus près" in said(taken)


def test_a_block_shows_who_is_concerned_before_anything_is_done(client, town, clerk, agathe):
    room = make.space(town)
    booking = book(room, agathe)
    wanted = moment(reason="Entretien")
    first = client.post(url("block", room.pk), wanted)
    assert first.status_code == 422
    assert agathe.name in said(first)
    assert not Block.objects.of(town).exists()
    client.post(
        url("block", room.pk),
        {**wanted, "continuer": "1", "vue": [booking.pk], "note": "La glace fond."},
    )
    booking.refresh_from_db()
    assert (booking.state, booking.note) == ("cancelled", "La glace fond.")
    client.post(url("lift", Block.objects.of(town).get().pk))
    assert Block.objects.of(town).get().lifted_at is not None


def test_days_are_closed_and_opened_again(client, town, clerk, agathe):
    room = make.space(town)
    booking = book(room, agathe)
    wanted = {
        "resource": "", "first_on": DAY.isoformat(), "last_on": DAY.isoformat(), "reason": "Congé"
    }  # fmt: skip
    assert "sera annulée" in said(client.post(url("close"), wanted))
    client.post(url("close"), {**wanted, "continuer": "1", "vue": [booking.pk]})
    closure = Closure.objects.of(town).get()
    assert "Congé" in said(client.get(url("blocks")))
    client.post(url("open_again", closure.pk))
    assert not Closure.objects.of(town).exists()


def test_hours_without_sense_are_refused_in_the_form(client, town, clerk, agathe):
    room = make.space(town)
    far = {"first_on": "9999-12-31", "opens": "10:00", "closes": "12:00"}
    for page, typed in (
        (url("block", room.pk), moment("22:00", "02:00", reason="Nuit")),
        (url("block", room.pk), far | {"reason": "Loin"}),
        (url("close"), {"first_on": "2026-12-31", "last_on": "2026-12-01", "reason": "Fêtes"}),
        (url("close"), {"first_on": "9999-12-30", "last_on": "9999-12-31", "reason": "Fin"}),
        (url("counter_book", agathe.pk, room.pk), far | {"key": "k"}),
    ):
        assert client.post(page, typed).status_code == 422, (page, typed)


def sheet_of(client, page):
    """What the sheet's form would send if it were sent as it is shown."""
    from html.parser import HTMLParser

    class Form(HTMLParser):
        def __init__(self):
            super().__init__()
            self.data, self.inside, self.area, self.select = {}, False, "", ""

        def handle_starttag(self, tag, attrs):
            one = dict(attrs)
            if tag == "form":
                self.inside = one.get("id") == "fiche"
            if not self.inside:
                return
            if tag == "input" and one.get("name"):
                if one.get("type") in {"checkbox", "radio"} and "checked" not in one:
                    return
                ticked = one.get("type") in {"checkbox", "radio"}
                self.data[one["name"]] = one.get("value", "on" if ticked else "")
            if tag == "textarea":
                self.area = one["name"]
                self.data[self.area] = ""
            if tag == "select":
                self.select = one["name"]
            if tag == "option" and ("selected" in one or self.select not in self.data):
                self.data[self.select] = one.get("value", "")

        def handle_data(self, data):
            if self.area:
                self.data[self.area] += data.lstrip("\n")

        def handle_endtag(self, tag):
            if tag == "textarea":
                self.area = ""
            if tag == "form":
                self.inside = False

    form = Form()
    form.feed(client.get(page).content.decode())
    return form.data


def test_a_space_is_written_down_offered_and_changed(client, town, clerk, agathe):
    page = url("add", "lieu")
    typed = sheet_of(client, page) | {
        "name": "Tennis du parc", "family": "court", "units": "Court A\nCourt B",
        "h-6": "9 h à 12 h, 13 h à 17 h 30", "h-0": "", "p-0-amount": "12,50",
        "p-0-price_class": "non_resident", "p-0-taxed": "on", "l-0-most": "2",
        "l-0-minutes": "1", "q-0-label": "Niveau", "q-0-kind": "choice",
        "q-0-choices": "Débutant; Avancé", "q-0-required": "on", "mode": "instant",
        "h-season_first": "1/12", "h-season_last": "15/3", "h-season_1": "10 h à 16 h",
    }  # fmt: skip
    answer = client.post(page, typed, follow=True)
    assert answer.status_code == 200, said(answer)
    row = Resource.objects.of(town).get()
    assert (row.state, row.units.count(), row.limits.get().most) == ("draft", 2, 120)
    sunday = [one.opening for one in row.hours.filter(weekday=6, season_first=None)]
    assert [(one.opens.hour, one.closes.minute) for one in sunday] == [(9, 0), (13, 30)]
    assert row.hours.get(season_first=1201).season_last == 315
    assert row.rates.get().rate.qst
    client.post(url("set_state", row.pk), {"etat": "open"})
    row.refresh_from_db()
    assert row.state == "open"
    # Sent back as it is shown, the sheet says the same.
    page = url("edit", row.pk)
    client.post(page, sheet_of(client, page))
    assert row.rates.get().amount == Rate.objects.of(town).get().amount
    assert row.limits.get().most == 120
    stale = {**sheet_of(client, page), "token": "1"}
    assert "Rechargez" in said(client.post(page, stale))
    # A court that is promised cannot go; one that is not can.
    day = next(n for n in range(2, 9) if span(10, 1, n).start.astimezone(ZONE).weekday() == 1)
    answers = {row.questions.get().pk: "Avancé"}
    kept = book(row, agathe, span(10, 1, day), answers=answers).takings.get().unit
    other = row.units.exclude(pk=kept.pk).get()
    form = sheet_of(client, page)
    assert "est réservé" in said(client.post(page, form | {"units": other.name}))
    client.post(page, form | {"units": kept.name})
    assert Unit.objects.of(town).get(retired_at=None) == kept


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("h-2", "de midi au soir", "8 h à 22 h"), ("shortest", "9", "durée minimale"),
        ("p-0-season", "32/13 - 1/1", "calendrier"), ("h-season_first", "décembre", "15/3"),
        ("name", "", "obligatoire"), ("units", "A\nA", "une seule fois"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_where_it_was_written(
    client, town, clerk, name, value, word
):
    page = url("add", "lieu")
    typed = sheet_of(client, page) | {"name": "Salle", "p-0-amount": "5", name: value}
    answer = client.post(page, typed)
    assert answer.status_code == 422
    assert word in said(answer)
    assert not Resource.objects.of(town).exists()


def test_fewer_tables_than_are_promised_are_refused(client, town, clerk, agathe):
    tables = make.equipment(town, total=10)
    book(tables, agathe, quantity=6)
    page = url("edit", tables.pk)
    answer = said(client.post(page, sheet_of(client, page) | {"total": "5"}))
    assert "déjà 6 de promis" in answer
    client.post(page, sheet_of(client, page) | {"total": "6"})
    tables.refresh_from_db()
    assert tables.total == 6


def upload(content, name="lieux.csv"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile(name, content, "text/csv")}


def test_a_list_of_spaces_is_ready_to_reserve_and_twice_changes_nothing(
    client, town, clerk, agathe
):
    listed = (
        "Nom;Type;Capacité;Terrains;Heures;Tarif\n"
        "Salle des Bouleaux;salle;80;;9 h à 23 h;22,50\n"
        "Tennis du parc;terrain;;4;;\n"
    ).encode("cp1252")
    for _time in range(2):
        answer = client.post(url("import"), upload(listed), follow=True)
        assert answer.status_code == 200
    assert "2\u00a0existaient" not in said(answer)
    hall, tennis = Resource.objects.of(town).order_by("name")
    assert (hall.capacity, tennis.units.count(), hall.rates.get().amount) == (80, 4, 22.5)
    assert book(hall, agathe).total == 45


@pytest.mark.parametrize(
    ("listed", "word"),
    [
        (b"", "vide"), (b"salles\nx", "nom"), (b"nom;heures\nSalle;jamais", "Ligne 2"),
        (b"nom;tarif\nSalle;-5", "Ligne 2"), (b"nom\nA\nA", "deux fois"), (b"\0\1", "liste CSV"),
        (b"nom;capacite\nSalle;beaucoup", "Ligne 2"),
    ],
)  # fmt: skip
def test_a_bad_list_is_refused_whole(client, town, clerk, listed, word):
    answer = client.post(url("import"), upload(listed))
    assert answer.status_code == 422
    assert word in said(answer)
    assert not Resource.objects.of(town).exists()


def test_the_calendars_show_who_has_what(client, town, clerk, agathe):
    room = make.space(town, "Gymnase")
    booking = book(room, agathe, purpose="Badminton", people=12)
    for page in (
        url("day") + f"?jour={DAY}", url("week", room.pk) + f"?jour={DAY}",
        url("sheet") + f"?jour={DAY}",
    ):  # fmt: skip
        assert agathe.name in said(client.get(page)), page
    assert booking.code in said(client.get(url("sheet") + f"?jour={DAY}"))
    assert client.get(url("day") + "?jour=0000-99-99").status_code == 200


def test_occupation_counts_open_hours_only_and_gives_a_table(client, town, clerk, agathe):
    room = make.space(town, "=1+1", units=2)
    Rate.objects.create(municipality=town, resource=room, unit="hour", amount=10)
    book(room, agathe)
    period = f"?du={DAY}&au={DAY}"
    # 2 hours of twice 14.
    assert "7,1\u00a0%" in client.get(url("occupancy") + period).content.decode()
    table = client.get(url("occupancy_csv") + period).content.decode()
    assert table.startswith("\ufeffressource;")
    assert "'=1+1" in table
    assert ";28,0;2,0;0,0;7,1;1;20,00" in table


def test_organisations_and_who_speaks_for_them(client, town, clerk, agathe):
    typed = {"name": "Club de badminton", "price_class": "non_profit", "recognised_until": DAY}
    for _time in range(2):
        again = client.post(url("organisations"), typed)
    assert again.status_code == 422
    club = Organisation.objects.of(town).get()
    page = url("organisation", club.pk)
    assert agathe.name in said(client.get(page, {"q": agathe.email}))
    client.post(url("set_member", club.pk), {"personne": agathe.pk})
    assert club.members.get().resident == agathe
    client.post(url("set_member", club.pk), {"personne": agathe.pk, "retirer": "1"})
    assert not club.members.exists()


def test_who_may_only_see_changes_nothing(client, town, agathe):
    room = make.space(town, mode="approval")
    asked = book(room, agathe)
    member = people.staff(town, roles={"reservations": "see"})
    people.sign_in(client, member.person, second_factor=True)
    assert "Accepter" not in said(client.get(url("booking", asked.pk)))
    for page in (url("approve", asked.pk), url("cancel", asked.pk), url("lift", 1)):
        assert client.post(page, {"note": "x"}).status_code == 403
    client.post(url("edit", room.pk), {"name": "Autre"})
    client.post(url("organisations"), {"name": "Club", "price_class": "non_profit"})
    room.refresh_from_db()
    assert room.name != "Autre"
    assert not Organisation.objects.of(town).exists()


def test_another_towns_rows_do_not_exist(client, town, clerk, other_town):
    with as_town(other_town.pk):
        room = make.space(other_town)
        booking = book(room, people.resident(other_town))
    for page in (url("booking", booking.pk), url("week", room.pk), url("edit", room.pk)):
        assert client.get(page).status_code == 404
