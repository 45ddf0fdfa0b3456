"""The host names that lead to a town: claimed by an administrator, then proven or accepted.

Where one town is alone, a visit proves that the name leads here. Where several share an instance, a
visit shows the instance and not the town: another town could claim a name that was pointed here for
its neighbour. There, the operator's word counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities import rules
from parvis.municipalities.actions import record
from parvis.municipalities.models import HostName, Municipality

SALT = "parvis.municipalities.host"
PROOF_HOURS = 24


@transaction.atomic
def add_host_name(town: Municipality, *, name: str, actor: Any) -> HostName:
    """Claim this host name for the town, or raise Refused. It serves nothing until verified."""
    name = name.strip().lower().rstrip(".")
    rules.check_host_name(name)
    try:
        with transaction.atomic():
            host = HostName.objects.create(municipality=town, name=name)
    except IntegrityError as error:
        raise Refused(_("Ce nom d’hôte sert déjà.")) from error
    record("municipalities.host_added", municipality=town, actor=actor, host=name)
    return host


def is_shared(town: Municipality) -> bool:
    """Whether other towns answer on this instance."""
    return Municipality.objects.exclude(pk=town.pk).exists()


def proof(host: HostName) -> str:
    """What a visit to this host name must carry to prove that the name leads here."""
    return signing.dumps([host.municipality_id, host.name], salt=SALT)


@transaction.atomic
def prove_host_name(town: Municipality, *, token: str, visited: str, now: datetime) -> HostName:
    """Note that a request came by this name, or raise Refused. Twice is the same as once."""
    try:
        town_id, name = signing.loads(token, salt=SALT, max_age=PROOF_HOURS * 3600)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Refused(_("Ce lien de vérification n’est plus valable.")) from error
    host = HostName.objects.filter(municipality=town, name=name).first()
    if host is None or town_id != town.pk or visited != name:
        raise Refused(_("Ce lien est pour un autre nom d’hôte."))
    if host.verified_at is None:
        if is_shared(town):
            raise Refused(_("La personne qui exploite le portail doit accepter ce nom."))
        host.verified_at = now
        host.save(update_fields=["verified_at"])
        record("municipalities.host_verified", municipality=town, host=name)
    return host


@transaction.atomic
def accept_host_name(host: HostName, *, now: datetime) -> None:
    """Let a claimed name serve, on the operator's word. Twice is the same as once."""
    if HostName.objects.filter(pk=host.pk, verified_at__isnull=True).update(verified_at=now):
        record("municipalities.host_accepted", municipality=host.municipality, host=host.name)


@transaction.atomic
def make_main_host(host: HostName, *, actor: Any) -> None:
    """Make this the name that letters and links bear, or raise Refused."""
    town = Municipality.objects.select_for_update(no_key=True).get(pk=host.municipality_id)
    if host.verified_at is None:
        raise Refused(_("Vérifiez d’abord que ce nom mène ici."))
    before = HostName.objects.filter(municipality=town, is_main=True).exclude(pk=host.pk)
    before.update(is_main=False)
    if HostName.objects.filter(pk=host.pk, is_main=False).update(is_main=True):
        record("municipalities.host_made_main", municipality=town, actor=actor, host=host.name)


@transaction.atomic
def remove_host_name(host: HostName, *, actor: Any) -> None:
    """Stop answering at this host name, or raise Refused for the main one."""
    town = Municipality.objects.select_for_update(no_key=True).get(pk=host.municipality_id)
    removed, _models = HostName.objects.filter(
        municipality=town, pk=host.pk, is_main=False
    ).delete()
    if not removed:
        raise Refused(_("Nommez d’abord une autre adresse principale."))
    record("municipalities.host_removed", municipality=town, actor=actor, host=host.name)
