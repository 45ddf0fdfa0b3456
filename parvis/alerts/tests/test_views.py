"""The alert pages: for anyone, light, and answered by those to whom a message was sent."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.utils import timezone

from parvis.alerts import copies, rules
from parvis.alerts.models import Answer
from parvis.alerts.tests import alerts
from parvis.announcements.tests import make as places
from parvis.core.db import as_town
from parvis.notifications import inbox
from parvis.residents.tests import make

pytestmark = pytest.mark.django_db
ALL_TOLD = 30_000


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def person(town):
    return make.resident(town)


@pytest.fixture
def visitor(client, town):
    return make.visitor(client, town)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_visitor_reads_what_to_do_first(visitor, town, person, now):
    alert = alerts.sent(town, now=now, next_at=now + timedelta(hours=1))
    answer = visitor.get(f"/alertes/{alert.pk}/")
    said = text_of(answer)
    assert answer.status_code == 200
    assert said.index("Faites bouillir l’eau") < said.index("Portez l’eau à gros bouillons")
    assert said.index("Portez l’eau") < said.index("L’eau du robinet peut rendre malade")
    assert "Alerte en vigueur" in said
    assert "Prochain point" in said
    assert "Connectez-vous" in said
    assert "J’ai besoin d’aide" not in said
    english = visitor.get(f"/alertes/{alert.pk}/?langue=en")
    assert b'<html lang="en">' in english.content
    assert "Boil your water" in text_of(english)


def test_a_draft_and_another_towns_alert_have_no_page(visitor, town, other_town, now):
    draft = alerts.draft(town, now=now)
    assert visitor.get(f"/alertes/{draft.alert_id}/").status_code == 404
    with as_town(other_town.pk):
        make.resident(other_town)
        theirs = alerts.sent(other_town, now=now)
    assert visitor.get(f"/alertes/{theirs.pk}/").status_code == 404
    assert visitor.post(f"/alertes/{theirs.pk}/reponse/", {"reponse": "seen"}).status_code == 404


def test_the_page_weighs_thirty_kilobytes_all_told_and_needs_no_script(visitor, town, now):
    """Eight sectors, all the words that a clerk may write, the sheets, and the script beside."""
    sectors = [places.sector(town, f"Secteur numéro {n}", at=n * 0.1) for n in range(8)]
    home = places.address(town, sector=sectors[0])
    make.resident(town, address=home)
    words = {
        "fr": {
            "title": "T" * 120, "short": "s" * 160, "text": " ".join(["Eau potable."] * 300),
            "steps": [f"Geste {n}. {'Comment faire. ' * 18}"[:300] for n in range(8)],
        }
    }  # fmt: skip
    alert = alerts.sent(
        town, now=now, sector_ids=[one.pk for one in sectors[:4]], words=words,
        area=places.square(0.1, 0.1, 0.5),
    )  # fmt: skip
    html = visitor.get(f"/alertes/{alert.pk}/").content.decode()
    links = set(re.findall(r'(?:href|src)="(/(?:static|theme|blason|icones)[^"#]*)', html))
    assert any("parvis.css" in link for link in links)
    # Nothing else is fetched: no font is used, no picture, no sprite.
    assert not [link for link in links if link.endswith((".svg", ".woff2", ".png"))]
    assert "--font: system-ui" in Path(finders.find("alerts/light.css")).read_text()
    weights = {"page": len(gzip.compress(html.encode()))}
    for link in links:
        path = link.split("?")[0]
        static = path.startswith("/static/")
        found = finders.find(path.removeprefix("/static/")) if static else None
        content = Path(found).read_bytes() if found else visitor.get(link).content
        weights[path] = len(gzip.compress(content))
    assert sum(weights.values()) <= ALL_TOLD, weights
    # The script only keeps the page fresh: every form and link is in the page itself.
    assert html.count("<script") == 1


def test_am_i_concerned_is_answered_for_any_address(visitor, town, now):
    north, south = places.sector(town, "Nord"), places.sector(town, "Sud", at=1)
    inside = places.address(town, sector=north)
    outside = places.address(town, sector=south, at=(1.5, 1.5))
    make.resident(town, address=inside)
    alert = alerts.sent(town, now=now, sector_ids=[north.pk])
    page = f"/alertes/{alert.pk}/"
    assert "Cette adresse est touchée" in text_of(visitor.get(page, {"adresse_q": str(inside)}))
    assert "n’est pas touchée" in text_of(visitor.get(page, {"adresse_q": str(outside)}))
    assert "n’est pas touchée" in text_of(visitor.get(page, {"adresse": outside.pk}))
    assert "Aucune adresse ne correspond" in text_of(visitor.get(page, {"adresse_q": "zzz 9"}))
    several = visitor.get(page, {"adresse_q": "rue des Bouleaux"})
    assert "Laquelle" in text_of(several)


def test_someone_signed_in_answers_and_may_change_it(client, town, person, now):
    alert = alerts.sent(town, now=now)
    make.sign_in(client, person)
    page = f"/alertes/{alert.pk}/"
    assert "Je l’ai vue" in text_of(client.get(page))
    done = client.post(f"{page}reponse/", {"reponse": "help", "precisions": "Fauteuil roulant"})
    assert (done.status_code, done["Location"]) == (302, f"{page}#comment")
    found = Answer.objects.of(town).get()
    assert (found.resident_id, found.kind, found.note) == (person.pk, "help", "Fauteuil roulant")
    assert found.by_letter is False
    assert "Vous avez demandé de l’aide" in text_of(client.get(page))
    client.post(f"{page}reponse/", {"reponse": "safe"})
    assert Answer.objects.of(town).get().kind == "safe"
    alerts.continued(alert, now=now)
    late = client.post(f"{page}reponse/", {"reponse": "help"})
    assert late.status_code == 422
    assert "terminée" in text_of(late)


def test_the_link_of_a_letter_answers_without_signing_in_for_that_person_alone(
    visitor, town, other_town, person, now
):
    alert = alerts.sent(town, now=now)
    message = alert.revisions.get().message
    link = inbox.person_path(message, person.pk, "email")
    page = f"/alertes/{alert.pk}/"
    led = visitor.get(link)
    assert led.status_code == 302
    assert led["Location"].startswith(f"{page}?moi=")
    shown = visitor.get(led["Location"])
    assert "Je l’ai vue" in text_of(shown)
    assert shown["Cache-Control"] == "private, no-store"
    token = led["Location"].partition("moi=")[2]
    # A letter is forwarded: its link shows neither where the person lives nor what they said.
    visitor.post(f"{page}reponse/", {"reponse": "help", "precisions": "Oxygène", "moi": token})
    shown = visitor.get(led["Location"])
    assert "Vous avez demandé de l’aide" in text_of(shown)
    assert b"Oxyg" not in shown.content
    assert "Votre adresse" not in text_of(shown)
    visitor.post(f"{page}reponse/", {"reponse": "safe", "moi": token})
    found = Answer.objects.of(town).get()
    assert (found.resident_id, found.kind, found.by_letter) == (person.pk, "safe", True)
    assert found.help_at is not None
    # Another alert, a word changed, another town: the link is worth nothing.
    other = alerts.sent(town, now=now, event="flood")
    assert "Je l’ai vue" not in text_of(visitor.get(f"/alertes/{other.pk}/", {"moi": token}))
    assert "Je l’ai vue" not in text_of(visitor.get(page, {"moi": token[:-2] + "xx"}))
    sent = visitor.post(f"/alertes/{other.pk}/reponse/", {"reponse": "help", "moi": token})
    assert sent["Location"].startswith("/compte/login/")
    assert inbox.person_of(other_town, token) is None
    assert Answer.objects.of(town).count() == 1
    # And whoever has no link answers nothing.
    assert visitor.post(f"{page}reponse/", {"reponse": "help"})["Location"].startswith("/compte/")


def test_every_page_says_what_is_in_force_and_no_more_once_lifted(visitor, town, person, now):
    assert "Alerte en vigueur" not in text_of(visitor.get("/aide/"))
    alert = alerts.sent(town, now=now)
    for path in ("/", "/aide/", "/avis/"):
        assert "Faites bouillir l’eau" in text_of(visitor.get(path)), path
    part = visitor.get("/alertes/bandeau/")
    assert f'href="/alertes/{alert.pk}/"' in part.content.decode()
    alerts.continued(alert, now=now)
    assert "Alerte en vigueur" not in text_of(visitor.get("/aide/"))
    assert visitor.get("/alertes/bandeau/").content.strip() == b""
    said = text_of(visitor.get(f"/alertes/{alert.pk}/"))
    assert "Alerte levée" in said
    assert "L’eau est de nouveau bonne à boire" in said
    assert "Terminées" in text_of(visitor.get("/alertes/"))


def test_a_drill_frightens_nobody(visitor, town, person, now):
    alert = alerts.sent(town, now=now, is_drill=True)
    page = visitor.get(f"/alertes/{alert.pk}/").content.decode()
    assert "EXERCICE" in page
    assert "Ceci est un exercice." in page
    assert 'class="banner" data-tone="info"' in page
    assert 'data-tone="urgence"' not in visitor.get("/alertes/bandeau/").content.decode()


def test_the_page_says_how_many_were_reached_when_the_town_allows_it(visitor, town, person, now):
    alert = alerts.sent(town, now=now)
    page = f"/alertes/{alert.pk}/"
    assert "Qui a été joint" in text_of(visitor.get(page))
    alert.shows_reach = False
    alert.save()
    assert "Qui a été joint" not in text_of(visitor.get(page))


def test_a_copy_for_an_outage_is_written_at_each_revision(
    settings, tmp_path, visitor, town, person, now, django_capture_on_commit_callbacks
):
    settings.ALERT_COPIES = str(tmp_path)
    with django_capture_on_commit_callbacks(execute=True):
        alert = alerts.sent(town, now=now)
    place = tmp_path / "alma.localhost" / "alertes"
    page = place / str(alert.pk) / "index.html"
    first = page.read_text()
    assert "Portez l’eau à gros bouillons" in first
    assert "Copie de secours" in first
    # It says nothing of anybody, and has no form that a dead portal would have to answer.
    for word in ("csrf", "moi=", "<form", "<script"):
        assert word not in first
    assert "Boil your water" in (page.parent / "en.html").read_text()
    assert "Faites bouillir" in (place / "index.html").read_text()
    assert (tmp_path / "alma.localhost" / "theme.css").read_text().startswith("@layer")
    with django_capture_on_commit_callbacks(execute=True):
        alerts.continued(alert, rules.LIFT, now=now)
    assert "L’eau est de nouveau bonne à boire" in page.read_text()
    # Set right when somebody spoils it, and left alone otherwise.
    page.write_text("perdu")
    assert copies.write(town.pk, now) == 1
    assert "L’eau est de nouveau bonne à boire" in page.read_text()
    assert copies.write(town.pk, now) == 0
