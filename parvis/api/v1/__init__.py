"""What the town publishes, for programs: stable shapes, public data only."""

from __future__ import annotations

from ninja import NinjaAPI

from parvis.api.v1.announcements import router as announcements
from parvis.api.v1.problems import say_problems
from parvis.api.v1.resources import router as resources
from parvis.api.v1.subjects import router as subjects
from parvis.api.v1.territory import router as territory

api = NinjaAPI(
    title="Parvis",
    version="1.0",
    description="Public data of one municipality: announcements, subjects, sectors, what is lent.",
    urls_namespace="api",
    # The documentation pages of the library load scripts from elsewhere; the schema is enough.
    docs_url=None,
)
api.add_router("", announcements)
api.add_router("", subjects)
api.add_router("", territory)
api.add_router("", resources)
say_problems(api)

__all__ = ["api"]
