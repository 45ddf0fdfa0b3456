"""Public notices: what was said at an hour stays said at that hour."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from parvis.announcements import actions, drafts, parts, rules
from parvis.announcements.models import PublicNotice, Version
from parvis.announcements.tests import make
from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW

CONTENT = {"title", "summary", "text", "translations"}


def notice(town, **facts):
    row = make.draft(town, title="Règlement 2026-412", text="Avis est donné que…")
    drafts.make_public_notice(row, kind="bylaw", bylaw="2026-412", actor=None, now=NOW, **facts)
    return actions.publish(row, actor=None, now=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE announcements_announcement SET published_at = published_at - interval '1 day'",
        "UPDATE announcements_announcement SET published_at = NULL",
        "UPDATE announcements_announcement SET state = 'draft'",
        "DELETE FROM announcements_version",
        "UPDATE announcements_version SET text = 'autre'",
        "UPDATE announcements_version SET recorded_at = now() - interval '1 day'",
        "DELETE FROM announcements_publicnotice",
        "UPDATE announcements_publicnotice SET bylaw = '2026-413'",
        "UPDATE announcements_publicnotice SET deadline_at = now()",
        "DELETE FROM announcements_announcement",
    ],
)
def test_the_database_refuses_to_rewrite_what_was_published(town, statement):
    notice(town)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_draft_is_not_held_by_the_trigger(town):
    row = make.draft(town)
    drafts.make_public_notice(row, kind="bylaw", actor=None, now=NOW)
    drafts.make_public_notice(row, kind="sale", bylaw="7", actor=None, now=NOW)
    assert PublicNotice.objects.of(town).get().kind == "sale"
    row.refresh_from_db()
    drafts.drop_public_notice(row, actor=None, now=NOW)
    drafts.discard_draft(row, actor=None, now=NOW)


def test_the_text_of_a_published_notice_does_not_change(town):
    row = notice(town)
    with pytest.raises(Refused, match="rectificatif"):
        actions.revise_published(row, actor=None, token=row.token, now=NOW, text="Autre")
    with pytest.raises(Refused, match="rectificatif"):
        parts.add_picture(row, upload=make.upload(make.image()), alt="Pont", actor=None, now=NOW)
    later = actions.revise_published(
        row, actor=None, token=row.token, now=NOW, in_force_until=NOW + timedelta(days=9)
    )
    assert Version.objects.of(town).count() == 2
    assert later.text == row.text


def test_a_notice_is_certified_once_with_the_hash_of_what_it_said(town):
    row = notice(town)
    made = actions.certify(row, name="Luc Gagnon", title="greffier", actor=None, now=NOW)
    version = Version.objects.of(town).get()
    said = {name: getattr(version, name) for name in CONTENT}
    assert made.text_hash == version.text_hash == rules.text_hash(said)
    with pytest.raises(Refused, match="déjà certifié"):
        actions.certify(row, name="Autre", title="", actor=None, now=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        PublicNotice.objects.of(town).update(certified_name="Autre")


def test_only_a_published_notice_is_certified(town):
    with pytest.raises(Refused, match="Seul un avis public"):
        actions.certify(make.published(town), name="Luc", title="", actor=None, now=NOW)
    with pytest.raises(Refused, match="déjà publié"):
        drafts.make_public_notice(make.published(town), kind="bylaw", actor=None, now=NOW)
    with pytest.raises(Refused, match="nom de la personne"):
        actions.certify(notice(town), name=" ", title="", actor=None, now=NOW)
