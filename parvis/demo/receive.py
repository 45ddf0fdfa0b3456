"""A message of an invented neighbour, which the town's Bureau was handed as a proposal."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from parvis.alerts import cap, cap_compose, events, ingest, naad
from parvis.alerts.cap_certificates import Trust, own_certificate
from parvis.alerts.cap_signature import sign
from parvis.municipalities.models import Municipality

NEIGHBOUR, HOST = "Ville de Val-des-Brumes", "val-des-brumes.example"
EVENT = "smoke"


def receive(town: Municipality, *, now: datetime) -> None:
    """Kept as `parvis cap watch --town` keeps it, signed by a neighbour whom the town named."""
    about = events.EVENTS[EVENT]
    words = events.first_words(EVENT, "alert", NEIGHBOUR)["fr"]
    steps = words["steps"]
    said = cap_compose.Said(
        language="fr", event=str(about.label), title=str(words["title"]), text=str(words["text"]),
        steps=[str(step) for step in steps] if isinstance(steps, list) else [],
        where=f"{NEIGHBOUR} et les municipalités voisines",
    )  # fmt: skip
    sent = (now - timedelta(minutes=25)).astimezone(town.zone)
    told = cap_compose.Told(
        identifier=f"urn:x-demo:{town.slug}", sender=HOST, sent=sent, kind=cap_compose.ALERT,
        event=EVENT, category=about.category, response=about.response, severity=about.severity,
        urgency=about.urgency, certainty=about.certainty, expires=sent + timedelta(days=2),
        said=[said], town=NEIGHBOUR, code=town.code, is_demonstration=True,
        web=f"https://{HOST}/alertes/",
    )  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = own_certificate(key, name=NEIGHBOUR, host=HOST, now=now - timedelta(days=90))
    content = sign(cap.write(cap_compose.message(told)), key=key, certificate=certificate)
    desk = naad.Desk(trust=Trust(certificates=(certificate,)))
    heard = desk.hear(content, source=f"https://{HOST}/alertes.atom", now=now)
    if isinstance(heard, naad.Message):
        ingest.take_in(town, heard, now=now)
