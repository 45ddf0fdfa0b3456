"""The audit trail's seals: each line chained to the one before, and the head noted outside."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from parvis.municipalities import rules
from parvis.municipalities.models import AuditLine, AuditSeal


@transaction.atomic
def seal_lines(town_id: int, *, now: datetime) -> int:
    """Chain the lines that are committed and not yet sealed; answer how many.

    One sealer per town at a time: a second one finds the lock taken and does nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(7301, %s)", [town_id])
        if not cursor.fetchone()[0]:
            return 0
    last = AuditSeal.objects.of(town_id).order_by("-sequence").first()
    previous, sequence = (last.hash, last.sequence) if last else (rules.FIRST_HASH, 0)
    waiting = (
        AuditLine.objects.of(town_id)
        .extra(  # An anti-join; a line that committed late has a smaller id than the last sealed.
            where=[
                "NOT EXISTS (SELECT 1 FROM municipalities_auditseal s "
                "WHERE s.municipality_id = municipalities_auditline.municipality_id "
                "AND s.line_id = municipalities_auditline.id)"
            ]
        )
        .order_by("id")[:5000]
    )
    seals = []
    for line in waiting:
        sequence += 1
        previous = rules.seal(previous, line_bytes(line))
        seals.append(
            AuditSeal(
                municipality_id=town_id,
                line_id=line.pk,
                sequence=sequence,
                hash=previous,
                sealed_at=now,
            )
        )
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


def line_bytes(line: AuditLine) -> bytes:
    return rules.canonical_line(
        pk=line.pk,
        municipality_id=line.municipality_id,
        at=line.at,
        deed=line.deed,
        actor_id=line.actor_id,
        facts=line.facts,
    )


def anchor_file(town_id: int) -> Path:
    """Where the heads of a town's chain are noted, outside the database; one JSON line each."""
    return Path(settings.DATA) / "audit" / f"{town_id}.jsonl"


def note_head(town_id: int, *, now: datetime) -> None:
    """Add the chain's head and length to the file outside the database."""
    last = AuditSeal.objects.of(town_id).order_by("-sequence").first()
    if last is None:
        return
    path = anchor_file(town_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"at": now.isoformat(), "sequence": last.sequence, "hash": last.hash}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def verify_trail(town_id: int, *, now: datetime) -> list[str]:
    """What is wrong with the town's trail, in sentences; empty when every line stands as written.

    Finds an altered, removed or inserted line, and a tail cut since the last noted head.
    """
    lines = {line.pk: line for line in AuditLine.objects.of(town_id).iterator()}
    links = []
    for sealed in AuditSeal.objects.of(town_id).order_by("sequence").iterator():
        line = lines.pop(sealed.line_id, None)
        links.append((sealed.sequence, sealed.hash, line_bytes(line) if line else None))
    path = anchor_file(town_id)
    anchored: dict[int, str] = {}
    for noted in path.read_text().splitlines() if path.exists() else ():
        head = json.loads(noted)
        # What was noted first stands, whatever was noted of the same place since.
        anchored.setdefault(head["sequence"], head["hash"])
    faults = rules.chain_faults(links, anchored=anchored)
    grace = now - timedelta(minutes=5)
    faults += [
        _("Ligne %(id)s\u00a0: ajoutée sans sceau.") % {"id": line.pk}
        for line in lines.values()
        if line.at < grace
    ]
    return faults
