"""How the work is going, for Prometheus. Numbers only: no town is named, nobody is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from parvis.core.db import as_town
from parvis.municipalities.models import Municipality
from parvis.notifications.models import Lane, Message, Outcome, Work

RECENT = timedelta(hours=1)


class Measures(Collector):
    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("parvis_towns", "Towns served", value=Municipality.objects.count())
        yield from self.lanes()
        yield self.outcomes()

    def lanes(self) -> Iterable[Metric]:
        """Work that is due and not done: how much, and how long the oldest has waited."""
        due = Work.objects.exclude(state=Work.State.DONE).filter(not_before__lte=self.now)
        rows = {
            (row["lane"], row["channel"]): row
            for row in due.values("lane", "channel").annotate(
                count=Count("pk"), oldest=Min("not_before"), claims=Max("claims")
            )
        }
        labels = ["lane", "channel"]
        count = GaugeMetricFamily("parvis_work_due", "Chunks due and not done", labels=labels)
        oldest = GaugeMetricFamily(
            "parvis_work_oldest_seconds", "Age of the oldest chunk due", labels=labels
        )
        claims = GaugeMetricFamily(
            "parvis_work_most_claims", "Most often that an open chunk was taken up", labels=labels
        )
        for lane in Lane:
            for channel in ("inapp", "email", "push", "text", "voice"):
                row = rows.get((lane.value, channel))
                names = [lane.name.lower(), channel]
                age = (self.now - row["oldest"]).total_seconds() if row else 0
                count.add_metric(names, row["count"] if row else 0)
                oldest.add_metric(names, age)
                claims.add_metric(names, row["claims"] if row else 0)
        return count, oldest, claims

    def outcomes(self) -> Metric:
        """What became of the messages planned in the last hour."""
        found: Counter[tuple[str, str]] = Counter()
        for pk in Municipality.objects.values_list("pk", flat=True):
            with as_town(pk):
                recent = list(
                    Message.objects.of(pk)
                    .filter(created_at__gte=self.now - RECENT)
                    .values_list("pk", flat=True)
                )
                rows = (
                    Outcome.objects.of(pk)
                    .filter(message_id__in=recent, is_final=True)
                    .values_list("channel", "state")
                    .annotate(count=Count("pk"))
                )
                for channel, state, count in rows:
                    found[channel, state] += count
        family = GaugeMetricFamily(
            "parvis_outcomes_recent",
            "Final outcomes of messages planned in the last hour",
            labels=["channel", "state"],
        )
        for names, count in sorted(found.items()):
            family.add_metric(list(names), count)
        return family


def exposition(*, now: datetime) -> bytes:
    """The measures, as text. Computed when asked: every web process says the same."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measures(now))
    return generate_latest(registry)
