"""What people ask of the town: one number, one state, one timeline and one thread for each."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.cases import kinds, rules
from parvis.municipalities.models import Owned, OwnedQuerySet, StaffMember
from parvis.residents.models import Fold, Resident
from parvis.residents.rules import search_words, shown_phone


class Via(models.TextChoices):
    """How something came in or went out."""

    PORTAL = "portal", _("Portail")
    EMAIL = "email", _("Courriel")
    COUNTER = "counter", _("Comptoir")
    PHONE = "phone", _("Téléphone")


class Series(Owned):
    """The last number given in a year. Its row is held while a case is opened: no gap, no twin."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "year"], name="one_series_per_year")
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class ClosedDay(Owned):
    """A day on which the town's offices are closed, beside weekends and statutory holidays."""

    day = models.DateField()
    label = models.CharField(max_length=80)

    class Meta:
        ordering: ClassVar = ["day"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "day"], name="one_closure_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.label}"


class CaseQuerySet(OwnedQuerySet):
    def open(self) -> Self:
        """Those in which someone still has something to do."""
        return self.filter(state__in=rules.OPEN)

    def awaiting_town(self) -> Self:
        """Those in which the town has something to do."""
        return self.filter(state__in=rules.OPEN - {rules.WAITING})

    def late(self, now: datetime) -> Self:
        """Those whose promise has passed; while the person is awaited the clock stands still."""
        return self.awaiting_town().filter(due_at__lt=now)

    def of_resident(self, resident: Resident) -> Self:
        return self.of(resident.municipality_id).filter(resident=resident)

    def mine_first(self) -> Self:
        """Open ones first, those that wait for the person before all; then the last changed."""
        turn = models.Case(
            models.When(state=rules.WAITING, then=0),
            models.When(state__in=rules.OPEN, then=1),
            default=2,
        )
        return self.order_by(turn, "-changed_at", "-pk")

    def queued(self) -> Self:
        """The nearest promise first."""
        return self.order_by(F("due_at").asc(nulls_last=True), "pk")

    def found(self, query: str) -> Self:
        """By number, or by words of subject, messages and the person's name."""
        asked = rules.read_number(query)
        if asked is not None:
            return self.filter(year=asked[0], sequence=asked[1])
        words = re.findall(r"\w+", " ".join(search_words(query)))[:8]
        rows = self if words else self.none()
        for word in words:
            wanted = SearchQuery(Value(f"{word}:*"), config="french", search_type="raw")
            people = Resident.objects.filter(pk=OuterRef("resident_id")).found(word)
            written = Message.objects.filter(case=OuterRef("pk"), search=wanted)
            rows = rows.filter(
                Q(search=wanted)
                | Exists(written)
                | Exists(people)
                | Q(pk__in=self.alias(named=Fold("caller_name")).filter(named__contains=word))
            )
        return rows


class Case(Owned):
    """One thing that a person asks of the town. It keeps its number, and is never removed."""

    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=60)
    """Key of `kinds`."""
    reference = models.CharField(max_length=60, blank=True)
    """The thing itself, in the words of the room that opened it: reservation:12."""
    subject = models.CharField(max_length=rules.SUBJECT_MAX, blank=True)
    state = models.CharField(
        max_length=9, choices=list(rules.STATES.items()), default=rules.RECEIVED
    )
    state_at = models.DateTimeField()
    """Since when it is in this state."""
    via = models.CharField(max_length=7, choices=Via, default=Via.PORTAL)
    resident = models.ForeignKey(
        Resident, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    caller_name = models.CharField(max_length=rules.NAME_MAX, blank=True)
    """Someone without an account, written down by a clerk, and how to reach them."""
    caller_email = models.EmailField(blank=True)
    caller_phone = models.CharField(max_length=16, blank=True)
    assignee = models.ForeignKey(
        StaffMember, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    working_days = models.PositiveSmallIntegerField(null=True, blank=True)
    """As promised when it was opened, whatever the kind promises later."""
    due_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    opened_by_id = models.BigIntegerField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    """When the town first answered."""
    changed_at = models.DateTimeField()
    key = models.UUIDField(null=True, blank=True)
    """Drawn by the form: sent twice, it opens one case."""
    erased_at = models.DateTimeField(null=True, blank=True)
    search = models.GeneratedField(
        expression=SearchVector(Fold("subject"), config="french"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = CaseQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "year", "sequence"], name="one_case_per_number"
            ),
            models.UniqueConstraint(fields=["municipality", "key"], name="one_case_per_form"),
            models.CheckConstraint(
                name="case_is_someones",
                condition=Q(resident__isnull=False)
                | ~Q(caller_name="")
                | Q(erased_at__isnull=False),
            ),
            models.CheckConstraint(
                name="case_state_is_known", condition=Q(state__in=list(rules.STATES))
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "resident", "-changed_at"], name="case_mine"),
            models.Index(
                fields=["municipality", "due_at"],
                condition=Q(state__in=sorted(rules.OPEN)),
                name="case_queue",
            ),
            models.Index(fields=["municipality", "reference"], name="case_by_reference"),
            GinIndex(fields=["search"], name="case_search"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return rules.number(self.year, self.sequence)

    @property
    def about(self) -> kinds.Kind:
        return kinds.find(self.kind)

    @property
    def is_open(self) -> bool:
        return self.state in rules.OPEN

    @property
    def person_name(self) -> str:
        """Who asks, as the staff sees it."""
        if self.resident is not None and not self.resident.erased_at:
            return self.resident.name
        return self.caller_name or str(_("Personne effacée"))

    @property
    def shown_phone(self) -> str:
        return shown_phone(self.caller_phone)

    @property
    def url(self) -> str:
        """Where the thing itself is seen, when its room has a page for it."""
        return self.about.url(self) if self.about.url else ""

    @property
    def staff_url(self) -> str:
        """Where the staff sees and decides on what the case is about, when it has a page."""
        return self.about.staff_url(self) if self.about.staff_url else ""

    def is_late(self, now: datetime) -> bool:
        return bool(
            self.due_at and self.due_at < now and self.is_open and self.state != rules.WAITING
        )

    def get_absolute_url(self) -> str:
        return reverse("cases:page", args=[self.pk])


class Message(Owned):
    """One message of the thread. What was written stays; erasing a person empties it."""

    class Side(models.TextChoices):
        RESIDENT = "resident", _("La personne")
        TOWN = "town", _("La Ville")
        NOTE = "note", _("Note interne")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="messages")
    side = models.CharField(max_length=8, choices=Side)
    via = models.CharField(max_length=7, choices=Via, default=Via.PORTAL)
    at = models.DateTimeField()
    author_id = models.BigIntegerField(null=True, blank=True)
    """Who wrote it down: for a letter or a call, who it is from is the case's person."""
    text = models.TextField(blank=True)
    whole = models.TextField(blank=True)
    """The whole letter, with what was quoted in it and cut from `text`."""
    letter_id = models.CharField(max_length=250, blank=True)
    """Message-ID of the letter it came by."""
    key = models.UUIDField(null=True, blank=True)
    """Drawn by the form: sent twice, it is one message."""
    search = models.GeneratedField(
        expression=SearchVector(Fold("text"), config="french"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "key"], name="one_message_per_form"),
            models.UniqueConstraint(
                fields=["municipality", "letter_id"],
                condition=~Q(letter_id=""),
                name="one_message_per_letter",
            ),
        ]
        indexes: ClassVar = [GinIndex(fields=["search"], name="case_message_search")]

    def __str__(self) -> str:
        return f"{self.side} in case {self.case_id}"


class Attachment(Owned):
    """A file that came or went with a message."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    folder = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8)
    """Extension that the content was found to have: pdf, jpg…"""
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "folder"], name="one_case_file_per_folder"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Event(Owned):
    """One line of a case's timeline. Append-only, and without words: nothing to erase in it."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("Demande reçue")
        MOVED = "moved", _("État changé")
        ASSIGNED = "assigned", _("Confiée")
        RELEASED = "released", _("Remise à la file")
        REPLIED = "replied", _("Message de la personne")
        ANSWERED = "answered", _("Message de la Ville")
        NOTED = "noted", _("Note interne")
        POSTPONED = "postponed", _("Date promise changée")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=9, choices=Kind)
    from_state = models.CharField(max_length=9, blank=True)
    to_state = models.CharField(max_length=9, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    """Empty when the town's own jobs did it."""
    member_id = models.BigIntegerField(null=True, blank=True)
    """To whom it was given, on the staff."""
    message_id = models.BigIntegerField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    """What is promised from then on, where that changed."""

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [models.Index(fields=["case", "id"], name="case_timeline")]

    def __str__(self) -> str:
        return f"{self.kind} case {self.case_id}"


class StrayLetter(Owned):
    """A letter to a case that was not let into its thread: a clerk decides."""

    class Reason(models.TextChoices):
        FOREIGN = "foreign", _("Envoyé d’une adresse que nous ne connaissons pas à la personne")
        OVER = "over", _("Arrivé dans une demande qui ne se rouvre plus")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="strays")
    at = models.DateTimeField()
    reason = models.CharField(max_length=7, choices=Reason)
    sender = models.CharField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    whole = models.TextField(blank=True)
    letter_id = models.CharField(max_length=250)
    has_files = models.BooleanField(default=False)
    """Its files are in the mailbox still."""
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by_id = models.BigIntegerField(null=True, blank=True)
    filed = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "letter_id"], name="one_stray_per_letter"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "case"],
                condition=Q(settled_at__isnull=True),
                name="stray_open",
            )
        ]

    def __str__(self) -> str:
        return f"stray letter {self.pk}"
