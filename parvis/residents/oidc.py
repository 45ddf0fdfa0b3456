"""OpenID Connect, stricter than the library: nonce, signature, and whose claims these are.

django-allauth checks state and PKCE, issuer, audience and expiry. It takes the token's signature on
trust when TLS brought the token, and sends no nonce. Here both are always checked, the claims of
the userinfo endpoint must be about the subject of the token, and only `email_verified: true` (the
JSON value) makes an address verified.

No call to the provider is made while a transaction or a connection is held: `asks_first` has
each made before the request's transaction opens (discovery, kept for ten minutes; token, claims,
key set), bounded by SOCIALACCOUNT_REQUESTS_TIMEOUT. The view then finds the answer, or the
failure, and writes.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.internal import jwtkit, statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from requests import RequestException

from parvis.core.db import as_town
from parvis.municipalities.middleware import asks_first

CONFIGURATION_KEPT = 600
FAILURES = (OAuth2Error, RequestException, KeyError, ValueError)
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"}


class TownOIDC(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    nonce = ""
    has_asked = False
    """From then on, nothing more is asked of the provider."""
    failure: Exception | None = None
    token: dict[str, Any] | None = None
    said: dict[str, Any]

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_kept"):
            if self.has_asked:
                raise self.failure or RequestException("Not asked beforehand")
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

    def ask(self, state: dict[str, Any]) -> None:
        """Exchange the code of this return for what the provider says of the person."""
        app = self.get_provider().app
        client = self.get_client(self.request, app)
        token = super().get_access_token_data(
            self.request, app, client, pkce_code_verifier=state.get("pkce_code_verifier")
        )
        if not token.get("id_token"):
            raise OAuth2Error("No id_token")
        self.nonce = state.get("nonce", "")
        said: dict[str, Any] = {}
        if app.settings.get("fetch_userinfo", True):
            said["userinfo"] = self._fetch_user_info(token["access_token"])
        said["id_token"] = self._decode_id_token(app, token["id_token"])
        if said.get("userinfo") and said["userinfo"].get("sub") != said["id_token"]["sub"]:
            raise OAuth2Error("Claims about someone else")
        self.token, self.said = token, said

    def get_access_token_data(self, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        if self.token is None:
            raise self.failure or OAuth2Error("Not asked beforehand")
        return self.token

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any
    ) -> Any:
        return self.get_provider().sociallogin_from_response(request, self.said)


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

    def get_oauth2_adapter(self, request: HttpRequest) -> Any:
        return adapter_of(request, self.app.provider_id)

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


def adapter_of(request: HttpRequest, provider_id: str) -> TownOIDC:
    """The adapter that asked for this request, or one that has not asked yet."""
    found = getattr(request, "oidc", None)
    if found is None or found.provider_id != provider_id:
        return TownOIDC(request, provider_id)
    return found  # type: ignore[no-any-return]


def ask_where(request: HttpRequest, provider_id: str) -> None:
    """Read where the provider's doors are, before its page is shown or gone to."""
    _asking(request, provider_id, None)


def ask_who(request: HttpRequest, provider_id: str) -> None:
    """Ask who came back, if this browser left for the provider from here."""
    states: dict[str, Any] = {}
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if key and "code" in request.GET and "error" not in request.GET:
        with as_town(request.municipality.pk):  # type: ignore[attr-defined]
            session = import_module(settings.SESSION_ENGINE).SessionStore(key)
            states = session.get(statekit.STATES_SESSION_KEY) or {}
    # The view takes the state away, and says what is wrong with it; here it is only looked at.
    state, left_at, provider = states.get(request.GET.get("state", ""), ({}, 0, ""))
    if provider == provider_id and time.time() - left_at <= statekit.STATE_TTL:
        _asking(request, provider_id, state)


def _asking(request: HttpRequest, provider_id: str, state: dict[str, Any] | None) -> None:
    adapter = TownOIDC(request, provider_id)
    try:
        if state is None:
            adapter.openid_config  # noqa: B018
        else:
            adapter.ask(state)
    except SocialApp.DoesNotExist:
        return
    except FAILURES as failure:
        adapter.failure = failure
    adapter.has_asked = True
    request.oidc = adapter  # type: ignore[attr-defined]


def let_go() -> None:
    """Give the connection back before waiting for someone else; never inside a transaction."""
    if not connection.in_atomic_block:
        connection.close()


@asks_first(ask_where)
@login_not_required
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = adapter_of(request, provider_id)
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


@asks_first(ask_who)
@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = adapter_of(request, provider_id)
    try:
        response: HttpResponse = OAuth2CallbackView.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    except (RequestException, KeyError, ValueError):
        return unanswered(request, adapter)
    return response


def unanswered(request: HttpRequest, adapter: TownOIDC) -> HttpResponse:
    """The page for a provider that is down or speaks nonsense; nothing of ours is lost."""
    page: HttpResponse = render_authentication_error(request, adapter.get_provider())
    return page
