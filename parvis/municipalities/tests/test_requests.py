"""A request is one transaction: what fails leaves nothing behind."""

from __future__ import annotations

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from parvis.core.middleware import crashed
from parvis.municipalities.actions import change_town, record
from parvis.municipalities.models import AuditLine, Municipality

handler500 = crashed


@login_not_required
def write(request, end: str) -> HttpResponse:
    """Write twice, then end as asked."""
    change_town(request.municipality, actor=None, help_phone="418 555-0199")
    record("tests.wrote", municipality=request.municipality)
    if end == "raise":
        raise ZeroDivisionError
    return HttpResponse(status=int(end))


urlpatterns = [path("write/<str:end>/", write)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("end", "status", "kept"), [("raise", 500, 0), ("503", 503, 0), ("200", 200, 1)]
)
def test_a_request_that_fails_leaves_nothing_of_what_it_wrote(town, settings, end, status, kept):
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False, headers={"host": "alma.localhost"})
    assert client.get(f"/write/{end}/").status_code == status
    assert AuditLine.objects.of(town).filter(deed="tests.wrote").count() == kept
    phone = Municipality.objects.get(pk=town.pk).help_phone
    assert (phone == "418 555-0199") == bool(kept)
