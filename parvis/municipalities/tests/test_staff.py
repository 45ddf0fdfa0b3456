"""Who works for the town: invitations, roles, departures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities import actions
from parvis.municipalities.models import AuditLine, Invitation, StaffMember
from parvis.municipalities.tests.make import NOW
from parvis.municipalities.tests.make import municipality as open_town
from parvis.residents.tests import make


def deeds(town) -> list[str]:
    return [line.deed for line in AuditLine.objects.of(town).order_by("id")]


def test_an_invitation_makes_a_colleague_with_the_roles_it_says(town):
    actor = make.staff(town).person
    _row, token = actions.invite(
        town, email=" Luc@Exemple.ca ", actor=actor, now=NOW, title="Loisirs",
        roles={"announcements": "act"},
    )  # fmt: skip
    luc = make.resident(town, email="luc@exemple.ca")
    member = actions.accept_invitation(town, token=token, person=luc, now=NOW)
    assert member.title == "Loisirs"
    assert [(r.room, r.level) for r in member.roles.all()] == [("announcements", "act")]
    assert deeds(town)[-3:] == [
        "municipalities.invited", "municipalities.staff_joined", "municipalities.roles_set",
    ]  # fmt: skip


def test_an_invitation_serves_once_in_time_and_unless_withdrawn(town):
    actor = make.staff(town).person
    luc = make.resident(town, email="luc@exemple.ca")

    def accept(token, now=NOW):
        return actions.accept_invitation(town, token=token, person=luc, now=now)

    row, token = actions.invite(town, email=luc.email, actor=actor, now=NOW)
    with pytest.raises(Refused):
        accept(token, now=NOW + timedelta(days=7))
    with pytest.raises(Refused):
        accept("un-autre-secret")
    actions.withdraw_invitation(row, actor=actor, now=NOW)
    with pytest.raises(Refused):
        accept(token)
    _row, token = actions.invite(town, email=luc.email, actor=actor, now=NOW)
    accept(token)
    with pytest.raises(Refused):
        accept(token)


def test_a_new_invitation_takes_the_place_of_the_old_one(town):
    actor = make.staff(town).person
    luc = make.resident(town, email="luc@exemple.ca")
    _row, old = actions.invite(town, email=luc.email, actor=actor, now=NOW)
    actions.invite(town, email=luc.email, actor=actor, now=NOW)
    assert Invitation.objects.of(town).filter(withdrawn_at__isnull=True).count() == 1
    with pytest.raises(Refused):
        actions.accept_invitation(town, token=old, person=luc, now=NOW)


def test_an_invitation_is_for_one_address_and_one_town(town, other_town):
    actor = make.staff(town).person
    _row, token = actions.invite(town, email="luc@exemple.ca", actor=actor, now=NOW)
    eve = make.resident(town, email="eve@exemple.ca")
    with pytest.raises(Refused):
        actions.accept_invitation(town, token=token, person=eve, now=NOW)
    with as_town(other_town.pk):
        luc = make.resident(other_town, email="luc@exemple.ca")
        with pytest.raises(Refused):
            actions.accept_invitation(other_town, token=token, person=luc, now=NOW)


def test_roles_that_do_not_exist_are_refused(town):
    actor = make.staff(town).person
    for roles in ({"cuisine": "act"}, {"announcements": "own"}):
        with pytest.raises(Refused):
            actions.invite(town, email="luc@exemple.ca", actor=actor, now=NOW, roles=roles)
    assert not Invitation.objects.of(town).exists()


def test_the_last_administrator_can_neither_leave_nor_drop_the_right(town):
    last = make.staff(town)
    with pytest.raises(Refused):
        actions.leave_staff(last, actor=last.person, now=NOW)
    with pytest.raises(Refused):
        actions.set_roles(last, roles={}, actor=last.person, is_administrator=False)
    make.staff(town)
    actions.leave_staff(last, actor=last.person, now=NOW)
    last.refresh_from_db()
    assert (last.left_at, last.is_administrator) == (NOW, False)


def test_leaving_ends_every_session_and_role_and_may_be_said_twice(town):
    make.staff(town)
    member = make.staff(town, roles={"residents": "act"})
    epoch, key = member.person.session_epoch, member.person.get_session_auth_hash()
    actions.leave_staff(member, actor=None, now=NOW)
    member.person.refresh_from_db()
    assert member.person.session_epoch == epoch + 1
    assert member.person.get_session_auth_hash() != key
    assert not member.roles.exists()
    actions.leave_staff(member, actor=None, now=NOW + timedelta(days=1))
    member.refresh_from_db()
    assert member.left_at == NOW
    assert deeds(town).count("municipalities.staff_left") == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", ["leave", "drop"])
def test_two_administrators_who_go_at_once_leave_one(deed):
    town = open_town()
    for _each in range(10):
        with as_town(town.pk):
            StaffMember.objects.of(town).filter(left_at__isnull=True).update(
                left_at=NOW, is_administrator=False
            )
            pair = [make.staff(town), make.staff(town)]
        gate = Barrier(2)

        def go(member, gate=gate):
            gate.wait()
            try:
                with as_town(town.pk):
                    if deed == "leave":
                        actions.leave_staff(member, actor=member.person, now=NOW)
                    else:
                        actions.set_roles(
                            member, roles={}, actor=member.person, is_administrator=False
                        )
                return "gone"
            except Refused:
                return "refused"
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(go, pair)) == ["gone", "refused"]
        with as_town(town.pk):
            left = StaffMember.objects.of(town).filter(left_at__isnull=True, is_administrator=True)
            assert left.count() == 1
