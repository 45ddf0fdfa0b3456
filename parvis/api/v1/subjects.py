"""Subjects: what announcements are about, and what a resident may follow."""

from __future__ import annotations

from ninja import Router, Schema

from parvis.notifications.models import Subject
from parvis.residents.http import TownRequest

router = Router(tags=["subjects"])


class SubjectLine(Schema):
    id: int
    name: str
    detail: str
    emergency: bool


class SubjectList(Schema):
    items: list[SubjectLine]


@router.get("/subjects", response=SubjectList, summary="Subjects in use")
def list_subjects(request: TownRequest) -> dict[str, object]:
    rows = Subject.objects.of(request.municipality).filter(archived_at__isnull=True)
    return {
        "items": [
            {"id": row.pk, "name": row.name, "detail": row.detail, "emergency": row.is_emergency}
            for row in rows
        ]
    }
