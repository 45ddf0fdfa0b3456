"""Texts on pages: a resident's choices, the Bureau's proof and answers, what the doctor says."""

from __future__ import annotations

import pytest
from django.utils import timezone

from parvis.cli_telephony import telephony
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.notifications import lines, phone_watch, preferences, proof, replies, reports
from parvis.notifications.models import ClosedNumber, Outcome, Subscription
from parvis.notifications.sms_text import Answer
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.texting import followers, phone, send
from parvis.residents.models import Place
from parvis.residents.tests import make

pytestmark = pytest.mark.django_db


def choose(person, subject, channel="text", *, wanted=True, pace=""):
    place = Place.objects.of(person.municipality_id).get(resident=person)
    return preferences.set_subscription(
        resident=person, place=place, subject=subject, channel=channel, wanted=wanted, pace=pace,
        now=notify.NOW,
    )  # fmt: skip


def handed(message, one, *reported):
    """The text was taken; then what the provider said of it, (state, reason)."""
    Outcome.objects.create(
        municipality_id=message.municipality_id, message_id=message.pk, chunk_id=1,
        resident_id=one.resident_id, channel="text", contact_id=one.pk, state="handed",
        is_final=True, at=timezone.now(),
    )  # fmt: skip
    for state, reason in reported:
        Outcome.objects.create(
            municipality_id=message.municipality_id, message_id=message.pk, chunk_id=1,
            resident_id=one.resident_id, channel="text", contact_id=one.pk, state=state,
            is_final=False, reason=reason, at=timezone.now(),
        )  # fmt: skip


def test_a_resident_wants_texts_at_once_never_as_a_digest(town, texts):
    person, eau = make.resident(town), notify.subject(town)
    phone(person)
    assert choose(person, eau, pace="weekly")
    assert Subscription.objects.of(town).get().pace == "now"


def test_without_a_verified_number_texts_are_refused_and_can_still_be_left(town, texts):
    person, eau = make.resident(town), notify.subject(town)
    phone(person, verified=False)
    with pytest.raises(Refused, match="Vérifiez d’abord"):
        choose(person, eau)
    notify.subscription(person, eau, "text")
    assert choose(person, eau, wanted=False)


def test_without_a_provider_the_choice_does_not_exist(town, settings):
    settings.TELEPHONY = ()
    person, eau = make.resident(town), notify.subject(town)
    phone(person)
    with pytest.raises(Refused, match="n’existe pas"):
        choose(person, eau)


def test_the_page_offers_texts_shows_one_and_resumes_what_arret_ended(client, town, texts):
    person = make.resident(town)
    notify.subject(town)
    one = phone(person, "+14185550142")
    make.sign_in(client, person)
    shown = client.get("/mes-avis/").content.decode()
    assert "Texto" in shown and "ARRET pour cesser." in shown
    replies.stop_texts([one], now=notify.NOW)
    shown = client.get("/mes-avis/").content.decode()
    assert "Vous avez répondu ARRET" in shown
    client.post(f"/mes-avis/telephones/{one.pk}/reprendre/")
    assert ClosedNumber.objects.of(town).get().reopened_at is not None
    theirs = phone(make.resident(town))
    assert client.post(f"/mes-avis/telephones/{theirs.pk}/reprendre/").status_code == 404


def test_without_a_provider_no_page_speaks_of_texts(client, town, settings):
    settings.TELEPHONY = ()
    person = make.resident(town)
    notify.subject(town)
    phone(person)
    make.sign_in(client, person)
    assert "exto" not in client.get("/mes-avis/").content.decode()


def test_the_proof_counts_arrived_filtered_and_doubtful_that_arrived_after_all(town, texts):
    eau, (arrived, filtered, silent, doubtful) = followers(town, 4)
    message = send(town, eau)
    handed(message, arrived, ("reached", ""))
    handed(message, filtered, ("bounced", "filtered"))
    handed(message, silent)
    Outcome.objects.create(
        municipality=town, message_id=message.pk, chunk_id=1, resident_id=doubtful.resident_id,
        channel="text", contact_id=doubtful.pk, state="unsure", is_final=True, reason="in_doubt",
        at=timezone.now(),
    )  # fmt: skip
    figures = proof.figures(message)
    (row,) = figures.channels
    assert (row.targeted, row.handed, row.arrived, row.failed, row.uncertain) == (4, 2, 1, 1, 1)
    assert {reason.reason for reason in figures.reasons} == {"filtered", "in_doubt"}
    assert figures.reached == 2
    note = reports.Report(town.pk, message.pk, doubtful.pk, "text", "reached")
    assert reports.note(note, now=timezone.now())
    (row,) = proof.figures(message).channels
    assert (row.handed, row.arrived, row.uncertain) == (3, 2, 0)


def test_answers_are_counted_by_their_newest_and_listed_to_those_who_may_see_people(
    client, town, texts
):
    urgence = notify.subject(town, "Urgences", is_emergency=True)
    _subject, (calm, needy) = followers(town, 2, subject=urgence)
    message = send(town, urgence)
    for number, (one, answer) in enumerate(
        ((calm, Answer.HELP), (calm, Answer.SEEN), (needy, Answer.HELP))
    ):
        replies.take(
            [one], channel="text", answer=answer, words="2", identity=f"SM{number}",
            about={one.pk: message.pk}, now=timezone.now(),
        )  # fmt: skip
    assert proof.replies_counted(message) == {"seen": 1, "help": 1}
    sees = make.staff(town, roles={"announcements": "see"}).person
    make.sign_in(client, sees, second_factor=True)
    shown = client.get(f"/bureau/envois/{message.pk}/").content.decode()
    assert "Besoin d’aide" in shown and "Voir qui a répondu" not in shown
    assert client.get(f"/bureau/envois/{message.pk}/reponses/").status_code == 403
    may = make.staff(town, roles={"announcements": "see", "residents": "see"}).person
    make.sign_in(client, may, second_factor=True)
    shown = client.get(f"/bureau/envois/{message.pk}/reponses/").content.decode()
    assert "1 personne a besoin d’aide" in shown
    assert AuditLine.objects.of(town).filter(deed="notifications.replies_seen").count() == 1


def filtered_day(town, *, good: int, bad: int):
    eau, phones = followers(town, good + bad)
    message = send(town, eau)
    for number, one in enumerate(phones):
        handed(message, one, *([("bounced", "filtered")] if number < bad else []))


def test_a_filtered_share_alarms_the_bureau_and_the_doctor(client, town, texts):
    filtered_day(town, good=15, bad=5)
    found = phone_watch.filtered_texts(town, now=timezone.now())
    assert (found.handed, found.filtered, found.alarming) == (20, 5, True)
    make.sign_in(client, make.staff(town).person, second_factor=True)
    assert "5 textos filtrés par les opérateurs" in client.get("/bureau/envois/").content.decode()
    assert any("filtrent les textos" in one.said for one in telephony() if not one.good)


def test_a_few_filtered_texts_alarm_nobody(client, town, texts):
    filtered_day(town, good=15, bad=4)
    assert not phone_watch.filtered_texts(town, now=timezone.now()).alarming
    make.sign_in(client, make.staff(town).person, second_factor=True)
    assert "filtrés" not in client.get("/bureau/envois/").content.decode()
    assert all("filtrent" not in one.said for one in telephony())


def test_the_doctor_says_which_sender_is_missing_shared_or_at_rest(town, texts, settings):
    from dataclasses import replace

    def faults():
        return " ".join(one.said for one in telephony() if not one.good)

    settings.HTTPS = True
    assert faults() == ""
    settings.TELEPHONY = (replace(texts.provider, emergency=""),)
    assert "aucune urgence" in faults()
    settings.TELEPHONY = (replace(texts.provider, emergency=texts.provider.routine),)
    assert "du même numéro" in faults()
    settings.TELEPHONY = (texts.provider,)
    lines.note_answers(
        texts.provider, "routine", good=0, failed=3, after=0, fault="répond 500",
        now=timezone.now(),
    )  # fmt: skip
    assert "principal/routine répond 500" in faults()
    settings.TELEPHONY = ()
    assert list(telephony()) == []
