"""How django-allauth makes and finds accounts: always within the town of the request."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base import Provider
from allauth.utils import build_absolute_uri
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from parvis.core import secret
from parvis.core.db import as_town
from parvis.residents import rules, signals
from parvis.residents.oidc import TownProvider, let_go


class TownAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def new_user(self, request: HttpRequest) -> Any:
        user = super().new_user(request)
        user.municipality = request.municipality  # type: ignore[attr-defined]
        user.joined_at = timezone.now()
        return user

    def send_account_already_exists_mail(self, email: str) -> None:
        url = build_absolute_uri(self.request, reverse("account_request_login_code"))
        self.send_mail("account/email/account_already_exists", email, {"login_url": url})

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell the person what happened to their account, at an address that they confirmed."""
        # For second factors allauth calls this after the commit, where no town is set any more.
        with as_town(self.request.municipality.pk):
            known = EmailAddress.objects.filter(user=user, primary=True, verified=True)
            if email or known.exists():
                super().send_notification_mail(template_prefix, user, context, email)

    def logout(self, request: HttpRequest) -> None:
        """Sign out; what this device still receives is the rooms' above to settle."""
        person, post = request.user, request.POST
        if "device" in post:
            signals.signed_out.send(
                sender=type(person),
                resident=person,
                endpoint=post["device"],
                keep_emergencies="keep_emergencies" in post,
                now=timezone.now(),
            )
        super().logout(request)
        request.signed_out = True  # type: ignore[attr-defined]


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def new_user(self, request: HttpRequest, sociallogin: Any) -> Any:
        user = super().new_user(request, sociallogin)
        user.municipality = request.municipality  # type: ignore[attr-defined]
        user.joined_at = timezone.now()
        return user

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Any) -> Any:
        user = super().populate_user(request, sociallogin, data)
        # What a provider says may be of any length; our columns are not.
        user.first_name, user.last_name = user.first_name[:80], user.last_name[:80]
        for name in ("first_name", "last_name"):
            if rules.LINK.search(getattr(user, name)):
                setattr(user, name, "")
        return user

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> Provider:
        app = self.get_app(request, provider=provider, client_id=client_id)
        return TownProvider(request, app=app)

    def get_requests_session(self) -> Any:
        let_go()
        return super().get_requests_session()

    def list_providers(self, request: HttpRequest) -> list[Provider]:
        return [TownProvider(request, app=app) for app in self.list_apps(request)]


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
