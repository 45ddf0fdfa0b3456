"""Doors of allauth that the house has strengthened; the others stay as they are."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import path

from parvis.residents import oidc, views
from parvis.residents.sign_in import saying_what_became_of_the_code

codes = saying_what_became_of_the_code

urlpatterns = [
    path("confirmer/<str:token>/", views.confirm_address, name="account_confirm_corrected"),
    path(
        "login/code/confirm/", codes(account.confirm_login_code), name="account_confirm_login_code"
    ),
    path(
        "confirm-email/",
        codes(account.email_verification_sent),
        name="account_email_verification_sent",
    ),
    path(
        "password/reset/confirm/",
        codes(account.confirm_password_reset_code),
        name="account_confirm_password_reset_code",
    ),
    path("oidc/<str:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", oidc.callback, name="openid_connect_callback"),
]
