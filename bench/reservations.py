"""Bookings and availability: per second, beside `libres` on the same PostgreSQL in the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

from bench.scratch import scratch_database

NAME = "reservations"
ROOT = Path(__file__).resolve().parent.parent
ZONE = ZoneInfo("America/Toronto")
FIRST = date(2026, 6, 1)
NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
OPENS, CLOSES = 8, 20
CALENDARS, DAYS = 50, 31
RESOURCES, BOOKINGS = 200, 50_000


def libres_python() -> str:
    """An interpreter that has `libres`, made once under var/bench: nothing else needs it."""
    place = ROOT / "var" / "bench" / "libres"
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "-q", "-r", str(ROOT / "bench" / "libres.txt")],
            check=True,
        )
    return str(python)


def libres_figures(dsn: str) -> dict[str, float]:
    """Runs it on a database of its own on the same server."""
    done = subprocess.run(
        [libres_python(), str(ROOT / "bench" / "libres_side.py"), dsn, str(CALENDARS), str(DAYS)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def instant(day: int, hour: int) -> datetime:
    return datetime.combine(
        FIRST + timedelta(days=day), datetime.min.time(), tzinfo=ZONE
    ).replace(hour=hour).astimezone(UTC)  # fmt: skip


def make_town() -> tuple[Any, Any]:
    from parvis.core.db import as_town
    from parvis.municipalities import actions
    from parvis.residents.models import Place, Resident

    town = actions.open_town(slug="banc", name="Ville de Banc", host="banc.localhost", now=NOW)
    with as_town(town.pk):
        person = Resident.objects.create(
            municipality=town, email="agathe@exemple.ca", first_name="Agathe", joined_at=NOW
        )
        Place.objects.create(municipality=town, resident=person, kind="home", created_at=NOW)
    return town, person


def make_spaces(town: Any, many: int, name: str) -> list[Any]:
    """Open every day; ten different weeks among them."""
    from datetime import time as clock

    from parvis.reservations.models import Hours, Resource, Unit

    spaces = Resource.objects.bulk_create(
        Resource(
            municipality=town, kind="space", state="open", name=f"{name} {number}", days_ahead=700,
            created_at=NOW, revised_at=NOW,
        )
        for number in range(many)
    )  # fmt: skip
    Unit.objects.bulk_create(Unit(municipality=town, resource=one) for one in spaces)
    Hours.objects.bulk_create(
        Hours(
            municipality=town, resource=one, weekday=day, opens=clock(OPENS),
            closes=clock(CLOSES, 5 * (number % 10)),
        )
        for number, one in enumerate(spaces)
        for day in range(7)
    )  # fmt: skip
    return spaces


def fill(town: Any, person: Any, spaces: list[Any], starts: list[tuple[int, datetime]]) -> None:
    """Confirmed bookings of one hour, written set by set: resource's place in the list, start."""
    from parvis.reservations.models import Booking, Taking, Unit

    units = dict(Unit.objects.of(town).values_list("resource_id", "pk"))
    hour = timedelta(hours=1)
    rows = Booking.objects.bulk_create(
        (
            Booking(
                municipality=town, state="confirmed", resident=person, period=(at, at + hour),
                price_class="resident", code=f"{spaces[0].pk}-{n}", created_at=NOW,
                changes_until=at,
            )
            for n, (_place, at) in enumerate(starts)
        ),
        batch_size=2000,
    )  # fmt: skip
    Taking.objects.bulk_create(
        (
            Taking(
                municipality=town, booking=row, resource=spaces[place],
                unit_id=units[spaces[place].pk], period=(at, at + hour), blocked=(at, at + hour),
            )
            for row, (place, at) in zip(rows, starts, strict=True)
        ),
        batch_size=2000,
    )  # fmt: skip


def book_one_by_one(town: Any, person: Any) -> list[float]:
    """600 bookings of one space, each a transaction: rules, price, audit line, letter and all."""
    from parvis.core.db import as_town
    from parvis.reservations import actions
    from parvis.reservations.hours import Span
    from parvis.reservations.readings import Line

    with as_town(town.pk):
        (space,) = make_spaces(town, 1, "Court")
    took = []
    for number in range(300):
        start = instant(number // 12, OPENS + number % 12)
        began = time.perf_counter()
        with as_town(town.pk):
            actions.book(
                resident=person, lines=[Line(space.pk)], now=NOW,
                span=Span(start, start + timedelta(hours=1)),
            )  # fmt: skip
        took.append(time.perf_counter() - began)
    return took


def oversold(town: Any, person: Any) -> int:
    """Eight at once want the same 40 hours: how many of them were lent more than once."""
    from django.db import connection

    from parvis.core.db import as_town
    from parvis.core.errors import Refused
    from parvis.reservations import actions
    from parvis.reservations.hours import Span
    from parvis.reservations.models import Taking
    from parvis.reservations.readings import Line

    with as_town(town.pk):
        (space,) = make_spaces(town, 1, "Course")
    gate = Barrier(8)

    def crowd(_number: int) -> int:
        had = 0
        for number in range(40):
            start = instant(number // 12, OPENS + number % 12)
            gate.wait()
            try:
                with as_town(town.pk):
                    actions.book(
                        resident=person, lines=[Line(space.pk)], now=NOW,
                        span=Span(start, start + timedelta(hours=1)),
                    )  # fmt: skip
                had += 1
            except Refused:
                pass
        connection.close()
        return had

    with ThreadPoolExecutor(8) as pool:
        had = sum(pool.map(crowd, range(8)))
    with as_town(town.pk):
        stand = Taking.objects.of(town).filter(resource=space, stands=True).count()
    return max(had, stand) - 40


def month(town: Any, spaces: list[Any], rounds: int = 15) -> tuple[float, float, int]:
    """Median of the reading of a month, its first time, and its queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from parvis.core.db import as_town
    from parvis.reservations.models import Resource
    from parvis.reservations.months import availability, opened_seconds

    took = []
    opened_seconds.cache_clear()
    ids = [one.pk for one in spaces]
    last = FIRST + timedelta(days=DAYS - 1)
    for _round in range(rounds):
        with as_town(town.pk):
            began = time.perf_counter()
            availability(town, Resource.objects.of(town).filter(pk__in=ids), FIRST, last, now=NOW)
            took.append(time.perf_counter() - began)
    with as_town(town.pk), CaptureQueriesContext(connection) as done:
        availability(town, Resource.objects.of(town).filter(pk__in=ids), FIRST, last, now=NOW)
    return median(took[1:]), took[0], len(done)


def run() -> dict[str, Any]:
    """One process, one client, ours and theirs in turn."""
    with scratch_database("bench_reservations") as dsn:
        import psycopg
        from django.db import connections
        from psycopg.conninfo import conninfo_to_dict

        from parvis.core.db import as_town

        with psycopg.connect(dsn("superuser"), autocommit=True) as conn:
            conn.execute("DROP DATABASE IF EXISTS bench_libres WITH (FORCE)")
            conn.execute("CREATE DATABASE bench_libres")
        told = conninfo_to_dict(dsn("superuser")) | {"dbname": "bench_libres"}
        theirs = libres_figures(sqlalchemy_address(told))
        town, person = make_town()
        took = book_one_by_one(town, person)
        too_many = oversold(town, person)
        with as_town(town.pk):
            fifty = make_spaces(town, CALENDARS, "Lieu")
            fill(town, person, fifty, [
                (place, instant(day, hour))
                for place in range(CALENDARS) for day in range(DAYS)
                for hour in range(OPENS, CLOSES, 6)
            ])  # fmt: skip
            all_of_them = make_spaces(town, RESOURCES, "Salle")
            # A year of bookings, spread evenly: the month asked for holds a twelfth of them.
            fill(town, person, all_of_them, [
                (n % RESOURCES, instant(
                    (n // RESOURCES) * 365 // (BOOKINGS // RESOURCES), OPENS + n % 12
                ))
                for n in range(BOOKINGS)
            ])  # fmt: skip
        with connections["owner"].cursor() as cursor:
            cursor.execute("ANALYZE")
        connections["owner"].close()
        fifty_s, _first, _queries = month(town, fifty)
        month_s, cold_s, queries = month(town, all_of_them)
        with psycopg.connect(dsn("superuser"), autocommit=True) as conn:
            conn.execute("DROP DATABASE IF EXISTS bench_libres WITH (FORCE)")
    per_second = len(took) / sum(took)
    ratio = per_second / theirs["bookings_per_second"]
    lookups = CALENDARS / fifty_s
    return {
        "bookings_per_second": round(per_second, 1),
        "booking_ms": round(1000 * median(took), 2),
        "libres_bookings_per_second": round(theirs["bookings_per_second"], 1),
        "booking_ratio": round(ratio, 2),
        "lookups_per_second": round(lookups, 1),
        "libres_lookups_per_second": round(theirs["lookups_per_second"], 1),
        "availability_ratio": round(lookups / theirs["lookups_per_second"], 1),
        "oversold": too_many,
        "month_200_ms": round(1000 * month_s, 1),
        "month_200_first_ms": round(1000 * cold_s, 1),
        "month_200_queries": queries,
        "promise": "booking_ratio >= 5, availability_ratio >= 10, booking_ms <= 15, "
        "month_200_ms <= 40, month_200_queries <= 6, oversold == 0",
        "kept": ratio >= 5 and lookups / theirs["lookups_per_second"] >= 10
        and 1000 * median(took) <= 15 and 1000 * month_s <= 40 and queries <= 6 and too_many == 0,
    }  # fmt: skip


def sqlalchemy_address(told: dict[str, Any]) -> str:
    """The server's address as SQLAlchemy writes it."""
    user, host = told.get("user", "postgres"), told["host"]
    port = told.get("port") or 5432
    secret = f":{told['password']}" if told.get("password") else ""
    return f"postgresql+psycopg2://{user}{secret}@/{told['dbname']}?host={host}&port={port}"


if __name__ == "__main__":
    os.chdir(ROOT)
    print(json.dumps(run(), indent=1))
