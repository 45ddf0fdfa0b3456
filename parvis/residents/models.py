"""People with an account: how to reach them, where they live, what they agreed to."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.db.models import Value as V
from django.db.models.functions import Concat
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned, OwnedQuerySet
from parvis.residents import rules
from parvis.territory.models import Address


class Fold(models.Func):
    """Text without accents or capitals, as `rules.folded` makes it."""

    function = "fold"
    output_field = models.TextField()


class ResidentQuerySet(OwnedQuerySet):
    def standing(self) -> Self:
        """Accounts that are open."""
        return self.filter(is_active=True, erased_at__isnull=True)

    def found(self, query: str) -> Self:
        """People whose name, e-mail or address holds every word of the query."""
        people = self.annotate(
            known_as=Fold(
                Concat(
                    "first_name",
                    V(" "),
                    "last_name",
                    V(" "),
                    "email",
                    output_field=models.TextField(),
                )
            )
        )
        homes = Place.objects.filter(resident=OuterRef("pk")).annotate(
            known_as=Fold(
                Concat(
                    "address__number",
                    V(" "),
                    "address__street",
                    output_field=models.TextField(),
                )
            )
        )
        for word in rules.search_words(query):
            one: Any = Q(known_as__contains=word) | Exists(homes.filter(known_as__contains=word))
            if word.isdigit():
                one |= Exists(Phone.objects.filter(resident=OuterRef("pk"), number__contains=word))
            people = people.filter(one)
        return people


class ResidentManager(BaseUserManager.from_queryset(ResidentQuerySet)):  # type: ignore[misc]
    """Readings of residents, and what django-allauth asks of a manager."""

    def get_by_natural_key(self, username: str | None) -> Any:
        # Under the wall this finds the account of the town that is set, and no other.
        return self.get(email__iexact=username)


class Resident(AbstractBaseUser, Owned):
    """An account in one town. Someone with two towns has two accounts."""

    class Language(models.TextChoices):
        FRENCH = "fr", _("Français")
        ENGLISH = "en", _("English")

    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=80, blank=True)
    last_name = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=2, choices=Language, default=Language.FRENCH)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField()
    opened_at_counter = models.BooleanField(default=False)
    """Opened by a clerk for someone offline («mode comptoir»)."""
    session_epoch = models.PositiveIntegerField(default=0)
    """Raised by one, it ends every session of the person."""
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = ResidentManager()  # type: ignore[misc]

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "email"],
                condition=~Q(email=""),
                name="one_account_per_email_in_town",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email

    @property
    def short_name(self) -> str:
        """First name and initial, as the Bureau shows it: «Camille E.»"""
        initial = f" {self.last_name[0]}." if self.last_name else ""
        return f"{self.first_name}{initial}".strip() or self.email

    def get_full_name(self) -> str:
        return self.name

    @property
    def home(self) -> Place | None:
        """Where the person lives, as far as the town knows."""
        return (
            Place.objects.of(self.municipality_id)
            .filter(resident=self, kind=Place.Kind.HOME)
            .select_related("address__sector")
            .first()
        )

    def has_consented(self, purpose: str) -> bool:
        """Whether the newest answer of this person to this purpose is yes."""
        return Consent.objects.of(self.municipality_id).stands(self.pk, purpose)

    def get_session_auth_hash(self) -> str:
        base = super().get_session_auth_hash()
        return salted_hmac("parvis.residents.session", f"{base}:{self.session_epoch}").hexdigest()


class Phone(Owned):
    """A telephone number (E.164). Until a code is read back it stays «non vérifié»."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="phones")
    number = models.CharField(max_length=16)
    label = models.CharField(max_length=40, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_how = models.CharField(max_length=10, blank=True)
    """counter, or the way by which a code came: text, voice."""
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["resident", "number"], name="one_phone_row_per_number")
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def shown(self) -> str:
        return rules.shown_phone(self.number)


class PhoneCode(Owned):
    """A code that was sent to a number. Its hash only; kept a day, for the limits."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="+")
    phone_id = models.BigIntegerField()
    """No key: a number removed and added again keeps its limits."""
    number = models.CharField(max_length=16)
    way = models.CharField(max_length=10)
    code_hash = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=8, blank=True)
    """used, replaced, tries or changed."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "phone_id"],
                condition=Q(ended_at__isnull=True),
                name="one_live_code_per_phone",
            ),
            models.CheckConstraint(
                condition=Q(tries__lte=rules.CODE_TRIES), name="code_tried_a_few_times"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "number", "sent_at"], name="code_by_number")
        ]

    def __str__(self) -> str:
        return f"code {self.pk}"


class PlaceQuerySet(OwnedQuerySet):
    def of_resident(self, resident: Resident) -> Self:
        """The person's places, home first, with their addresses."""
        return (
            self.of(resident.municipality_id)
            .filter(resident=resident)
            .select_related("address__sector")
            .order_by(Case(When(kind="home", then=0), default=1), "id")
        )


class Place(Owned):
    """Somewhere that concerns a resident: home, work. Without address: the whole town."""

    class Kind(models.TextChoices):
        HOME = "home", _("Chez moi")
        WORK = "work", _("Travail")
        FAMILY = "family", _("Un proche")
        OTHER = "other", _("Autre adresse")

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="places")
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.HOME)
    label = models.CharField(max_length=40, blank=True)
    address = models.ForeignKey(
        Address, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = PlaceQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resident"], condition=Q(kind="home"), name="one_home_per_resident"
            ),
            models.UniqueConstraint(fields=["resident", "address"], name="one_place_per_address"),
        ]

    def __str__(self) -> str:
        return self.label or self.get_kind_display()


class Household(Owned):
    """People who share an address and answer for each other."""

    name = models.CharField(max_length=80, blank=True)
    address = models.ForeignKey(
        Address, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name or f"household {self.pk}"


class HouseholdMember(Owned):
    class Role(models.TextChoices):
        OWNER = "owner", _("Propriétaire")
        TENANT = "tenant", _("Locataire")
        PARENT = "parent", _("Parent")
        CAREGIVER = "caregiver", _("Personne aidante")
        CHILD = "child", _("Enfant")

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="members")
    resident = models.ForeignKey(
        Resident, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships"
    )
    name = models.CharField(max_length=120, blank=True)
    """For someone without an account, a child for instance."""
    invited_email = models.EmailField(blank=True)
    role = models.CharField(max_length=9, choices=Role)
    secret_hash = models.CharField(max_length=64, blank=True)
    """Of an invitation that waits for an answer."""
    expires_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["household", "resident"], name="one_membership_per_household"
            ),
            models.UniqueConstraint(
                fields=["secret_hash"],
                condition=~Q(secret_hash=""),
                name="one_invitation_per_secret",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of household {self.household_id}"


class ConsentQuerySet(OwnedQuerySet):
    def stands(self, resident_id: int, purpose: str) -> bool:
        """Whether this person's newest answer is yes; no answer is a no."""
        answer = (
            self.filter(resident_id=resident_id, purpose=purpose)
            .order_by("-id")
            .values_list("given", flat=True)
            .first()
        )
        return bool(answer)

    def agreed(self, purpose: str) -> Self:
        """The newest answers to this purpose that are a yes, one for each person."""
        newer = Consent.objects.filter(
            resident_id=OuterRef("resident_id"), purpose=purpose, id__gt=OuterRef("id")
        )
        return self.filter(~Exists(newer), purpose=purpose, given=True)


class Consent(Owned):
    """One answer to one purpose. The newest stands; the others are its history."""

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=40)
    given = models.BooleanField()
    wording = models.TextField()
    """The sentence that was agreed to or refused, as it was shown."""
    how = models.CharField(max_length=10, default="portal")
    """portal, counter or import."""
    by_id = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField()

    objects = ConsentQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["resident", "purpose", "-id"], name="consent_newest")
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.given}"
