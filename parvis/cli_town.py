"""`parvis town create`, `parvis town host`, `parvis import …` and `parvis audit verify`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from parvis.cli_place import Stop, fail, say


def find_town(slug: str) -> Any:
    from parvis.municipalities.models import Municipality

    town = Municipality.objects.filter(slug=slug).first()
    if town is None:
        known = ", ".join(Municipality.objects.order_by("slug").values_list("slug", flat=True))
        raise Stop(
            f"Aucune ville ne s’appelle «\u00a0{slug}\u00a0». "
            + (
                f"Il y a\u00a0: {known}."
                if known
                else "Créez-la par «\u00a0parvis town create\u00a0»."
            )
        )
    return town


def create(*, slug: str, name: str, host: str, email: str, brand: str, code: str) -> int:
    """Open a town with its first subjects, and invite the person who will administer it."""
    from django.db import transaction
    from django.utils import timezone

    from parvis.core.db import as_town
    from parvis.core.errors import Refused
    from parvis.municipalities import actions
    from parvis.notifications.subjects import open_with_subjects

    now = timezone.now()
    try:
        with transaction.atomic():
            town = actions.open_town(
                slug=slug, name=name, host=host, brand=brand, code=code, now=now
            )
            with as_town(town.pk):
                open_with_subjects(town)
                if email:
                    _invitation, token = actions.invite(
                        town, email=email, actor=None, now=now, is_administrator=True
                    )
    except Refused as refused:
        raise Stop(str(refused)) from refused
    say(f"{town.name} est ouverte à {host}.")
    if email:
        say(
            f"Invitation pour {email}, valable 7\u00a0jours, à remettre en mains propres\u00a0:\n"
            f"  {invitation_link(host, token)}"
        )
    return 0


def invitation_link(host: str, token: str) -> str:
    from django.conf import settings
    from django.urls import reverse

    scheme = "https" if settings.HTTPS else "http"
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{scheme}://{host}{port}{reverse('backoffice:invitation', args=[token])}"


def host(deed: str, *, slug: str, name: str) -> int:
    """List host names with what they wait for; accept one that a town claimed, or refuse it."""
    from django.utils import timezone

    from parvis.core.db import as_town
    from parvis.core.errors import Refused
    from parvis.municipalities import hosts
    from parvis.municipalities.models import HostName

    names = HostName.objects.select_related("municipality").order_by("municipality__slug", "name")
    if slug:
        names = names.filter(municipality=find_town(slug))
    if deed == "list":
        for each in names:
            state = "principal" if each.is_main else "sert" if each.serves else "à accepter"
            say(f"{each.municipality.slug}\u00a0: {each.name} ({state})")
        return 0
    found = names.filter(name=name.strip().lower().rstrip(".")).first() if slug and name else None
    if found is None:
        raise Stop(
            "Dites la ville et un nom qu’elle a demandé\u00a0: «\u00a0parvis town host list\u00a0»."
        )
    with as_town(found.municipality_id):
        try:
            if deed == "accept":
                hosts.accept_host_name(found, now=timezone.now())
            else:
                hosts.remove_host_name(found, actor=None)
        except Refused as refused:
            raise Stop(str(refused)) from refused
    said = "mène maintenant à" if deed == "accept" else "ne mène plus à"
    say(f"{found.name} {said} {found.municipality.name}.")
    return 0


def bring_in(kind: str, *, slug: str, file: Path) -> int:
    """Bring a file of sectors, of addresses or a roll into a town; whole or not at all."""
    from django.utils import timezone

    from parvis.core.db import as_town
    from parvis.core.errors import Refused
    from parvis.territory import imports

    deeds: dict[str, Callable[..., Any]] = {
        "sectors": imports.import_sectors,
        "addresses": imports.import_addresses_csv,
        "roll": imports.import_roll,
    }
    town = find_town(slug)
    if not file.is_file():
        raise Stop(f"Le fichier {file} n’existe pas.")
    with as_town(town.pk):
        try:
            report = deeds[kind](
                municipality=town, file=file, actor=None, now=timezone.now(), progress=progress()
            )
        except Refused as refused:
            raise Stop(str(refused)) from refused
    say(
        f"{report.new} ajoutés, {report.changed} modifiés, {report.unchanged} inchangés, "
        f"{report.refused} refusés."
    )
    for line, reason in report.faults[:20]:
        say(f"  ligne {line}\u00a0: {reason}")
    return 0


def progress() -> Callable[[float], None]:
    """One line that counts up in a terminal, a line each tenth elsewhere."""
    shown = -1

    def tell(share: float) -> None:
        nonlocal shown
        percent = min(100, int(share * 100))
        step = percent if sys.stderr.isatty() else percent // 10 * 10
        if step == shown:
            return
        shown = step
        end = "\r" if sys.stderr.isatty() and percent < 100 else "\n"
        print(f"  {step}\u00a0%", file=sys.stderr, end=end, flush=True)

    return tell


def verify_audit(slug: str) -> int:
    """Check each town's trail, or one town's; 1 when a line is not as it was written."""
    from django.utils import timezone

    from parvis.core.db import as_town
    from parvis.municipalities import actions
    from parvis.municipalities.models import AuditSeal, Municipality

    towns = [find_town(slug)] if slug else list(Municipality.objects.order_by("slug"))
    wrong = 0
    for town in towns:
        with as_town(town.pk):
            faults = actions.verify_trail(town.pk, now=timezone.now())
            sealed = AuditSeal.objects.of(town).count()
        for fault in faults[:50]:
            fail(f"{town.slug}\u00a0: {fault}")
        if faults:
            wrong += 1
        else:
            noted = actions.anchor_file(town.pk).exists()
            against = "et la tête notée hors de la base" if noted else "(aucune tête notée encore)"
            say(f"{town.slug}\u00a0: {sealed} lignes scellées, intactes, {against}.")
    return 1 if wrong else 0
