"""Files of announcements: who may open them, and how they are served."""

from __future__ import annotations

import pytest
from django.utils import timezone

from parvis.announcements import actions, parts
from parvis.announcements.models import Announcement
from parvis.announcements.tests import make
from parvis.core import files
from parvis.core.db import as_town
from parvis.residents.tests.make import resident, sign_in, staff, visitor


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def browser(client, town):
    return visitor(client, town)


def draft_with_picture(town, now) -> tuple[Announcement, str]:
    row = make.draft(town, now=now)
    picture = parts.add_picture(
        row, upload=make.upload(make.image()), alt="Pont", actor=None, now=now
    )
    return row, files.picture_url("avis", picture.folder, 480)


def test_files_of_a_draft_open_to_the_rooms_staff_alone(client, town, now):
    row, url = draft_with_picture(town, now)
    assert visitor(client, town).get(url).status_code == 404
    assert sign_in(client, resident(town)).get(url).status_code == 404
    stranger = staff(town, roles={"residents": "act"}).person
    assert sign_in(client, stranger, second_factor=True).get(url).status_code == 404
    clerk = staff(town, roles={"announcements": "see"}).person
    assert sign_in(client, clerk).get(url).status_code == 404
    answer = sign_in(client, clerk, second_factor=True).get(url)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    client.logout()
    actions.publish(row, actor=None, now=now)
    answer = client.get(url)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("inline")
    again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_another_towns_file_is_not_found(client, town, other_town, now):
    with as_town(other_town.pk):
        row, url = draft_with_picture(other_town, now)
        actions.publish(row, actor=None, now=now)
    assert visitor(client, town).get(url).status_code == 404


def test_a_document_is_downloaded_under_its_own_name(browser, town, now):
    row = make.draft(town, now=now)
    kept = parts.add_attachment(
        row, upload=make.upload("Numéro;Rue".encode(), "Œuvre d’été.csv"), title="", actor=None,
        now=now,
    )  # fmt: skip
    actions.publish(row, actor=None, now=now)
    answer = browser.get(files.url("avis", kept.folder, kept.name))
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    for wrong in ("autre.csv", "..%2f..%2fsecret.csv", ".cache.csv", "x.html"):
        assert browser.get(f"/fichiers/avis/{kept.folder}/{wrong}").status_code == 404


def test_removing_a_part_removes_its_file_on_commit(
    town, now, settings, django_capture_on_commit_callbacks
):
    row, _url = draft_with_picture(town, now)
    picture = row.pictures.get()
    place = files.place(town.pk, "avis", picture.folder)
    with django_capture_on_commit_callbacks(execute=True):
        parts.remove_part(picture, actor=None, now=now)
        assert place.exists()
    assert not place.exists()
