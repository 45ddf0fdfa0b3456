"""The Bureau's own pages: who may open them, and what they do."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from parvis.core.db import as_town
from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import AuditLine, HostName, Invitation, Municipality, StaffMember
from parvis.municipalities.tests.make import NOW
from parvis.notifications import subjects
from parvis.notifications.models import BadAddress, Subject
from parvis.residents.tests import make

ADMINISTRATION = ["team", "town", "subjects", "trail", "first_steps", "colour", "trail_csv"]


@pytest.fixture
def clerk(client, town):
    """Signed in as someone who may act in announcements, and administers nothing."""
    member = make.staff(town, roles={"announcements": "act"}, first_name="Marc")
    make.sign_in(client, member.person, second_factor=True)
    return member


@pytest.fixture
def administrator(client, town):
    member = make.staff(town)
    make.sign_in(client, member.person, second_factor=True)
    return member


@pytest.fixture
def letters(town):
    """The letters that were planned, newest last."""
    from parvis.notifications.models import Message

    def read() -> list[dict[str, str]]:
        found = Message.objects.of(town).filter(kind="letter").order_by("id")
        return [message.content["fr"] for message in found]

    return read


def page(client, name, *args, **query):
    return client.get(reverse(f"backoffice:{name}", args=args), query)


@pytest.mark.parametrize("name", ADMINISTRATION)
def test_administration_is_closed_to_other_staff(client, clerk, name):
    assert page(client, name).status_code == 403


@pytest.mark.parametrize("name", [*ADMINISTRATION, "day", "search"])
def test_the_bureau_is_closed_to_residents(client, town, name):
    make.sign_in(client, make.resident(town), second_factor=True)
    assert page(client, name).status_code == 403


def test_the_menu_shows_only_what_one_may_open(client, clerk):
    shown = page(client, "day").content.decode()
    assert "/bureau/avis/" in shown
    assert "/bureau/equipe/" not in shown
    assert "/bureau/journal/" not in shown


def test_the_day_shows_bad_addresses_to_those_who_correct_them(client, town):
    who = make.staff(town, roles={"residents": "act"})
    make.sign_in(client, who.person, second_factor=True)
    BadAddress.objects.create(
        municipality=town, email_id=1, resident=who.person, reason="unknown", since=NOW
    )
    assert "1 adresse de courriel à corriger" in page(client, "day").content.decode()


def test_the_day_of_someone_without_the_role_does_not(client, clerk, town):
    BadAddress.objects.create(
        municipality=town, email_id=1, resident=clerk.person, reason="unknown", since=NOW
    )
    assert "à corriger" not in page(client, "day").content.decode()


def test_search_finds_people_without_accents_and_only_for_the_role(client, town, administrator):
    make.resident(town, first_name="Élodie", last_name="Bélanger")
    assert "Élodie Bélanger" in page(client, "search", q="elodie belan").content.decode()
    make.sign_in(client, make.staff(town, roles={}).person, second_factor=True)
    assert "Élodie Bélanger" not in page(client, "search", q="elodie belan").content.decode()


def test_search_does_not_see_another_town(client, other_town, administrator):
    with as_town(other_town.pk):
        make.resident(other_town, first_name="Zénon", last_name="Ailleurs")
    assert "Zénon" not in page(client, "search", q="zenon").content.decode()


def test_inviting_sends_a_letter_whose_link_makes_a_colleague(client, town, administrator, letters):
    answer = client.post(
        reverse("backoffice:invite"),
        {"email": "Luc@exemple.ca", "title": "Loisirs", "room_announcements": "act"},
        HTTP_HOST="alma.localhost:6666",
    )
    assert answer.status_code == 302
    link = letters()[-1]["text"].split("http://alma.localhost/bureau/invitation/")[1].split("/")[0]
    person = make.resident(town, email="luc@exemple.ca", first_name="Luc")
    make.sign_in(client, person)
    assert "Accepter" in page(client, "invitation", link).content.decode()
    answer = client.post(reverse("backoffice:invitation", args=[link]))
    assert answer["Location"] == reverse("mfa_activate_totp")
    member = StaffMember.objects.of(town).get(person=person)
    assert [(r.room, r.level) for r in member.roles.all()] == [("announcements", "act")]
    assert page(client, "invitation", link).status_code == 410


def test_an_invitation_is_for_its_address_only(client, town, administrator):
    _row, token = municipalities.invite(
        town, email="luc@exemple.ca", actor=administrator.person, now=_now()
    )
    make.sign_in(client, make.resident(town, email="eve@exemple.ca"))
    assert "Accepter" not in page(client, "invitation", token).content.decode()
    assert client.post(reverse("backoffice:invitation", args=[token])).status_code == 422
    assert not StaffMember.objects.of(town).filter(person__email="eve@exemple.ca").exists()


def test_a_visitor_with_an_invitation_is_shown_the_way_in(client, town, administrator):
    _row, token = municipalities.invite(
        town, email="luc@exemple.ca", actor=administrator.person, now=_now()
    )
    client.logout()
    make.visitor(client, town)
    shown = page(client, "invitation", token)
    assert shown.status_code == 200
    assert "Créer mon compte" in shown.content.decode()


def test_inviting_a_colleague_is_refused(client, administrator):
    answer = client.post(
        reverse("backoffice:invite"), {"email": administrator.person.email, "title": ""}
    )
    assert answer.status_code == 422
    assert "fait déjà partie" in answer.content.decode()
    assert not Invitation.objects.of(administrator.municipality).exists()


def test_the_last_administrator_cannot_drop_the_right(client, administrator):
    answer = client.post(reverse("backoffice:member", args=[administrator.pk]), {})
    assert answer.status_code == 422
    administrator.refresh_from_db()
    assert administrator.is_administrator


def test_ending_someones_work_closes_their_sessions(client, town, administrator, clerk):
    clerk_client = client
    admin_client = make.sign_in(type(client)(), administrator.person, second_factor=True)
    assert page(clerk_client, "day").status_code == 200
    answer = admin_client.post(reverse("backoffice:end_work", args=[clerk.pk]))
    assert answer.status_code == 302
    assert page(clerk_client, "day").status_code == 302


def test_another_towns_member_is_not_found(client, other_town, administrator):
    with as_town(other_town.pk):
        theirs = make.staff(other_town)
    answer = client.post(reverse("backoffice:end_work", args=[theirs.pk]))
    assert answer.status_code == 404


def test_a_lost_second_factor_is_reset_by_another_administrator(client, administrator, clerk):
    from allauth.mfa.models import Authenticator

    make.sign_in(client, administrator.person, second_factor=True)
    for target in (clerk, administrator):
        client.post(reverse("backoffice:reset_factor", args=[target.pk]))
    left = Authenticator.objects.values_list("user_id", flat=True)
    assert set(left) == {administrator.person_id}


SETTINGS = {
    "name": "Ville d’Alma", "help_phone": "418 555-0110", "brand": "#225544",
    "step_minutes": "5", "time_zone": "America/Toronto", "english": "on", "english_basis": "safety",
}  # fmt: skip


def test_settings_are_published_with_the_crest_and_noted(client, town, administrator):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 42"><path d="M2 2h32z"/></svg>'
    crest = SimpleUploadedFile("blason.svg", svg)
    answer = client.post(reverse("backoffice:town"), {**SETTINGS, "crest": crest})
    assert answer.status_code == 302
    town.refresh_from_db()
    assert town.brand == "#225544"
    assert town.crest.endswith(".svg")
    assert AuditLine.objects.of(town).filter(deed="municipalities.changed").count() == 2


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("brand", "rouge", "six chiffres"),
        ("english_basis", "all", "29.1"),
        ("code", "9304a", "cinq chiffres"),
        ("crest", SimpleUploadedFile("x.svg", b"<svg onload='x'/>"), "SVG"),
        ("crest", SimpleUploadedFile("x.png", b"\x89PNG\r\n\x1a\nfaux"), "PNG lisible"),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_changes(
    client, town, administrator, field, value, words
):
    before = Municipality.objects.values().get(pk=town.pk)
    if hasattr(value, "seek"):
        value.seek(0)
    answer = client.post(reverse("backoffice:town"), {**SETTINGS, "name": "Autre", field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Municipality.objects.values().get(pk=town.pk) == before


def test_the_code_geographique_is_set_and_noted(client, town, administrator):
    assert 'name="code"' in page(client, "town").content.decode()
    client.post(reverse("backoffice:town"), {**SETTINGS, "code": "93042"})
    town.refresh_from_db()
    assert town.code == "93042"
    line = AuditLine.objects.of(town).get(deed="municipalities.changed")
    assert line.facts["changes"]["code"] == ["", "93042"]


def test_a_colour_is_measured_as_it_is_chosen(client, administrator):
    assert "Contraste réussi" in page(client, "colour", brand="#34468f").content.decode()
    assert page(client, "colour", brand="bleu").status_code == 422


def test_a_host_name_is_proven_by_a_visit_to_it_and_only_then_may_be_main(
    client, town, administrator
):
    client.post(reverse("backoffice:add_host"), {"name": "Avis.Alma.localhost"})
    host = HostName.objects.get(name="avis.alma.localhost")
    client.post(reverse("backoffice:main_host", args=[host.pk]))
    host.refresh_from_db()
    assert not host.is_main
    shown = page(client, "town").content.decode()
    path = "/bureau/ville/hotes/preuve/" + shown.split("/preuve/")[1].split('"')[0]
    assert client.get(path).status_code == 422
    assert client.get(path, headers={"host": "avis.alma.localhost"}).status_code == 200
    client.post(reverse("backoffice:main_host", args=[host.pk]))
    host.refresh_from_db()
    assert host.is_main
    assert HostName.objects.filter(municipality=town, is_main=True).count() == 1


def test_where_towns_share_the_portal_a_claimed_name_waits_for_the_operator(
    client, town, other_town, administrator
):
    client.post(reverse("backoffice:add_host"), {"name": "avis.alma.localhost"})
    shown = page(client, "town").content.decode()
    assert "En attente d’acceptation" in shown
    assert "parvis town host accept alma" in shown
    assert "/preuve/" not in shown


def test_a_host_name_of_another_town_is_refused(client, town, other_town, administrator):
    answer = client.post(reverse("backoffice:add_host"), {"name": "isle.localhost"})
    assert answer.status_code == 422
    assert HostName.objects.get(name="isle.localhost").municipality == other_town


def test_subjects_are_added_ordered_and_archived(client, town, administrator):
    Subject.objects.of(town).delete()
    for name in ("Eau", "Collectes"):
        assert (
            client.post(
                reverse("backoffice:subjects"), {"name": name, "icon": "droplets"}
            ).status_code
            == 302
        )
    second = Subject.objects.of(town).get(name="Collectes")
    client.post(reverse("backoffice:move_subject", args=[second.pk]), {"vers": "haut"})
    assert [s.name for s in Subject.objects.of(town)] == ["Collectes", "Eau"]
    answer = client.post(reverse("backoffice:subjects"), {"name": "Eau", "icon": "bell"})
    assert answer.status_code == 422
    client.post(reverse("backoffice:archive_subject", args=[second.pk]))
    second.refresh_from_db()
    assert second.archived_at is not None
    client.post(reverse("backoffice:restore_subject", args=[second.pk]))
    second.refresh_from_db()
    assert second.archived_at is None


def test_the_emergency_subject_cannot_be_archived(client, town, administrator):
    row = subjects.add_subject(town, name="Sirènes", actor=None)
    Subject.objects.of(town).filter(pk=row.pk).update(is_emergency=True)
    client.post(reverse("backoffice:archive_subject", args=[row.pk]))
    row.refresh_from_db()
    assert row.archived_at is None


def test_the_trail_is_filtered_and_exported(client, town, administrator):
    municipalities.change_town(town, actor=administrator.person, help_phone="418 555-0199")
    shown = page(client, "trail", geste="municipalities.changed").content.decode()
    assert "418 555-0199" in shown
    assert "Personne ajoutée" not in shown.split("<tbody")[1]
    assert "418 555-0199" not in page(client, "trail", personne="0").content.decode()
    assert "<tbody" not in page(client, "trail", du="2999-01-01").content.decode()
    csv = page(client, "trail_csv", geste="municipalities.changed")
    lines = csv.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "municipalities.changed" in lines[1]
    assert AuditLine.objects.of(town).first().deed == "municipalities.trail_exported"


def test_a_page_of_the_trail_takes_as_many_queries_whatever_its_length(client, town, administrator):
    def ask() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            page(client, "trail")
        return len(seen)

    municipalities.change_town(town, actor=administrator.person, help_phone="0")
    few = ask()
    for number in range(1, 4):
        municipalities.change_town(town, actor=administrator.person, help_phone=str(number))
    assert ask() == few


def test_the_chain_is_verified_on_request(client, town, administrator):
    municipalities.seal_lines(town.pk, now=NOW)
    answer = client.post(reverse("backoffice:verify"))
    assert "intact" in answer.content.decode()


def test_every_deed_that_is_recorded_has_its_words():
    import re
    from pathlib import Path

    from parvis.backoffice.deeds import DEEDS

    root = Path(__file__).parents[2]
    recorded = {
        deed
        for file in root.glob("*/*.py")
        for deed in re.findall(r'\brecord\(\s*"([a-z_.]+)"', file.read_text())
    }
    assert recorded - DEEDS.keys() == set()


def _now():
    from django.utils import timezone

    return timezone.now()
