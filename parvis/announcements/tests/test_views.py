"""The public pages: what a visitor, a resident and a feed reader find."""

from __future__ import annotations

import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from parvis.announcements import actions, drafts, parts
from parvis.announcements.tests import make
from parvis.core.db import as_town
from parvis.notifications.models import Opening, Outcome
from parvis.residents.tests.make import resident, sign_in, visitor

ATOM = "{http://www.w3.org/2005/Atom}"
HOUR = timedelta(hours=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def browser(client, town):
    return visitor(client, town)


def text_of(response) -> str:
    return response.content.decode().replace("\u00a0", " ").replace("\u202f", " ")


def test_the_list_shows_what_stands_what_comes_and_what_was_lifted(browser, town, now):
    make.published(town, now=now, title="L’eau est brune")
    make.published(town, now=now, title="Pont fermé", in_force_from=now + 30 * HOUR)
    make.published(town, now=now, title="Nouvelle bibliothèque", takes_force=False)
    over = make.published(town, now=now, title="Panne réparée")
    actions.lift(over, actor=None, now=now, note="Tout fonctionne.")
    make.draft(town, now=now, title="Brouillon secret")
    page = text_of(browser.get("/avis/"))
    order = ["L’eau est brune", "Pont fermé", "Nouvelle bibliothèque", "Panne réparée"]
    assert sorted(order, key=page.index) == order
    assert "1 avis en vigueur" in page
    assert "Tout fonctionne." in page
    assert "Brouillon secret" not in page


def test_emergencies_then_pinned_come_first(browser, town, now):
    make.published(town, now=now - 2 * HOUR, title="Urgent", subject=make.subject(
        town, "Urgence", is_emergency=True))  # fmt: skip
    pinned = make.published(town, now=now - HOUR, title="Épinglé")
    actions.pin(pinned, pinned=True, actor=None, now=now)
    make.published(town, now=now, title="Récent")
    page = text_of(browser.get("/avis/"))
    assert page.index("Urgent") < page.index("Épinglé") < page.index("Récent")


def test_the_list_is_narrowed_by_subject_and_sector(browser, town, now):
    here, there = make.sector(town, "Naudville"), make.sector(town, "Delisle", at=3)
    make.published(town, now=now, title="Chez nous", sector_ids=[here.pk])
    make.published(town, now=now, title="Ailleurs", sector_ids=[there.pk])
    make.published(town, now=now, title="Partout", subject=make.subject(town, "Rues"))
    page = text_of(browser.get(f"/avis/?secteur={here.pk}"))
    assert "Chez nous" in page
    assert "Partout" in page
    assert "Ailleurs" not in page
    page = text_of(browser.get(f"/avis/?sujet={make.subject(town, 'Rues').pk}"))
    assert "Partout" in page
    assert "Chez nous" not in page
    for nonsense in ("secteur=x", "secteur=99999999999999999999", "sujet=-1", "page=abc"):
        assert browser.get(f"/avis/?{nonsense}").status_code == 200


def test_a_resident_sees_which_are_at_home(client, town, now):
    home = make.sector(town)
    person = resident(town, address=make.address(town, sector=home))
    make.published(town, now=now, title="Chez nous", sector_ids=[home.pk])
    make.published(town, now=now, title="Ailleurs", sector_ids=[make.sector(town, "D", at=3).pk])
    page = text_of(sign_in(client, person).get("/avis/"))
    assert "2 avis en vigueur, dont 1 chez vous." in page
    page = text_of(client.get("/avis/?secteur=moi"))
    assert "Ailleurs" not in page


def test_htmx_gets_the_list_alone(browser, town, now):
    make.published(town, now=now, title="L’eau est brune")
    part = text_of(browser.get("/avis/", headers={"HX-Request": "true"}))
    assert "L’eau est brune" in part
    assert "<html" not in part


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_same_number_of_questions(
    browser, town, now, rows, django_assert_num_queries
):
    place = make.sector(town)
    for number in range(rows):
        make.published(town, now=now, title=f"Avis {number}", sector_ids=[place.pk])
        make.published(town, now=now, title=f"Nouvelle {number}", takes_force=False)
    with django_assert_num_queries(15):
        browser.get("/avis/")


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_asks_the_same_number_of_questions(
    browser, town, now, rows, django_assert_num_queries
):
    row = make.published(town, now=now, sector_ids=[make.sector(town).pk])
    for number in range(rows):
        row = actions.revise_published(
            row, actor=None, token=row.token, now=now, text=f"Texte {number}"
        )
        parts.add_picture(
            row, upload=make.upload(make.image(64, 64)), alt="Pont", actor=None, now=now
        )
    with django_assert_num_queries(12):
        browser.get(row.get_absolute_url())


def test_a_page_tells_since_when_where_and_what_changed(browser, town, now):
    row = make.published(town, now=now, summary="Elle reste bonne à boire.", signed_by="Travaux")
    row = actions.revise_published(
        row, actor=None, token=row.token, now=now, text="Deux jours de plus.", note="La fin recule."
    )
    page = text_of(browser.get(row.get_absolute_url()))
    assert "Avis en vigueur" in page
    assert "Elle reste bonne à boire." in page
    assert "Deux jours de plus." in page
    assert "La fin recule." in page
    assert "Lire le texte d’alors" in page
    assert "cinq minutes" in page
    assert f"Avis n<sup>o</sup> {row.pk}, version 2." in page
    actions.lift(row, actor=None, now=now, note="L’eau est claire.")
    page = text_of(browser.get(row.get_absolute_url()))
    assert "Avis en vigueur" not in page
    assert "L’eau est claire." in page


def test_what_networks_show_of_a_page(browser, town, now):
    row = make.draft(town, now=now, summary="Elle reste bonne à boire.")
    picture = parts.add_picture(
        row, upload=make.upload(make.image()), alt="Un robinet", actor=None, now=now
    )
    row = actions.publish(row, actor=None, now=now)
    page = browser.get(row.get_absolute_url()).content.decode()
    url = f"http://alma.localhost{row.get_absolute_url()}"
    assert f'<link rel="canonical" href="{url}">' in page
    assert '<meta property="og:title" content="L’eau peut être brune jusqu’à vendredi">' in page
    assert '<meta property="og:description" content="Elle reste bonne à boire.">' in page
    assert f'content="http://alma.localhost/fichiers/avis/{picture.folder}/partage.jpg"' in page
    assert 'alt="Un robinet"' in page


def test_only_what_was_published_has_a_page(browser, town, now):
    assert browser.get(f"/avis/{make.draft(town, now=now).pk}-avis/").status_code == 404
    row = make.published(town, now=now, title="Archivé bientôt")
    actions.archive(row, actor=None, now=now)
    page = browser.get(row.get_absolute_url())
    assert page.status_code == 200
    assert "archivé" in text_of(page)
    assert "Archivé bientôt" not in text_of(browser.get("/avis/"))
    assert "Archivé bientôt" in text_of(browser.get("/avis/archives/"))


def test_another_towns_announcement_does_not_exist_here(browser, other_town, town, now):
    with as_town(other_town.pk):
        theirs = make.published(other_town, now=now)
    for path in (
        theirs.get_absolute_url(),
        f"/avis/{theirs.pk}/",
        f"/avis/{theirs.pk}/certificat/",
    ):
        assert browser.get(path).status_code == 404


def test_an_old_or_short_address_leads_to_the_page(browser, town, now):
    row = make.published(town, now=now)
    assert browser.get(f"/avis/{row.pk}-autre/?langue=en").headers["Location"] == (
        f"{row.get_absolute_url()}?langue=en"
    )
    assert browser.get(f"/avis/{row.pk}/").headers["Location"] == row.get_absolute_url()


def test_another_language_is_shown_with_its_legal_basis(browser, town, now):
    row = make.draft(town, now=now)
    drafts.translate(
        row, language="en", basis="health", title="Brown water", text="Let it run.", actor=None,
        now=now,
    )  # fmt: skip
    row = actions.publish(row, actor=None, now=now)
    page = text_of(browser.get(f"{row.get_absolute_url()}?langue=en"))
    assert 'lang="en"' in page
    assert "Brown water" in page
    assert "art. 22.3" in page
    french = text_of(browser.get(f"{row.get_absolute_url()}?langue=es"))
    assert "Brown water" not in french
    assert 'hreflang="en"' in french


def test_a_resident_learns_whether_home_is_touched_and_anyone_may_check_an_address(
    client, town, now
):
    near, far = make.sector(town), make.sector(town, "Delisle", at=3)
    home = make.address(town, sector=near)
    away = make.address(town, sector=far)
    row = make.published(town, now=now, sector_ids=[near.pk])
    page = text_of(sign_in(client, resident(town, address=home)).get(row.get_absolute_url()))
    assert "Votre adresse est touchée :" in page
    url = row.get_absolute_url()
    assert "Cette adresse est touchée :" in text_of(client.get(f"{url}?adresse={home.pk}"))
    assert "Cette adresse n’est pas touchée :" in text_of(client.get(f"{url}?adresse={away.pk}"))
    assert "pas dans la liste" in text_of(client.get(f"{url}?adresse_q=zzzz"))


def test_reading_the_page_notes_that_the_message_was_opened_once(client, town, now):
    person, other = resident(town), resident(town)
    row = make.published(town, now=now)
    message = actions.send(row, kind="announcements.revised", actor=None, now=now)
    for who in (person, other):
        Outcome.objects.create(
            municipality=town, message_id=message.pk, chunk_id=1, resident_id=who.pk,
            channel="inapp", contact_id=who.pk, state="handed", is_final=True, at=now,
        )  # fmt: skip
    sign_in(client, person)
    for _again in range(2):
        client.get(row.get_absolute_url())
    opened = Opening.objects.of(town).values_list("message_id", "resident_id", "channel")
    assert list(opened) == [(message.pk, person.pk, "inapp")]


@pytest.mark.parametrize("path", ["/avis/", "/avis/flux.atom", "/avis/flux.json", "page"])
def test_a_reader_who_has_it_already_is_told_so_until_something_changes(browser, town, now, path):
    row = make.published(town, now=now)
    path = row.get_absolute_url() if path == "page" else path
    etag = browser.get(path).headers["ETag"]
    assert browser.get(path, headers={"If-None-Match": etag}).status_code == 304
    actions.revise_published(row, actor=None, token=row.token, now=now, text="Autre chose.")
    again = browser.get(path, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert again.headers["ETag"] != etag


def test_a_signed_in_page_is_never_kept(client, town, now):
    make.published(town, now=now)
    answer = sign_in(client, resident(town)).get("/avis/")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in answer.headers


def test_the_atom_feed_is_well_formed_and_harmless(browser, town, now):
    hostile = "<script>alert(1)</script> & «Noël» 😀"
    row = make.published(
        town, now=now, title=hostile, text="Un ]]> piège [x](javascript:alert(1)) <b>"
    )
    old = make.published(town, now=now - HOUR, title="Ancien")
    actions.lift(old, actor=None, now=now)
    answer = browser.get("/avis/flux.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)
    assert feed.find(f"{ATOM}id").text
    assert feed.find(f"{ATOM}updated").text
    links = {link.get("rel"): link.get("href") for link in feed.findall(f"{ATOM}link")}
    assert links["self"] == "http://alma.localhost/avis/flux.atom"
    entries = feed.findall(f"{ATOM}entry")
    titles = [entry.find(f"{ATOM}title").text for entry in entries]
    assert titles == [row.title, "Levé\u00a0: Ancien"]
    for entry in entries:
        assert entry.find(f"{ATOM}id").text.startswith("tag:alma.localhost,")
        assert entry.find(f"{ATOM}updated").text
        assert entry.find(f"{ATOM}author/{ATOM}name").text == "Ville d’Alma"
    content = entries[0].find(f"{ATOM}content")
    assert content.get("type") == "html"
    assert "javascript" not in content.text.split("(")[0]
    assert "<b>" not in content.text
    assert 'href="javascript' not in content.text


def test_the_json_feed_follows_version_1_1(browser, town, now):
    row = make.published(town, now=now, summary="En bref.")
    answer = browser.get("/avis/flux.json")
    assert answer.headers["Content-Type"] == "application/feed+json"
    feed = json.loads(answer.content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    item = feed["items"][0]
    assert set(item) == {
        "id", "url", "title", "content_html", "summary", "date_published", "date_modified",
        "tags", "authors", "_parvis",
    }  # fmt: skip
    assert item["_parvis"]["in_force"] is True
    assert item["url"].endswith(row.get_absolute_url())


def test_a_feed_of_one_subject(browser, town, now):
    make.published(town, now=now, title="Eau")
    make.published(town, now=now, title="Rue", subject=make.subject(town, "Rues"))
    feed = json.loads(browser.get(f"/avis/flux.json?sujet={make.subject(town).pk}").content)
    assert [item["title"] for item in feed["items"]] == ["Eau"]


def test_a_notice_and_its_certificate_are_read_and_printed(browser, town, now):
    row = make.draft(town, now=now, title="Règlement 2026-412")
    drafts.make_public_notice(row, kind="bylaw", bylaw="2026-412", actor=None, now=now)
    actions.publish(row, actor=None, now=now)
    assert browser.get(f"/avis/{row.pk}/certificat/").status_code == 404
    assert browser.get(f"/avis/{row.pk}/certificat.pdf").status_code == 404
    made = actions.certify(row, name="Luc Gagnon", title="greffier", actor=None, now=now)
    assert "Certificat de publication" in text_of(browser.get("/avis/avis-publics/"))
    page = text_of(browser.get(f"/avis/{row.pk}/certificat/"))
    assert "Luc Gagnon" in page
    assert made.text_hash in page
    paper = browser.get(f"/avis/{row.pk}/certificat.pdf")
    assert paper.content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in paper.content
    assert paper.content == browser.get(f"/avis/{row.pk}/certificat.pdf").content


def test_notices_are_narrowed_by_kind(browser, town, now):
    for kind in ("bylaw", "sale"):
        row = make.draft(town, now=now, title=f"Avis {kind}")
        drafts.make_public_notice(row, kind=kind, actor=None, now=now)
        actions.publish(row, actor=None, now=now)
    page = text_of(browser.get("/avis/avis-publics/?sorte=sale"))
    assert "Avis sale" in page
    assert "Avis bylaw" not in page


HOSTILE = ["<script>alert(1)</script>", "\u202eabc", "😀", "Cœur d’œuf «\u00a0Noël\u00a0» & fils"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(browser, town, now, text):
    row = make.published(
        town, now=now, title=f"Titre {text}", summary=text, text=f"Corps {text}", signed_by=text
    )
    for path in ("/avis/", row.get_absolute_url()):
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page
        assert "\u202e" not in page
