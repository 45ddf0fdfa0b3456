"""Tell dispatchers that there is work."""

from django.db import connection

CHANNEL = "parvis_work"


def wake_dispatchers() -> None:
    """A hint, sent on commit; a poll each second covers what is missed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
