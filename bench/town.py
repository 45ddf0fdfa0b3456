"""A town of 50,000 residents and 2,000 announcements, made set-based for the benchmarks."""

from __future__ import annotations

from typing import Any

from django.db import connection, connections
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities import actions
from parvis.municipalities.models import Municipality, PushKey
from parvis.notifications.models import Subject

RESIDENTS = 50_000
ANNOUNCEMENTS = 2_000
WORDS = [
    "eau", "rue", "travaux", "collecte", "bac", "piscine", "bibliothèque", "neige",
    "stationnement", "séance", "conseil", "règlement", "aqueduc", "fermeture", "détour", "parc",
    "patinoire", "fête", "loisirs", "inscription", "camp", "taxe", "versement", "écocentre",
    "feuilles", "encombrants", "borne", "incendie", "entrave", "pont", "trottoir", "égout",
    "rinçage", "hiver", "été", "avis",
]  # fmt: skip
SUBJECTS = ("Eau", "Rues et travaux", "Collectes", "Loisirs et culture", "Vie municipale")


def point() -> bytes:
    """A public point that any device may be given: what is measured is not the receiver."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def town(
    slug: str = "banc", *, residents: int = RESIDENTS, announcements: int = ANNOUNCEMENTS
) -> Municipality:
    """The town, made once for each database."""
    found = Municipality.objects.filter(slug=slug).first()
    if found is not None:
        return found
    made = actions.open_town(
        slug=slug, name="Ville de Banc", host=f"{slug}.localhost", now=timezone.now(),
        help_phone="418 555-0110",
    )  # fmt: skip
    with as_town(made.pk):
        fill_residents(made, residents)
        if announcements:
            fill_announcements(made, announcements)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    connections["owner"].close()
    return made


def fill_residents(made: Municipality, residents: int, *, push_port: int = 1) -> None:
    """Residents with an address, a sector, a device and subscriptions to all subjects."""
    key = PushKey.objects.of(made).get(retired_at__isnull=True)
    now = timezone.now()
    subjects = [
        Subject.objects.get_or_create(municipality=made, name=name, defaults={"position": n})[0]
        for n, name in enumerate(SUBJECTS)
    ]
    values: dict[str, Any] = {
        "town": made.pk, "n": residents, "point": point(), "auth": b"0" * 16, "key": key.pk,
        "now": now, "subjects": [subject.pk for subject in subjects], "port": push_port,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO territory_sector (municipality_id, name, code, geometry, west, south, east,
              north, updated_at)
            SELECT %(town)s, 'Secteur ' || n, '', '{}', 0, 0, 1, 1, %(now)s
            FROM generate_series(1, 6) n ON CONFLICT DO NOTHING
            """,
            values,
        )
        cursor.execute(
            "SELECT min(id), count(*) FROM territory_sector WHERE municipality_id = %(town)s",
            values,
        )
        values["sector"], values["sectors"] = cursor.fetchone()
        cursor.execute(
            """
            WITH r AS (
              INSERT INTO residents_resident (municipality_id, password, email, first_name,
                last_name, language, is_active, joined_at, opened_at_counter, session_epoch)
              SELECT %(town)s, '!', 'p' || n || '@exemple.ca', 'Prénom', 'Nom' || n, 'fr', true,
                %(now)s, false, 0 FROM generate_series(1, %(n)s) n RETURNING id),
            a AS (
              INSERT INTO territory_address (municipality_id, number, street, unit, postal_code,
                matricule, dwellings, sector_id, key, street_key, source)
              SELECT %(town)s, id::text, 'rue des Bouleaux', '', '', '', 1,
                %(sector)s + id %% %(sectors)s, id || ' rue bouleaux', 'rue bouleaux', 'csv' FROM r
              RETURNING id, number),
            p AS (
              INSERT INTO residents_place (municipality_id, resident_id, kind, label, address_id,
                created_at)
              SELECT %(town)s, number::bigint, 'home', '', id, %(now)s FROM a
              RETURNING id, resident_id),
            d AS (
              INSERT INTO notifications_device (municipality_id, resident_id, endpoint,
                endpoint_hash, p256dh, auth, key_id, label, emergencies_only, created_at, seen_at,
                removed_why)
              SELECT %(town)s, id, 'https://localhost:' || %(port)s || '/push/' || id, id::text,
                %(point)s, %(auth)s, %(key)s, '', false, %(now)s, %(now)s, '' FROM r)
            INSERT INTO notifications_subscription (municipality_id, resident_id, place_id,
              subject_id, channel, pace, created_at)
            SELECT %(town)s, resident_id, p.id, s, c, 'now', %(now)s
            FROM p, unnest(%(subjects)s::bigint[]) s, unnest(ARRAY['email', 'push']) c
            """,
            values,
        )
        cursor.execute(
            'INSERT INTO account_emailaddress (user_id, email, verified, "primary") '
            "SELECT id, email, true, true FROM residents_resident WHERE municipality_id = %(town)s",
            values,
        )


def fill_announcements(made: Municipality, count: int) -> None:
    """Announcements of all subjects, most of them past, forty in force."""
    from datetime import timedelta

    from parvis.announcements.models import Announcement

    now = timezone.now()
    subjects = list(Subject.objects.of(made))
    rows = []
    for n in range(count):
        words = [WORDS[(n * 7 + i * 13) % len(WORDS)] for i in range(60)]
        at = now - timedelta(hours=6 * n + 1)
        standing = n < 40
        rows.append(
            Announcement(
                municipality=made,
                subject=subjects[n % len(subjects)],
                state=Announcement.State.PUBLISHED,
                title=" ".join(words[:6]).capitalize(),
                summary=" ".join(words[6:18]),
                text=" ".join(words),
                slug=f"avis-{n}",
                takes_force=standing,
                in_force_from=at if standing else None,
                published_at=at,
                created_at=at,
                revised_at=at,
            )  # fmt: skip
        )
    Announcement.objects.bulk_create(rows, batch_size=500)
