"""What texts and calls have in common: groups, providers by weight, fail-over, lost answers.

People notice a text that comes twice, and a provider cannot be told «this is the same again». So
a group is written down before and after, as letters are; and where an answer was lost, the
provider is asked what it took before anything leaves once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import lines, providers, rules
from parvis.notifications.channels import Keeper, Parcel, Result, State
from parvis.notifications.models import Outcome
from parvis.notifications.providers import Provider
from parvis.notifications.telephony import TOGETHER, Fate, Handed

BUDGET = 35.0
"""Seconds after which a group begins no further round. The lease, renewed before each, outlasts
one round."""
SLOW = 0.5
"""Share of the time-out beyond which an answer counts as a failure, where another could serve."""


@dataclass(frozen=True, slots=True)
class Recipient:
    contact_id: int
    number: str
    resident_id: int
    language: str


@dataclass(frozen=True)
class Way:
    """How this channel hands one over, and how it asks what a provider took. HTTP only."""

    use: str
    providers: Sequence[Provider]
    hand: Callable[[Provider, Recipient], Handed]
    taken: Callable[[Provider, Recipient], bool | None]
    accepted: str = State.HANDED_OVER
    """What it is once a provider took it: a call has yet to be answered."""


@dataclass
class Round:
    """Where one recipient stands: providers not yet asked, and what the last one said."""

    person: Recipient
    left: list[Provider]
    reason: str = "provider_silent"
    waits: list[float] = field(default_factory=list)


def deliver(
    parcel: Parcel, keeper: Keeper, people: Sequence[Recipient], way: Way
) -> Iterator[Result]:
    """Hand over by groups; what a crash leaves in doubt is one group, never a chunk."""
    found = {person.contact_id for person in people}
    for contact_id in parcel.recipients:
        if contact_id not in found:
            yield Result(contact_id, State.WITHDRAWN, "withdrawn")
    doubtful = in_doubt(parcel)
    # The fastest sets the size: a slow one that stands by must not make groups of one.
    fastest = max(int(one.per_second) for one in way.providers)
    size = max(1, min(TOGETHER, rules.GROUP, fastest))
    for start in range(0, len(people), size):
        group = people[start : start + size]
        spared = keeper.spare([person.contact_id for person in group])
        group = [person for person in group if person.contact_id not in spared]
        if not group:
            continue
        if not keeper.intend([person.contact_id for person in group]):
            return
        results = hand_over(parcel, keeper, group, way, doubtful)
        if not keeper.settle(results):
            return
        yield from results


def in_doubt(parcel: Parcel) -> set[int]:
    """Contacts that may have it already: a crash, or an answer lost, in an earlier attempt."""
    town = parcel.municipality.pk
    with as_town(town):
        lost = Outcome.objects.of(town).filter(
            message_id=parcel.message.pk, channel=parcel.chunk.channel, reason="answer_lost",
            contact_id__in=parcel.recipients,
        )  # fmt: skip
        return set(parcel.chunk.intent) | set(lost.values_list("contact_id", flat=True))


def reported(parcel: Parcel, contact_ids: set[int]) -> set[int]:
    """Those of whom the provider already reported how it ended: it took the message."""
    town = parcel.municipality.pk
    with as_town(town):
        rows = Outcome.objects.of(town).filter(
            message_id=parcel.message.pk, channel=parcel.chunk.channel, contact_id__in=contact_ids,
            state__in=[State.BOUNCED, State.DELIVERED],
        )  # fmt: skip
        return set(rows.values_list("contact_id", flat=True))


def hand_over(
    parcel: Parcel, keeper: Keeper, group: Sequence[Recipient], way: Way, doubtful: set[int]
) -> list[Result]:
    """One result for each of the group: through the first provider that takes it.

    Ends early when the lease is lost; `settle` then refuses what was found.
    """
    results: list[Result] = []
    seed = parcel.message.identity
    waiting = [
        Round(person, providers.order(way.providers, f"{seed}:{person.contact_id}"))
        for person in group
    ]
    with ThreadPoolExecutor(max_workers=TOGETHER) as pool:
        uncertain = [one for one in waiting if one.person.contact_id in doubtful]
        if uncertain:
            known = reported(parcel, {one.person.contact_id for one in uncertain})
            asked = list(pool.map(lambda one: was_taken(way, one.person), uncertain))
            for one, taken in zip(uncertain, asked, strict=True):
                contact = one.person.contact_id
                if taken or contact in known:
                    results.append(ended(one, State.HANDED_OVER))
                    waiting.remove(one)
                elif taken is None and not parcel.urgent:
                    results.append(ended(one, State.UNCERTAIN, "in_doubt"))
                    waiting.remove(one)
        ends = time.monotonic() + BUDGET
        while waiting and time.monotonic() < ends:
            # All of them, also who was handed over in an earlier round: nothing says so yet, and
            # whoever takes the chunk up after a crash must ask the providers about each.
            if not keeper.intend([person.contact_id for person in group]):
                return results
            waiting = one_round(parcel, waiting, way, pool, results)
    results += [later(parcel, one) for one in waiting]
    return results


def one_round(
    parcel: Parcel, waiting: list[Round], way: Way, pool: ThreadPoolExecutor, results: list[Result]
) -> list[Round]:
    """Ask each recipient's next provider; answer who must be tried with another."""
    now = timezone.now()
    by_provider: dict[str, list[Round]] = {}
    for one in waiting:
        if not one.left:
            results.append(later(parcel, one))
            continue
        by_provider.setdefault(one.left[0].name, []).append(one)
    again: list[Round] = []
    sent: list[tuple[Round, Provider, float]] = []
    for people in by_provider.values():
        provider = people[0].left[0]
        leave = lines.take_leave(provider, way.use, len(people), now=now)
        for one in people:
            one.left.pop(0)
        sent += [(one, provider, leave.wait) for one in people[: leave.granted]]
        for one in people[leave.granted :]:
            one.waits.append(max(leave.wait, 1.0))
            again.append(one)

    def go(turn: tuple[Round, Provider, float]) -> tuple[Handed, float]:
        one, provider, wait = turn
        time.sleep(wait)
        began = time.monotonic()
        answer = way.hand(provider, one.person)
        if answer.fate is Fate.LOST and way.taken(provider, one.person):
            answer = Handed(Fate.ACCEPTED)
        return answer, time.monotonic() - began

    answers = list(pool.map(go, sent))
    for (one, _provider, _wait), (answer, _seconds) in zip(sent, answers, strict=True):
        match answer.fate:
            case Fate.ACCEPTED:
                results.append(ended(one, way.accepted))
            case Fate.REFUSED:
                results.append(ended(one, State.UNDELIVERABLE, answer.reason))
            case Fate.LOST:
                one.reason = answer.reason
                results.append(later(parcel, one))
            case Fate.BUSY:
                one.reason = answer.reason
                one.waits.append(answer.after)
                again.append(one)
    for provider in way.providers:
        told = [
            (answer, seconds)
            for (_one, asked, _wait), (answer, seconds) in zip(sent, answers, strict=True)
            if asked == provider
        ]
        learn(way, provider, told)
    return again


def learn(way: Way, provider: Provider, told: Sequence[tuple[Handed, float]]) -> None:
    """Let a provider that fails, or dawdles while another could serve, rest."""
    if not told:
        return
    limit = settings.TELEPHONY_TIMEOUT * SLOW
    several = len(way.providers) > 1
    fault, after, failed = "", 0.0, 0
    for answer, seconds in told:
        if answer.fate in {Fate.BUSY, Fate.LOST}:
            failed, after = failed + 1, max(after, answer.after)
            fault = answer.fault or fault
        elif several and seconds > limit:
            failed, fault = failed + 1, fault or "répond lentement"
    lines.note_answers(
        provider, way.use, good=len(told) - failed, failed=failed, after=after, fault=fault,
        now=timezone.now(),
    )  # fmt: skip


def was_taken(way: Way, person: Recipient) -> bool | None:
    """Whether any provider took it; None when one that may have cannot say."""
    answers = [way.taken(provider, person) for provider in way.providers]
    if any(answers):
        return True
    return None if None in answers else False


def ended(one: Round, state: str, reason: str = "") -> Result:
    return Result(one.person.contact_id, state, reason, resident_id=one.person.resident_id)


def later(parcel: Parcel, one: Round) -> Result:
    """Planned again: after what the providers ask for, and each time later."""
    attempt = parcel.chunk.attempt + 1
    pause = rules.text_pause(attempt, urgent=parcel.urgent).total_seconds()
    after = max(pause, min(one.waits, default=0.0))
    return Result(
        one.person.contact_id, State.RETRY, one.reason, after, resident_id=one.person.resident_id
    )
