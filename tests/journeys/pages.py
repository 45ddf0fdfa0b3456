"""Every page of the product: who opens it, where, and the small town that fills it.

A route is in PAGES or in NOT_PAGES, with its reason: a new page cannot be forgotten.
"""

from __future__ import annotations

import dataclasses
import time
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from parvis.announcements import actions as announcements
from parvis.announcements import drafts, parts
from parvis.announcements.models import Announcement
from parvis.announcements.tests.make import image, upload
from parvis.cases import actions as cases
from parvis.cases.models import Case, ClosedDay
from parvis.core.db import as_town
from parvis.demo import seed, towns
from parvis.municipalities import actions as municipalities
from parvis.municipalities import hosts
from parvis.municipalities.models import HostName, Invitation, Municipality, StaffMember
from parvis.notifications import unsubscribe
from parvis.notifications.models import BadAddress, Message
from parvis.residents import actions as residents
from parvis.residents import confirmations, households
from parvis.residents.models import Phone, Place, Resident
from parvis.residents.tests.make import PASSWORD, sign_in
from parvis.territory import actions as territory
from parvis.territory.models import Address, Sector
from tests.journeys import alert_pages
from tests.journeys import pages_reservations as lent
from tests.journeys.not_pages import DEED, FILE
from tests.journeys.not_pages import NOT_PAGES as NOT_PAGES

VISITOR, RESIDENT, STAFF, HOUSEHOLD_TOKEN = "visitor", "resident", "staff", "h" * 32
AVIS = r"avis/^(?P<pk>[0-9]{1,18})-(?P<slug>[a-z0-9-]{1,60})/$"


@dataclasses.dataclass(frozen=True)
class Look:
    """A page as somebody sees it; `{name}` in a path is filled by the small town."""

    who: str
    path: str
    status: int = 200


def visitor(*paths: str, status: int = 200) -> list[Look]:
    return [Look(VISITOR, path, status) for path in paths]


def resident(*paths: str, status: int = 200) -> list[Look]:
    return [Look(RESIDENT, path, status) for path in paths]


def staff(*paths: str, status: int = 200) -> list[Look]:
    return [Look(STAFF, path, status) for path in paths]


PAGES: dict[str, list[Look]] = {
    "": [*visitor("/"), *resident("/"), *staff("/")],
    "chercher/": visitor("/chercher/", "/chercher/?q=eau", "/chercher/?q=xyzzy"),
    "aide/": visitor("/aide/"),
    "accessibilite/": visitor("/accessibilite/"),
    "confidentialite/": visitor("/confidentialite/"),
    "hors-ligne/": visitor("/hors-ligne/"),
    "compte/login/": visitor("/compte/login/"),
    "compte/login/code/": visitor("/compte/login/code/"),
    "compte/signup/": visitor("/compte/signup/"),
    "compte/confirmer/<str:token>/": [
        *visitor("/compte/confirmer/{address_token}/"),
        *visitor("/compte/confirmer/x/", status=422),
    ],
    "compte/inactive/": visitor("/compte/inactive/"),
    "compte/password/reset/": visitor("/compte/password/reset/"),
    "compte/password/reset/done/": visitor("/compte/password/reset/done/"),
    "compte/logout/": resident("/compte/logout/"),
    "compte/reauthenticate/": resident("/compte/reauthenticate/"),
    "compte/email/": resident("/compte/email/"),
    "compte/password/change/": resident("/compte/password/change/"),
    "compte/2fa/": [*resident("/compte/2fa/"), *staff("/compte/2fa/")],
    "compte/2fa/reauthenticate/": staff("/compte/2fa/reauthenticate/"),
    "compte/2fa/totp/activate/": resident("/compte/2fa/totp/activate/"),
    "compte/2fa/totp/deactivate/": staff("/compte/2fa/totp/deactivate/"),
    "compte/2fa/recovery-codes/generate/": staff("/compte/2fa/recovery-codes/generate/"),
    "compte/2fa/webauthn/": resident("/compte/2fa/webauthn/"),
    "compte/2fa/webauthn/add/": resident("/compte/2fa/webauthn/add/"),
    "moi/": [*resident("/moi/"), *staff("/moi/")],
    "moi/nom/": resident("/moi/nom/"),
    "moi/telephones/": resident("/moi/telephones/"),
    "moi/telephones/<int:phone_id>/": resident("/moi/telephones/{phone}/"),
    "moi/adresses/": resident("/moi/adresses/"),
    "moi/adresses/<int:place_id>/": resident("/moi/adresses/{place}/"),
    "moi/menage/": [*resident("/moi/menage/"), *staff("/moi/menage/")],
    "moi/menage/<int:household_id>/": resident("/moi/menage/{household}/"),
    "moi/menage/invitation/<str:token>/": [
        *staff("/moi/menage/invitation/{household_token}/"),
        *resident("/moi/menage/invitation/x/", status=422),
    ],
    "moi/consentements/": resident("/moi/consentements/"),
    "moi/protection/": resident("/moi/protection/"),
    "moi/donnees/": resident("/moi/donnees/"),
    "moi/effacer/": resident("/moi/effacer/"),
    "moi/efface/": visitor("/moi/efface/"),
    "mes-avis/": resident("/mes-avis/"),
    "mes-avis/recus/": [*resident("/mes-avis/recus/"), *staff("/mes-avis/recus/")],
    "mes-avis/desabonnement/<str:token>/": visitor("{unsubscribe}"),
    "mes-demandes/": [*resident("/mes-demandes/"), *staff("/mes-demandes/")],
    "mes-demandes/ecrire/": resident("/mes-demandes/ecrire/"),
    "mes-demandes/<int:case_id>/": resident(
        "/mes-demandes/{waiting_case}/",
        "/mes-demandes/{answered_case}/",
        "/mes-demandes/{closed_case}/",
    ),
    "avis/": visitor("/avis/", "/avis/?page=2"),
    "avis/leves/": visitor("/avis/leves/"),
    "avis/archives/": visitor("/avis/archives/"),
    "avis/avis-publics/": visitor("/avis/avis-publics/"),
    AVIS: [
        *visitor("{rich}", "{lifted}", "{emergency}", "{emergency}?langue=en", "{notice}"),
        *resident("{emergency}"),
    ],
    "avis/<int:pk>/certificat/": visitor("/avis/{notice_id}/certificat/"),
    "adresses/chercher/": visitor("/adresses/chercher/?adresse_q=bouleaux"),
    "adresses/mon-secteur/": visitor(
        "/adresses/mon-secteur/", "/adresses/mon-secteur/?adresse_q=bouleaux"
    ),
    "bureau/": [*staff("/bureau/"), *resident("/bureau/", status=403)],
    "bureau/recherche/": staff("/bureau/recherche/", "/bureau/recherche/?q=tremblay"),
    "bureau/premiers-pas/": staff("/bureau/premiers-pas/"),
    "bureau/equipe/": staff("/bureau/equipe/"),
    "bureau/equipe/<int:member_id>/depart/": staff("/bureau/equipe/{member}/depart/"),
    "bureau/invitation/<str:token>/": [
        *visitor("/bureau/invitation/{invitation_token}/"),
        *visitor("/bureau/invitation/x/", status=410),
    ],
    "bureau/ville/": staff("/bureau/ville/"),
    "bureau/ville/hotes/preuve/<str:token>/": visitor(
        "/bureau/ville/hotes/preuve/{host_token}/", status=422
    ),
    "bureau/sujets/": staff("/bureau/sujets/"),
    "bureau/journal/": staff("/bureau/journal/"),
    "bureau/avis/": staff("/bureau/avis/"),
    "bureau/avis/nouveau/": staff("/bureau/avis/nouveau/"),
    "bureau/avis/<int:pk>/": staff(
        "/bureau/avis/{emergency_id}/",
        "/bureau/avis/{draft_id}/",
        "/bureau/avis/{notice_id}/",
        "/bureau/avis/{scheduled_id}/",
        "/bureau/avis/{lifted_id}/",
    ),
    "bureau/avis/<int:pk>/modifier/": staff(
        "/bureau/avis/{draft_id}/modifier/", "/bureau/avis/{rich_id}/modifier/"
    ),
    "bureau/avis/<int:pk>/relire/": staff("/bureau/avis/{draft_id}/relire/"),
    "bureau/demandes/": staff(
        "/bureau/demandes/", "/bureau/demandes/?file=reglees", "/bureau/demandes/?q=xyzzy"
    ),
    "bureau/demandes/nouvelle/": staff(
        "/bureau/demandes/nouvelle/", "/bureau/demandes/nouvelle/?personne={person}"
    ),
    "bureau/demandes/jours-fermes/": staff("/bureau/demandes/jours-fermes/"),
    "bureau/demandes/<int:case_id>/": staff(
        "/bureau/demandes/{late_case}/",
        "/bureau/demandes/{answered_case}/",
        "/bureau/demandes/{closed_case}/",
        "/bureau/demandes/{caller_case}/",
        "/bureau/demandes/{withdrawn_case}/",
    ),
    "bureau/envois/": staff("/bureau/envois/"),
    "bureau/envois/<int:message_id>/": staff("/bureau/envois/{message}/"),
    "bureau/envois/<int:message_id>/reponses/": staff("/bureau/envois/{message}/reponses/"),
    "bureau/citoyens/": staff("/bureau/citoyens/", "/bureau/citoyens/?q=tremblay"),
    "bureau/citoyens/ouvrir/": staff("/bureau/citoyens/ouvrir/"),
    "bureau/citoyens/<int:person_id>/": staff("/bureau/citoyens/{person}/"),
    "bureau/citoyens/<int:person_id>/nom/": staff("/bureau/citoyens/{person}/nom/"),
    "bureau/citoyens/<int:person_id>/telephones/": staff("/bureau/citoyens/{person}/telephones/"),
    "bureau/citoyens/<int:person_id>/adresses/": staff("/bureau/citoyens/{person}/adresses/"),
    "bureau/citoyens/<int:person_id>/adresses/<int:place_id>/": staff(
        "/bureau/citoyens/{person}/adresses/{place}/"
    ),
    "bureau/territoire/": staff("/bureau/territoire/"),
    "bureau/territoire/secteurs/nouveau/": staff("/bureau/territoire/secteurs/nouveau/"),
    "bureau/territoire/secteurs/<int:sector_id>/": staff("/bureau/territoire/secteurs/{sector}/"),
    "bureau/territoire/adresses/": staff(
        "/bureau/territoire/adresses/", "/bureau/territoire/adresses/?q=bouleaux"
    ),
    "bureau/territoire/adresses/nouvelle/": staff("/bureau/territoire/adresses/nouvelle/"),
    "bureau/territoire/adresses/<int:address_id>/": staff("/bureau/territoire/adresses/{address}/"),
    "bureau/territoire/importer/": staff("/bureau/territoire/importer/"),
    "bureau/territoire/importations/<int:import_id>/": staff(
        "/bureau/territoire/importations/{import}/"
    ),
}
PAGES |= alert_pages.looks(visitor, resident, staff)

PAGES.update({route: [Look(*one) for one in looks] for route, looks in lent.LOOKS.items()})
NOT_PAGES.update(dict.fromkeys(lent.DEEDS, DEED) | dict.fromkeys(lent.FILES, FILE))
NOT_PAGES |= dict.fromkeys(alert_pages.DEEDS, DEED) | dict.fromkeys(alert_pages.FILES, FILE)


@dataclasses.dataclass
class SmallTown:
    """A town with something on every page, and the sessions of two people in it."""

    town: Municipality
    names: dict[str, Any]
    keys: dict[str, str]

    def path(self, look: Look) -> str:
        return look.path.format(**self.names)

    def looks(self, *who: str) -> list[Look]:
        return [look for looks in PAGES.values() for look in looks if not who or look.who in who]


def small_town() -> SmallTown:
    now = timezone.now()
    plan = dataclasses.replace(towns.ALMA, residents=30, addresses=60)
    seed.open_demo_town(plan, password="!", now=now, say=lambda _said: None)
    town = Municipality.objects.get(slug=plan.slug)
    with as_town(town.pk):
        agathe = Resident.objects.of(town).get(email=seed.ACCOUNTS["Citoyenne"])
        lise = Resident.objects.of(town).get(email=seed.ACCOUNTS["Administration"])
        for person in (agathe, lise):
            person.set_password(PASSWORD)
            person.save()
        names = public_names(town, now) | people_names(town, agathe, lise, now)
        names |= lent.names(town, agathe)
        names |= alert_pages.alert_names(town, agathe, lise, now)
        names |= case_names(town, agathe, now)
        keys = {RESIDENT: session(agathe), STAFF: session(lise)}
    return SmallTown(town, names, keys)


def session(person: Resident) -> str:
    """Key of a session that has just proved who they are."""
    client = sign_in(Client(), person, second_factor=True)
    opened = client.session
    opened["account_authentication_methods"] = [
        {"method": "password", "at": time.time()},
        {"method": "mfa", "type": "totp", "at": time.time(), "reauthenticated": True},
    ]
    opened.save()
    return str(opened.session_key)


def public_names(town: Municipality, now: datetime) -> dict[str, Any]:
    said = Announcement.objects.of(town)
    rich = said.published(now).filter(subject__is_emergency=False, public_notice=None).first()
    rich = announcements.revise_published(
        rich, actor=None, token=rich.token, now=now, note="Un jour de plus.",
        text=f"{rich.text}\n\n## Pourquoi ?\n\n1. Un\n\n> Deux\n\n| A | B |\n|---|---|\n| 1 | 2 |",
    )  # fmt: skip
    parts.add_picture(rich, upload=upload(image()), alt="Une borne", actor=None, now=now)
    parts.add_attachment(rich, upload=upload(b"a;b", "plan.csv"), title="", actor=None, now=now)
    draft = drafts.write_draft(
        municipality=town, actor=None, now=now, title="Électricité " + "a" * 150,
        text="Ce long mot passe à la ligne : " + "anticonstitutionnellement" * 4 + ".",
        subject=rich.subject, in_force_from=now + timedelta(days=1),
    )  # fmt: skip
    notice = said.published(now).exclude(public_notice=None).first()
    announcements.certify(notice, name="Luc Gagnon", title="greffier", actor=None, now=now)
    emergency = said.published(now).filter(subject__is_emergency=True).first()
    lifted = said.filter(state="lifted").first()
    return {
        "rich": rich.get_absolute_url(), "rich_id": rich.pk,
        "emergency": emergency.get_absolute_url(), "emergency_id": emergency.pk,
        "lifted": lifted.get_absolute_url(), "lifted_id": lifted.pk,
        "notice": notice.get_absolute_url(), "notice_id": notice.pk,
        "scheduled_id": said.filter(state="scheduled").first().pk,
        "draft_id": draft.pk, "message": Message.objects.of(town).earliest("id").pk,
        "sector": Sector.objects.of(town).first().pk, "address": Address.objects.first().pk,
    }  # fmt: skip


def case_names(town: Municipality, agathe: Resident, now: datetime) -> dict[str, Any]:
    asked = Case.objects.of(town)
    mine = asked.filter(resident=agathe)
    ClosedDay.objects.create(
        municipality=town, day=(now + timedelta(days=20)).date(), label="Formation de l’équipe"
    )
    answered = mine.get(state="answered")
    cases.add_message(
        answered, side="note", by=None, now=now, text="Une longue adresse : https://" + "a" * 90,
        uploads=[upload(image(), "Photo du parc, près de la patinoire extérieure.jpg")],
    )  # fmt: skip
    return {
        "waiting_case": mine.get(state="waiting").pk, "answered_case": answered.pk,
        "closed_case": mine.get(state="closed").pk, "late_case": asked.late(now).first().pk,
        "caller_case": asked.get(resident=None).pk,
        "withdrawn_case": asked.get(state="withdrawn").pk,
    }  # fmt: skip


def people_names(
    town: Municipality, agathe: Resident, lise: Resident, now: datetime
) -> dict[str, Any]:
    residents.answer_consent(agathe, purpose="openings", given=True, now=now)
    household = households.open_household(agathe, role="owner", now=now)
    households.add_child(household, actor=agathe, name="Léo", now=now)
    households.invite(
        household, actor=agathe, email=lise.email, role="tenant", now=now, token=HOUSEHOLD_TOKEN
    )
    invitation, token = municipalities.invite(
        town, email="luc@exemple.ca", actor=lise, now=now, roles={"announcements": "see"}
    )
    assert Invitation.objects.of(town).get() == invitation
    host = hosts.add_host_name(town, name="www.alma.localhost", actor=lise)
    other = Resident.objects.of(town).exclude(pk__in=[agathe.pk, lise.pk]).first()
    unread = EmailAddress.objects.create(user=other, email="nouvelle@exemple.ca")
    BadAddress.objects.create(
        municipality=town, resident=other, reason="Adresse inconnue", since=now,
        email_id=other.emailaddress_set.get(primary=True).pk,
    )  # fmt: skip
    file = territory.receive_file(
        municipality=town, kind="addresses", name="adresses.csv", actor=lise, now=now,
        chunks=["numero;rue;lat;lon\n1;rue des Érables;48,55;-71,65\n".encode("cp1252")],
    )  # fmt: skip
    assert HostName.objects.filter(municipality=town).count() == 2
    return {
        "phone": Phone.objects.of(town).get(resident=agathe).pk, "person": agathe.pk,
        "household": household.pk, "household_token": HOUSEHOLD_TOKEN, "import": file.pk,
        "place": Place.objects.of(town).get(resident=agathe).pk, "host_token": hosts.proof(host),
        "invitation_token": token, "address_token": confirmations.token_for(unread),
        "unsubscribe": unsubscribe.link(agathe, None, "email"),
        "member": StaffMember.objects.of(town).exclude(person=lise).first().pk,
    }  # fmt: skip
