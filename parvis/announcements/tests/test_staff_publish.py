"""Announcements leave the Bureau: reviewed, published once, planned, changed, tried out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from parvis.announcements import actions, drafts
from parvis.announcements.tests import make
from parvis.announcements.tests.test_staff import subscriber, typed, url
from parvis.notifications.models import Message
from parvis.residents.tests import make as people


@pytest.fixture
def clerk(client, town):
    member = people.staff(town, roles={"announcements": "act"})
    people.sign_in(client, member.person, second_factor=True)
    return member


def test_publishing_sends_to_the_counted_audience_and_shows_its_proof(client, clerk, town):
    subscriber(town, make.subject(town))
    draft = make.draft(town)
    assert '<b class="num">1</b>' in client.get(url("review", draft.pk)).content.decode()
    answer = client.post(url("review", draft.pk), {"token": draft.token, "when": "now"})
    message = Message.objects.of(town).get(reference=draft.reference)
    assert message.targeted == 1
    assert answer["Location"] == reverse("notifications_staff:proof", args=[message.pk])
    assert client.get(answer["Location"]).status_code == 200
    draft.refresh_from_db()
    assert draft.state == "published"


def test_publishing_twice_publishes_once(client, clerk, town):
    draft = make.draft(town)
    told = {"token": draft.token, "when": "now"}
    client.post(url("review", draft.pk), told)
    answer = client.post(url("review", draft.pk), told)
    assert answer["Location"] == url("edit", draft.pk)
    assert Message.objects.of(town).filter(reference=draft.reference).count() == 1


def test_what_a_colleague_changed_meanwhile_is_not_published_unread(client, clerk, town):
    draft = make.draft(town)
    told = {"token": draft.token, "when": "now"}
    drafts.revise_draft(draft, actor=None, token=draft.token, now=make.NOW, title="Autre chose")
    answer = client.post(url("review", draft.pk), told)
    assert answer.status_code == 422
    assert "Quelqu’un d’autre" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_publication_is_planned_and_taken_back(client, clerk, town):
    draft = make.draft(town)
    answer = client.post(url("review", draft.pk), {"token": draft.token, "when": "later"})
    assert answer.status_code == 422
    at = timezone.localtime(timezone.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    answer = client.post(
        url("review", draft.pk),
        {"token": draft.token, "when": "later", "publish_at": at.strftime("%Y-%m-%dT%H:%M")},
    )
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert (draft.state, draft.publish_at) == ("scheduled", at)
    client.post(url("unschedule", draft.pk))
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_an_unready_draft_is_not_published(client, clerk, town):
    draft = make.draft(town, title="", subject=None)
    shown = client.get(url("review", draft.pk)).content.decode()
    assert "Choisissez un sujet" in shown
    assert (
        client.post(url("review", draft.pk), {"token": draft.token, "when": "now"}).status_code
        == 422
    )


def test_a_trial_goes_to_oneself_alone(client, clerk, town):
    subscriber(town, make.subject(town))
    draft = make.draft(town)
    client.post(url("edit", draft.pk), typed(draft, faire="essai"))
    message = Message.objects.of(town).get(kind="announcements.trial")
    assert message.targeted == 1
    assert message.content["fr"]["title"].startswith("Essai")
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_trial_speaks_the_language_being_typed_too(client, clerk, town):
    draft = make.draft(town)
    told = typed(draft, in_language="on", language="en", basis="health", faire="essai")
    client.post(url("edit", draft.pk), {**told, "other_title": "Boil", "other_text": "Now"})
    message = Message.objects.of(town).get(kind="announcements.trial")
    assert set(message.content) == {"fr", "en"}
    assert message.content["en"]["title"] == "Test: Boil"
    assert "<p>Now</p>" in message.content["en"]["html"]


def test_a_change_is_read_again_and_notifies_nobody_unless_asked(client, clerk, town):
    subscriber(town, make.subject(town))
    standing = make.published(town)
    told = typed(standing, title="Une coquille de moins")
    shown = client.post(url("revise", standing.pk), {**told, "faire": "relire"})
    assert "Une coquille de moins" in shown.content.decode()
    standing.refresh_from_db()
    assert standing.title != "Une coquille de moins"
    answer = client.post(url("revise", standing.pk), {**told, "faire": "publier"})
    assert answer["Location"] == url("one", standing.pk)
    standing.refresh_from_db()
    assert standing.title == "Une coquille de moins"
    assert Message.objects.of(town).filter(reference=standing.reference).count() == 1
    assert [v.notified for v in standing.versions.all()] == [False, True]
    told = typed(standing, title="Plus grave", faire="publier", notify_change="on")
    client.post(url("revise", standing.pk), told)
    assert Message.objects.of(town).filter(reference=standing.reference).count() == 2


def test_a_translation_that_is_unticked_is_shown_as_going_and_then_goes(client, clerk, town):
    standing = make.published(town)
    words = {"language": "en", "basis": "health", "other_title": "Brown water", "other_text": "Run"}
    told = typed(standing, in_language="on", **words)
    client.post(url("revise", standing.pk), {**told, "faire": "publier"})
    standing.refresh_from_db()
    assert standing.versions.first().translations["en"]["title"] == "Brown water"
    told = typed(standing, language="en")
    shown = client.post(url("revise", standing.pk), {**told, "faire": "relire"}).content.decode()
    assert "<del>Brown water</del>" in shown
    assert standing.translations.exists()
    client.post(url("revise", standing.pk), {**told, "faire": "publier"})
    assert not standing.translations.exists()
    newest, former = standing.versions.all()[:2]
    assert (newest.translations, former.translations["en"]["text"]) == ({}, "Run")


def test_a_change_over_a_colleagues_is_refused_and_the_words_stay_on_the_page(client, clerk, town):
    standing = make.published(town)
    told = typed(standing, title="Le mien", faire="publier")
    actions.revise_published(
        standing, actor=None, token=standing.token, now=make.NOW, title="Le sien"
    )
    answer = client.post(url("revise", standing.pk), told)
    assert answer.status_code == 422
    assert "Le mien" in answer.content.decode()
    assert "Quelqu’un d’autre" in answer.content.decode()


def test_a_published_announcement_is_not_saved_as_one_types(client, clerk, town):
    standing = make.published(town)
    answer = client.post(url("autosave", standing.pk), typed(standing, title="Glissé"))
    assert answer.status_code == 422
    standing.refresh_from_db()
    assert standing.title != "Glissé"
