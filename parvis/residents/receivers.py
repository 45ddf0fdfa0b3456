"""What residents do when the sign-in library says that something happened."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import password_changed, password_reset, user_signed_up
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.dispatch import receiver
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities.actions import record
from parvis.residents import actions


@receiver(user_signed_up, dispatch_uid="residents.settle")
def settle(*, user: Any, **_: Any) -> None:
    actions.settle_account(user, now=timezone.now())


@receiver([password_changed, password_reset], dispatch_uid="residents.password")
def note_password(*, user: Any, **_: Any) -> None:
    record("residents.password_changed", municipality=user.municipality_id, actor=user)


@receiver(
    [authenticator_added, authenticator_removed, authenticator_reset],
    dispatch_uid="residents.second_factor",
)
def note_second_factor(*, signal: Any, user: Any, authenticator: Any, **_: Any) -> None:
    deed = "removed" if signal is authenticator_removed else "added"
    # allauth says «added» after the commit, where no town is set any more.
    with as_town(user.municipality_id):
        record(
            f"residents.second_factor_{deed}",
            municipality=user.municipality_id,
            actor=user,
            type=str(authenticator.type),
        )
