"""OpenID Connect, stricter than the library: nonce, signature, and whose claims these are.

django-allauth checks state and PKCE, issuer, audience and expiry. It takes the token's signature on
trust when TLS brought the token, and sends no nonce. Here both are always checked, the claims of
the userinfo endpoint must be about the subject of the token, and only `email_verified: true` (the
JSON value) makes an address verified.

The three calls to the provider (key set, token, claims) run inside the request's transaction, each
bounded by SOCIALACCOUNT_REQUESTS_TIMEOUT; its discovery document is kept for ten minutes. Before
them the transaction has only read and written the session, so no row that others wait for is
locked while the provider thinks.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from requests import RequestException

CONFIGURATION_KEPT = 600
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"}


class TownOIDC(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_kept"):
            url = self.get_provider().server_url
            key = f"oidc:{hashlib.sha256(url.encode()).hexdigest()}"
            found = cache.get(key)
            if found is None:
                found = super().openid_config
                cache.set(key, found, CONFIGURATION_KEPT)
            self._kept: dict[str, Any] = found
        return self._kept

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=signing_key,
                verify_signature=True,
            )
        except (KeyError, ValueError) as error:
            raise OAuth2Error("Invalid id_token") from error
        if not self.nonce or not secrets.compare_digest(str(claims.get("nonce", "")), self.nonce):
            raise OAuth2Error("Wrong nonce")
        return claims

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any
    ) -> Any:
        if not kwargs["response"].get("id_token"):
            raise OAuth2Error("No id_token")
        login = super().complete_login(request, app, token, **kwargs)
        said = login.account.extra_data
        if said.get("userinfo") and said["userinfo"].get("sub") != said["id_token"]["sub"]:
            raise OAuth2Error("Claims about someone else")
        return login


def signing_key(keys: dict[str, Any], kid: str) -> Any:
    """The provider's key of this name; a key for another use or a shared secret is none."""
    fit = [
        key
        for key in keys["keys"]
        if key.get("kty") in {"RSA", "EC", "OKP"}
        and key.get("use", "sig") == "sig"
        and key.get("alg", "RS256") in ALGORITHMS
    ]
    return jwtkit.lookup_kid_jwk({"keys": fit}, kid)


class TownProvider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = TownOIDC

    def redirect(self, request: HttpRequest, process: str, *args: Any, **kwargs: Any) -> Any:
        nonce = secrets.token_urlsafe(24)
        kwargs["auth_params"] = {
            **(kwargs.get("auth_params") or self.get_auth_params()),
            "nonce": nonce,
        }
        return super().redirect(request, process, *args, nonce=nonce, **kwargs)

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        addresses = super().extract_email_addresses(data)
        for address in addresses:
            address.verified = address.verified is True
        return addresses  # type: ignore[no-any-return]


class Callback(OAuth2CallbackView):  # type: ignore[misc]
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, response


@login_not_required
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = TownOIDC(request, provider_id)
    try:
        response: HttpResponse = OAuth2LoginView.adapter_view(adapter)(request)
        if response.status_code == 200:
            # The form on this page ends at the provider; browsers hold the redirect to form-action.
            parts = urlsplit(adapter.openid_config["authorization_endpoint"])
            response._csp_update = {  # type: ignore[attr-defined]
                "form-action": [f"{parts.scheme}://{parts.netloc}"]
            }
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except (RequestException, KeyError, ValueError):
        return unanswered(request, adapter)
    return response


@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = TownOIDC(request, provider_id)
    try:
        response: HttpResponse = Callback.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except (RequestException, KeyError, ValueError):
        return unanswered(request, adapter)
    return response


def unanswered(request: HttpRequest, adapter: TownOIDC) -> HttpResponse:
    """The page for a provider that is down or speaks nonsense; nothing of ours is lost."""
    page: HttpResponse = render_authentication_error(request, adapter.get_provider())
    return page
