"""What the town says, as residents and visitors read it."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db.models.query import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from parvis.announcements import certificates, pages
from parvis.announcements.models import Announcement, PublicNotice
from parvis.core import live
from parvis.core.htmx import page_or_part
from parvis.notifications.models import Subject
from parvis.residents.http import TownRequest
from parvis.territory import drawing
from parvis.territory.models import Address, Sector
from parvis.territory.search import find, hint

PER_PAGE = 20
RECENTLY_LIFTED = 3


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _conditional(request: TownRequest, etag: str) -> HttpResponse | None:
    """The short answer «nothing new», to a browser that is nobody's."""
    if request.user.is_authenticated or "messages" in request.COOKIES:
        return None
    answer = get_conditional_response(request, etag=etag)
    return answer if isinstance(answer, HttpResponse) else None


def _with_etag(request: TownRequest, response: HttpResponse, etag: str) -> HttpResponse:
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    if not request.user.is_authenticated:
        response["ETag"] = etag
        # Kept by the browser, and asked about each time.
        response["Cache-Control"] = "private, no-cache"
    return response


class Filters:
    """What the list was narrowed to; what cannot be is left aside."""

    def __init__(self, request: TownRequest, place: pages.Here) -> None:
        self.place = place
        wanted = request.GET.get("secteur", "")
        self.mine = wanted == "moi" and bool(place.addresses)
        self.sector_id = _number(wanted)
        self.subject_id = _number(request.GET.get("sujet", ""))

    @property
    def active(self) -> bool:
        return self.mine or self.sector_id is not None or self.subject_id is not None

    def narrow(self, rows: QuerySet[Announcement]) -> QuerySet[Announcement]:
        if self.mine:
            rows = rows.concerning(  # type: ignore[attr-defined]
                sector_ids=self.place.sector_ids, address_ids=self.place.address_ids
            )
        elif self.sector_id is not None:
            rows = rows.concerning(sector_ids=[self.sector_id])  # type: ignore[attr-defined]
        if self.subject_id is not None:
            rows = rows.filter(subject_id=self.subject_id)
        return rows


@login_not_required
@require_safe
def index(request: TownRequest) -> HttpResponse:
    """What stands, what comes, what is new, what was lifted lately."""
    now = timezone.now()
    etag = "" if request.user.is_authenticated else pages.list_etag(request, now)
    if answer := _conditional(request, etag):
        return answer
    town = request.municipality
    place = pages.here(request)
    chosen = Filters(request, place)
    sectors = list(Sector.objects.of(town))
    names = {one.pk: one.name for one in sectors}
    rows = Announcement.objects.of(town)

    def listed(found: QuerySet[Announcement], most: int = 100) -> list[pages.Line]:
        narrowed = pages.light(chosen.narrow(found))[:most]
        return pages.lines(narrowed, sectors=names, place=place)

    standing = listed(rows.standing(now))
    news = Paginator(chosen.narrow(pages.light(rows.news(now))), PER_PAGE).get_page(
        request.GET.get("page")
    )
    facts: dict[str, Any] = {
        "chosen": chosen,
        "standing": standing,
        "at_home": sum(line.at_home for line in standing),
        "upcoming": listed(rows.upcoming(now)),
        "news": news,
        "news_lines": pages.lines(news.object_list, sectors=names, place=place),
        "ended": listed(rows.ended(now), RECENTLY_LIFTED),
        "sectors": sectors,
        "subjects": Subject.objects.of(town).filter(archived_at__isnull=True),
        "map": _map(request, sectors, [line.announcement for line in standing], place),
        "live": live.link(request.get_host(), town.pk, "announcements"),
        "again": request.get_full_path(),
    }
    page = page_or_part(request, "announcements/index.html", "announcements/_list.html")
    return _with_etag(request, render(request, page, facts), etag)


def _map(
    request: TownRequest, sectors: list[Sector], shown: list[Announcement], place: pages.Here
) -> dict[str, Any] | None:
    """The sectors that something in force names: the emergencies alone when there is one."""
    urgent = [row for row in shown if row.is_emergency]
    rows = urgent or shown
    hatched = {pk for row in rows for pk in row.sector_ids}
    if not hatched:
        return None
    tone = "urgence" if urgent else "avis"
    home = next((one for one in place.addresses if one.longitude is not None), None)
    pin = (home.longitude, home.latitude) if home and home.longitude and home.latitude else None
    return drawing.town_map(request.municipality, hatched, tone=tone, pin=pin, sectors=sectors)


def _listing(
    request: TownRequest, rows: QuerySet[Announcement], template: str, **more: Any
) -> HttpResponse:
    """A plain list, page by page."""
    now = timezone.now()
    etag = "" if request.user.is_authenticated else pages.list_etag(request, now)
    if answer := _conditional(request, etag):
        return answer
    place = pages.here(request)
    page = Paginator(pages.light(rows), PER_PAGE).get_page(request.GET.get("page"))
    names = pages.sector_names(request.municipality)
    facts = {
        "page": page,
        "lines": pages.lines(page.object_list, sectors=names, place=place),
        **more,
    }
    return _with_etag(request, render(request, template, facts), etag)


@login_not_required
@require_safe
def ended(request: TownRequest) -> HttpResponse:
    rows = Announcement.objects.of(request.municipality).ended(timezone.now())
    return _listing(request, rows, "announcements/ended.html")


@login_not_required
@require_safe
def archives(request: TownRequest) -> HttpResponse:
    rows = Announcement.objects.of(request.municipality).archives(timezone.now())
    return _listing(request, rows, "announcements/archives.html")


@login_not_required
@require_safe
def public_notices(request: TownRequest) -> HttpResponse:
    """The legal notices, whatever became of them since: the law keeps them."""
    kind = request.GET.get("sorte", "")
    rows = Announcement.objects.of(request.municipality).readable()
    rows = rows.filter(public_notice__isnull=False).select_related("public_notice")
    if kind in PublicNotice.Kind.values:
        rows = rows.filter(public_notice__kind=kind)
    rows = rows.order_by("-published_at", "-id")
    return _listing(
        request, rows, "announcements/public_notices.html", kinds=PublicNotice.Kind.choices,
        kind=kind,
    )  # fmt: skip


def _found(request: TownRequest, pk: int) -> Announcement:
    found: Announcement | None = (
        Announcement.objects.of(request.municipality)
        .readable()
        .select_related("subject", "municipality", "public_notice")
        .defer("search")
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise Http404
    return found


@login_not_required
@require_safe
def short(request: TownRequest, pk: int) -> HttpResponse:
    """The address that a texto can hold."""
    return redirect(_found(request, pk))


@login_not_required
@require_safe
def page(request: TownRequest, pk: int, slug: str) -> HttpResponse:
    """One announcement: what it changes, where, since when, and what became of it."""
    now = timezone.now()
    announcement = _found(request, pk)
    wanted = request.GET.get("langue", "")
    if slug != announcement.slug:
        query = f"?{request.META['QUERY_STRING']}" if request.META["QUERY_STRING"] else ""
        return redirect(f"{announcement.get_absolute_url()}{query}", permanent=True)
    status = pages.status(announcement, now)
    etag = _page_etag(request, announcement, status)
    if answer := _conditional(request, etag):
        return answer
    pages.note_opened(request, announcement, now=now)
    place = pages.here(request)
    sectors = list(Sector.objects.of(request.municipality))
    versions = list(announcement.versions.all())
    said, languages = pages.words(announcement, wanted)
    address, found, asked = _asked_address(request)
    pictures = [pages.shown(one) for one in announcement.pictures.all()]
    url = request.build_absolute_uri(announcement.get_absolute_url())
    facts = {
        "announcement": announcement,
        "status": status,
        "in_force": announcement.is_in_force(now),
        "words": said,
        "languages": languages,
        "where": pages.where(announcement, {one.pk: one.name for one in sectors}),
        "updates": pages.history(announcement, versions),
        "version": versions[0].number if versions else 1,
        "pictures": pictures,
        "attachments": list(announcement.attachments.all()),
        "notice": getattr(announcement, "public_notice", None),
        "homes": [(one, pages.touches(announcement, one)) for one in place.addresses],
        "map": _page_map(request, announcement, sectors, place),
        "url": url if said.language == "fr" else f"{url}?langue={said.language}",
        "french_url": url,
        "social": request.build_absolute_uri(pictures[0].social) if pictures else "",
        "address": address,
        "address_touched": address is not None and pages.touches(announcement, address),
        "name": "adresse",
        "id": "id_adresse",
        "typed": asked,
        "found": found,
        "picked": address.pk if address else None,
        "hint": hint(asked, found) if asked and address is None else "",
    }
    return _with_etag(request, render(request, "announcements/page.html", facts), etag)


def _page_etag(request: TownRequest, announcement: Announcement, status: pages.Status) -> str:
    parts = (
        announcement.pk,
        announcement.token,
        announcement.revised_at.isoformat(),
        status.word,
        timezone.localdate().isoformat(),
        int(request.municipality.updated_at.timestamp()),
    )  # fmt: skip
    digest = hashlib.sha256(f"{parts}|{request.get_full_path()}".encode()).hexdigest()
    return f'"{digest[:32]}"'


def _page_map(
    request: TownRequest, announcement: Announcement, sectors: list[Sector], place: pages.Here
) -> dict[str, Any] | None:
    if announcement.area is None and not announcement.sector_ids:
        return None
    home = next((one for one in place.addresses if one.longitude is not None), None)
    pin = (home.longitude, home.latitude) if home and home.longitude and home.latitude else None
    return drawing.town_map(
        request.municipality, announcement.sector_ids, tone=announcement.tone, pin=pin,
        drawn=announcement.area, sectors=sectors,
    )  # fmt: skip


def _asked_address(request: TownRequest) -> tuple[Address | None, list[Address], str]:
    """The address to check: chosen, or typed when only one answers."""
    asked = request.GET.get("adresse_q", "").replace("\x00", "")[:200].strip()
    chosen = _number(request.GET.get("adresse", ""))
    rows = Address.objects.of(request.municipality)
    if chosen is not None and (address := rows.filter(pk=chosen).first()):
        return address, [address], asked or str(address)
    found = find(request.municipality, asked) if asked else []
    return (found[0] if len(found) == 1 else None), found, asked


@login_not_required
@require_safe
def certificate(request: TownRequest, pk: int) -> HttpResponse:
    """The certificate of publication of a public notice, to read or print."""
    announcement = _certified(request, pk)
    return render(
        request,
        "announcements/certificate.html",
        {
            "announcement": announcement,
            "notice": announcement.public_notice,
            "words": pages.words(announcement, "fr")[0],
        },
    )


@login_not_required
@require_safe
def certificate_pdf(request: TownRequest, pk: int) -> HttpResponse:
    announcement = _certified(request, pk)
    response = HttpResponse(certificates.pdf(announcement), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="certificat-{announcement.pk}.pdf"'
    return response


def _certified(request: TownRequest, pk: int) -> Announcement:
    found = _found(request, pk)
    notice = getattr(found, "public_notice", None)
    if notice is None or notice.certified_at is None:
        raise Http404
    return found
