"""The pages of alerts: who opens them, and what fills them in the small town."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from parvis.alerts import actions as alerts
from parvis.alerts import answers, drafts, rounds, rules
from parvis.alerts.models import Alert, Revision
from parvis.municipalities.models import Municipality, StaffMember, StaffRole
from parvis.notifications import inbox
from parvis.residents.models import Resident
from parvis.territory.models import Address

PUBLIC = {
    "alertes/": ["/alertes/"],
    "alertes/<int:alert_id>/": [
        "/alertes/{alert}/",  "/alertes/{alert}/?adresse_q=bouleaux",
        "/alertes/{lifted_alert}/",
    ],
}  # fmt: skip
OWN = {"alertes/<int:alert_id>/": ["/alertes/{alert}/"]}
BUREAU = {
    "bureau/alertes/": ["/bureau/alertes/"],
    "bureau/alertes/nouvelle/": ["/bureau/alertes/nouvelle/"],
    "bureau/alertes/recus/": ["/bureau/alertes/recus/"],
    "bureau/alertes/couverture/": ["/bureau/alertes/couverture/"],
    "bureau/alertes/couverture/sans-contact/": [
        "/bureau/alertes/couverture/sans-contact/",
        "/bureau/alertes/couverture/sans-contact/?secteur={sector}",
    ],
    "bureau/alertes/<int:alert_id>/": ["/bureau/alertes/{alert}/"],
    "bureau/alertes/<int:alert_id>/modifier/": ["/bureau/alertes/{draft_alert}/modifier/"],
    "bureau/alertes/<int:alert_id>/approuver/": ["/bureau/alertes/{proposed_alert}/approuver/"],
    "bureau/alertes/<int:alert_id>/non-jointes/": ["/bureau/alertes/{alert}/non-jointes/"],
    "bureau/alertes/<int:alert_id>/porte-a-porte/": ["/bureau/alertes/{alert}/porte-a-porte/"],
    "bureau/alertes/<int:alert_id>/porte-a-porte/rue/": [
        "/bureau/alertes/{alert}/porte-a-porte/rue/?rue={street}"
    ],
    "bureau/alertes/<int:alert_id>/porte-a-porte/feuille/": [
        "/bureau/alertes/{alert}/porte-a-porte/feuille/"
    ],
    "bureau/alertes/<int:alert_id>/secours/": ["/bureau/alertes/{alert}/secours/"],
}
DEEDS = (
    "alertes/bandeau/", "alertes/<int:alert_id>/reponse/", "bureau/alertes/<int:alert_id>/suite/",
    "bureau/alertes/<int:alert_id>/jeter/", "bureau/alertes/<int:alert_id>/taux/",
    "bureau/alertes/<int:alert_id>/apercu/", "bureau/alertes/<int:alert_id>/reprendre/",
    "bureau/alertes/secours/<int:answer_id>/prendre/",
    "bureau/alertes/<int:alert_id>/porte-a-porte/<int:address_id>/",
    "bureau/alertes/recus/<int:received_id>/commencer/",
    "bureau/alertes/recus/<int:received_id>/ecarter/",
)  # fmt: skip
FILES = (
    "bureau/alertes/couverture/sans-contact.csv",
    "bureau/alertes/<int:alert_id>/non-jointes.csv",
    "bureau/alertes/<int:alert_id>/message-<int:number>.csv",
    "alertes.atom",
    "alertes/<int:alert_id>.cap.xml",
    "alertes/<int:alert_id>-<int:number>.cap.xml",
    "alertes/certificat.pem",
    "bureau/alertes/<int:alert_id>/quebec-en-alerte.pdf",
    "bureau/alertes/recus/<int:received_id>.cap.xml",
)


def looks(visitor: Any, resident: Any, staff: Any) -> dict[str, list[Any]]:
    """Each route with who looks at it."""
    found = {route: visitor(*paths) for route, paths in PUBLIC.items()}
    for route, paths in OWN.items():
        found[route] = [*found[route], *resident(*paths)]
    return found | {route: staff(*paths) for route, paths in BUREAU.items()}


def alert_names(
    town: Municipality, agathe: Resident, lise: Resident, now: datetime
) -> dict[str, Any]:
    """One in force with somebody who asks for help, one being written, one to approve."""
    lifted = Alert.objects.of(town).filter(state=rules.LIFTED, is_drill=False).first()
    members = StaffMember.objects.of(town).filter(is_alert_authority=True)
    chief = members.exclude(person=lise).get()
    StaffRole.objects.create(
        municipality=town, member=members.get(person=lise), room="rescue", level="act"
    )

    def written(event: str) -> Revision:
        revision = drafts.begin_alert(
            municipality=town, event=event, is_drill=False, actor=lise, now=now
        )
        sector = agathe.home.address.sector_id
        return drafts.revise(
            revision, actor=lise, token=revision.token, now=now, sector_ids=[sector],
            next_at=now + timedelta(hours=2),
        )  # fmt: skip

    def proposed(event: str) -> Revision:
        revision = written(event)
        return drafts.propose(revision, actor=lise, token=revision.token, now=now)

    sent = proposed("boil")
    sent = alerts.send_alert(sent, member=chief, token=sent.token, now=now)
    answers.answer(
        sent.alert, resident=agathe, kind="help", note="Deux personnes, oxygène", now=now
    )
    door = rounds.doors(sent.alert, sent, most=1)[0]
    address = Address.objects.of(town).get(pk=door.pk)
    rescuer = members.get(person=lise)
    rounds.visit(sent.alert, address, found="notice", member=rescuer, now=now)
    return {
        "street": quote(address.street_key),
        "alert": sent.alert_id,
        "lifted_alert": lifted.pk,
        "draft_alert": written("evacuation").alert_id,
        "proposed_alert": proposed("flood").alert_id,
        "by_letter": inbox.person_path(sent.message, agathe.pk, "email"),
    }
