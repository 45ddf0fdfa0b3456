"""The shape of what clerks send in: decisions, payments, blocks, closures, calls."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.reservations import hours, prices
from parvis.reservations.desk_forms import fit_to_desk
from parvis.reservations.hours import Span
from parvis.reservations.models import Organisation, Payment, Resource
from parvis.reservations.readings import Line

NOTE_MAX = 500


OLDEST, LATEST = date(2000, 1, 1), date(2200, 12, 31)


def day_field(label: Any, **facts: Any) -> forms.DateField:
    """A day of a century that a calendar holds."""
    return forms.DateField(
        label=label,
        widget=day_input(),
        validators=[MinValueValidator(OLDEST), MaxValueValidator(LATEST)],
        **facts,
    )


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def hour_input() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time", "step": "300"}, format="%H:%M")


def small_number(label: Any, *, least: int = 0, most: int = 100_000, **facts: Any) -> Any:
    return forms.IntegerField(
        label=label, min_value=least, max_value=most,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}), **facts,
    )  # fmt: skip


class NoteForm(forms.Form):
    """A sentence that the person will receive."""

    note = forms.CharField(
        label=gettext_lazy("Votre phrase à la personne"), max_length=NOTE_MAX, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class PaymentForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Opération"), choices=Payment.Kind.choices)
    amount = forms.DecimalField(
        label=gettext_lazy("Montant, en dollars"), max_digits=9, decimal_places=2, localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    means = forms.ChoiceField(label=gettext_lazy("Moyen"), choices=Payment.Means.choices)
    receipt = forms.CharField(label=gettext_lazy("Numéro du reçu"), max_length=40, required=False)
    key = forms.CharField(max_length=64, widget=forms.HiddenInput, required=False)


class MomentForm(forms.Form):
    """From one local moment to another."""

    first_on = day_field(gettext_lazy("Du"))
    opens = forms.TimeField(label=gettext_lazy("À partir de"), widget=hour_input())
    last_on = day_field(gettext_lazy("Au"), required=False,
        help_text=gettext_lazy("Le même jour, si rien n’est écrit."),
    )  # fmt: skip
    closes = forms.TimeField(label=gettext_lazy("Jusqu’à"), widget=hour_input())

    def __init__(self, *args: Any, town: Municipality, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.town = town

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            zone = self.town.zone
            last_on = cleaned.get("last_on") or cleaned["first_on"]
            try:
                start = hours.chosen_instant(cleaned["first_on"], cleaned["opens"], zone)
                end = hours.chosen_instant(last_on, cleaned["closes"], zone)
            except Refused as refused:
                raise forms.ValidationError(str(refused)) from refused
            if end <= start:
                raise forms.ValidationError(_("La fin doit suivre le début."))
            cleaned["span"] = Span(start, end)
        return cleaned


class BlockForm(MomentForm):
    unit = forms.ChoiceField(label=gettext_lazy("Quoi"), required=False)
    quantity = forms.IntegerField(
        label=gettext_lazy("Combien"), min_value=1, required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "few"}),
    )  # fmt: skip
    reason = forms.CharField(
        label=gettext_lazy("Raison"), max_length=120,
        help_text=gettext_lazy("Les gens la verront\u00a0: «\u00a0Entretien de la glace\u00a0»."),
    )  # fmt: skip
    field_order = ("unit", "quantity", "first_on", "opens", "last_on", "closes", "reason")

    def __init__(self, *args: Any, resource: Resource, **kwargs: Any) -> None:
        super().__init__(*args, town=resource.municipality, **kwargs)
        self.resource = resource
        units = list(resource.units.filter(retired_at__isnull=True)) if resource.is_space else []
        if len(units) > 1:
            self.fields["unit"].choices = [  # type: ignore[attr-defined]
                ("", _("Tous")),
                *((str(one.pk), str(one)) for one in units),
            ]
        else:
            del self.fields["unit"]
        if resource.is_space:
            del self.fields["quantity"]
        else:
            self.fields["quantity"].required = True

    def line(self) -> Line:
        unit = self.cleaned_data.get("unit")
        return Line(
            self.resource.pk, self.cleaned_data.get("quantity") or 1, int(unit) if unit else None
        )


class ClosureForm(forms.Form):
    resource: Any = forms.ModelChoiceField(
        label=gettext_lazy("Quoi"), queryset=None, required=False,
        empty_label=gettext_lazy("Tout ce que la Ville prête"),
    )  # fmt: skip
    first_on = day_field(gettext_lazy("Premier jour"))
    last_on = day_field(gettext_lazy("Dernier jour"))
    reason = forms.CharField(
        label=gettext_lazy("Raison"), max_length=120,
        help_text=gettext_lazy("Les gens la verront\u00a0: «\u00a0Congé des Fêtes\u00a0»."),
    )  # fmt: skip

    def __init__(self, *args: Any, town: Municipality, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["resource"].queryset = Resource.objects.of(town).exclude(state="closed")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and cleaned["last_on"] < cleaned["first_on"]:
            self.add_error("last_on", _("Le dernier jour doit suivre le premier."))
        return cleaned


class CounterForm(MomentForm):
    """What a caller wants, when."""

    quantity = forms.IntegerField(
        label=gettext_lazy("Combien"), min_value=1, required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "few"}),
    )  # fmt: skip
    organisation: Any = forms.ModelChoiceField(
        label=gettext_lazy("Au nom de"), queryset=None, required=False,
        empty_label=gettext_lazy("La personne elle-même"),
    )  # fmt: skip
    purpose = forms.CharField(
        label=gettext_lazy("Pour quelle activité\u202f?"), max_length=200, required=False
    )
    people = forms.IntegerField(
        label=gettext_lazy("Combien de personnes\u202f?"), min_value=1, max_value=100_000,
        required=False, widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "few"}),
    )  # fmt: skip
    way = forms.ChoiceField(label=gettext_lazy("Façon de se rencontrer"), required=False)
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    field_order = (
        "quantity", "first_on", "opens", "last_on", "closes", "organisation", "purpose", "people",
    )  # fmt: skip

    def __init__(self, *args: Any, resource: Resource, **kwargs: Any) -> None:
        super().__init__(*args, town=resource.municipality, **kwargs)
        self.resource = resource
        fit_to_desk(self, resource if resource.is_appointment else None)
        if resource.is_appointment:
            self.fields["purpose"].label, self.fields["purpose"].help_text = _("Sujet"), ""
            # The sheet says how long it lasts.
            for name in ("last_on", "closes", "people"):
                del self.fields[name]
            self.fields["first_on"].label, self.fields["opens"].label = _("Jour"), _("Heure")
        known = Organisation.objects.of(resource.municipality_id).filter(archived_at__isnull=True)
        self.fields["organisation"].queryset = known  # type: ignore[attr-defined]
        if resource.is_space:
            del self.fields["quantity"]
        else:
            self.fields["quantity"].required = True
            del self.fields["people"]
        # What the town asks is asked at the counter too.
        self.questions = list(resource.questions.all())
        for one in self.questions:
            facts: dict[str, Any] = {"label": one.label, "required": one.required}
            self.fields[f"question_{one.pk}"] = (
                forms.ChoiceField(choices=[("", "—"), *((c, c) for c in one.choices)], **facts)
                if one.kind == one.Kind.CHOICE
                else forms.CharField(max_length=500, **facts)
            )

    def clean(self) -> dict[str, Any]:
        if not self.resource.is_appointment:
            return super().clean()
        cleaned: dict[str, Any] = forms.Form.clean(self) or {}
        if not self.errors:
            zone = self.town.zone
            try:
                start = hours.chosen_instant(cleaned["first_on"], cleaned["opens"], zone)
            except Refused as refused:
                raise forms.ValidationError(str(refused)) from refused
            cleaned["span"] = Span(start, start + self.resource.terms.shortest)
        return cleaned

    def answers(self) -> dict[int, str]:
        return {
            one.pk: str(self.cleaned_data.get(f"question_{one.pk}") or "") for one in self.questions
        }

    def asked(self) -> list[forms.BoundField]:
        return [self[f"question_{one.pk}"] for one in self.questions]


class MoveForm(MomentForm):
    """Other hours for a booking."""

    token = forms.IntegerField(widget=forms.HiddenInput)


class OrganisationForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Nom"), max_length=160)
    price_class = forms.ChoiceField(
        label=gettext_lazy("Catégorie de prix"), choices=list(prices.CLASSES.items())
    )
    recognised_until = day_field(gettext_lazy("Reconnu jusqu’au"), required=False,
        help_text=gettext_lazy("Sans date, l’organisme paie comme la personne qui réserve."),
    )  # fmt: skip
    insured_until = day_field(gettext_lazy("Assurance jusqu’au"), required=False)
    note = forms.CharField(label=gettext_lazy("Note interne"), max_length=300, required=False)


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Fichier CSV"),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
