"""The same bookings and look-ups by `libres`, on the same PostgreSQL; an interpreter of its own.

Arguments: the database's address, calendars, days. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date, datetime, timedelta
from statistics import median

from libres import new_scheduler, registry

ZONE = "America/Toronto"
FIRST = date(2026, 6, 1)
OPENS, CLOSES = 8, 20


def at(day: int, hour: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), datetime.min.time()).replace(hour=hour)


def calendar(context, name: str, days: int):
    scheduler = new_scheduler(context, name, timezone=ZONE)
    scheduler.allocate(
        [(at(day, OPENS), at(day, CLOSES)) for day in range(days)], raster=60,
        partly_available=True,
    )  # fmt: skip
    scheduler.commit()
    return scheduler


def book(scheduler, day: int, hour: int) -> None:
    token = scheduler.reserve("agathe@exemple.ca", (at(day, hour), at(day, hour + 1)))
    scheduler.approve_reservations(token)


def main(dsn: str, calendars: int, days: int) -> None:
    context = registry.register_context("bench")
    context.set_setting("dsn", dsn)
    first = new_scheduler(context, "first", timezone=ZONE)
    first.setup_database()
    first.commit()
    one = calendar(context, "one", 90)
    took = []
    for number in range(300):
        began = time.perf_counter()
        book(one, number // 12, OPENS + number % 12)
        one.commit()
        took.append(time.perf_counter() - began)
    many = [calendar(context, f"many-{number}", days) for number in range(calendars)]
    for scheduler in many:
        for day in range(days):
            for hour in range(OPENS, CLOSES, 6):
                book(scheduler, day, hour)
        scheduler.commit()
    rounds = []
    for _round in range(7):
        began = time.perf_counter()
        for scheduler in many:
            scheduler.availability(at(0, 0), at(days - 1, 23))
        rounds.append(time.perf_counter() - began)
        many[0].session.rollback()
    print(
        json.dumps(
            {
                "bookings_per_second": len(took) / sum(took),
                "booking_ms": 1000 * median(took),
                "lookups_per_second": calendars / median(rounds),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
