"""Several who press the button at once: what is scarce goes to one, and nobody sees an error.

The controls take the guard away from a table and see that the same crowd then breaks the promise: a
race that could not happen would prove nothing.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import actions, desk, rules, slots
from parvis.reservations.models import Booking, Limit, Taking
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.tests import make as residents

ROUNDS = int(os.environ.get("RACE_RUNS", "20"))
pytestmark = pytest.mark.race


def at_once(town, *deeds):
    """Run the deeds in threads that begin together: what each answered, or the refusal."""
    gate = Barrier(len(deeds))

    def run(deed):
        gate.wait()
        try:
            with as_town(town.pk):
                return deed()
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def refused(results):
    return [one for one in results if isinstance(one, Refused)]


@pytest.fixture
def race(transactional_db):
    """A town with four residents."""
    town = towns.municipality()
    with as_town(town.pk):
        people = [residents.resident(town) for _n in range(4)]
    return town, people


def test_four_who_want_one_hour_and_one_has_it(race):
    town, people = race
    with as_town(town.pk):
        room = make.space(town)
    for day in range(ROUNDS):
        wish = span(10, days=2 + day % 60)
        hour = span(8 + 2 * (day // 60), days=2 + day % 60) if day >= 60 else wish
        results = at_once(
            town, *(lambda who=who, hour=hour: make.booking(room, who, hour) for who in people)
        )
        assert len(refused(results)) == 3
        with as_town(town.pk):
            assert Taking.objects.of(town).filter(period=tuple(hour)).count() == 1
    with as_town(town.pk):
        assert Booking.objects.of(town).count() == ROUNDS
        assert Message.objects.of(town).count() == ROUNDS


def test_four_who_want_one_moment_and_two_desks_receive(race):
    town, people = race
    with as_town(town.pk):
        office = make.desk(town, desks=2, ways=["here"])
    for day in range(ROUNDS):
        moment = span(9 + day // 60, 0.5, days=2 + day % 60)
        results = at_once(
            town,
            *(lambda who=who, moment=moment: make.booking(office, who, moment) for who in people),
        )
        assert len(refused(results)) == 2
        with as_town(town.pk):
            rows = Taking.objects.of(town).filter(period=tuple(moment))
            assert len({one.unit_id for one in rows}) == len(rows) == 2


def test_two_clerks_who_note_at_once_and_the_second_is_told(race):
    town, people = race
    with as_town(town.pk):
        clerks = [residents.staff(town).person for _n in range(2)]
        office = make.desk(town, ways=["here"])
    for day in range(ROUNDS):
        moment = span(9 + day // 60, 0.5, days=2 + day % 60)
        with as_town(town.pk):
            made = make.booking(office, people[0], moment)
        results = at_once(
            town,
            *(
                lambda made=made, word=word, clerk=clerk: desk.note_presence(
                    made, presence=word, seen="", clerk=clerk, now=made.span.start
                )
                for word, clerk in zip(("arrived", "absent"), clerks, strict=True)
            ),
        )
        assert len(refused(results)) == 1


def test_a_crowd_shares_the_tables_up_to_the_last_and_no_further(race):
    town, people = race
    for _round in range(ROUNDS):
        with as_town(town.pk):
            tables = make.equipment(town, total=5)
        wishes = [(2, span(10)), (2, span(11)), (2, span(9, 4)), (3, span(10, 1))]
        results = at_once(
            town,
            *(
                lambda who=who, n=n, when=when, tables=tables: make.booking(
                    tables, who, when, quantity=n
                )
                for who, (n, when) in zip(people, wishes, strict=True)
            ),
        )
        with as_town(town.pk):
            rows = Taking.objects.of(town).filter(resource=tables)
            out = [(one.span, one.quantity) for one in rows]
        # Whoever came last was refused; nobody else.
        assert len(out) == len(results) - len(refused(results))
        assert 2 <= slots.most_taken(out, span(8, 14)) <= 5
        assert refused(results)


def test_crossed_requests_for_the_same_two_things_end_without_a_deadlock(race):
    town, people = race
    with as_town(town.pk):
        room, tables = make.space(town), make.equipment(town, total=3)
    for day in range(ROUNDS):
        hour = span(10 + 2 * (day // 60), days=2 + day % 60)

        def ask(who, lines, hour=hour):
            return actions.book(resident=who, lines=lines, span=hour, now=NOW)

        one, other = [Line(room.pk), Line(tables.pk, 2)], [Line(tables.pk, 2), Line(room.pk)]
        results = at_once(
            town,
            lambda ask=ask, lines=one: ask(people[0], lines),
            lambda ask=ask, lines=other: ask(people[1], lines),
        )
        assert len(refused(results)) == 1
        with as_town(town.pk):
            assert Taking.objects.of(town).filter(period=tuple(hour)).count() == 2


def test_a_double_click_is_one_booking(race):
    town, people = race
    with as_town(town.pk):
        room = make.space(town, units=3)
    for day in range(ROUNDS):
        hour = span(10 + 2 * (day // 60), days=2 + day % 60)
        press = lambda hour=hour, day=day: make.booking(room, people[0], hour, key=f"k{day}")  # noqa: E731
        first, second = at_once(town, press, press)
        assert first == second
        with as_town(town.pk):
            assert Booking.objects.of(town).filter(key=f"k{day}").count() == 1
            assert Message.objects.of(town).filter(reference=f"booking:{first.pk}").count() == 1


def test_two_wishes_of_one_person_do_not_pass_the_quota_together(race):
    town, people = race
    for _round in range(ROUNDS):
        with as_town(town.pk):
            room = make.space(town)
            Limit.objects.create(municipality=town, resource=room, most=1, per="day")
        results = at_once(
            town,
            lambda room=room: make.booking(room, people[0], span(10)),
            lambda room=room: make.booking(room, people[0], span(14)),
        )
        assert len(refused(results)) == 1


def test_two_clerks_decide_once(race):
    town, people = race
    with as_town(town.pk):
        clerks = [residents.staff(town).person for _n in range(2)]
    for _round in range(ROUNDS):
        with as_town(town.pk):
            asked = make.booking(make.space(town, mode="approval"), people[0])
        results = at_once(
            town,
            lambda asked=asked: actions.approve(asked, clerk=clerks[0], now=NOW),
            lambda asked=asked: actions.refuse(asked, clerk=clerks[1], now=NOW, note="Non"),
        )
        assert len(refused(results)) == 1
        with as_town(town.pk):
            said = Message.objects.of(town).filter(reference=f"booking:{asked.pk}")
            assert said.exclude(kind="reservations.asked").count() == 1


def test_a_hold_that_ends_while_it_is_confirmed_ends_one_way(race):
    town, people = race
    late = NOW + actions.HOLD
    for _round in range(ROUNDS):
        with as_town(town.pk):
            room = make.space(town)
            held = actions.hold(resident=people[0], lines=[Line(room.pk)], span=span(), now=NOW)
        before = late - timedelta(seconds=1)
        results = at_once(
            town,
            lambda held=held, at=before: actions.confirm_hold(held, now=at),
            lambda room=room: make.booking(room, people[1], now=late),
        )
        assert len(refused(results)) == 1
        with as_town(town.pk):
            standing = Taking.objects.of(town).filter(resource=room, stands=True)
            assert standing.count() == 1


def test_two_who_move_to_the_same_hour_and_one_stays_where_it_was(race):
    town, people = race
    for _round in range(ROUNDS):
        with as_town(town.pk):
            room = make.space(town)
            first = make.booking(room, people[0], span(8))
            second = make.booking(room, people[1], span(12))
        results = at_once(
            town,
            *(
                lambda one=one: actions.change(one, span=span(10), token=1, now=NOW)
                for one in (first, second)
            ),
        )
        lost = refused(results)
        assert len(lost) == 1
        assert isinstance(lost[0], rules.Taken)
        with as_town(town.pk):
            rows = Taking.objects.of(town).filter(resource=room)
            hours = {one.period.lower for one in rows}
        assert len(hours) == 2
        assert span(10).start in hours


# --- the tables themselves, without our locks, and without their guards -----------------------


@contextmanager
def without(guard: str, back: str):
    """Take a guard off the table, as its owner, and put it back."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as conn:
        conn.execute(guard)
        try:
            yield
        finally:
            # What the race broke must go before the guard can stand again.
            conn.execute("TRUNCATE reservations_taking CASCADE")
            conn.execute(back)


def crowd(town, resource, **facts):
    """Four rows written at once, past every check in Python: how many stand."""

    def write():
        try:
            Taking.objects.create(
                municipality=town, resource=resource, period=tuple(span()),
                blocked=tuple(span()), **facts,
            )  # fmt: skip
        except (IntegrityError, OperationalError):
            # Without our locks PostgreSQL may end a pair of them as a deadlock: that one is out.
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        gate = Barrier(4)

        def run(_number):
            gate.wait()
            try:
                with as_town(town.pk):
                    return write()
            except (IntegrityError, OperationalError):
                return False
            finally:
                connection.close()

        return sum(pool.map(run, range(4)))


def prepared(race):
    """A room and three tables, with the number of rows that any booking may carry."""
    town, people = race
    with as_town(town.pk):
        room, tables = make.space(town), make.equipment(town, total=3)
        carrier = make.booking(make.space(town), people[0])
    return town, room, tables, carrier


def test_the_table_lends_a_unit_once_and_tables_up_to_their_number(race):
    town, room, tables, carrier = prepared(race)
    with as_town(town.pk):
        unit = room.units.get()
    for _round in range(ROUNDS):
        assert crowd(town, room, unit=unit, booking=carrier) == 1
        assert crowd(town, tables, quantity=1, booking=carrier) == 3
        with as_town(town.pk):
            Taking.objects.of(town).filter(resource__in=[room, tables]).delete()


def test_control_without_the_exclusion_a_unit_is_lent_twice(race):
    town, room, _tables, carrier = prepared(race)
    with as_town(town.pk):
        unit = room.units.get()
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as conn:
        standing = conn.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'unit_taken_once'"
        ).fetchone()[0]
    with without(
        "ALTER TABLE reservations_taking DROP CONSTRAINT unit_taken_once",
        f"ALTER TABLE reservations_taking ADD CONSTRAINT unit_taken_once {standing}",
    ):
        assert crowd(town, room, unit=unit, booking=carrier) > 1


def test_the_table_receives_at_a_desk_once_and_without_the_exclusion_twice(race):
    town, _room, _tables, carrier = prepared(race)
    with as_town(town.pk):
        one, _other = make.desk(town).units.all()
        office = one.resource
        # Without a desk nobody is received.
        with pytest.raises(IntegrityError), transaction.atomic():
            Taking.objects.create(
                municipality=town, resource=office, booking=carrier, period=tuple(span()),
                blocked=tuple(span()),
            )  # fmt: skip
    assert crowd(town, office, unit=one, booking=carrier) == 1
    with as_town(town.pk):
        Taking.objects.of(town).filter(resource=office).delete()
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as conn:
        standing = conn.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'unit_taken_once'"
        ).fetchone()[0]
    with without(
        "ALTER TABLE reservations_taking DROP CONSTRAINT unit_taken_once",
        f"ALTER TABLE reservations_taking ADD CONSTRAINT unit_taken_once {standing}",
    ):
        assert crowd(town, office, unit=one, booking=carrier) > 1


def test_control_without_the_trigger_more_tables_are_lent_than_there_are(race):
    town, _room, tables, carrier = prepared(race)
    with without(
        "ALTER TABLE reservations_taking DISABLE TRIGGER never_more",
        "ALTER TABLE reservations_taking ENABLE TRIGGER never_more",
    ):
        assert crowd(town, tables, quantity=2, booking=carrier) > 1


UNLOCKED = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$
"""


def test_control_a_trigger_that_counts_without_locking_lets_the_crowd_through(race):
    town, _room, tables, carrier = prepared(race)
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as conn:
        body = conn.execute(
            "SELECT prosrc FROM pg_proc WHERE proname = 'reservations_never_more'"
        ).fetchone()[0]
    assert "FOR NO KEY UPDATE" in body
    loose = body.replace("FOR NO KEY UPDATE", "")
    name = "reservations_never_more"
    with without(UNLOCKED.format(name=name, body=loose), UNLOCKED.format(name=name, body=body)):
        broke = 0
        for _round in range(ROUNDS):
            broke += crowd(town, tables, quantity=2, booking=carrier) > 1
            with as_town(town.pk):
                Taking.objects.of(town).filter(resource=tables).delete()
        assert broke
