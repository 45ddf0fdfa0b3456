"""The two invented towns: names, looks, sectors, streets, subjects."""

from __future__ import annotations

from dataclasses import dataclass, field

Point = tuple[float, float]

CREST_ALMA = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 42"><path d="M2 2h32v20c0 9-7 14.5-16 '
    '18C9 36.5 2 31 2 22z" fill="#34468f" stroke="#fff" stroke-width="2"/><path d="M5 5h26v9L18 '
    '8.5 5 14z" fill="#fff"/><path d="M5 22c3.3-3 6.5-3 9 0s5.5 3 8.5 0 5.5-3 8.5-.5M6 28c3.3-3 '
    '6-3 8.5 0s5 3 8 0 5-3 7.5-.5" fill="none" stroke="#fff" stroke-width="2.4" '
    'stroke-linecap="round"/><circle cx="18" cy="15.5" r="2.6" fill="#f3c64a"/></svg>'
)
CREST_ISLE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 42"><path d="M2 2h32v20c0 9-7 14.5-16 '
    '18C9 36.5 2 31 2 22z" fill="#1f6b57" stroke="#fff" stroke-width="2"/><path d="M8 21c3-7 17-7 '
    '20 0z" fill="#fff"/><path d="M6 26c3-2.6 6-2.6 8.5 0s5.5 2.6 8 0 5-2.6 7.5-.4M10 32c2.4-2 '
    '5-2 7 0s4.600 2 6.800 0" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round"/>'
    '<path d="M18 8v7" stroke="#f3c64a" stroke-width="2.4" stroke-linecap="round"/></svg>'
)


@dataclass(frozen=True)
class SectorPlan:
    name: str
    ring: tuple[Point, ...]
    """Corners on a grid of a hundred by a hundred, x to the east and y to the south."""
    streets: tuple[str, ...]
    share: int
    """Addresses, of a thousand in the town."""
    postal: str


@dataclass(frozen=True)
class TownPlan:
    slug: str
    host: str
    name: str
    code: str
    brand: str
    crest: str
    corner: Point
    """West and north of the grid, in degrees."""
    span: Point
    help_phone: str
    night_phone: str
    contact_email: str
    street_address: str
    privacy_officer: str
    privacy_email: str
    residents: int
    addresses: int
    sectors: tuple[SectorPlan, ...]
    subjects: tuple[tuple[str, str, str], ...]
    facts: dict[str, object] = field(default_factory=dict)


EMERGENCY = ("Urgences", "Eau, feu, évacuation, météo extrême", "siren")

ALMA = TownPlan(
    slug="alma",
    host="alma.localhost",
    name="Ville d’Alma",
    code="93042",
    brand="#34468f",
    crest=CREST_ALMA,
    corner=(-71.760, 48.600),
    span=(0.200, 0.110),
    help_phone="418 555-0110",
    night_phone="418 555-0111",
    contact_email="bonjour@exemple.ca",
    street_address="140, rue de la Mairie, Alma (Québec)  G8B 0A1",
    privacy_officer="Rosalie Girard-Simard, greffière",
    privacy_email="vieprivee@exemple.ca",
    residents=5000,
    addresses=3000,
    sectors=(
        SectorPlan(
            "Delisle",
            ((4, 4), (30, 2), (38, 12), (36, 28), (20, 34), (6, 28)),
            ("rang Sainte-Anne", "rue de l’Église", "chemin du Lac", "rue du Moulin"),
            70,
            "G0W",
        ),
        SectorPlan(
            "Saint-Cœur-de-Marie",
            ((30, 2), (62, 4), (66, 18), (54, 28), (36, 28), (38, 12)),
            ("route du Lac", "rue Saint-Cœur", "rang du Cap", "rue des Bernaches"),
            80,
            "G0W",
        ),
        SectorPlan(
            "Isle-Maligne",
            ((62, 4), (90, 10), (94, 30), (76, 38), (58, 34), (54, 28), (66, 18)),
            (
                "avenue du Barrage",
                "rue des Cèdres",
                "rue de la Centrale",
                "rue McNaughton",
                "boulevard des Pins",
                "rue du Belvédère",
            ),
            190,
            "G8E",
        ),
        SectorPlan(
            "Les Chutes",
            ((58, 34), (76, 38), (94, 30), (96, 50), (80, 56), (64, 50)),
            ("rue des Rapides", "chemin de la Chute", "rue du Portage", "avenue des Écluses"),
            110,
            "G8E",
        ),
        SectorPlan(
            "Naudville",
            ((36, 28), (54, 28), (58, 34), (64, 50), (50, 54), (34, 48), (20, 34)),
            (
                "rue des Bouleaux",
                "boulevard des Cascades",
                "rue Naud",
                "rue de l’Aréna",
                "rue des Érables",
                "avenue du Collège",
                "rue Melançon",
            ),
            230,
            "G8B",
        ),
        SectorPlan(
            "Centre-ville nord",
            ((34, 48), (50, 54), (64, 50), (68, 64), (52, 70), (36, 64)),
            (
                "avenue du Pont",
                "rue Collard",
                "rue Sacré-Cœur",
                "rue Saint-Joseph",
                "rue de la Gare",
            ),
            130,
            "G8B",
        ),
        SectorPlan(
            "Centre-ville sud",
            ((36, 64), (52, 70), (68, 64), (74, 82), (56, 94), (38, 86)),
            (
                "avenue du Pont Sud",
                "rue Scott",
                "rue Harvey",
                "rue Price",
                "rue du Quai",
                "rue des Pionniers",
            ),
            140,
            "G8B",
        ),
        SectorPlan(
            "Riverbend",
            ((64, 50), (80, 56), (96, 50), (96, 78), (74, 82), (68, 64)),
            ("rue des Papetiers", "avenue Riverbend", "rue du Méandre"),
            50,
            "G8B",
        ),
    ),
    subjects=(
        ("Eau", "Coupures, rinçage, arrosage", "droplets"),
        ("Rues et travaux", "Entraves, stationnement de nuit", "construction"),
        ("Collectes", "La veille à 19 h", "recycle"),
        ("Déneigement", "De novembre à avril", "snowflake"),
        ("Loisirs et culture", "Inscriptions, événements", "ticket"),
        ("Vie municipale", "Conseil, consultations", "landmark"),
    ),
    facts={"languages": {"en": "safety"}},
)

ISLE = TownPlan(
    slug="isle",
    host="isle.localhost",
    name="Municipalité de L’Isle-aux-Galets",
    code="16099",
    brand="#1f6b57",
    crest=CREST_ISLE,
    corner=(-70.450, 47.430),
    span=(0.110, 0.060),
    help_phone="418 555-0160",
    night_phone="418 555-0161",
    contact_email="isle@exemple.ca",
    street_address="12, chemin du Quai, L’Isle-aux-Galets (Québec)  G0A 0A1",
    privacy_officer="Anselme Desgagnés, directeur général",
    privacy_email="isle.vieprivee@exemple.ca",
    residents=40,
    addresses=60,
    sectors=(
        SectorPlan(
            "La Baleine",
            ((10, 20), (52, 12), (54, 48), (14, 56)),
            ("chemin de la Baleine", "chemin du Moulin"),
            500,
            "G0A",
        ),
        SectorPlan(
            "Saint-Louis",
            ((52, 12), (90, 30), (86, 64), (54, 48)),
            ("chemin du Quai", "chemin des Coudriers"),
            500,
            "G0A",
        ),
    ),
    subjects=(
        ("Traversier", "Horaires, interruptions", "waves"),
        ("Eau", "Puits, aqueduc, qualité", "droplets"),
        ("Collectes", "La veille à 18 h", "recycle"),
        ("Vie municipale", "Conseil, consultations", "landmark"),
    ),
)

TOWNS = (ALMA, ISLE)
