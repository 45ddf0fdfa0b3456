"""The town's messages for machines: Atom (RFC 4287) of CAP files, the files, the certificates."""

from __future__ import annotations

from typing import Any
from xml.sax.xmlreader import AttributesImpl

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import require_safe

from parvis.alerts.cap_models import CapFile, SigningKey
from parvis.residents.http import TownRequest

NEWEST = 50
CAP_TYPE = "application/cap+xml"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_MINUTE = "public, max-age=60"


class Feed(Atom1Feed):
    """Each entry leads to its message by a link of its type."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        link = {"rel": "alternate", "type": CAP_TYPE, "href": item["cap"]}
        handler.startElement("link", AttributesImpl(link))
        handler.endElement("link")


@login_not_required
@require_safe
def atom(request: TownRequest) -> HttpResponse:
    """The newest messages, drills and what ended included: each says what it is."""
    town = request.municipality
    rows = list(CapFile.objects.of(town).defer("content").order_by("-id")[:NEWEST])
    etag = f'"cap-{town.pk}-{rows[0].pk if rows else 0}"'
    if answer := _unchanged(request, etag):
        return answer
    host = request.get_host().split(":")[0]
    feed = Feed(
        title=f"{_('Alertes')} — {town.name}",
        link=request.build_absolute_uri(reverse("alerts:index")),
        description="",
        language="fr-CA",
        author_name=town.name,
        feed_url=request.build_absolute_uri(),
        feed_guid=f"tag:{host},2020:alertes",
    )
    for one in rows:
        feed.add_item(
            title=one.title,
            link=request.build_absolute_uri(reverse("alerts:page", args=[one.alert_id])),
            description=None,  # type: ignore[arg-type]  # the library leaves it out
            unique_id=one.reference.split(",")[1],
            pubdate=one.sent_at,
            updateddate=one.sent_at,
            author_name=town.name,
            cap=request.build_absolute_uri(
                reverse("alert_feeds:revision", args=[one.alert_id, one.number])
            ),
        )
    content = feed.writeString("utf-8")
    response = HttpResponse(content, content_type="application/atom+xml; charset=utf-8")
    return _kept(response, etag, FOR_A_MINUTE)


@login_not_required
@require_safe
def newest(request: TownRequest, alert_id: int) -> HttpResponse:
    """The last message of an alert."""
    return _file(request, FOR_A_MINUTE, alert_id=alert_id)


@login_not_required
@require_safe
def revision(request: TownRequest, alert_id: int, number: int) -> HttpResponse:
    """One message, which never changes."""
    return _file(request, FOR_EVER, alert_id=alert_id, number=number)


@login_not_required
@require_safe
def certificates(request: TownRequest) -> HttpResponse:
    """Those of the town, the newest first: former ones for the messages that they signed."""
    rows = SigningKey.objects.of(request.municipality).order_by("-id")
    content = "".join(rows.values_list("certificate", flat=True))
    if not content:
        raise Http404
    return HttpResponse(content, content_type="application/x-pem-file")


def _file(request: TownRequest, kept: str, **which: int) -> HttpResponse:
    rows = CapFile.objects.of(request.municipality).filter(**which)
    row: CapFile | None = rows.order_by("-number").first()
    if row is None:
        raise Http404
    etag = f'"{row.sha256}"'
    if answer := _unchanged(request, etag):
        return answer
    response = HttpResponse(row.octets, content_type=CAP_TYPE)
    response["Content-Disposition"] = f'inline; filename="{row.name}"'
    return _kept(response, etag, kept)


def _unchanged(request: TownRequest, etag: str) -> HttpResponse | None:
    found = get_conditional_response(request, etag=etag)
    return found if isinstance(found, HttpResponse) else None


def _kept(response: HttpResponse, etag: str, kept: str) -> HttpResponse:
    response["ETag"] = etag
    response["Cache-Control"] = kept
    # Anybody may pass a warning on, from any page.
    response["Access-Control-Allow-Origin"] = "*"
    return response
