"""From a draft to its end, on the real database: rows, audit lines, and what was planned."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from parvis.alerts import actions, answers, drafts, rules
from parvis.alerts.models import Alert, Answer, Revision
from parvis.alerts.tests import alerts
from parvis.announcements.tests import make as places
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Lane, Message, Preference, Work
from parvis.residents.tests import make

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def deeds(town) -> list[str]:
    rows = AuditLine.objects.of(town).filter(deed__startswith="alerts.").order_by("pk")
    return list(rows.values_list("deed", flat=True))


def nothing_left(town) -> bool:
    return not Message.objects.of(town).exists() and not Work.objects.exists()


def test_two_persons_decide_and_everyone_concerned_is_planned_at_once(town):
    make.resident(town)
    revision = alerts.proposed(town)
    assert nothing_left(town)
    member = alerts.authority(town)
    done = alerts.approve(revision, member)
    alert = done.alert
    assert (done.state, done.sent_at, done.decided_by_id) == ("sent", NOW, member.person_id)
    assert done.alone_reason == ""
    assert (alert.state, alert.begun_at, alert.expires_at) == ("in_force", NOW, done.expires_at)
    message = Message.objects.of(town).get()
    assert (message.lane, message.kind, message.targeted) == (Lane.EMERGENCY, "alerts.sent", 4)
    assert {work.lane for work in Work.objects.all()} == {0}
    assert set(message.content) == {"fr", "en"}
    assert message.content["en"]["url"] == f"/alertes/{alert.pk}/?langue=en"
    assert deeds(town) == ["alerts.drafted", "alerts.proposed", "alerts.sent"]
    line = AuditLine.objects.of(town).get(deed="alerts.sent")
    assert line.actor_id == member.person_id
    assert line.facts["proposed_by"] == revision.proposed_by_id
    assert (line.facts["alone"], line.facts["hash"]) == (False, done.words_hash)


def test_an_alert_goes_to_those_who_unsubscribed_paused_or_sleep(town):
    person = make.resident(town)
    Preference.objects.create(
        municipality=town, resident=person, paused_until=NOW + timedelta(days=9)
    )
    alert = alerts.sent(town)
    work = Work.objects.filter(channel="email").get()
    assert work.not_before == NOW
    assert alert.revisions.get().message.targeted == 4


def test_one_person_alone_says_why_and_it_stays_written(town):
    member = alerts.authority(town)
    revision = alerts.draft(town, actor=member.person)
    with pytest.raises(Refused, match="Demandez d’abord"):
        actions.send_alert(revision, member=member, token=revision.token, now=NOW)
    proposed = drafts.propose(revision, actor=member.person, token=revision.token, now=NOW)
    with pytest.raises(Refused, match="deuxième personne"):
        actions.send_alert(proposed, member=member, token=proposed.token, now=NOW)
    assert nothing_left(town)
    reason = "L’eau monte, personne ne répond"
    done = actions.send_alert(
        proposed, member=member, token=proposed.token, now=NOW, alone_reason=reason
    )
    assert (done.alone_reason, done.decided_by_id) == (reason, member.person_id)
    assert AuditLine.objects.of(town).get(deed="alerts.sent").facts["alone"] is True


def test_only_a_designated_person_decides(town):
    revision = alerts.proposed(town)
    clerk = make.staff(town, roles={"alerts": "act"})
    with pytest.raises(Refused, match="désignée"):
        alerts.approve(revision, clerk)
    gone = alerts.authority(town)
    gone.left_at = NOW
    with pytest.raises(Refused, match="désignée"):
        alerts.approve(revision, gone)
    assert nothing_left(town)
    alerts.approve(revision, alerts.authority(town))


def test_who_approves_has_read_the_last_word(town):
    revision = alerts.proposed(town)
    back = drafts.take_back(revision, actor=None, now=NOW)
    actor = make.resident(town)
    changed = drafts.revise(back, actor=actor, token=back.token, now=NOW, note="Autre")
    again = drafts.propose(changed, actor=actor, token=changed.token, now=NOW)
    with pytest.raises(rules.Overtaken):
        actions.send_alert(
            again, member=alerts.authority(town), token=revision.token, now=NOW
        )  # fmt: skip
    assert nothing_left(town)
    with pytest.raises(Refused, match="attend l’approbation"):
        drafts.revise(again, actor=actor, token=again.token, now=NOW, note="En douce")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"expires_at": None}, "jusqu’à quand"),
        ({"everywhere": False}, "Personne n’est visé"),
        ({"words": {"fr": {"title": "", "short": "", "text": "", "steps": []}}}, "Il manque"),
    ],
)
def test_what_is_not_whole_is_not_proposed(town, change, says):
    revision = alerts.draft(town)
    actor = make.resident(town)
    lacking = drafts.revise(revision, actor=actor, token=revision.token, now=NOW, **change)
    with pytest.raises(Refused, match=says):
        drafts.propose(lacking, actor=actor, token=lacking.token, now=NOW)
    assert nothing_left(town)


def test_an_alert_that_expired_while_it_waited_does_not_leave(town):
    revision = alerts.proposed(town, expires_at=NOW + HOUR)
    with pytest.raises(Refused, match="déjà échue"):
        alerts.approve(revision, alerts.authority(town), now=NOW + HOUR)
    assert nothing_left(town)


def test_a_polygon_that_crosses_itself_or_lies_elsewhere_is_refused(town):
    places.sector(town)
    revision = alerts.draft(town)

    def drawn(area):
        return drafts.revise(
            revision, actor=None, token=revision.token, now=NOW, area=area, everywhere=False
        )  # fmt: skip

    bow = places.square(0.1, 0.1, 0.5)
    ring = bow["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    with pytest.raises(Refused, match="se croise"):
        drawn(bow)
    with pytest.raises(Refused, match="hors de la ville"):
        drawn(places.square(5, 2, 0.5))
    assert drawn(places.square(0.1, 0.1, 0.5)).area_address_ids == []


def test_an_area_without_anybody_is_refused_and_nothing_leaves(town):
    places.sector(town)
    area = places.square(0.1, 0.1, 0.5)
    revision = alerts.draft(town, area=area)
    actor = make.resident(town)
    with pytest.raises(Refused, match="Personne n’est visé"):
        drafts.propose(revision, actor=actor, token=revision.token, now=NOW)
    inside = places.address(town, at=(0.3, 0.3))
    revision = drafts.propose(revision, actor=actor, token=revision.token, now=NOW)
    member = alerts.authority(town)
    # There is a house, and nobody who can be told. A refusal undoes the whole request.
    with pytest.raises(Refused, match="Personne n’est joint"):
        alerts.approve(revision, member)
    assert nothing_left(town)
    make.resident(town, address=inside)
    done = alerts.approve(revision, member)
    assert (done.message.targeted, done.area_address_ids) == (1, [inside.pk])


def test_a_page_without_recipients_is_published_only_when_that_is_confirmed(town):
    """Nobody there has an account: the banner and the page still warn, and the end is never
    refused."""
    north = places.sector(town, "Nord")
    places.address(town, sector=north)
    revision = alerts.proposed(town, sector_ids=[north.pk])
    member = alerts.authority(town)
    with pytest.raises(Refused, match="Personne n’est joint"):
        alerts.approve(revision, member)
    assert nothing_left(town)
    done = actions.send_alert(
        revision, member=member, token=revision.token, now=NOW, to_nobody=True
    )  # fmt: skip
    assert (done.state, done.message.targeted) == ("sent", 0)
    # Even where the sector itself is gone since.
    north.addresses.update(sector=None)
    north.delete()
    alerts.continued(done.alert, now=NOW + HOUR)
    done.alert.refresh_from_db()
    assert done.alert.state == "lifted"


@pytest.mark.parametrize("year", [1, 1999, 2028, 9999])
def test_a_year_that_is_a_slip_of_the_hand_is_refused(town, year):
    revision = alerts.draft(town)
    for name in ("expires_at", "next_at"):
        with pytest.raises(Refused, match="plus d’un an"):
            drafts.revise(
                revision, actor=None, token=revision.token, now=NOW,
                **{name: NOW.replace(year=year)},
            )  # fmt: skip


def test_an_update_reaches_those_who_were_told_and_stops_the_earlier_message(town):
    north, south = places.sector(town, "Nord"), places.sector(town, "Sud", at=1)
    first = make.resident(town, address=places.address(town, sector=north))
    second = make.resident(town, address=places.address(town, sector=south, at=(1.5, 1.5)))
    alert = alerts.sent(town, sector_ids=[north.pk])
    before = alert.revisions.get().message
    assert before.targeted == 1
    update = alerts.continued(alert, rules.UPDATE, sector_ids=[south.pk], now=NOW + HOUR)
    assert update.number == 2
    assert update.message.targeted == 2
    before.refresh_from_db()
    assert before.stopped_at == NOW + HOUR
    works = Work.objects.filter(message_id=update.message_id)
    assert all(work.after_message_ids == [before.pk] for work in works)
    people = set(
        Work.objects.filter(message_id=update.message_id, channel="inapp").values_list(
            "chunk_id", flat=True
        )
    )
    assert people and {first.pk, second.pk}
    assert update.message.topic == before.topic


def test_a_lifted_alert_is_over_and_stays_so(town):
    make.resident(town)
    alert = alerts.sent(town)
    lift = alerts.continued(alert, now=NOW + HOUR)
    alert.refresh_from_db()
    assert (alert.state, alert.ended_at, lift.expires_at) == ("lifted", NOW + HOUR, NOW + HOUR)
    assert lift.message.content["fr"]["title"].startswith("Levée\u00a0: ")
    for kind in (rules.UPDATE, rules.LIFT, rules.CANCEL):
        with pytest.raises(Refused, match="terminée"):
            drafts.begin_revision(alert, kind=kind, actor=None, now=NOW + HOUR)
    assert alert.revisions.count() == 2


def test_a_cancelled_alert_says_that_it_was_a_mistake(town):
    make.resident(town)
    alert = alerts.sent(town)
    done = alerts.continued(alert, rules.CANCEL, now=NOW + HOUR)
    alert.refresh_from_db()
    assert alert.state == "cancelled"
    assert done.message.content["fr"]["title"].startswith("Annulé\u00a0: ")
    assert done.message.content["en"]["title"].startswith("Cancelled: ")
    assert alert.revisions.get(number=1).message.stopped_at == NOW + HOUR


def test_a_drill_is_marked_everywhere(town):
    make.resident(town)
    alert = alerts.sent(town, is_drill=True)
    content = alert.revisions.get().message.content
    assert content["fr"]["title"].startswith("EXERCICE\u00a0: ")
    assert content["en"]["title"].startswith("DRILL: ")
    assert "Ceci est un exercice" in content["fr"]["html"]
    assert "Ceci est un exercice" in content["fr"]["text"]


def test_one_suite_at_a_time(town):
    make.resident(town)
    alert = alerts.sent(town)
    first = drafts.begin_revision(alert, kind=rules.UPDATE, actor=None, now=NOW)
    with pytest.raises(Refused, match="déjà en préparation"):
        drafts.begin_revision(alert, kind=rules.LIFT, actor=None, now=NOW)
    drafts.discard(first, actor=None, now=NOW)
    drafts.begin_revision(alert, kind=rules.LIFT, actor=None, now=NOW)


def test_what_was_sent_never_changes(town):
    make.resident(town)
    alert = alerts.sent(town)
    revision = alert.revisions.get()

    def refused(deed) -> None:
        with pytest.raises(DatabaseError, match="stays|ended"), transaction.atomic():
            deed()

    rows = Revision.objects.of(town).filter(pk=revision.pk)
    refused(lambda: rows.update(note="autre"))
    refused(lambda: rows.update(state="draft"))
    refused(lambda: rows.delete())
    mine = Alert.objects.of(town).filter(pk=alert.pk)
    refused(lambda: mine.update(event="flood"))
    refused(lambda: mine.update(is_drill=True))
    refused(lambda: mine.update(begun_at=NOW + HOUR))
    alerts.continued(alert, now=NOW + HOUR)
    refused(lambda: mine.update(state="in_force", ended_at=None))
    # The control: a draft changes, and goes.
    draft = alerts.draft(town)
    assert Revision.objects.of(town).filter(pk=draft.pk).update(note="autre") == 1
    drafts.discard(draft, actor=None, now=NOW)
    assert not Alert.objects.of(town).filter(pk=draft.alert_id).exists()


def test_the_database_itself_wants_two_deciders_or_a_reason(town):
    make.resident(town)
    alert = alerts.sent(town)
    sent = alert.revisions.get()
    facts = {
        field.name: getattr(sent, field.name)
        for field in Revision._meta.fields
        if field.name not in {"id", "identity", "number", "decided_by_id"}
    }
    for decider, wrong in ((sent.proposed_by_id, True), (sent.decided_by_id, False)):
        try:
            with transaction.atomic():
                Revision.objects.create(**facts, number=2, decided_by_id=decider)
        except IntegrityError as error:
            assert wrong and "revision_two_decide_or_one_says_why" in str(error)
        else:
            assert not wrong


def test_an_alert_ends_by_itself_when_its_time_runs_out(town):
    make.resident(town)
    alert = alerts.sent(town, expires_at=NOW + HOUR)
    assert not actions.expire_due(town.pk, alert.pk, NOW + HOUR / 2)
    assert actions.expire_due(town.pk, alert.pk, NOW + HOUR)
    assert not actions.expire_due(town.pk, alert.pk, NOW + 2 * HOUR)
    alert.refresh_from_db()
    assert (alert.state, alert.ended_at) == ("expired", NOW + HOUR)


def test_an_answer_counts_once_and_says_the_last_word(town):
    person = make.resident(town)
    alert = alerts.sent(town)

    def say(kind, **more):
        return answers.answer(alert, resident=person, kind=kind, now=NOW + HOUR, **more)

    say("seen")
    say("seen")
    # The trail is read by more people than the rescuers: it says neither who nor what.
    line = AuditLine.objects.of(town).get(deed="alerts.answered")
    assert (line.actor_id, line.facts) == (None, {"alert": alert.pk})
    say("help", note=" oxygène ")
    say("seen")
    found = Answer.objects.of(town).get()
    assert (found.kind, found.note) == ("help", "oxygène")
    member = make.staff(town, roles={"rescue": "act"})
    answers.take(found, member=member, now=NOW + HOUR)
    with pytest.raises(Refused, match="s’en occupe déjà"):
        answers.take(found, member=make.staff(town), now=NOW + HOUR)
    say("safe")
    found.refresh_from_db()
    # Whoever asked for help stays on the rescuers' list, with what they said.
    assert (found.kind, found.note, found.help_at) == ("safe", "oxygène", NOW + HOUR)
    with pytest.raises(Refused):
        say("autre")
    alerts.continued(alert, now=NOW + HOUR)
    with pytest.raises(Refused, match="terminée"):
        say("help")


def test_a_person_who_leaves_is_forgotten_and_the_figure_stays(town):
    from parvis.residents.signals import erase, export

    person = make.resident(town)
    alert = alerts.sent(town)
    answers.answer(alert, resident=person, kind="help", note="2 personnes", now=NOW)
    told = dict(answer for _r, answer in export.send(sender=None, resident=person) if answer)
    assert told["reponses_aux_alertes"][0]["precisions"] == "2 personnes"
    erase.send(sender=None, resident=person, now=NOW)
    found = Answer.objects.of(town).get()
    assert (found.resident_id, found.note, found.kind) == (None, "", "help")
