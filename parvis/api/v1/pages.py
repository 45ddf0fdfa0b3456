"""One page of a list, the same for every list."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query

Limit = Annotated[int, Query(ge=1, le=100, description="How many, 100 at most.")]
Offset = Annotated[int, Query(ge=0, le=100_000, description="How many to skip.")]


def cut(
    request: HttpRequest, rows: QuerySet[Any], *, limit: int, offset: int
) -> tuple[list[Any], int, str | None]:
    """The rows of the page, how many there are in all, and the address of the next page."""
    total = rows.count()
    found = list(rows[offset : offset + limit])
    if offset + limit >= total:
        return found, total, None
    query = request.GET.dict() | {"limit": str(limit), "offset": str(offset + limit)}
    return found, total, f"{request.path}?{urlencode(query)}"
