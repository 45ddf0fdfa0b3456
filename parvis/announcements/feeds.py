"""The list of announcements for feed readers: Atom (RFC 4287) and JSON Feed 1.1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.xmlreader import AttributesImpl

from django.contrib.auth.decorators import login_not_required
from django.db.models import Max
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import require_safe

from parvis.announcements import pages, rules
from parvis.announcements.markdown import excerpt, to_html
from parvis.announcements.models import Announcement
from parvis.residents.http import TownRequest

NEWEST = 50


class Feed(Atom1Feed):
    """Atom with the whole text of each entry beside its summary."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.startElement("content", AttributesImpl({"type": "html", "xml:lang": "fr-CA"}))
        handler.characters(item["html"])
        handler.endElement("content")


def _entries(request: TownRequest) -> list[Announcement]:
    rows = (
        Announcement.objects.of(request.municipality)
        .published(timezone.now())
        .select_related("subject")
        .prefetch_related("pictures")
        .annotate(said_at=Max("versions__at"))
        .defer("search")
        .order_by("-published_at", "-id")
    )
    subject = request.GET.get("sujet", "")
    if subject.isdecimal() and len(subject) < 19:
        rows = rows.filter(subject_id=int(subject))
    return list(rows[:NEWEST])


def _title(announcement: Announcement) -> str:
    lifted = announcement.state == rules.LIFTED
    return f"{_('Levé')}\u00a0: {announcement.title}" if lifted else announcement.title


def _updated(announcement: Announcement) -> datetime:
    said_at: datetime = getattr(announcement, "said_at", None) or announcement.revised_at
    return max(said_at, announcement.lifted_at or said_at)


def _identity(request: TownRequest, announcement: Announcement) -> str:
    """The same for ever, whatever becomes of the title (RFC 4151)."""
    day = announcement.published_at.date() if announcement.published_at else ""
    return f"tag:{request.get_host().split(':')[0]},{day}:avis/{announcement.pk}"


def _answer(request: TownRequest, etag: str) -> HttpResponse | None:
    found = get_conditional_response(request, etag=etag)
    return found if isinstance(found, HttpResponse) else None


def _kept(response: HttpResponse, etag: str) -> HttpResponse:
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=300"
    return response


def _heading(request: TownRequest) -> Mapping[str, str]:
    town = request.municipality
    return {
        "title": f"{_('Avis')} — {town.name}",
        "home": request.build_absolute_uri(reverse("announcements:index")),
        "self": request.build_absolute_uri(),
    }


@login_not_required
@require_safe
def atom(request: TownRequest) -> HttpResponse:
    etag = pages.list_etag(request, timezone.now())
    if answer := _answer(request, etag):
        return answer
    heading, town = _heading(request), request.municipality
    feed = Feed(
        title=heading["title"],
        link=heading["home"],
        description="",
        language="fr-CA",
        author_name=town.name,
        feed_url=heading["self"],
        feed_guid=f"tag:{request.get_host().split(':')[0]},2020:avis",
    )
    for one in _entries(request):
        feed.add_item(
            title=_title(one),
            link=request.build_absolute_uri(one.get_absolute_url()),
            description=one.summary or excerpt(one.text),
            unique_id=_identity(request, one),
            pubdate=one.published_at,
            updateddate=_updated(one),
            categories=[one.subject.name] if one.subject else [],
            author_name=one.signed_by or town.name,
            html=str(to_html(one.text)),
        )
    content = feed.writeString("utf-8")
    return _kept(HttpResponse(content, content_type="application/atom+xml; charset=utf-8"), etag)


@login_not_required
@require_safe
def json_feed(request: TownRequest) -> HttpResponse:
    etag = pages.list_etag(request, timezone.now())
    if answer := _answer(request, etag):
        return answer
    heading, town = _heading(request), request.municipality
    now = timezone.now()
    items = []
    for one in _entries(request):
        item: dict[str, Any] = {
            "id": _identity(request, one),
            "url": request.build_absolute_uri(one.get_absolute_url()),
            "title": _title(one),
            "content_html": str(to_html(one.text)),
            "date_published": one.published_at.isoformat() if one.published_at else None,
            "date_modified": _updated(one).isoformat(),
            "tags": [one.subject.name] if one.subject else [],
            "authors": [{"name": one.signed_by or town.name}],
            "_parvis": {
                "in_force": one.is_in_force(now),
                "in_force_from": _iso(one.in_force_from),
                "in_force_until": _iso(one.in_force_until),
                "lifted_at": _iso(one.lifted_at),
            },
        }
        if one.summary:
            item["summary"] = one.summary
        if pictures := list(one.pictures.all()):
            item["image"] = request.build_absolute_uri(pages.shown(pictures[0]).social)
        items.append(item)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": heading["title"],
        "home_page_url": heading["home"],
        "feed_url": heading["self"],
        "language": "fr-CA",
        "authors": [{"name": town.name}],
        "items": items,
    }
    response = JsonResponse(
        feed, json_dumps_params={"ensure_ascii": False}, content_type="application/feed+json"
    )
    return _kept(response, etag)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
