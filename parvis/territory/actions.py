"""Everything that changes the town's sectors and addresses."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from parvis.core import live
from parvis.core.db import SETTING, as_town, violated_constraint
from parvis.core.errors import Refused
from parvis.core.jobs import AGAIN, each, town_job
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.territory import rows
from parvis.territory.geometry import bounds, check_polygons
from parvis.territory.imports import assign_sectors as assign_sectors
from parvis.territory.imports import (
    import_addresses_csv as import_addresses_csv,
)
from parvis.territory.imports import (
    import_roll as import_roll,
)
from parvis.territory.imports import (
    import_sectors as import_sectors,
)
from parvis.territory.imports import one_at_a_time
from parvis.territory.models import Address, Import, Sector
from parvis.territory.rows import Row
from parvis.territory.search import sector_at

UPLOAD_MEGABYTES = 40
OLD = 2 * 24 * 3600


# --- sectors -------------------------------------------------------------------------------------


def _name(name: str) -> str:
    name = rows.clean(name)
    if not name:
        raise Refused(_("Donnez un nom au secteur."))
    if len(name) > 80:
        raise Refused(_("Le nom d’un secteur a au plus 80 caractères."))
    return name


@transaction.atomic
def add_sector(
    *,
    municipality: Municipality,
    name: str,
    geometry: Any,
    actor: Any,
    now: datetime,
    code: str = "",
) -> Sector:
    """Draw a new sector, or raise Refused. Addresses find their sector soon after, in a job."""
    drawn = check_polygons(geometry)
    west, south, east, north = bounds(drawn)
    one_at_a_time(municipality.pk)
    try:
        with transaction.atomic():
            sector = Sector.objects.create(
                municipality=municipality,
                name=_name(name),
                code=rows.clean(code)[:40],
                geometry=drawn,
                west=west,
                south=south,
                east=east,
                north=north,
                updated_at=now,
            )
    except IntegrityError as error:
        raise _same_name(error, name) from error
    record("territory.sector_added", municipality=municipality, actor=actor, sector=sector.pk)
    reassign.defer(municipality_id=municipality.pk)
    return sector


@transaction.atomic
def change_sector(
    sector: Sector, *, name: str, geometry: Any, actor: Any, now: datetime, code: str = ""
) -> Sector:
    """Rename or redraw a sector, or raise Refused. Addresses follow soon after, in a job."""
    drawn = check_polygons(geometry)
    one_at_a_time(sector.municipality_id)
    sector = Sector.objects.of(sector.municipality_id).select_for_update().get(pk=sector.pk)
    redrawn = sector.geometry != drawn
    sector.name, sector.code, sector.geometry = _name(name), rows.clean(code)[:40], drawn
    sector.west, sector.south, sector.east, sector.north = bounds(drawn)
    sector.updated_at = now
    try:
        with transaction.atomic():
            sector.save()
    except IntegrityError as error:
        raise _same_name(error, name) from error
    record(
        "territory.sector_changed",
        municipality=sector.municipality_id,
        actor=actor,
        sector=sector.pk,
        redrawn=redrawn,
    )
    if redrawn:
        reassign.defer(municipality_id=sector.municipality_id)
    return sector


def _same_name(error: IntegrityError, name: str) -> Exception:
    if violated_constraint(error) == "one_sector_per_name":
        return Refused(_("Un secteur s’appelle déjà «\u00a0%(name)s\u00a0».") % {"name": name})
    return error


@transaction.atomic
def remove_sector(sector: Sector, *, actor: Any) -> None:
    """Remove a sector. Its addresses stay, in the sector beneath it or in none."""
    town = sector.municipality_id
    one_at_a_time(town)
    Address.objects.of(town).filter(sector=sector).update(sector=None)
    Sector.objects.of(town).filter(pk=sector.pk).delete()
    record("territory.sector_removed", municipality=town, actor=actor, sector=sector.pk)
    reassign.defer(municipality_id=town)


@town_job()
def reassign(*, municipality_id: int) -> None:
    """Put the town's addresses in their sectors again, after a sector changed."""
    one_at_a_time(municipality_id)
    assign_sectors(municipality_id)
    live.publish(municipality_id, "territory")


# --- addresses -----------------------------------------------------------------------------------


@transaction.atomic
def save_address(
    *,
    municipality: Municipality,
    row: Row,
    sector: Sector | None,
    actor: Any,
    address: Address | None = None,
) -> Address:
    """Add an address, or correct one, by hand; or raise Refused.

    With a position, the sector is the one drawn there; without, the one that was chosen.
    """
    row.check()
    if not row.number:
        raise Refused(_("Donnez le numéro civique."))
    new = address is None
    if address is None:
        address = Address(municipality=municipality)
    else:
        address = Address.objects.of(municipality).select_for_update().get(pk=address.pk)
    for name in ("number", "street", "unit", "postal_code", "matricule", "longitude", "latitude"):
        setattr(address, name, getattr(row, name))
    address.dwellings = 1 if row.dwellings is None else row.dwellings
    address.sector = sector
    if row.longitude is not None and row.latitude is not None:
        address.sector = sector_at(municipality, row.longitude, row.latitude)
    address.source = Address.Source.HAND
    try:
        with transaction.atomic():
            address.save()
    except IntegrityError as error:
        if violated_constraint(error) == "one_address_per_key":
            raise Refused(_("Cette adresse est déjà dans la liste.")) from error
        raise
    record(
        "territory.address_added" if new else "territory.address_changed",
        municipality=municipality,
        actor=actor,
        address=address.pk,
    )
    return address


@transaction.atomic
def remove_address(address: Address, *, actor: Any) -> None:
    """Remove an address that nobody's account names, or raise Refused."""
    try:
        with transaction.atomic():
            Address.objects.of(address.municipality_id).filter(pk=address.pk).delete()
    except (ProtectedError, IntegrityError) as error:
        raise Refused(
            _("Des citoyens ont choisi cette adresse. Corrigez-la plutôt que de la retirer.")
        ) from error
    record(
        "territory.address_removed",
        municipality=address.municipality_id,
        actor=actor,
        address=address.pk,
    )


# --- files ---------------------------------------------------------------------------------------


def _folder(town: int) -> Path:
    return Path(settings.DATA) / "imports" / str(town)


def file_of(one: Import) -> Path:
    return _folder(one.municipality_id) / one.stored


@transaction.atomic
def receive_file(
    *,
    municipality: Municipality,
    kind: str,
    name: str,
    chunks: Iterable[bytes],
    actor: Any,
    now: datetime,
) -> Import:
    """Keep a file that staff sent, until it is brought in; or raise Refused when it is too large.

    Files that nobody confirmed for two days are removed by a job.
    """
    folder = _folder(municipality.pk)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stored = secrets.token_hex(16)
    size = 0
    with (folder / stored).open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > UPLOAD_MEGABYTES << 20:
                break
            file.write(chunk)
    if not 0 < size <= UPLOAD_MEGABYTES << 20:
        (folder / stored).unlink()
        if not size:
            raise Refused(_("Le fichier est vide."))
        raise Refused(
            _(
                "Le fichier dépasse %(most)s\u00a0Mo. Demandez à la personne qui gère le serveur "
                "de l’importer avec la commande «\u00a0parvis import\u00a0»."
            )
            % {"most": UPLOAD_MEGABYTES}
        )
    return Import.objects.create(
        municipality=municipality,
        kind=kind,
        file_name=rows.clean(Path(name).name)[:200] or "?",
        stored=stored,
        by_id=actor.pk if actor else None,
        created_at=now,
    )


def _sweep(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - OLD:
                path.unlink()


@each("41 8 * * *")
def sweep_files(*, at: int) -> None:
    """Every night, remove what nobody confirmed and what failed: a roll may name its owners."""
    imports = Path(settings.DATA) / "imports"
    for folder in imports.iterdir() if imports.exists() else ():
        _sweep(folder)


@transaction.atomic
def start_import(one: Import) -> None:
    """Have the file brought in by a job; pressing twice starts it once."""
    claimed = (
        Import.objects.of(one.municipality_id)
        .filter(pk=one.pk, state=Import.State.WAITING)
        .update(state=Import.State.RUNNING)
    )
    if claimed:
        run_import.defer(municipality_id=one.municipality_id, import_id=one.pk)


@transaction.atomic
def abandon_import(one: Import, *, now: datetime) -> None:
    """Leave a file that was previewed and not confirmed."""
    changed = (
        Import.objects.of(one.municipality_id)
        .filter(pk=one.pk, state=Import.State.WAITING)
        .update(state=Import.State.REFUSED, ended_at=now, report={"reason": _("Abandonnée.")})
    )
    if changed:
        file_of(one).unlink(missing_ok=True)


@app.task(queue="ordinary", retry=AGAIN, name="parvis.territory.actions.run_import")
def run_import(*, municipality_id: int, import_id: int) -> None:
    """Bring in a file; what it changes and its report are committed together.

    Not a `town_job`: how far it is must be seen by others before it ends. Run twice, the second
    finds it ended.
    """
    with as_town(municipality_id):
        one = Import.objects.of(municipality_id).filter(pk=import_id).first()
        if one is None or one.state != Import.State.RUNNING:
            return
    try:
        with as_town(municipality_id):
            _bring_in(one)
    except Refused as refused:
        with as_town(municipality_id):
            _ended(one, Import.State.REFUSED, {"reason": str(refused)})
    file_of(one).unlink(missing_ok=True)


def _bring_in(one: Import) -> None:
    one_at_a_time(one.municipality_id)
    if not Import.objects.of(one.municipality_id).filter(pk=one.pk, state="running").exists():
        return
    path = file_of(one)
    if not path.exists():
        raise Refused(_("Le fichier n’est plus sur le serveur. Envoyez-le de nouveau."))
    deeds = {
        Import.Kind.SECTORS: import_sectors,
        Import.Kind.ADDRESSES: import_addresses_csv,
        Import.Kind.ROLL: import_roll,
    }
    report = deeds[Import.Kind(one.kind)](
        municipality=one.municipality,
        file=path,
        actor=_Actor(one.by_id) if one.by_id else None,
        now=timezone.now(),
        progress=_teller(one),
    )
    _ended(one, Import.State.DONE, report.as_dict())


class _Actor:
    def __init__(self, pk: int) -> None:
        self.pk = pk


def _ended(one: Import, state: Import.State, report: dict[str, Any]) -> None:
    Import.objects.of(one.municipality_id).filter(pk=one.pk).update(
        state=state, report=report, progress=1.0, ended_at=timezone.now()
    )
    live.publish(one.municipality_id, f"import-{one.pk}")


def _teller(one: Import) -> Any:
    """Says how far an import is, at most once a second.

    Over a connection of its own: the import's transaction is not committed before its end.
    """
    last = time.monotonic()

    def tell(share: float) -> None:
        nonlocal last
        if time.monotonic() - last < 1:
            return
        last = time.monotonic()
        with suppress(psycopg.Error), psycopg.connect(live.conninfo()) as conn:
            conn.execute("SET LOCAL lock_timeout = '500ms'")
            conn.execute("SELECT set_config(%s, %s, true)", [SETTING, str(one.municipality_id)])
            conn.execute(
                "UPDATE territory_import SET progress = %s WHERE id = %s AND municipality_id = %s",
                [round(share, 3), one.pk, one.municipality_id],
            )
            conn.execute(
                "SELECT pg_notify(%s, %s)",
                [live.CHANNEL, f"{one.municipality_id}:import-{one.pk}"],
            )

    return tell
