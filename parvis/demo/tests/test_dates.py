"""The words of the demonstration agree with its dates, whatever day it starts."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.announcements.models import Announcement, Reminder
from parvis.core.typography import DAYS_FR, MONTHS_FR
from parvis.demo.announce import Told, announce
from parvis.demo.moments import MONDAY, Ago, Later, Next, Tomorrow, day_said, instant
from parvis.demo.texts import BY_TOWN
from parvis.notifications.models import Subject
from parvis.notifications.subjects import open_with_subjects
from parvis.residents.tests import make
from parvis.territory.tests.make import sector

ZONE = ZoneInfo("America/Toronto")
NAMES = "|".join(DAYS_FR)
# «lundi à 19 h», «lundi 30 novembre, 9 h», «vendredi avant 7 h», «jeudi midi»; «le samedi» and
# «le premier samedi» come again.
SAID = re.compile(
    rf"(?<!\ble )(?<!\bpremier )\b({NAMES})(?: (\d+|1er) ({'|'.join(MONTHS_FR)}))?"
    r"(?:\**(?:,| à| avant)? (?:(\d+) h|(midi)))?",
    re.IGNORECASE,
)
EVERY_DAY = [
    datetime(2026, 11, 23, hour, minute, tzinfo=ZONE) + timedelta(days=days)
    for days in range(7)
    for hour, minute in ((0, 10), (8, 59), (19, 0), (23, 50))
]
# The nights when the clock is moved, and the turn of the year.
ODD_DAYS = [
    datetime(2026, 10, 30, 21, tzinfo=ZONE),
    datetime(2026, 11, 1, 1, 30, tzinfo=ZONE),
    datetime(2027, 3, 12, 12, tzinfo=ZONE),
    datetime(2027, 3, 14, 3, 10, tzinfo=ZONE),
    datetime(2026, 12, 30, 17, tzinfo=ZONE),
]
STARTS = EVERY_DAY + ODD_DAYS


def all_told(now):
    return [Told.of(text, now=now) for texts in BY_TOWN.values() for text in texts]


def told(now, beginning):
    (found,) = (one for one in all_told(now) if one.text.title.startswith(beginning))
    return found


def said(one):
    """(day, date, month, hour, noon) wherever the words name a day that is not every week's."""
    text = one.text
    parts = [text.title, text.summary, text.text, *(text.revised or ())[1:]]
    words = " ".join(one.words(part) for part in parts).replace("\u00a0", " ")
    return SAID.findall(words.replace("\u202f", " "))


def disagreements(one):
    dates = [at for at in (one.concerns, one.until, one.begins) if at is not None]
    for day, number, month, hour, noon in said(one):
        wanted = [at for at in dates if DAYS_FR[at.weekday()] == day.lower()]
        if number:
            number = int(number.removesuffix("er"))
            wanted = [at for at in wanted if (at.day, MONTHS_FR[at.month - 1]) == (number, month)]
        if hour or noon:
            wanted = [at for at in wanted if at.hour == int(hour or 12)]
        if not wanted:
            yield one.text.title, day, number, hour, dates


@pytest.mark.parametrize("now", STARTS, ids=str)
def test_every_day_and_hour_in_the_words_is_that_of_a_date(now):
    found = all_told(now)
    assert sum(bool(said(one)) for one in found) >= 7
    assert [wrong for one in found for wrong in disagreements(one)] == []


def test_a_day_that_is_not_that_of_the_date_is_found():
    now = STARTS[0]
    council = told(now, "Séance du conseil")
    wrong = Told(**{**vars(council), "concerns": council.concerns + timedelta(days=1)})
    words = Told(**{**vars(wrong), "text": wrong.text.__class__(
        "Vie municipale", "Séance du conseil lundi à 19 h", "", ""
    )})  # fmt: skip
    assert len(list(disagreements(words))) == 1


@pytest.mark.parametrize("now", STARTS, ids=str)
def test_what_happens_on_a_day_of_the_week_is_dated_on_it(now):
    at = {
        beginning: told(now, beginning).concerns
        for beginning in ("Séance du conseil", "Inscriptions", "Jour férié", "Analyse", "Assemblée")
    }
    assert {name: (DAYS_FR[when.weekday()], when.hour) for name, when in at.items()} == {
        "Séance du conseil": ("lundi", 19),
        "Inscriptions": ("mercredi", 9),
        "Jour férié": ("vendredi", 7),
        "Analyse": ("jeudi", 12),
        "Assemblée": ("samedi", 10),
    }
    assert all(now < when <= now + timedelta(days=9) for when in at.values())


@pytest.mark.parametrize("now", STARTS, ids=str)
def test_the_bridge_is_closed_three_nights_and_the_snow_is_taken_from_midnight_to_seven(now):
    bridge, snow = told(now, "Pont fermé"), told(now, "Première bordée")
    assert (bridge.begins.hour, bridge.until.hour) == (22, 5)
    assert (bridge.until.date() - bridge.begins.date()).days == 3
    assert (snow.at.hour, snow.begins.hour, snow.until.hour) == (15, 0, 7)
    assert snow.begins.date() == snow.until.date() == snow.at.date() + timedelta(days=1)
    assert snow.at > now
    repaired = told(now, "Panne d'eau")
    assert (repaired.ended - repaired.at, "5 h 10" in repaired.text.note) == (
        timedelta(hours=5, minutes=10),
        True,
    )


@given(
    second=st.integers(1_735_700_000, 2_051_200_000),
    weekday=st.integers(0, 6),
    hour=st.integers(3, 23),
    hours=st.integers(0, 600),
)
@settings(max_examples=200, deadline=None)
def test_the_next_such_day_is_that_day_at_that_hour_and_no_week_later(second, weekday, hour, hours):
    here = datetime.fromtimestamp(second, ZONE)
    found = instant(Next(weekday, hour, hours=hours), now=here)
    assert (found.weekday(), found.hour, found.minute) == (weekday, hour, 0)
    off = (found.timestamp() - here.timestamp()) / 3600 - hours
    # An hour more or less where the clock is moved in between.
    assert -0.001 <= off <= 7 * 24 + 1


def test_a_moment_is_read_on_the_clock_of_the_town():
    now = datetime(2026, 11, 23, 19, 0, tzinfo=ZONE)  # a Monday
    assert instant(-7.5, now=now) == datetime(2026, 11, 23, 11, 30, tzinfo=ZONE)
    assert instant(Next(MONDAY, 19, hours=0), now=now) == now
    assert instant(Next(MONDAY, 19), now=now) == now + timedelta(days=7)
    assert instant(Tomorrow(15), now=now) == datetime(2026, 11, 24, 15, tzinfo=ZONE)
    assert instant(Ago(6, 10, 20), now=now) == datetime(2026, 11, 17, 10, 20, tzinfo=ZONE)
    assert instant(Later(3, 5), now=now, after=now) == datetime(2026, 11, 26, 5, tzinfo=ZONE)


def test_a_day_a_week_off_bears_its_date():
    monday = datetime(2026, 11, 30, 19, tzinfo=ZONE)
    written = {days: monday - timedelta(days=days) for days in (0, 1, 6, 7)}
    assert {days: day_said(monday, written=at) for days, at in written.items()} == {
        0: "lundi 30\u00a0novembre", 1: "lundi", 6: "lundi", 7: "lundi 30\u00a0novembre",
    }  # fmt: skip
    first = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    assert day_said(first, written=monday - timedelta(days=9)) == "mardi 1er\u00a0décembre"


@pytest.mark.parametrize("days", [0, 3, 5])
def test_the_town_says_it_all_through_a_clerks_own_actions(town, days):
    now = datetime(2026, 11, 23, 14, 30, tzinfo=ZONE) + timedelta(days=days)
    open_with_subjects(town)
    Subject.objects.create(municipality=town, name="Déneigement", position=9)
    for name in {name for text in BY_TOWN["alma"] for name in text.sectors}:
        sector(town, name=name)
    clerk = make.staff(town).person
    count = announce(town, actor=clerk, now=now)
    assert Announcement.objects.of(town).count() == count == len(BY_TOWN["alma"])
    council = Announcement.objects.of(town).get(title__startswith="Séance du conseil")
    here = council.concerns_at.astimezone(town.zone)
    assert (here.weekday(), here.hour, "lundi" in council.title) == (MONDAY, 19, True)
    assert here.date() >= date(2026, 11, 24)
    waiting = Reminder.objects.of(town).count()
    assert waiting == sum(bool(text.reminder_hours) for text in BY_TOWN["alma"])
