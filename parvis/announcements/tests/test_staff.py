"""Announcements at the Bureau: written, looked at, published, changed, by those who may."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from parvis.announcements import drafts
from parvis.announcements.models import Announcement
from parvis.announcements.tests import make
from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine
from parvis.notifications.models import Subscription
from parvis.residents.models import Place
from parvis.residents.tests import make as people


@pytest.fixture
def clerk(client, town):
    member = people.staff(town, roles={"announcements": "act"})
    people.sign_in(client, member.person, second_factor=True)
    return member


def url(name, *args):
    return reverse(f"announcements_staff:{name}", args=args)


def typed(announcement, **changes):
    """What the editor's form sends for this announcement."""
    announcement.refresh_from_db()
    told = {
        "token": announcement.token, "title": announcement.title, "text": announcement.text,
        "summary": announcement.summary, "severity": announcement.severity,
        "subject": announcement.subject_id or "", "takes_force": "on", "notify": "on",
        "language": "en",
    }  # fmt: skip
    return {**told, **changes}


def subscriber(town, subject, *, sector=None, channels=("inapp", "email")):
    address = make.address(town, sector=sector) if sector else None
    person = people.resident(town, address=address)
    place = Place.objects.of(town).get(resident=person)
    for channel in channels:
        Subscription.objects.create(
            municipality=town, resident=person, place=place, subject=subject, channel=channel,
            created_at=make.NOW,
        )  # fmt: skip
    return person


ACTS = ["edit", "autosave", "look", "recount", "review", "revise", "unschedule", "lift", "pin",
        "archive", "discard", "certify"]  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_who_only_sees_may_not_act(client, town, name):
    member = people.staff(town, roles={"announcements": "see"})
    people.sign_in(client, member.person, second_factor=True)
    draft = make.draft(town)
    assert client.post(url(name, draft.pk), {}).status_code == 403
    assert client.get(url("one", draft.pk)).status_code == 200


@pytest.mark.parametrize("field", ["in_force_until", "concerns_at", "expires_at"])
def test_a_year_that_is_a_slip_of_the_hand_is_said_and_not_kept(client, clerk, town, field):
    """What PostgreSQL keeps, Python could not read back: every page would fail."""
    draft = make.draft(town)
    answer = client.post(url("edit", draft.pk), typed(draft, **{field: "9999-12-31T23:59"}))
    assert answer.status_code == 422
    assert "pas de ce siècle" in answer.content.decode()
    assert client.get(url("edit", draft.pk)).status_code == 200


@pytest.mark.parametrize("name", ["index", "new"])
def test_other_staff_do_not_see_announcements(client, town, name):
    member = people.staff(town, roles={"residents": "act"})
    people.sign_in(client, member.person, second_factor=True)
    assert client.get(url(name)).status_code == 403


@pytest.mark.parametrize("name", [*ACTS, "one"])
def test_another_towns_announcement_does_not_exist_here(client, clerk, other_town, name):
    with as_town(other_town.pk):
        theirs = make.draft(other_town)
    ask = client.get if name == "one" else client.post
    assert ask(url(name, theirs.pk), {"title": "À moi"}).status_code == 404
    with as_town(other_town.pk):
        theirs.refresh_from_db()
        assert theirs.title != "À moi"


def test_beginning_twice_takes_up_the_empty_draft(client, clerk, town):
    first = client.post(url("new"), {"sorte": "avis"})
    assert client.post(url("new"), {"sorte": "avis"})["Location"] == first["Location"]
    assert Announcement.objects.of(town).count() == 1


def test_the_list_asks_as_many_questions_for_three_as_for_one(client, clerk, town):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url("index")).status_code == 200
        return len(seen)

    make.published(town)
    one = asked()
    make.published(town)
    make.published(town)
    assert asked() == one


def test_the_list_is_filtered_by_state_and_by_words(client, clerk, town):
    make.draft(town, title="Collecte du sapin", text="Déposez le sapin au bord du chemin.")
    make.published(town)
    shown = client.get(url("index"), {"etat": "brouillons"}).content.decode()
    assert "Collecte du sapin" in shown
    assert "L’eau peut être brune" not in shown
    shown = client.get(url("index"), {"q": "sapin"}).content.decode()
    assert "Collecte du sapin" in shown
    assert "L’eau peut être brune" not in shown


def test_typing_is_kept_and_says_when(client, clerk, town):
    draft = make.draft(town)
    answer = client.post(url("autosave", draft.pk), typed(draft, title="L’eau est claire"))
    assert answer.status_code == 200
    assert "Enregistré à" in answer.content.decode()
    before = draft.token
    draft.refresh_from_db()
    assert (draft.title, draft.token) == ("L’eau est claire", before + 1)
    assert f'value="{draft.token}"' in answer.content.decode()


def test_typing_the_same_again_writes_nothing(client, clerk, town):
    draft = make.draft(town)
    client.post(url("autosave", draft.pk), typed(draft))
    token = Announcement.objects.of(town).get(pk=draft.pk).token
    client.post(url("autosave", draft.pk), typed(draft))
    assert Announcement.objects.of(town).get(pk=draft.pk).token == token


def test_who_comes_second_replaces_nothing_and_is_told(client, clerk, town):
    draft = make.draft(town)
    mine = typed(draft, title="Le mien")
    drafts.revise_draft(draft, actor=None, token=draft.token, now=make.NOW, title="Le sien")
    answer = client.post(url("autosave", draft.pk), mine)
    assert answer.status_code == 422
    assert "Quelqu’un d’autre a modifié" in answer.content.decode()
    assert "data-stop" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.title == "Le sien"


def test_the_preview_shows_what_is_typed_and_saves_nothing(client, clerk, town):
    draft = make.draft(town)
    answer = client.post(
        url("look", draft.pk),
        typed(draft, title="Tempête", text="<script>x</script> **gras**"),
    )
    shown = answer.content.decode()
    assert "Tempête" in shown
    assert "<strong>gras</strong>" in shown
    assert "<script>" not in shown
    draft.refresh_from_db()
    assert draft.title != "Tempête"


def test_the_audience_is_counted_before_sending(client, clerk, town):
    subject = make.subject(town)
    near, far = make.sector(town), make.sector(town, "Riverbend", at=2)
    subscriber(town, subject, sector=near)
    subscriber(town, subject, sector=near)
    subscriber(town, subject, sector=far)
    draft = make.draft(town)
    assert (
        '<b class="num">3</b>'
        in client.post(url("recount", draft.pk), typed(draft)).content.decode()
    )
    assert (
        '<b class="num">2</b>'
        in client.post(url("recount", draft.pk), typed(draft, sectors=[near.pk])).content.decode()
    )
    nowhere = json.dumps(make.square(8, 8, 1))
    assert (
        "Personne n’est visé"
        in client.post(url("recount", draft.pk), typed(draft, area=nowhere)).content.decode()
    )


def test_a_wrong_area_or_address_is_refused_in_a_sentence(client, clerk, town):
    draft = make.draft(town)
    answer = client.post(url("edit", draft.pk), typed(draft, area="{"))
    assert answer.status_code == 422
    assert "GeoJSON lisible" in answer.content.decode()
    answer = client.post(url("edit", draft.pk), typed(draft, addresses="999, rue de Nulle-Part"))
    assert answer.status_code == 422
    assert "999, rue de Nulle-Part" in answer.content.decode()


def test_addresses_are_read_line_by_line(client, clerk, town):
    one = make.address(town)
    draft = make.draft(town)
    answer = client.post(url("edit", draft.pk), typed(draft, addresses=f"{one}\n"))
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.address_ids == [one.pk]


def test_without_scripts_one_button_saves_and_goes_on_to_the_review(client, clerk, town):
    draft = make.draft(town)
    answer = client.post(url("edit", draft.pk), typed(draft, title="Relu", faire="relire"))
    assert answer["Location"] == url("review", draft.pk)
    assert "Relu" in client.get(answer["Location"]).content.decode()


def test_a_picture_needs_its_words_and_joins_with_them(client, clerk, town, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    draft = make.draft(town)
    answer = client.post(
        url("edit", draft.pk),
        typed(draft, title="Gardé", faire="image", picture=make.upload(make.image())),
    )
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert draft.title == "Gardé"
    assert not draft.pictures.exists()
    answer = client.post(
        url("edit", draft.pk),
        typed(draft, faire="image", alt="Une borne", picture=make.upload(make.image())),
    )
    assert answer.status_code == 302
    picture = draft.pictures.get()
    client.post(url("edit", draft.pk), typed(draft, faire=f"retirer-image-{picture.pk}"))
    assert not draft.pictures.exists()


def test_a_fake_picture_is_refused_in_a_sentence(client, clerk, town):
    draft = make.draft(town)
    answer = client.post(
        url("edit", draft.pk),
        typed(draft, faire="image", alt="Une borne", picture=make.upload(b"<svg/>", "x.png")),
    )
    assert answer.status_code == 422
    assert not draft.pictures.exists()


def test_a_reminder_is_planned_before_the_date_and_forgotten(client, clerk, town):
    at = timezone.localtime(timezone.now() + timedelta(days=5)).replace(second=0, microsecond=0)
    draft = make.draft(town)
    told = typed(draft, faire="rappel", before="1440")
    assert client.post(url("edit", draft.pk), told).status_code == 422
    told = typed(draft, faire="rappel", before="1440", concerns_at=at.strftime("%Y-%m-%dT%H:%M"))
    assert client.post(url("edit", draft.pk), told).status_code == 302
    reminder = draft.reminders.get()
    assert reminder.due_at == at - timedelta(days=1)
    client.post(
        url("edit", draft.pk),
        {**told, **typed(draft), "faire": f"oublier-{reminder.pk}",
         "concerns_at": told["concerns_at"]},
    )  # fmt: skip
    assert not draft.reminders.exists()


def test_another_language_needs_its_legal_basis(client, clerk, town):
    draft = make.draft(town)
    told = typed(
        draft, in_language="on", language="en", other_title="Brown water", other_text="Run it."
    )
    answer = client.post(url("edit", draft.pk), told)
    assert answer.status_code == 422
    assert "motif légal" in answer.content.decode()
    assert client.post(url("edit", draft.pk), {**told, "basis": "recognised"}).status_code == 422
    assert client.post(url("edit", draft.pk), {**told, "basis": "health"}).status_code == 302
    assert draft.translations.get().title == "Brown water"
    client.post(url("edit", draft.pk), typed(draft))
    assert not draft.translations.exists()


def test_a_public_notice_is_certified_once_published(client, clerk, town):
    draft = make.draft(town)
    client.post(
        url("edit", draft.pk), typed(draft, is_notice="on", notice_kind="bylaw", faire="relire")
    )
    draft.refresh_from_db()
    client.post(url("review", draft.pk), {"token": draft.token, "when": "now"})
    answer = client.post(
        url("certify", draft.pk), {"name": "Camille Étienne", "title": "Greffière"}
    )
    assert answer.status_code == 302
    assert draft.public_notice.certified_name == "Camille Étienne"
    assert client.post(url("certify", draft.pk), {"name": "X", "title": "Y"}).status_code == 422


def test_lifting_pinning_and_archiving(client, clerk, town):
    standing = make.published(town)
    client.post(url("pin", standing.pk), {"epingle": "1"})
    standing.refresh_from_db()
    assert standing.pinned
    client.post(url("lift", standing.pk), {"note": "Tout est revenu."})
    standing.refresh_from_db()
    assert (standing.state, standing.lifted_note) == ("lifted", "Tout est revenu.")
    assert client.post(url("lift", standing.pk), {}).status_code == 422
    client.post(url("archive", standing.pk))
    standing.refresh_from_db()
    assert standing.state == "archived"


def test_a_draft_is_thrown_away_and_a_published_one_is_not(client, clerk, town):
    draft, standing = make.draft(town), make.published(town)
    client.post(url("discard", draft.pk))
    client.post(url("discard", standing.pk))
    assert list(Announcement.objects.of(town)) == [standing]
    assert AuditLine.objects.of(town).filter(deed="announcements.discarded").count() == 1


def test_hostile_words_stay_words(client, clerk, town):
    draft = make.draft(town)
    title = "<script>alert(1)</script> ‮œ’ 🚰" + "é" * 100
    client.post(url("edit", draft.pk), typed(draft, title=title))
    for name in ("edit", "one", "review"):
        shown = client.get(url(name, draft.pk)).content.decode()
        assert "<script>alert" not in shown
        assert "🚰" in shown
    answer = client.post(url("edit", draft.pk), typed(draft, title="x" * 300))
    assert answer.status_code == 422
