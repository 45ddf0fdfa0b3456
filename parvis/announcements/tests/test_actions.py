"""What happens to an announcement, on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parvis.announcements import actions, drafts, rules
from parvis.announcements.models import Announcement, Reminder, Version
from parvis.announcements.tests import make
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Lane, Message
from parvis.residents.tests.make import resident

HOUR = timedelta(hours=1)


def deeds(town) -> list[str]:
    """The audit trail, the oldest first, without what opening a town writes."""
    lines = AuditLine.objects.of(town).order_by("pk").values_list("deed", flat=True)
    return [deed for deed in lines if not deed.startswith("municipalities.")]


def test_publishing_writes_a_version_a_line_and_plans_one_message(town):
    actor = resident(town)
    announcement = make.published(town, actor=actor)
    assert (announcement.state, announcement.published_at) == ("published", NOW)
    assert announcement.in_force_from == NOW
    assert announcement.slug == "leau-peut-etre-brune-jusqua-vendredi"
    version = Version.objects.of(town).get()
    assert (version.number, version.title, version.notified) == (1, announcement.title, True)
    message = Message.objects.of(town).get()
    assert (message.kind, message.reference, message.lane) == (
        "announcements.published", f"announcement:{announcement.pk}", Lane.NOTICE,
    )  # fmt: skip
    assert message.content["fr"]["url"] == announcement.get_absolute_url()
    assert (message.sector_ids, message.address_ids) == (None, None)
    assert len(message.topic) <= 32
    assert deeds(town) == [
        "announcements.drafted", "notifications.planned", "announcements.published",
    ]  # fmt: skip


def test_a_draft_may_lack_anything_and_the_published_may_not(town):
    empty = drafts.write_draft(municipality=town, actor=None, now=NOW)
    for content, sentence in (
        ({}, "Écrivez un titre"),
        ({"title": "😀😀"}, "Écrivez un titre"),
        ({"title": "Eau"}, "Écrivez le texte"),
        ({"title": "Eau", "text": "Texte"}, "Choisissez un sujet"),
    ):
        empty = drafts.revise_draft(empty, actor=None, token=empty.token, now=NOW, **content)
        with pytest.raises(Refused, match=sentence):
            actions.publish(empty, actor=None, now=NOW)
    assert Version.objects.of(town).count() == 0


def test_the_second_of_two_editors_is_told_and_replaces_nothing(town):
    mine = make.draft(town)
    hers = Announcement.objects.of(town).get()
    saved = drafts.revise_draft(mine, actor=None, token=mine.token, now=NOW, title="Le mien")
    with pytest.raises(rules.Overtaken):
        drafts.revise_draft(hers, actor=None, token=hers.token, now=NOW, title="Le sien")
    assert Announcement.objects.of(town).get().title == "Le mien"
    again = drafts.revise_draft(hers, actor=None, token=saved.token, now=NOW, title="Le sien")
    assert (again.title, again.token) == ("Le sien", saved.token + 1)


def test_saving_the_same_words_again_writes_nothing(town):
    draft = make.draft(town)
    same = drafts.revise_draft(draft, actor=None, token=draft.token, now=NOW, title=draft.title)
    assert same.token == draft.token


def test_what_is_planned_is_published_at_its_hour_and_not_before(town):
    draft = make.draft(town)
    actions.schedule(draft, publish_at=NOW + HOUR, actor=None, now=NOW)
    assert actions.keep_time(NOW + HOUR - timedelta(seconds=1)) == 0
    assert actions.keep_time(NOW + HOUR) == 1
    assert actions.keep_time(NOW + HOUR) == 0
    row = Announcement.objects.of(town).get()
    assert (row.state, row.published_at) == ("published", NOW + HOUR)
    assert Message.objects.of(town).count() == 1


def test_a_planned_publication_that_became_impossible_goes_back_to_draft_with_its_reason(town):
    place = make.sector(town)
    draft = make.draft(town, sector_ids=[place.pk])
    actions.schedule(draft, publish_at=NOW + HOUR, actor=None, now=NOW)
    place.delete()
    assert actions.keep_time(NOW + HOUR) == 0
    row = Announcement.objects.of(town).get()
    assert row.state == "draft"
    assert row.trouble.startswith("Personne n’est visé")
    assert Message.objects.of(town).count() == 0
    assert deeds(town)[-1] == "announcements.held_back"


def test_a_drawn_area_becomes_the_addresses_in_it(town):
    inside, edge = make.address(town, at=(0.5, 0.5)), make.address(town, at=(1.0, 0.5))
    make.address(town, at=(1.5, 0.5))
    where = make.sector(town, at=5)
    make.published(town, area=make.square(0, 0, 1), sector_ids=[where.pk])
    message = Message.objects.of(town).get()
    assert message.address_ids == [inside.pk, edge.pk]
    assert message.sector_ids == [where.pk]


def test_an_area_without_addresses_never_becomes_the_whole_town(town):
    draft = make.draft(town, area=make.square(0, 0, 1))
    with pytest.raises(Refused, match="Personne n’est visé"):
        actions.publish(draft, actor=None, now=NOW)


@pytest.mark.parametrize(
    "area",
    [
        {"type": "Point", "coordinates": [-72, 48]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[-72, float("nan")], [-71, 48], [-71, 49]]]},
        [],
        "Polygon",
    ],
)
def test_a_broken_area_is_refused_in_a_sentence(town, area):
    with pytest.raises(Refused):
        make.draft(town, area=area)


def test_another_towns_subject_sector_and_address_are_not_found(town, other_town):
    from parvis.core.db import as_town

    with as_town(other_town.pk):
        theirs = make.subject(other_town, "Rues")
        place = make.sector(other_town)
        home = make.address(other_town)
    with pytest.raises(Refused):
        make.draft(town, subject=theirs)
    draft = make.draft(town, sector_ids=[place.pk], address_ids=[home.pk])
    assert (draft.sector_ids, draft.address_ids) == ([], [])


def test_a_change_is_a_version_and_notifies_nobody_unless_asked(town):
    first = make.published(town)
    second = actions.revise_published(
        first, actor=None, token=first.token, now=NOW + HOUR, text="Encore deux jours.", note="Fin"
    )
    assert Message.objects.of(town).count() == 1
    third = actions.revise_published(
        second,
        actor=None,
        token=second.token,
        now=NOW + 2 * HOUR,
        text="Trois.",
        notify_change=True,
    )
    assert list(third.versions.values_list("number", "note", "notified")) == [
        (3, "", True), (2, "Fin", False), (1, "", True),
    ]  # fmt: skip
    kinds = list(Message.objects.of(town).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["announcements.published", "announcements.revised"]
    assert third.published_at == NOW
    assert third.slug == first.slug


def test_a_change_with_an_old_token_is_refused(town):
    row = make.published(town)
    actions.revise_published(row, actor=None, token=row.token, now=NOW, text="Un")
    with pytest.raises(rules.Overtaken):
        actions.revise_published(row, actor=None, token=row.token, now=NOW, text="Deux")


def test_lifting_ends_the_force_and_stops_what_waits(town):
    row = make.published(town, concerns_at=NOW + 48 * HOUR)
    drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=60)
    resident(town)
    lifted = actions.lift(
        row, actor=None, now=NOW + HOUR, note="L’eau est claire.", notify_lift=True
    )
    assert (lifted.state, lifted.lifted_at) == ("lifted", NOW + HOUR)
    assert not Announcement.objects.of(town).standing(NOW + HOUR).exists()
    assert Announcement.objects.of(town).ended(NOW + HOUR).get() == lifted
    assert actions.keep_time(NOW + 47 * HOUR) == 0
    assert (
        Message.objects.of(town).order_by("-pk").first().content["fr"]["title"].startswith("Levé")
    )
    with pytest.raises(Refused):
        actions.lift(row, actor=None, now=NOW + 2 * HOUR)


def test_the_planned_end_lifts_at_its_hour_even_when_noticed_late(town):
    make.published(town, in_force_until=NOW + HOUR)
    assert Announcement.objects.of(town).standing(NOW).count() == 1
    assert Announcement.objects.of(town).standing(NOW + HOUR).count() == 0
    assert actions.keep_time(NOW + 5 * HOUR) == 1
    assert Announcement.objects.of(town).get().lifted_at == NOW + HOUR


def test_what_expires_leaves_the_lists_and_keeps_its_page(town):
    make.published(town, expires_at=NOW + HOUR)
    later = NOW + 2 * HOUR
    assert Announcement.objects.of(town).published(later).count() == 0
    assert actions.keep_time(later) == 1
    assert Announcement.objects.of(town).get().state == "expired"
    assert Announcement.objects.of(town).archives(later).count() == 1


def test_a_reminder_goes_out_once_before_its_date(town):
    row = make.published(town, concerns_at=NOW + 48 * HOUR)
    reminder = drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=24 * 60)
    assert reminder.due_at == NOW + 24 * HOUR
    assert actions.keep_time(NOW + 23 * HOUR) == 0
    assert actions.keep_time(NOW + 25 * HOUR) == 1
    assert actions.keep_time(NOW + 25 * HOUR) == 0
    sent = Message.objects.of(town).order_by("-pk").first()
    assert sent.kind == "announcements.reminded"
    assert sent.deadline_at == NOW + 48 * HOUR
    assert Reminder.objects.of(town).get().message_id == sent.pk


def test_a_reminder_noticed_after_its_date_is_let_go(town):
    row = make.published(town, concerns_at=NOW + 2 * HOUR)
    drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=60)
    assert actions.keep_time(NOW + 3 * HOUR) == 0
    assert Message.objects.of(town).count() == 1
    assert Reminder.objects.of(town).get().closed_at == NOW + 3 * HOUR


def test_reminders_follow_the_date(town):
    row = make.draft(town, concerns_at=NOW + 48 * HOUR)
    drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=60)
    row = drafts.revise_draft(
        row, actor=None, token=row.token, now=NOW, concerns_at=NOW + 72 * HOUR
    )
    assert Reminder.objects.of(town).get().due_at == NOW + 71 * HOUR
    with pytest.raises(Refused, match="déjà prévu"):
        drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=60)


def test_an_emergency_takes_its_own_lane(town):
    urgent = make.subject(town, "Urgence", is_emergency=True)
    make.published(town, subject=urgent)
    assert Message.objects.of(town).get().lane == Lane.EMERGENCY


def test_a_language_without_a_legal_basis_is_refused(town):
    row = make.draft(town)
    words = {"title": "Boil water", "text": "Boil it.", "actor": None, "now": NOW}
    for language, basis in (("en", ""), ("en", "recognised"), ("xx", "safety")):
        with pytest.raises(Refused):
            drafts.translate(row, language=language, basis=basis, **words)
    drafts.translate(row, language="en", basis="health", **words)
    actions.publish(row, actor=None, now=NOW)
    content = Message.objects.of(town).get().content
    assert sorted(content) == ["en", "fr"]
    assert content["en"]["title"] == "Boil water"
    assert Version.objects.of(town).get().translations["en"]["basis"] == "health"


def test_a_recognised_town_may_use_the_language_it_offers(town):
    town.recognised_29_1, town.languages = True, {"en": "all"}
    town.save()
    row = make.draft(town)
    drafts.translate(
        row, language="en", basis="recognised", title="Water", text="Water.", actor=None, now=NOW
    )
    assert row.translations.get().basis == "recognised"


def test_a_draft_is_discarded_and_what_was_published_stays(town):
    drafts.discard_draft(make.draft(town), actor=None, now=NOW)
    row = make.published(town)
    with pytest.raises(Refused, match="archivez-le"):
        drafts.discard_draft(row, actor=None, now=NOW)
    assert Announcement.objects.of(town).get() == row


HOSTILE = [
    "<script>alert(1)</script>",
    "\u202egnp.exe\u202c",
    "😀🚰 Eau",
    "A" * 300,
    "Cœur d’œuf & «\u00a0Noël\u00a0»",
    "'; DROP TABLE announcements_announcement; --",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_are_kept_as_words_or_refused_in_a_sentence(town, title):
    if len(title) > rules.TITLE_MAX:
        with pytest.raises(Refused, match="raccourcissez"):
            make.published(town, title=title)
        return
    row = make.published(town, title=title)
    assert "\u202e" not in row.title
    assert row.get_absolute_url().isascii()
    assert Announcement.objects.of(town).search("rien").count() == 0
