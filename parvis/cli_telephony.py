"""What `parvis doctor` looks at in texts: their senders, lines at rest, and filtered ones."""

from __future__ import annotations

from collections.abc import Iterator

from parvis.cli_findings import Finding, bad, good


def telephony() -> Iterator[Finding]:
    """Texts: senders, lines at rest, and texts that carriers filter."""
    from django.conf import settings
    from django.utils import timezone

    from parvis.core.db import as_town
    from parvis.municipalities.models import Municipality
    from parvis.notifications.models import Line
    from parvis.notifications.phone_watch import filtered_texts
    from parvis.notifications.telephony import providers_for

    if not settings.TELEPHONY:
        return
    now, every = timezone.now(), list(Municipality.objects.order_by("slug"))
    served = 0
    for town in every:
        routine = {one.routine for one in providers_for(town, "routine")}
        emergency = {one.emergency for one in providers_for(town, "emergency")}
        served += bool(routine or emergency or providers_for(town, "voice"))
        if routine and not emergency:
            yield bad(
                f"{town.name} envoie des textos, mais aucune urgence\u00a0: donnez «\u00a0emergency"
                "\u00a0» à un fournisseur dans TELEPHONY."
            )
        if routine & emergency:
            yield bad(
                f"{town.name} envoie urgences et textos courants du même numéro\u00a0: qui répond "
                "ARRET ne recevrait plus les urgences. Donnez deux numéros dans TELEPHONY."
            )
        with as_town(town.pk):
            found = filtered_texts(town, now=now)
        if found.alarming:
            yield bad(
                f"Les opérateurs filtrent les textos de {town.name}\u00a0: {found.filtered} sur "
                f"{found.handed} depuis hier. Vérifiez l’inscription du numéro chez le fournisseur."
            )
    if not settings.HTTPS and not settings.DEMO:
        yield bad(
            "Le fournisseur de textos n’appelle que des adresses HTTPS\u00a0: PARVIS_HTTPS=1."
        )
    for line in Line.objects.filter(resting_until__gt=now).order_by("name"):
        yield bad(
            f"Le fournisseur de textos {line.name} {line.fault or 'demande une pause'}\u00a0: les "
            "autres le remplacent, s’il y en a."
        )
    yield good(f"{served} villes envoient des textos ou appellent.")
