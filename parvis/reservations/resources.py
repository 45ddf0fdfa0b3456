"""What is reserved: spaces, equipment, appointments; when, by whom, by which rules, what price."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned, OwnedQuerySet
from parvis.reservations import hours, prices, quotas, rules
from parvis.territory.models import Address

MINUTE = timedelta(minutes=1)


class ResourceQuerySet(OwnedQuerySet):
    def offered(self) -> Self:
        """What residents may see and ask for."""
        return self.filter(state=Resource.State.OPEN)

    def whole(self) -> Self:
        """With units, hours, rates, limits and questions, one query for each."""
        return self.prefetch_related("units", "hours", "rates", "limits", "questions")


class Resource(Owned):
    """What is reserved: a room, one of N like courts, equipment by quantity, a desk's time."""

    class Kind(models.TextChoices):
        SPACE = "space", _("Lieu")
        EQUIPMENT = "equipment", _("Matériel")
        APPOINTMENT = "appointment", _("Rendez-vous")

    class State(models.TextChoices):
        DRAFT = "draft", _("En préparation")
        OPEN = "open", _("Offert")
        CLOSED = "closed", _("Retiré")

    class Family(models.TextChoices):
        """What people look for."""

        ROOM = "room", _("Salle")
        GYM = "gym", _("Gymnase")
        COURT = "court", _("Terrain")
        RINK = "rink", _("Patinoire")
        SHELTER = "shelter", _("Pavillon ou abri")
        KITCHEN = "kitchen", _("Cuisine")
        FURNITURE = "furniture", _("Tables et chaises")
        TENT = "tent", _("Chapiteau")
        SOUND = "sound", _("Son et image")
        SPORT = "sport", _("Articles de sport")
        DESK = "desk", _("Rendez-vous")
        OTHER = "other", _("Autre")

    class Mode(models.TextChoices):
        INSTANT = "instant", _("Tout de suite")
        APPROVAL = "approval", _("Après approbation")

    class Way(models.TextChoices):
        """How a person meets the town."""

        HERE = "here", _("En personne")
        PHONE = "phone", _("Par téléphone")
        VIDEO = "video", _("Par vidéo")

    class OpenTo(models.TextChoices):
        ANYONE = "anyone", _("Toute personne qui a un compte")
        RESIDENTS = "residents", _("Les gens qui habitent la ville")
        VERIFIED = "verified", _("Les gens dont l’adresse est vérifiée")
        ORGANISATIONS = "organisations", _("Les organismes reconnus")

    kind = models.CharField(max_length=11, choices=Kind)
    family = models.CharField(max_length=9, choices=Family, default=Family.ROOM)
    state = models.CharField(max_length=6, choices=State, default=State.DRAFT)
    name = models.CharField(max_length=120)
    summary = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    """Plain paragraphs."""
    capacity = models.PositiveIntegerField(null=True, blank=True)
    """Persons that a space holds."""
    accessibility = models.CharField(max_length=300, blank=True)
    address = models.ForeignKey(
        Address, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    place = models.CharField(max_length=200, blank=True)
    """Where exactly: «entrée B», «garage municipal»."""
    total = models.PositiveIntegerField(null=True, blank=True)
    """How many the town has, of equipment. A space has units."""

    mode = models.CharField(max_length=8, choices=Mode, default=Mode.INSTANT)
    open_to = models.CharField(max_length=13, choices=OpenTo, default=OpenTo.ANYONE)
    step = models.PositiveIntegerField(default=60)
    """Minutes, as every length below."""
    shortest = models.PositiveIntegerField(default=60)
    longest = models.PositiveIntegerField(default=240)
    notice = models.PositiveIntegerField(default=0)
    days_ahead = models.PositiveIntegerField(default=90)
    before = models.PositiveIntegerField(default=0)
    after = models.PositiveIntegerField(default=0)
    cancel_notice = models.PositiveIntegerField(default=0)
    """Until so long before, the resident changes or cancels alone."""
    free_hours = models.PositiveIntegerField(default=0)
    """Until so many hours before, a cancellation costs nothing."""
    kept_percent = models.PositiveSmallIntegerField(default=0)
    """What the town keeps of the total after that."""

    offer_minutes = models.PositiveIntegerField(default=240)
    """For how long a freed place is kept for the first in line; 0 for no waiting list."""
    conditions = models.TextField(blank=True)
    """What must be accepted, word for word; kept with each booking."""
    instructions = models.TextField(blank=True)
    """Said to those who have it only, the day before: how to get in, the door's code."""
    ways = ArrayField(models.CharField(max_length=5, choices=Way), default=list, blank=True)
    """Of an appointment: how it may take place."""
    bring = models.TextField(blank=True)
    """Of an appointment: what to have at hand, one thing on each line."""
    meeting = models.TextField(blank=True)
    """Of an appointment by video: its address and how to join, said to those who have it only."""
    deposit = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    deposit_each = models.BooleanField(default=False)
    """The deposit is for each piece."""

    created_at = models.DateTimeField()
    revised_at = models.DateTimeField()
    token = models.PositiveIntegerField(default=1)
    """Raised by each writing: who writes with an old one has not seen the last."""

    objects = ResourceQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "name"], name="one_resource_per_name"),
            models.CheckConstraint(
                name="equipment_has_a_total",
                condition=Q(kind="equipment", total__gte=1)
                | Q(kind__in=["space", "appointment"], total__isnull=True),
            ),
            models.CheckConstraint(
                name="appointment_has_one_length_and_a_way",
                condition=~Q(kind="appointment") | Q(longest=F("shortest"), ways__len__gte=1),
            ),
            models.CheckConstraint(
                name="resource_lengths_make_sense",
                condition=Q(step__gte=5, shortest__gte=1, longest__gte=F("shortest")),
            ),
            models.CheckConstraint(name="deposit_is_no_debt", condition=Q(deposit__gte=0)),
            models.CheckConstraint(name="kept_percent_of_all", condition=Q(kept_percent__lte=100)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "state", "kind"], name="resource_offered")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_space(self) -> bool:
        """Taken by its units, one at a time: a place, or the desk where one is received."""
        return self.kind in {self.Kind.SPACE, self.Kind.APPOINTMENT}

    @property
    def is_appointment(self) -> bool:
        return self.kind == self.Kind.APPOINTMENT

    @property
    def terms(self) -> rules.Terms:
        return rules.Terms(
            step=self.step * MINUTE,
            shortest=self.shortest * MINUTE,
            longest=self.longest * MINUTE,
            notice=self.notice * MINUTE,
            days_ahead=self.days_ahead,
            before=self.before * MINUTE,
            after=self.after * MINUTE,
        )

    def get_absolute_url(self) -> str:
        return reverse("reservations:resource", args=[self.pk])


class Unit(Owned):
    """One of the like places of a space: «Terrain 2», «Guichet 1». A single room has one unit."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="units")
    name = models.CharField(max_length=80, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True)
    """Lent no more; what was promised stays."""

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resource", "name"],
                condition=Q(retired_at__isnull=True),
                name="one_unit_per_name",
            )
        ]

    def __str__(self) -> str:
        return self.name or f"unit {self.pk}"


def season_of(first: int | None, last: int | None) -> hours.Season | None:
    """Month and day written as one number: 1201 is the first of December."""
    if first is None or last is None:
        return None
    return hours.Season(divmod(first, 100), divmod(last, 100))


class Hours(Owned):
    """Opening hours of one day of the week, all year or within a season."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField()
    """0 is Monday."""
    opens = models.TimeField()
    closes = models.TimeField()
    """Not after `opens`: the next day's."""
    season_first = models.PositiveSmallIntegerField(null=True, blank=True)
    """Month and day as one number: 1201 is the first of December."""
    season_last = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["season_first", "weekday", "opens"]
        constraints: ClassVar = [
            models.CheckConstraint(name="hours_of_a_weekday", condition=Q(weekday__lte=6)),
            models.CheckConstraint(
                name="hours_season_is_whole",
                condition=Q(season_first__isnull=True, season_last__isnull=True)
                | Q(season_first__range=(101, 1231), season_last__range=(101, 1231)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday}: {self.opens}-{self.closes}"

    @property
    def opening(self) -> hours.Opening:
        return hours.Opening(
            weekday=self.weekday,
            opens=self.opens,
            closes=self.closes,
            season=season_of(self.season_first, self.season_last),
        )


class Closure(Owned):
    """Whole local days when a resource is closed, whatever its hours; without one, all are."""

    resource = models.ForeignKey(
        Resource, on_delete=models.CASCADE, null=True, blank=True, related_name="closures"
    )
    first_on = models.DateField()
    last_on = models.DateField()
    reason = models.CharField(max_length=120, blank=True)
    """Shown to residents: «Congé des Fêtes»."""
    created_at = models.DateTimeField()
    created_by_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["first_on", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="closure_ends_after_it_begins", condition=Q(last_on__gte=F("first_on"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.first_on}-{self.last_on}"


class Rate(Owned):
    """A price: by the hour, day, item or use, for a class of people, a season, dates of effect."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="rates")
    unit = models.CharField(max_length=4, choices=list(prices.UNITS.items()))
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    price_class = models.CharField(max_length=12, choices=list(prices.CLASSES.items()), blank=True)
    """Empty: whoever has no price of their own."""
    season_first = models.PositiveSmallIntegerField(null=True, blank=True)
    season_last = models.PositiveSmallIntegerField(null=True, blank=True)
    first_on = models.DateField(null=True, blank=True)
    last_on = models.DateField(null=True, blank=True)
    gst = models.BooleanField(default=False)
    qst = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["price_class", "unit", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="rate_is_no_gift", condition=Q(amount__gte=0)),
            models.CheckConstraint(
                name="rate_season_is_whole",
                condition=Q(season_first__isnull=True, season_last__isnull=True)
                | Q(season_first__range=(101, 1231), season_last__range=(101, 1231)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} by {self.unit}"

    @property
    def rate(self) -> prices.Rate:
        return prices.Rate(
            unit=self.unit,
            amount=self.amount,
            price_class=self.price_class,
            season=season_of(self.season_first, self.season_last),
            first_on=self.first_on,
            last_on=self.last_on,
            gst=self.gst,
            qst=self.qst,
        )


class Limit(Owned):
    """How much one person, or one household, may have of a resource."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="limits")
    whose = models.CharField(
        max_length=9,
        choices=[(quotas.PERSON, _("Personne")), (quotas.HOUSEHOLD, _("Ménage"))],
        default=quotas.PERSON,
    )
    most = models.PositiveIntegerField()
    per = models.CharField(max_length=8, choices=[(one, one) for one in quotas.PERIODS])
    minutes = models.BooleanField(default=False)
    """What is counted are minutes of use, not uses."""

    class Meta:
        ordering: ClassVar = ["whose", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resource", "whose", "per", "minutes"], name="one_limit_per_kind"
            ),
            models.CheckConstraint(name="limit_lets_something", condition=Q(most__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.most} per {self.per}"

    @property
    def quota(self) -> quotas.Quota:
        return quotas.Quota(most=self.most, per=self.per, whose=self.whose, minutes=self.minutes)


class Question(Owned):
    """Something that the town asks before it lends."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Quelques mots")
        NUMBER = "number", _("Un nombre")
        CHOICE = "choice", _("Un choix")

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="questions")
    label = models.CharField(max_length=200)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.TEXT)
    choices = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    required = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="choice_has_choices", condition=~Q(kind="choice") | ~Q(choices=[])
            )
        ]

    def __str__(self) -> str:
        return self.label
