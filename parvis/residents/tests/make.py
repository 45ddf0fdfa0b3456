"""One valid resident, signed in or not, on the staff or not."""

from __future__ import annotations

import itertools
import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client

from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import Municipality, StaffMember
from parvis.municipalities.tests.make import NOW
from parvis.residents.models import Place, Resident
from parvis.territory.models import Address

_count = itertools.count(1)
PASSWORD = "une-phrase-de-passe-longue"


def resident(town: Municipality, *, address: Address | None = None, **facts: Any) -> Resident:
    """A resident with a verified e-mail address and a home. The town must be set."""
    number = next(_count)
    email = facts.pop("email", f"agathe{number}@exemple.ca")
    person = Resident(
        municipality=town,
        email=email,
        first_name=facts.pop("first_name", "Agathe"),
        last_name=facts.pop("last_name", "Tremblay"),
        joined_at=NOW,
        **facts,
    )
    person.set_password(PASSWORD)
    person.save()
    if email:
        EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    Place.objects.create(
        municipality=town, resident=person, kind=Place.Kind.HOME, address=address, created_at=NOW
    )
    return person


def staff(town: Municipality, *, roles: dict[str, str] | None = None, **facts: Any) -> StaffMember:
    """A staff member with a second factor; an administrator unless roles are given."""
    administrator = facts.pop("is_administrator", roles is None)
    person = resident(town, first_name=facts.pop("first_name", "Camille"), **facts)
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": ""})
    return municipalities.add_staff(
        town, person=person, now=NOW, roles=roles or {}, is_administrator=administrator
    )


def sign_in(client: Client, person: Resident, *, second_factor: bool = False) -> Client:
    """Sign the person in at their town's host name; staff pages ask for the second factor."""
    client.defaults["HTTP_HOST"] = f"{person.municipality.slug}.localhost"
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    if second_factor:
        session = client.session
        session["account_authentication_methods"] = [
            {"method": "password", "at": time.time()},
            {"method": "mfa", "type": "totp", "at": time.time()},
        ]
        session["account_authentication_methods_user"] = str(person.pk)
        session.save()
    return client


def visitor(client: Client, town: Municipality) -> Client:
    """A browser at the town's host name that is not signed in."""
    client.defaults["HTTP_HOST"] = f"{town.slug}.localhost"
    return client
