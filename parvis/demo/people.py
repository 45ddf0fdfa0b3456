"""Invented people: names that are common in Québec, put together by chance that repeats itself."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

FIRST = (
    "Agathe", "Alexis", "Alice", "Amélie", "Anaïs", "André", "Annie", "Antoine", "Audrey",
    "Béatrice", "Benoît", "Camille", "Carole", "Caroline", "Catherine", "Charles", "Charlotte",
    "Chloé", "Claude", "Danielle", "David", "Denis", "Diane", "Dominic", "Édith", "Éloïse",
    "Émile", "Émilie", "Étienne", "Félix", "Florence", "France", "François", "Frédéric",
    "Gabriel", "Geneviève", "Gérard", "Ghislain", "Gilles", "Guillaume", "Guy", "Hélène",
    "Hugo", "Isabelle", "Jacob", "Jacques", "Jade", "Jean", "Jeanne", "Jérôme", "Jocelyne",
    "Josée", "Julie", "Julien", "Karine", "Laurence", "Léa", "Liliane", "Lise", "Louis",
    "Louise", "Luc", "Lucie", "Magalie", "Manon", "Marc", "Marguerite", "Marie", "Marilou",
    "Martin", "Mathieu", "Maude", "Maxime", "Mélanie", "Michel", "Monique", "Myriam", "Nathalie",
    "Nicolas", "Noémie", "Normand", "Océane", "Olivier", "Pascal", "Patrice", "Paul",
    "Philippe", "Pierre", "Raymond", "Réjean", "Rita", "Robert", "Rosalie", "Sabrina", "Samuel",
    "Sarah", "Sébastien", "Simon", "Solange", "Sophie", "Stéphane", "Suzanne", "Sylvain",
    "Sylvie", "Thomas", "Valérie", "Véronique", "Victor", "Vincent", "Yannick", "Yolande",
    "Yves", "Zoé",
)  # fmt: skip
LAST = (
    "Audet", "Beaulieu", "Bélanger", "Bergeron", "Bilodeau", "Boily", "Bouchard", "Boulianne",
    "Boivin", "Brassard", "Bujold", "Carrier", "Claveau", "Cloutier", "Côté", "Dallaire",
    "Desbiens", "Desgagnés", "Deschênes", "Doré", "Dufour", "Duchesne", "Émond", "Fillion",
    "Fleury", "Fortin", "Gagné", "Gagnon", "Gaudreault", "Gauthier", "Gilbert", "Girard",
    "Grenon", "Guay", "Harvey", "Hudon", "Juneau", "Lachance", "Laforge", "Lapointe", "Larouche",
    "Lavoie", "Lemieux", "Lepage", "Lessard", "Maltais", "Martel", "Ménard", "Mercier",
    "Morin", "Munger", "Nadeau", "Néron", "Ouellet", "Paradis", "Pelletier", "Perron", "Plourde",
    "Potvin", "Poirier", "Renaud", "Riverin", "Roy", "Savard", "Simard", "St-Gelais", "St-Pierre",
    "Tanguay", "Thériault", "Tremblay", "Truchon", "Turcotte", "Vaillancourt", "Verreault",
    "Villeneuve", "Voyer",
)  # fmt: skip
REFUSED = {"inconnu": 12, "plein": 9}
"""Addresses that the demonstration's mail server refuses, so that proofs have something to show."""


AREAS = ("418", "581", "367", "819")


@dataclass(frozen=True)
class Person:
    first_name: str
    last_name: str
    email: str
    phone: str


def invent(count: int, *, seed: int, faults: bool) -> Iterator[Person]:
    """People, always the same ones for the same seed; phone numbers are of the fictitious range."""
    chance = random.Random(seed)
    refused = [word for word, times in REFUSED.items() for _ in range(times)] if faults else []
    for number in range(1, count + 1):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        if number <= len(refused):
            local = f"{refused[number - 1]}{number}"
        else:
            local = f"{plain(first)}.{plain(last)}{number}"
        area = AREAS[number % len(AREAS)]
        phone = f"+1{area}555{100 + chance.randrange(100):04d}"
        yield Person(first, last, f"{local}@exemple.ca", phone)


def plain(name: str) -> str:
    """A name as an e-mail address spells it."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return bare.lower().replace("-", "").replace(" ", "")
