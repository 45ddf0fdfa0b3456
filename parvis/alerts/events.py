"""What a town warns of, and what it says at first: pure tables, in the words of CAP 1.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from parvis.alerts.short_text import plain
from parvis.alerts.words_en import ENGLISH
from parvis.alerts.words_fr import FRENCH

Words = dict[str, object]
"""title, short, text and steps in one language; English also carries its legal basis."""


@dataclass(frozen=True)
class Event:
    """One kind of danger, with what CAP says of it when nothing else is known."""

    key: str
    label: object
    icon: str
    category: str
    """CAP 1.2, info/category."""
    response: str
    """CAP 1.2, info/responseType."""
    severity: str
    urgency: str
    certainty: str
    basis: str
    """Why it may also be said in English (Charter of the French language, s. 22.3)."""
    law: object
    """The text that obliges or allows the town to say it."""


_WATER = _("Règlement sur la qualité de l’eau potable (Q-2, r. 40), art. 36")
_CIVIL = _("Loi S-2.4 et règlement S-2.4, r. 1\u00a0: alerter la population")
_TRAFFIC = _("Règlement municipal sur le stationnement")

EVENTS: Mapping[str, Event] = {
    event.key: event
    for event in (
        Event(
            "boil", _("Avis d’ébullition"), "cooking-pot", "Health", "Execute",
            "Severe", "Immediate", "Likely", "health", _WATER,
        ),
        Event(
            "no_consumption", _("Avis de non-consommation"), "glass-water", "Health", "Avoid",
            "Extreme", "Immediate", "Observed", "health", _WATER,
        ),
        Event(
            "preventive_boil", _("Avis préventif d’ébullition"), "cooking-pot", "Health",
            "Execute", "Moderate", "Expected", "Possible", "health", _WATER,
        ),
        Event(
            "evacuation", _("Évacuation"), "route", "Safety", "Evacuate",
            "Extreme", "Immediate", "Observed", "safety", _CIVIL,
        ),
        Event(
            "shelter", _("Confinement"), "house", "Safety", "Shelter",
            "Extreme", "Immediate", "Observed", "safety", _CIVIL,
        ),
        Event(
            "flood", _("Inondation"), "waves", "Met", "Prepare",
            "Severe", "Expected", "Likely", "safety", _CIVIL,
        ),
        Event(
            "outage", _("Panne"), "zap", "Infra", "Prepare",
            "Moderate", "Immediate", "Observed", "safety", _CIVIL,
        ),
        Event(
            "ice", _("Verglas"), "cloud-snow", "Met", "Avoid",
            "Severe", "Expected", "Likely", "safety", _CIVIL,
        ),
        Event(
            "cold", _("Froid extrême"), "snowflake", "Met", "Shelter",
            "Severe", "Expected", "Likely", "health", _CIVIL,
        ),
        Event(
            "smoke", _("Fumée"), "wind", "Env", "Shelter",
            "Severe", "Immediate", "Observed", "health", _CIVIL,
        ),
        Event(
            "missing_person", _("Personne disparue"), "eye", "Rescue", "Monitor",
            "Severe", "Immediate", "Observed", "safety", _CIVIL,
        ),
        Event(
            "night_parking", _("Stationnement de nuit"), "square-parking", "Transport", "Execute",
            "Minor", "Expected", "Observed", "safety", _TRAFFIC,
        ),
    )
}  # fmt: skip
CHOICES = [(event.key, event.label) for event in EVENTS.values()]


def first_words(key: str, kind: str, town: str) -> dict[str, Words]:
    """What an alert of this event (or its lifting) says before anybody changed a word.

    French and English; the short text is written for telephones, without typographic signs.
    """
    event, part = EVENTS[key], "lift" if kind == "lift" else "alert"
    found: dict[str, Words] = {}
    for language, table in (("fr", FRENCH), ("en", ENGLISH)):
        title, short, text, *steps = table[key][part]
        found[language] = {
            "title": title,
            "short": plain(short.replace("{ville}", town)),
            "text": text,
            "steps": list(steps),
        }
    found["en"]["basis"] = event.basis
    return found
