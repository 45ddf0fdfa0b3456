"""Bookings, holds, changes and blocks in any order, beside a plain model that remembers it all."""

from __future__ import annotations

import os
from datetime import time, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW
from parvis.reservations import actions, blocks, holds, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import Block, Booking, Taking
from parvis.reservations.readings import Line
from parvis.reservations.slots import most_taken
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.tests import make as residents

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "12"))
AFTER = timedelta(minutes=30)
HOURS = st.integers(8, 19)
LENGTHS = st.integers(1, 3)
THINGS = st.sampled_from(["room", "courts", "tables", "desk"])
QUANTITIES = st.integers(1, 5)


class Machine(RuleBasedStateMachine):
    """What is promised is in `had`: who → (thing, unit, quantity, span, end of its hold)."""

    town = None
    booked = Bundle("booked")
    held = Bundle("held")
    kept = Bundle("kept")

    @initialize()
    def open(self):
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.now = NOW
        self.had = {}
        self.clerk = residents.staff(self.town).person
        self.people = [residents.resident(self.town) for _n in range(3)]
        self.things = {
            "room": make.space(self.town, after=30),
            "courts": make.space(self.town, units=2),
            "desk": make.desk(self.town, ways=["here"], length=60, opens=time(8), closes=time(22)),
            "tables": make.equipment(self.town, total=5),
        }

    def teardown(self):
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # --- the plain model ---------------------------------------------------------------------

    def standing(self, but=None):
        return {
            who: one
            for who, one in self.had.items()
            if who != but and (one[4] is None or one[4] > self.now)
        }

    def wish(self, thing, hour, length):
        """An appointment lasts what its sheet says."""
        return span(hour, 1 if thing == "desk" else min(length, 22 - hour))

    def window(self, thing, wish):
        return wish.widened(timedelta(0), AFTER if thing == "room" else timedelta(0))

    def taken(self, thing, window, but=None):
        """Units that are taken in the window, or pieces."""
        others = [
            (unit, quantity, self.window(thing, when) if who[0] != "block" else when)
            for who, (what, unit, quantity, when, _end) in self.standing(but).items()
            if what == thing
        ]
        if thing == "tables":
            return most_taken([(when, quantity) for _u, quantity, when in others], window)
        return {unit for unit, _q, when in others if when.overlaps(window)}

    def fits(self, thing, wish, quantity, but=None):
        taken = self.taken(thing, self.window(thing, wish), but)
        if thing == "tables":
            return taken + quantity <= 5
        return len(taken) < self.things[thing].units.count()

    def remember(self, who, row, thing, wish, quantity, until=None):
        takings = list(row.takings.filter(stands=True))
        for one in takings:
            if one.unit_id:
                window = self.window(thing, wish) if who[0] != "block" else wish
                assert one.unit_id not in self.taken(thing, window, but=who)
        unit = takings[0].unit_id
        self.had[who] = (thing, unit, quantity, wish, until)

    # --- what people do ----------------------------------------------------------------------

    def ask(self, deed, thing, hour, length, quantity):
        wish = self.wish(thing, hour, length)
        quantity = quantity if thing == "tables" else 1
        expected = self.fits(thing, wish, quantity)
        try:
            row = deed([Line(self.things[thing].pk, quantity)], wish)
        except Refused as refused:
            assert not expected, refused
            assert isinstance(refused, rules.Taken)
            for one in refused.nearest:
                assert self.fits(thing, one, quantity)
            return None
        assert expected
        return row, thing, wish, quantity

    @rule(
        target=booked, thing=THINGS, hour=HOURS, length=LENGTHS, n=QUANTITIES, who=st.integers(0, 2)
    )
    def book(self, thing, hour, length, n, who):
        made = self.ask(
            lambda lines, wish: actions.book(
                resident=self.people[who], lines=lines, span=wish, now=self.now
            ),
            thing, hour, length, n,
        )  # fmt: skip
        if made is None:
            return multiple()
        row, *facts = made
        self.remember(("booking", row.pk), row, *facts)
        return row.pk

    @rule(
        target=held, thing=THINGS, hour=HOURS, length=LENGTHS, n=QUANTITIES, who=st.integers(0, 2)
    )
    def hold(self, thing, hour, length, n, who):
        person = self.people[who]
        former = [
            key for key, one in self.standing().items()
            if key[0] == "booking" and one[4] is not None
            and Booking.objects.get(pk=key[1]).resident_id == person.pk
        ]  # fmt: skip
        before = {key: self.had.pop(key) for key in former}
        made = self.ask(
            lambda lines, wish: actions.hold(
                resident=person, lines=lines, span=wish, now=self.now
            ),
            thing, hour, length, n,
        )  # fmt: skip
        if made is None:
            # Refused whole: the former hold stands.
            self.had |= before
            return multiple()
        row, *facts = made
        self.remember(("booking", row.pk), row, *facts, until=self.now + actions.HOLD)
        return row.pk

    @rule(target=booked, pk=consumes(held))
    def confirm(self, pk):
        key = ("booking", pk)
        stands = key in self.standing()
        try:
            actions.confirm_hold(Booking.objects.get(pk=pk), now=self.now)
        except Refused:
            assert not stands
            return multiple()
        assert stands
        self.had[key] = (*self.had[key][:4], None)
        return pk

    @rule(pk=booked, hour=HOURS, length=LENGTHS)
    def change(self, pk, hour, length):
        key, row = ("booking", pk), Booking.objects.get(pk=pk)
        thing, _unit, quantity, _when, _end = self.had.get(key, ("room", 0, 1, None, None))
        wish = self.wish(thing, hour, length)
        expected = key in self.had and self.fits(thing, wish, quantity, but=key)
        try:
            actions.change(row, span=wish, token=row.token, now=self.now)
        except Refused:
            assert not expected
            return
        assert expected
        self.remember(key, row, thing, wish, quantity)

    @rule(pk=booked)
    def cancel(self, pk):
        if ("booking", pk) in self.had:
            actions.cancel(Booking.objects.get(pk=pk), now=self.now)
            del self.had[("booking", pk)]

    @rule(target=kept, thing=st.sampled_from(["room", "tables"]), hour=HOURS, n=QUANTITIES)
    def block(self, thing, hour, n):
        wish, n = span(hour, 1), n if thing == "tables" else 1
        taken = self.taken(thing, wish)
        expected = taken + n <= 5 if thing == "tables" else not taken
        try:
            made = blocks.block(
                self.town, lines=[Line(self.things[thing].pk, n)], span=wish, reason="Entretien",
                clerk=self.clerk, now=self.now,
            )  # fmt: skip
        except Refused:
            assert not expected
            return multiple()
        assert expected
        self.remember(("block", made.pk), made, thing, wish, n)
        return made.pk

    @rule(pk=consumes(kept))
    def lift(self, pk):
        blocks.lift(Block.objects.get(pk=pk), clerk=self.clerk, now=self.now)
        del self.had[("block", pk)]

    @rule(minutes=st.integers(1, 15), job=st.booleans())
    def wait(self, minutes, job):
        self.now += timedelta(minutes=minutes)
        if job:
            holds.clear_expired(self.town, now=self.now)

    @invariant()
    def the_table_and_the_model_agree(self):
        if not hasattr(self, "had"):
            return
        names = {one.pk: name for name, one in self.things.items()}
        rows = Taking.objects.of(self.town).standing(self.now)
        found = sorted(
            (names[one.resource_id], one.unit_id or 0, one.quantity, one.period.lower)
            for one in rows
        )
        assert found == sorted(
            (thing, unit or 0, quantity, when.start)
            for thing, unit, quantity, when, _end in self.standing().values()
        )


def test_no_order_of_deeds_lends_anything_twice(town):
    Machine.town = town
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=25, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("length", [1, 2])
def test_the_model_itself_knows_when_two_uses_meet(length):
    one, other = span(10, length), span(11, 1)
    assert one.overlaps(other) is (length == 2)
    assert Span(*one) == one
