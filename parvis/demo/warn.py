"""The alerts that the invented towns went through: one that was lifted, and a drill."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from parvis.alerts import actions, drafts, rounds, rules
from parvis.alerts.models import Alert, Answer, Revision
from parvis.demo.moments import Ago, instant
from parvis.municipalities.models import Municipality, StaffMember
from parvis.notifications import outcomes
from parvis.notifications.channels import Result, State
from parvis.notifications.models import Chunk, Lane, Work
from parvis.residents.models import Resident
from parvis.territory.models import Address, Sector

TOUCHED = ("Naudville", "Riverbend")
DOORS = 30


def warn(
    town: Municipality, *, proposer: Resident, members: list[StaffMember], now: datetime
) -> int:
    """Write down what happened, through the same actions as a clerk's; answer how many alerts."""
    here = now.astimezone(town.zone)
    sectors = Sector.objects.of(town).filter(name__in=TOUCHED)
    told = Story(town, proposer, members[0])
    drill = told.begin("evacuation", instant(Ago(40, 10), now=here), is_drill=True, everywhere=True)
    told.go_on(drill, rules.LIFT, instant(Ago(40, 10, 30), now=here))
    if not sectors:
        return 1
    began = instant(Ago(12, 6, 42), now=here)
    water = told.begin(
        "boil", began, sector_ids=[one.pk for one in sectors],
        next_at=began + timedelta(hours=4), expires_at=began + timedelta(days=3),
    )  # fmt: skip
    told.answer(water, began)
    told.go_round(water, began + timedelta(hours=2))
    told.go_on(
        water, rules.UPDATE, instant(Ago(12, 10, 30), now=here),
        note="La conduite est réparée. Premier prélèvement envoyé au laboratoire.",
        next_at=instant(Ago(11, 14), now=here), expires_at=began + timedelta(days=3),
    )  # fmt: skip
    told.go_on(
        water, rules.LIFT, instant(Ago(11, 15, 10), now=here),
        note="Les deux analyses sont bonnes.",
    )  # fmt: skip
    return 2


class Story:
    """Two persons who warn a town, and what became of their messages."""

    def __init__(self, town: Municipality, proposer: Resident, member: StaffMember) -> None:
        self.town, self.proposer, self.member = town, proposer, member
        self.chance = random.Random(f"{town.slug} alerts")

    def begin(self, event: str, at: datetime, *, is_drill: bool = False, **changes: Any) -> Alert:
        revision = drafts.begin_alert(
            municipality=self.town, event=event, is_drill=is_drill, actor=self.proposer, now=at
        )
        self.send(revision, at, **changes)
        revision.alert.refresh_from_db()
        return revision.alert

    def go_on(self, alert: Alert, kind: str, at: datetime, **changes: Any) -> None:
        revision = drafts.begin_revision(alert, kind=kind, actor=self.proposer, now=at)
        self.send(revision, at, **changes)

    def send(self, revision: Revision, at: datetime, **changes: Any) -> None:
        revision = drafts.revise(
            revision, actor=self.proposer, token=revision.token, now=at, **changes
        )
        revision = drafts.propose(revision, actor=self.proposer, token=revision.token, now=at)
        done = actions.send_alert(revision, member=self.member, token=revision.token, now=at)
        self.hand_over(done, at)

    def hand_over(self, revision: Revision, at: datetime) -> None:
        """What the dispatchers would have written: most were reached, within a minute."""
        for chunk in Chunk.objects.of(self.town).filter(message_id=revision.message_id):
            owners = owners_of(chunk)
            results = [
                Result(pk, State.UNDELIVERABLE, "unknown_address", resident_id=owners.get(pk))
                if chunk.channel == "email" and self.chance.random() < 0.04
                else Result(pk, State.HANDED_OVER, resident_id=owners.get(pk))
                for pk in chunk.recipients
            ]
            # In doubt about no address: only these messages of long ago were refused.
            kept = [one for one in results if one.state == State.HANDED_OVER]
            failed = [one for one in results if one.state != State.HANDED_OVER]
            for part, late in ((kept, 4), (failed, 9)):
                outcomes.append(
                    self.town, chunk, part, now=at + timedelta(seconds=late + chunk.pk % 40)
                )
        Work.objects.filter(
            municipality=self.town, state=Work.State.WAITING, lane=Lane.EMERGENCY
        ).update(state=Work.State.DONE, closed_at=at + timedelta(minutes=1))

    def answer(self, alert: Alert, began: datetime) -> None:
        """Two thirds said that they saw it, most in the first hour; some asked for help."""
        chunks = Chunk.objects.of(self.town).filter(
            message__reference=alert.reference, channel="inapp"
        )
        people = sorted({pk for chunk in chunks for pk in chunk.recipients})
        rows = []
        for pk in people:
            if self.chance.random() > 0.66:
                continue
            at = began + timedelta(minutes=min(600, self.chance.expovariate(1 / 45)) + 1)
            asks = self.chance.random() < 0.004
            rows.append(
                Answer(
                    municipality=self.town, alert=alert, resident_id=pk,
                    kind=Answer.Kind.HELP if asks else Answer.Kind.SEEN,
                    note="Eau pour un bébé" if asks else "", first_at=at, at=at,
                    help_at=at if asks else None,
                    taken_by_id=self.member.person_id if asks else None,
                    taken_at=at + timedelta(minutes=25) if asks else None,
                )
            )  # fmt: skip
        Answer.objects.bulk_create(rows, batch_size=1000)

    def go_round(self, alert: Alert, at: datetime) -> None:
        """Rescuers went to the first streets of the round, a door every two minutes."""
        revision = alert.revisions.sent().get()
        for number, door in enumerate(rounds.doors(alert, revision, most=DOORS)):
            found = self.chance.choices(("warned", "notice", "empty"), (6, 3, 1))[0]
            rounds.visit(
                alert, Address.objects.of(self.town).get(pk=door.pk), found=found,
                member=self.member, now=at + timedelta(minutes=2 * number),
            )  # fmt: skip


def owners_of(chunk: Chunk) -> dict[int, int]:
    """Contact → resident, for the channels of the demonstration."""
    from allauth.account.models import EmailAddress  # noqa: PLC0415

    if chunk.channel == "inapp":
        return {pk: pk for pk in chunk.recipients}
    if chunk.channel == "email":
        rows = EmailAddress.objects.filter(pk__in=chunk.recipients)
        return dict(rows.values_list("pk", "user_id"))
    return {}
