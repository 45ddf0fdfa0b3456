"""How django-allauth makes and finds accounts: always within the town of the request."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest
from django.utils import timezone

from parvis.core import secret


class TownAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def new_user(self, request: HttpRequest) -> Any:
        user = super().new_user(request)
        user.municipality = request.municipality  # type: ignore[attr-defined]
        user.joined_at = timezone.now()
        return user


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def new_user(self, request: HttpRequest, sociallogin: Any) -> Any:
        user = super().new_user(request, sociallogin)
        user.municipality = request.municipality  # type: ignore[attr-defined]
        user.joined_at = timezone.now()
        return user


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors are enciphered in the database."""

    def encrypt(self, text: str) -> str:
        return secret.encipher("mfa", text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return secret.decipher("mfa", encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return str(self.request.municipality.name)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {
            "id": self.request.get_host().split(":")[0],
            "name": self.request.municipality.name,
        }
