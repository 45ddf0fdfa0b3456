"""The pages of reservations: who opens them, where, and the rows that fill them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from parvis.municipalities.models import Municipality
from parvis.reservations import actions, blocks, moments, weeks
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Organisation, Resource, Wait
from parvis.reservations.readings import Line, free_starts, occupation, offer
from parvis.residents.models import Resident

VISITOR, RESIDENT, STAFF = "visitor", "resident", "staff"
MINE = "reserver/mes-reservations/"

LOOKS: dict[str, list[tuple[str, str, int]]] = {
    "reserver/": [
        (VISITOR, "/reserver/", 200),
        (VISITOR, "/reserver/?q=une+salle+samedi+soir+pour+40+personnes", 200),
        (VISITOR, "/reserver/?quoi=rink&personnes=90000", 200),
        (VISITOR, "/reserver/?vue=semaine", 200),
        (RESIDENT, "/reserver/", 200),
    ],
    "reserver/materiel/": [
        (VISITOR, "/reserver/materiel/", 200),
        (VISITOR, "/reserver/materiel/?{loan_query}", 200),
    ],
    "reserver/confirmer/": [
        (RESIDENT, "/reserver/confirmer/?{free_query}", 200),
        (RESIDENT, "/reserver/confirmer/?{loan_query}", 200),
        (RESIDENT, "/reserver/confirmer/?{office_query}", 200),
        (RESIDENT, "/reserver/confirmer/?{taken_query}", 422),
        (RESIDENT, "/reserver/confirmer/", 422),
    ],
    "reserver/<int:resource_id>/": [
        (VISITOR, "/reserver/{space}/", 200),
        (VISITOR, "/reserver/{space}/?h={free_key}", 200),
        (VISITOR, "/reserver/{space}/?h={taken_key}", 200),
        (VISITOR, "/reserver/{equipment}/", 200),
        (VISITOR, "/reserver/{office}/", 200),
    ],
    MINE: [(RESIDENT, f"/{MINE}", 200)],
    "reserver/<int:resource_id>/attente/": [(RESIDENT, "/reserver/{space}/attente/", 200)],
    f"{MINE}attente/<int:wait_id>/": [
        (RESIDENT, f"/{MINE}attente/{{waiting}}/", 200),
        (RESIDENT, f"/{MINE}attente/{{offered}}/", 200),
    ],
    f"{MINE}calendrier/": [(RESIDENT, f"/{MINE}calendrier/", 200)],
    f"{MINE}<int:booking_id>/": [
        (RESIDENT, f"/{MINE}{{booking}}/", 200),
        (RESIDENT, f"/{MINE}{{cancelled}}/", 200),
        (RESIDENT, f"/{MINE}{{appointment}}/", 200),
    ],
    f"{MINE}<int:booking_id>/modifier/": [
        (RESIDENT, f"/{MINE}{{booking}}/modifier/", 200),
        (RESIDENT, f"/{MINE}{{loan}}/modifier/", 200),
        (RESIDENT, f"/{MINE}{{appointment}}/modifier/", 200),
    ],
    f"{MINE}<int:booking_id>/annuler/": [(RESIDENT, f"/{MINE}{{booking}}/annuler/", 200)],
    f"{MINE}<int:booking_id>/porte/": [(RESIDENT, f"/{MINE}{{booking}}/porte/", 200)],
}
"""Route → who looks, where, and the status that is expected."""
DESK = "bureau/reservations/"
LOOKS |= {
    f"{DESK}{route}": [(STAFF, f"/{DESK}{path}", 200) for path in paths]
    for route, paths in {
        "": [""],
        "<int:booking_id>/": ["{booking}/", "{asked}/", "{cancelled}/"],
        "agenda/": ["agenda/", "agenda/?jour={office_day}&vue=semaine"],
        "attente/": ["attente/"],
        "calendrier/": ["calendrier/"],
        "calendrier/<int:resource_id>/": ["calendrier/{space}/", "calendrier/{equipment}/"],
        "calendrier/feuille/": ["calendrier/feuille/"],
        "occupation/": ["occupation/"],
        "comptoir/": ["comptoir/", "comptoir/?q=tremblay"],
        "comptoir/<int:person_id>/": ["comptoir/{agathe}/"],
        "comptoir/<int:person_id>/<int:resource_id>/": [
            "comptoir/{agathe}/{space}/", "comptoir/{agathe}/{equipment}/",
            "comptoir/{agathe}/{office}/",
        ],
        "blocages/": ["blocages/"],
        "blocages/<int:resource_id>/": ["blocages/{space}/", "blocages/{equipment}/"],
        "fermetures/": ["fermetures/"],
        "ressources/": ["ressources/"],
        "ressources/nouvelle/<slug:kind>/": [
            "ressources/nouvelle/lieu/", "ressources/nouvelle/materiel/",
            "ressources/nouvelle/rendez-vous/",
        ],
        "ressources/importer/": ["ressources/importer/"],
        "ressources/<int:resource_id>/": [
            "ressources/{space}/", "ressources/{equipment}/", "ressources/{office}/"
        ],
        "organismes/": ["organismes/"],
        "organismes/<int:organisation_id>/": ["organismes/{club}/"],
    }.items()
}  # fmt: skip
DEEDS = (
    f"{MINE}attente/<int:wait_id>/quitter/",
    f"{MINE}calendrier/fermer/",
    *(
        f"{DESK}{route}"
        for route in (
            "<int:booking_id>/accepter/", "<int:booking_id>/refuser/", "<int:booking_id>/annuler/",
            "<int:booking_id>/presence/", "<int:booking_id>/deplacer/",
            "<int:booking_id>/paiement/",
            "<int:booking_id>/paiement/<int:payment_id>/retirer/", "blocages/<int:block_id>/lever/",
            "fermetures/<int:closure_id>/rouvrir/", "ressources/<int:resource_id>/etat/",
            "organismes/<int:organisation_id>/personnes/",
        )
    ),
)  # fmt: skip
FILES = (
    f"{MINE}<int:booking_id>/calendrier.ics",
    "reserver/calendrier/<str:token>.ics",
    "reserver/<int:resource_id>/calendrier.ics",
    f"{DESK}occupation.csv",
)


def names(town: Municipality, agathe: Resident) -> dict[str, Any]:
    """The rows and hours that the addresses name; the demonstration made most of them."""
    now = timezone.now()
    mine = Booking.objects.of(town).filter(resident=agathe, state="confirmed").order_by("pk")
    gym = Resource.objects.of(town).get(family="gym")
    tables = Resource.objects.of(town).get(name="Tables pliantes")
    booking = mine.filter(takings__resource=gym).first()
    loan = mine.filter(takings__resource=tables).first()
    room = Resource.objects.of(town).get(name="Local des aînés")
    free = _free(room, now)
    gone = actions.book(resident=agathe, lines=[Line(room.pk)], span=free, now=now)
    actions.cancel(gone, now=now)
    taken = weeks.steps_of(booking.span, timedelta(hours=1))[0]
    hour = _free(gym, now)
    blocks.block(
        town, lines=[Line(gym.pk)], span=hour, reason="Entretien du plancher", clerk=agathe, now=now
    )
    blocks.close_days(
        town, resource=None, first_on=hour.start.date() + timedelta(days=80),
        last_on=hour.start.date() + timedelta(days=82), reason="Congé", clerk=agathe, now=now,
    )  # fmt: skip
    office = Resource.objects.of(town).get(family="desk")
    appointment = mine.get(takings__resource=office)
    moment = moments.free(office, Span(now, now + timedelta(days=14)), now=now)[0]
    loan_query = f"q{tables.pk}=2&du={weeks.key(loan.span.start)}&au={weeks.key(loan.span.end)}"
    return {
        "space": gym.pk, "equipment": tables.pk, "booking": booking.pk, "loan": loan.pk,
        "cancelled": gone.pk, "loan_query": loan_query,
        "free_key": weeks.key(_free(gym, now).start), "taken_key": weeks.key(taken),
        "taken_query": f"lieu={gym.pk}&h={weeks.key(taken)}",
        "office": office.pk, "appointment": appointment.pk,
        "office_day": f"{moment.start.astimezone(town.zone):%Y-%m-%d}",
        "office_query": f"lieu={office.pk}&h={weeks.key(moment.start)}",
        "waiting": Wait.objects.of(town).get(resident=agathe, state="waiting").pk,
        "offered": Wait.objects.of(town).get(resident=agathe, state="offered").pk,
        "agathe": agathe.pk, "club": Organisation.objects.of(town).first().pk,
        "asked": Booking.objects.of(town).filter(state="asked").first().pk,
        "free_query": f"lieu={room.pk}&h={weeks.key(free.start)}",
    }  # fmt: skip


def _free(resource: Resource, now: Any) -> Span:
    """An hour that nobody has, from tomorrow on."""
    hour = timedelta(hours=1)
    window = Span(now + timedelta(days=2), now + timedelta(days=12))
    offered = offer(resource)
    taken = occupation(resource.municipality, [resource.pk], window, now=now)
    start = free_starts(
        [(offered, Line(resource.pk))], length=hour, window=window, taken=taken, now=now,
        zone=resource.municipality.zone,
    )[0]  # fmt: skip
    return Span(start, start + hour)
