"""Alerts at the Bureau: composed, proposed, approved, followed; and who may read who needs help."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from parvis.alerts import answers, drafts, rules
from parvis.alerts.models import Alert, Answer, Revision
from parvis.alerts.tests import alerts
from parvis.announcements.tests import make as places
from parvis.municipalities.models import AuditLine
from parvis.notifications.models import Message
from parvis.residents.tests import make

pytestmark = pytest.mark.django_db
YESTERDAY = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def now():
    return timezone.now()


def at_the_desk(member) -> Client:
    return make.sign_in(Client(), member.person, second_factor=True)


@pytest.fixture
def clerk(town):
    return make.staff(town, roles={"alerts": "act"})


@pytest.fixture
def desk(clerk):
    return at_the_desk(clerk)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def typed(revision: Revision, **changes) -> dict[str, object]:
    """The editor as it stands on the page."""
    said, english = revision.words["fr"], revision.words["en"]
    words = {
        f"{language}_{name}": "\n".join(one[name]) if name == "steps" else one[name]
        for language, one in (("fr", said), ("en", english))
        for name in ("title", "short", "text", "steps")
    }
    end = timezone.localtime(revision.expires_at).strftime("%Y-%m-%dT%H:%M")
    return {
        "token": revision.token, "severity": "Severe", "urgency": "Immediate",
        "certainty": "Likely", "in_english": "on", "en_basis": "health", "everywhere": "on",
        "expires_at": end, **words, **changes,
    }  # fmt: skip


def begun(desk: Client, town, **more) -> Revision:
    answer = desk.post("/bureau/alertes/nouvelle/", {"event": "boil", **more})
    assert answer.status_code == 302, text_of(answer)
    return Revision.objects.of(town).latest("pk")


def test_from_a_template_to_everyone_by_two_persons(desk, town, clerk):
    make.resident(town)
    revision = begun(desk, town)
    where = f"/bureau/alertes/{revision.alert_id}/"
    page = desk.get(f"{where}modifier/")
    assert "Faites bouillir l’eau 1 minute" in text_of(page)
    done = desk.post(f"{where}modifier/", typed(revision, faire="proposer"))
    assert done["Location"] == f"{where}approuver/"
    revision.refresh_from_db()
    assert (revision.state, revision.proposed_by_id) == ("proposed", clerk.person_id)
    assert not Message.objects.of(town).exists()
    # Who proposed reads again, and cannot decide.
    assert "Seule une personne désignée" in text_of(desk.get(f"{where}approuver/"))
    refused = desk.post(f"{where}approuver/", {"token": revision.token, "faire": "approuver"})
    assert refused.status_code == 422
    assert "désignée" in text_of(refused)
    second = at_the_desk(alerts.authority(town))
    assert "Vous êtes la deuxième personne" in text_of(second.get(f"{where}approuver/"))
    sent = second.post(f"{where}approuver/", {"token": revision.token, "faire": "approuver"})
    assert sent["Location"] == where
    followed = text_of(second.get(where))
    assert "Ciblées 3" in followed
    assert "Proposée par Camille Tremblay, approuvée par Camille Tremblay." in followed
    # Pressed again, nothing leaves twice.
    second.post(f"{where}approuver/", {"token": revision.token, "faire": "approuver"})
    assert Message.objects.of(town).filter(kind="alerts.sent").count() == 1


def test_one_alone_says_why(town):
    make.resident(town)
    member = alerts.authority(town)
    desk = at_the_desk(member)
    revision = begun(desk, town)
    where = f"/bureau/alertes/{revision.alert_id}/"
    assert desk.post(f"{where}modifier/", typed(revision, faire="seul"))["Location"] == (
        f"{where}approuver/"
    )
    revision.refresh_from_db()
    short = desk.post(
        f"{where}approuver/", {"token": revision.token, "faire": "seul", "reason": "x"}
    )
    assert short.status_code == 422
    assert not Message.objects.of(town).exists()
    desk.post(
        f"{where}approuver/",
        {"token": revision.token, "faire": "seul", "reason": "Fuite de gaz, personne ne répond"},
    )
    assert Message.objects.of(town).get().kind == "alerts.sent"
    assert "Fuite de gaz" in text_of(desk.get(where))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fr_short": "a" * 100 + "ê"}, "« ê »"),
        ({"fr_short": "a" * 161}, "161 caractères"),
        ({"fr_title": ""}, "Il manque en français"),
        ({"everywhere": ""}, "Personne n’est visé"),
        ({"expires_at": YESTERDAY}, "déjà échue"),
        ({"expires_at": "9999-12-31T23:59"}, "plus d’un an"),
        ({"expires_at": ""}, "jusqu’à quand"),
        ({"area": "{", "everywhere": ""}, "GeoJSON lisible"),
        ({"addresses": "nulle part"}, "ne désignent pas une seule adresse"),
    ],
)
def test_what_cannot_leave_is_said_and_nothing_typed_is_lost(desk, town, change, says):
    make.resident(town)
    revision = begun(desk, town)
    where = f"/bureau/alertes/{revision.alert_id}/"
    sent = typed(revision, faire="proposer", fr_text="Un texte à moi.", **change)
    answer = desk.post(f"{where}modifier/", sent)
    assert answer.status_code == 422
    said = text_of(answer).replace("\u00a0", " ")
    assert says in said
    assert "Un texte à moi." in said
    assert not Message.objects.of(town).exists()


def test_a_crossed_polygon_is_refused_on_the_page(desk, town):
    places.sector(town)
    revision = begun(desk, town)
    bow = places.square(0.1, 0.1, 0.5)
    ring = bow["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    answer = desk.post(
        f"/bureau/alertes/{revision.alert_id}/modifier/",
        typed(revision, everywhere="", area=json.dumps(bow), faire="proposer"),
    )
    assert answer.status_code == 422
    assert "se croise" in text_of(answer)


def test_a_trial_goes_to_oneself_alone(desk, town, clerk):
    make.resident(town)
    revision = begun(desk, town)
    desk.post(
        f"/bureau/alertes/{revision.alert_id}/modifier/", typed(revision, faire="essai")
    )  # fmt: skip
    message = Message.objects.of(town).get()
    assert (message.kind, message.targeted) == ("alerts.trial", 1)
    assert message.content["fr"]["title"].startswith("ESSAI\u00a0: ")
    revision.refresh_from_db()
    assert revision.state == "draft"


def test_the_count_and_the_previews_follow_what_is_typed(desk, town):
    make.resident(town)
    revision = begun(desk, town)
    answer = desk.post(
        f"/bureau/alertes/{revision.alert_id}/apercu/", typed(revision, fr_title="Ne sortez pas")
    )
    said = text_of(answer)
    assert "Ne sortez pas" in said
    assert "Personnes jointes 2" in said
    odd = desk.post(
        f"/bureau/alertes/{revision.alert_id}/apercu/",
        typed(revision, fr_short="a" * 100 + "ê", fr_title="Ne sortez pas"),
    )
    said = text_of(odd).replace("\u00a0", " ")
    assert "« ê » allonge le texto" in said and "101 / 70" in said
    assert "Personnes jointes 2" in said and "Ne sortez pas" in said
    revision.refresh_from_db()
    assert revision.title != "Ne sortez pas"


def test_two_editors_at_once_the_second_is_told(desk, town):
    revision = begun(desk, town)
    where = f"/bureau/alertes/{revision.alert_id}/modifier/"
    desk.post(where, typed(revision, fr_title="Le premier"))
    late = desk.post(where, typed(revision, fr_title="Le second"))
    assert late.status_code == 422
    assert "Quelqu’un d’autre a modifié" in text_of(late)
    revision.refresh_from_db()
    assert revision.title == "Le premier"


def test_what_was_proposed_is_taken_back_then_thrown_away(desk, town):
    make.resident(town)
    revision = begun(desk, town)
    where = f"/bureau/alertes/{revision.alert_id}/"
    desk.post(f"{where}modifier/", typed(revision, faire="proposer"))
    desk.post(f"{where}jeter/")
    assert Alert.objects.of(town).exists(), "what waits for a decision is not thrown away"
    assert desk.post(f"{where}reprendre/")["Location"] == f"{where}modifier/"
    assert desk.post(f"{where}jeter/")["Location"] == "/bureau/alertes/"
    assert not Alert.objects.of(town).exists()


def test_the_suite_of_an_alert_begins_with_what_it_says(desk, town, now):
    make.resident(town)
    alert = alerts.sent(town, now=now)
    where = f"/bureau/alertes/{alert.pk}/"
    assert desk.post(f"{where}suite/", {"suite": "lift"})["Location"] == f"{where}modifier/"
    assert "L’eau est de nouveau bonne à boire" in text_of(desk.get(f"{where}modifier/"))
    # Another one takes up what is being prepared.
    desk.post(f"{where}suite/", {"suite": "update"})
    assert alert.revisions.exclude(state="sent").get().kind == rules.LIFT
    desk.post(f"{where}suite/", {"suite": "autre"})
    assert alert.revisions.count() == 2


def test_addresses_never_reached_are_listed_and_carried_with_a_hash(desk, town, now):
    north = places.sector(town, "Nord")
    empty = places.address(town, sector=north)
    lived_in = places.address(town, sector=north)
    person = make.resident(town, address=lived_in)
    alert = alerts.sent(town, now=now, sector_ids=[north.pk])
    where = f"/bureau/alertes/{alert.pk}/non-jointes"
    page = text_of(desk.get(f"{where}/"))
    assert "2 adresses" in page
    assert str(empty) in page and str(lived_in) in page
    assert "Aucun message remis" in page and "Personne d’inscrit" in page
    answers.answer(alert, resident=person, kind="seen", now=now)
    file = desk.get(f"{where}.csv")
    lines = file.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2 and str(empty) in lines[1]
    digest = hashlib.sha256(file.content).hexdigest()
    assert file["X-Content-SHA256"] == digest
    assert digest[:12] in file["Content-Disposition"]
    line = AuditLine.objects.of(town).get(deed="alerts.unreached_exported")
    assert line.facts["sha256"] == digest


def test_the_help_list_is_the_rescuers_alone_and_each_look_is_written_down(town, now):
    person = make.resident(town, first_name="Éloïse")
    alert = alerts.sent(town, now=now)
    asked = answers.answer(alert, resident=person, kind="help", note="Oxygène", now=now)
    where = f"/bureau/alertes/{alert.pk}/secours/"
    rescuer = at_the_desk(make.staff(town, roles={"rescue": "act"}))
    assert "Oxygène" in text_of(rescuer.get(where))
    looks = AuditLine.objects.of(town).filter(deed="alerts.help_list_seen")
    assert looks.get().facts == {"alert": alert.pk, "answers": [asked.pk]}
    # The page that refreshes itself is the same look, until it shows somebody new.
    again = {"HTTP_HX_REQUEST": "true"}
    rescuer.get(where, **again)
    assert looks.count() == 1
    other = answers.answer(alert, resident=make.resident(town), kind="help", now=now)
    rescuer.get(where, **again)
    assert looks.count() == 2
    answers.answer(alert, resident=other.resident, kind="safe", now=now)
    assert "dit maintenant être en sécurité" in text_of(rescuer.get(where))
    # Nobody else: not who sends alerts, not even who administers the town.
    assert at_the_desk(make.staff(town, roles={"alerts": "act"})).get(where).status_code == 403
    before = looks.count()
    chief = at_the_desk(make.staff(town))
    said = text_of(chief.get(where))
    assert "réservée" in said and "Éloïse" not in said
    chief.post(f"/bureau/alertes/secours/{asked.pk}/prendre/")
    assert Answer.objects.of(town).get(pk=asked.pk).taken_at is None
    assert looks.count() == before
    reader = at_the_desk(make.staff(town, roles={"rescue": "see"}))
    assert reader.post(f"/bureau/alertes/secours/{asked.pk}/prendre/").status_code == 403
    rescuer.post(f"/bureau/alertes/secours/{asked.pk}/prendre/")
    assert Answer.objects.of(town).get(pk=asked.pk).taken_at is not None
    assert "Prise en charge" in text_of(rescuer.get(where))


def test_the_town_shows_or_hides_how_many_were_reached(desk, town, now):
    make.resident(town)
    alert = alerts.sent(town, now=now)
    desk.post(f"/bureau/alertes/{alert.pk}/taux/", {"montrer": "0"})
    alert.refresh_from_db()
    assert alert.shows_reach is False
    desk.post(f"/bureau/alertes/{alert.pk}/taux/", {"montrer": "1"})
    deeds = AuditLine.objects.of(town).filter(deed__startswith="alerts.reach")
    assert sorted(line.deed for line in deeds) == ["alerts.reach_hidden", "alerts.reach_shown"]


def test_what_waits_for_a_decision_and_what_was_promised_are_in_ones_day(town, now):
    make.resident(town)
    member = alerts.authority(town)
    desk = at_the_desk(member)
    alerts.proposed(town, now=now, event="flood")
    alerts.sent(town, now=now, next_at=now + timedelta(hours=2))
    said = text_of(desk.get("/bureau/"))
    assert "L’eau monte" in said and "Attend l’approbation" in said
    assert "prochaine mise à jour promise" in said
    assert "1 alerte en vigueur" in said


def test_a_list_of_three_costs_what_one_does(desk, town, now, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make.resident(town)
    alerts.sent(town, now=now)
    with CaptureQueriesContext(connection) as one:
        desk.get("/bureau/alertes/")
    for _ in range(2):
        alerts.sent(town, now=now)
    with django_assert_num_queries(len(one)):
        desk.get("/bureau/alertes/")


def test_a_proposal_by_someone_else_is_read_but_not_changed(desk, town, now):
    revision = alerts.proposed(town, now=now)
    where = f"/bureau/alertes/{revision.alert_id}/"
    assert desk.get(f"{where}modifier/")["Location"] == f"{where}approuver/"
    drafts.take_back(revision, actor=None, now=now)
    assert desk.get(f"{where}modifier/").status_code == 200
