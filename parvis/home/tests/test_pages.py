"""The front door, search, the app's files, and what monitors ask."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from parvis.announcements.models import Announcement, Reminder
from parvis.home import find
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Subject, Subscription
from parvis.reservations.models import Booking, Taking
from parvis.reservations.tests import make as lent
from parvis.residents.models import Place
from parvis.residents.tests import make
from parvis.territory.models import Address, Sector

AHEAD = ("Collecte des sapins", "Salle du Pont", "Séance du conseil")


def announcement(town, *, title="Rinçage des conduites", hours=-2, **facts) -> Announcement:
    """A published announcement in force; negative hours are past."""
    at = timezone.now() + timedelta(hours=hours)
    return Announcement.objects.create(
        **{
            "municipality": town, "title": title, "state": "published", "published_at": at,
            "created_at": at, "revised_at": at, "takes_force": True, "in_force_from": at,
            "slug": "avis",
        } | facts
    )  # fmt: skip


@pytest.fixture
def sector(town):
    return Sector.objects.create(
        municipality=town, name="Naudville", geometry={"type": "Polygon", "coordinates": []},
        west=0, south=0, east=1, north=1, updated_at=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def person(town, sector):
    address = Address.objects.create(
        municipality=town, number="415", street="rue des Bouleaux", key="415", sector=sector
    )
    return make.resident(town, address=address)


@pytest.fixture
def urgent(town):
    return Subject.objects.create(municipality=town, name="Alarmes", is_emergency=True)


@pytest.fixture
def visitor(client, town):
    return make.visitor(client, town)


def text_of(client, path="/", **extra) -> str:
    answer = client.get(path, **extra)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_a_visitor_is_welcomed_and_sees_what_is_in_force(visitor, town):
    announcement(town)
    announcement(town, title="Brouillon", state="draft", published_at=None)
    text = text_of(visitor)
    assert "Bienvenue à Alma" in text and "Rinçage des conduites" in text
    assert "Aucune urgence en ce moment" in text and "Brouillon" not in text


def test_a_resident_sees_what_touches_their_places_and_nothing_else(client, town, person, sector):
    other = Sector.objects.create(
        municipality=town, name="Riverbend", geometry={}, west=0, south=0, east=1, north=1,
        updated_at=timezone.now(),
    )  # fmt: skip
    announcement(town, title="Chez moi", sector_ids=[sector.pk])
    announcement(town, title="Ailleurs", sector_ids=[other.pk])
    text = text_of(make.sign_in(client, person))
    assert "Bonjour, Agathe" in text and "Chez moi" in text and "Ailleurs" not in text


def test_an_emergency_in_force_is_a_banner_that_names_the_sector(
    client, town, person, urgent, sector
):
    announcement(town, title="Faites bouillir l’eau", subject=urgent, sector_ids=[sector.pk])
    text = text_of(make.sign_in(client, person))
    assert 'class="banner"' in text and "votre secteur" in text and "Naudville" in text
    assert text.count("Faites bouillir l’eau") == 1
    Announcement.objects.update(state="lifted", lifted_at=timezone.now())
    assert 'class="banner"' not in text_of(client)


def test_a_reminder_is_promised_to_those_who_follow_the_subject_only(client, town, person):
    council = Subject.objects.create(municipality=town, name="Séances")
    soon = timezone.now() + timedelta(days=3)
    meeting = announcement(
        town, title="Séance du conseil", subject=council, takes_force=False, in_force_from=None,
        concerns_at=soon,
    )  # fmt: skip
    Reminder.objects.create(
        municipality=town, announcement=meeting, due_at=soon - timedelta(hours=24)
    )
    page = make.sign_in(client, person)
    assert "Séance du conseil" in text_of(page) and "Rappel" not in text_of(page)
    Subscription.objects.create(
        municipality=town, resident=person, place=Place.objects.get(resident=person),
        subject=council, channel="email", created_at=timezone.now(),
    )  # fmt: skip
    assert "Rappel" in text_of(page)


def test_the_front_page_takes_at_most_fifteen_queries_however_much_there_is(
    client, town, person, sector
):
    page = make.sign_in(client, person)

    def fill() -> None:
        soon = timezone.now() + timedelta(days=2)
        announcement(town, sector_ids=[sector.pk])
        announcement(town, takes_force=False, in_force_from=None)
        dated = announcement(town, concerns_at=soon)
        Reminder.objects.create(municipality=town, announcement=dated, due_at=soon)
        hall = lent.space(town)
        start = NOW + timedelta(days=4000)
        booking = Booking.objects.create(
            municipality=town, state="confirmed", resident=person, price_class="resident",
            period=(start, start + timedelta(hours=2)), code=f"K{hall.pk}", created_at=NOW,
            changes_until=start,
        )  # fmt: skip
        Taking.objects.create(
            municipality=town, booking=booking, resource=hall, unit=hall.units.get(),
            period=booking.period, blocked=booking.period,
        )  # fmt: skip

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            text_of(page)
        # A request is a transaction; only within a test's own is it a savepoint.
        return sum(not q["sql"].startswith(("SAVEPOINT", "RELEASE")) for q in queries)

    fill()
    text_of(page)
    once = count()
    fill()
    fill()
    assert count() == once
    assert once <= 15, once


def test_what_comes_next_is_in_order_of_its_day_whatever_it_is(client, town, person):
    soon = timezone.now()
    announcement(town, title="Collecte des sapins", concerns_at=soon + timedelta(days=2))
    announcement(town, title="Séance du conseil", concerns_at=soon + timedelta(days=9))
    hall, start = lent.space(town, "Salle du Pont"), soon + timedelta(days=4)
    booking = Booking.objects.create(
        municipality=town, state="confirmed", resident=person, price_class="resident",
        period=(start, start + timedelta(hours=2)), code="K1", created_at=NOW, changes_until=start,
    )  # fmt: skip
    Taking.objects.create(
        municipality=town, booking=booking, resource=hall, unit=hall.units.get(),
        period=booking.period, blocked=booking.period,
    )  # fmt: skip
    said = text_of(make.sign_in(client, person))
    said = said[said.index("avenir") :]
    places = [said.index(f"{title}</a>") for title in AHEAD]
    assert places == sorted(places)
    assert said.count('class="day next"') == 1
    assert said.index('class="day next"') < places[0]


def test_another_towns_announcements_do_not_exist_here(visitor, town, other_town):
    from parvis.core.db import as_town

    with as_town(other_town.pk):
        announcement(other_town, title="Traversier en panne")
    assert "Traversier" not in text_of(visitor)
    assert "Traversier" not in text_of(visitor, "/chercher/?q=traversier")


def test_search_ignores_accents_marks_words_and_escapes_the_rest(visitor, town):
    announcement(
        town,
        title="Égouts : rinçage <script>",
        summary="Le rinçage des égouts débute lundi & finit.",
    )
    announcement(town, title="Caché", state="draft", published_at=None)
    for query in ("egouts", "ÉGOUT", "rincage egouts", "rinç"):
        text = text_of(visitor, f"/chercher/?q={query}")
        assert "1 résultat" in text and "<script>" not in text.split("<main")[1].split("</main")[0]
    assert "<mark>Égouts</mark>" in text_of(visitor, "/chercher/?q=egouts")
    assert "Rien trouvé" in text_of(visitor, "/chercher/?q=zzz")


def test_search_finds_pages_and_subjects(visitor, town):
    Subject.objects.create(municipality=town, name="Patinoires")
    assert "Patinoires" in text_of(visitor, "/chercher/?q=patinoire").replace("<mark>", "").replace(
        "</mark>", ""
    )
    assert "/confidentialite/" in text_of(visitor, "/chercher/?q=loi+25")


@pytest.mark.parametrize(
    "query", ["", "   ", "'", '"', "%00", "a&b|c!", "<b>", "\\", "é" * 500, ":*"]
)
def test_search_survives_whatever_is_typed(visitor, query):
    assert visitor.get("/chercher/", {"q": query}).status_code == 200


def test_a_snippet_shows_the_words_around_the_find():
    text = "mot " * 100 + "**déneigement** des rues " + "mot " * 100
    cut = find.snippet(text, find.stems("deneigement"))
    assert "déneigement des rues" in cut.replace("  ", " ") and len(cut) < 260
    assert cut.startswith("… ") and cut.endswith(" …")


def test_pages_that_a_town_owes_say_its_own_contacts(visitor, town):
    town.privacy_officer, town.privacy_email = "Marthe Gagnon", "prp@exemple.ca"
    town.save()
    assert "Marthe Gagnon" in text_of(visitor, "/confidentialite/")
    assert "418 555-0110" in text_of(visitor, "/aide/")
    text_of(visitor, "/accessibilite/")


def test_the_manifest_is_the_towns_own(visitor, town):
    found = visitor.get("/manifest.webmanifest")
    assert found.headers["Content-Type"] == "application/manifest+json"
    manifest = found.json()
    assert (manifest["name"], manifest["short_name"]) == ("Ville d’Alma", "Alma")
    for picture in manifest["icons"]:
        drawn = Image.open(io.BytesIO(visitor.get(picture["src"]).content))
        assert f"{drawn.width}x{drawn.height}" == picture["sizes"]
    assert visitor.get("/icones/193.png").status_code == 404


def test_a_crest_is_served_as_a_drawing_that_can_run_nothing(visitor, town):
    assert visitor.get("/blason").status_code == 404
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path d="M0 0h2v2z"/></svg>'
    town.crest = default_storage.save("towns/1/crest-abc.svg", ContentFile(svg))
    town.save()
    answer = visitor.get("/blason")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "/blason?" in text_of(visitor)


def test_the_colours_may_be_kept_for_a_year_at_their_own_address(visitor, town):
    answer = visitor.get(f"/theme.css?{town.brand[1:]}")
    assert "immutable" in answer.headers["Cache-Control"] and town.brand in answer.content.decode()


def worker_facts(client) -> dict:
    source = client.get("/sw.js").content.decode()
    return json.loads(source.split("const PARVIS = ", 1)[1].split(";\n", 1)[0])


def test_the_worker_keeps_only_what_exists_and_is_public(visitor, town):
    facts = worker_facts(visitor)
    stranger = Client(headers={"host": "alma.localhost"})
    for url in [*facts["shell"], facts["feed"], facts["icon"], facts["badge"]]:
        if not url.startswith("/static/"):
            assert stranger.get(url).status_code == 200, url
    town.brand = "#7a1f2b"
    town.save()
    assert worker_facts(visitor)["version"] != facts["version"]


def test_the_offline_page_knows_nobody(client, town, person):
    page = make.sign_in(client, person)
    assert "Agathe" not in text_of(page, "/hors-ligne/")


def test_monitors_need_no_town(db):
    monitor = Client(headers={"host": "10.0.0.1"})
    assert monitor.get("/healthz").content == b"ok\n"
    assert monitor.get("/readyz").content == b"ready\n"
    assert monitor.get("/").status_code == 404


def test_measures_are_not_public(db, settings):
    near, far = Client(REMOTE_ADDR="127.0.0.1"), Client(REMOTE_ADDR="192.0.2.7")
    text = near.get("/metrics").content.decode()
    assert 'parvis_work_due{channel="email",lane="emergency"} 0.0' in text
    assert far.get("/metrics").status_code == 403
    assert near.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    settings.METRICS_TOKEN = "jeton"
    assert near.get("/metrics").status_code == 403
    assert far.get("/metrics", headers={"Authorization": "Bearer jeton"}).status_code == 200


def test_requests_are_counted_by_page_and_kind_of_answer_and_name_nobody(visitor, town):
    def counted(page: str, status: str) -> float:
        text = Client(REMOTE_ADDR="127.0.0.1").get("/metrics").content.decode()
        name = f'parvis_request_seconds_count{{page="{page}",status="{status}"}} '
        found = [line for line in text.splitlines() if line.startswith(name)]
        return float(found[0].removeprefix(name)) if found else 0

    before = counted("search", "2xx"), counted("other", "4xx")
    assert visitor.get("/chercher/?q=Agathe").status_code == 200
    assert visitor.get("/agathe-tremblay/").status_code == 404
    assert (counted("search", "2xx"), counted("other", "4xx")) == (
        before[0] + 1,
        before[1] + 1,
    )
    text = Client(REMOTE_ADDR="127.0.0.1").get("/metrics").content.decode()
    assert "agathe" not in text.lower()


def test_robots_and_reporters_are_told_where_to_go(visitor, town):
    assert "Disallow: /bureau/" in text_of(visitor, "/robots.txt")
    assert "Contact: http://alma.localhost/aide/" in text_of(visitor, "/.well-known/security.txt")


def test_english_is_offered_where_the_law_lets_the_town(visitor, town):
    assert visitor.get("/langue/en/").status_code == 404
    town.recognised_29_1, town.languages = True, {"en": "all"}
    town.save()
    answer = visitor.get("/langue/en/?suite=//evil.example/")
    assert answer.url == "/" and answer.cookies["langue"].value == "en"
    assert visitor.get("/aide/").headers["Content-Language"] == "en"


def test_a_stale_form_is_answered_in_french(town):
    guarded = Client(enforce_csrf_checks=True, headers={"host": "alma.localhost"})
    answer = guarded.post("/compte/login/", {})
    assert (
        answer.status_code == 403 and "Le formulaire n’est plus valide" in answer.content.decode()
    )
