"""The shape of what residents send in: why, for how many, their answers, what they accept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.reservations.choices import number
from parvis.reservations.desk_forms import fit_to_desk
from parvis.reservations.models import Organisation, Question, Resource
from parvis.reservations.readings import Line, Offer
from parvis.reservations.staff_forms import MomentForm
from parvis.residents.models import Resident

PURPOSE_MAX = 200
ANSWER_MAX = 500


class BookingForm(forms.Form):
    """What is asked before a booking is made; the choice itself travels beside it."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)
    """The price that the page showed: another one must be seen before it is owed."""
    organisation = forms.ModelChoiceField(
        label=_("Pour qui réservez-vous\u202f?"), queryset=Organisation.objects.none(),
        required=False, empty_label=_("Pour moi"),
    )  # fmt: skip
    purpose = forms.CharField(
        label=_("Pour quelle activité\u202f?"), max_length=PURPOSE_MAX, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Quelques mots suffisent. Le public verra seulement «\u00a0pris\u00a0»."),
    )  # fmt: skip
    people = forms.IntegerField(
        label=_("Combien de personnes\u202f?"), min_value=1, max_value=100_000, required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "auto"}),
    )  # fmt: skip
    way = forms.ChoiceField(
        label=_("Comment préférez-vous nous rencontrer\u202f?"), required=False,
        widget=forms.RadioSelect,
    )  # fmt: skip
    accepted = forms.BooleanField(label=_("J’accepte ces conditions."), required=False)

    def __init__(
        self, *args: Any, lines: Sequence[tuple[Offer, Line]], person: Resident, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        mine = own_organisations(person)
        if mine.exists():
            self.fields["organisation"].queryset = mine  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]
        desk = next((one.resource for one, _line in lines if one.resource.is_appointment), None)
        fit_to_desk(self, desk)
        if desk or not any(offer.resource.is_space for offer, _line in lines):
            del self.fields["people"]
        if not any(offer.resource.conditions.strip() for offer, _line in lines):
            del self.fields["accepted"]
        self.questions = [one for offer, _line in lines for one in offer.questions]
        for one in self.questions:
            self.fields[f"question_{one.pk}"] = answer_field(one)

    def asked(self) -> list[forms.BoundField]:
        """The fields of the questions, in order."""
        return [self[f"question_{one.pk}"] for one in self.questions]

    def answers(self) -> dict[int, str]:
        """Question → what was answered."""
        return {
            one.pk: str(value)
            for one in self.questions
            if (value := self.cleaned_data.get(f"question_{one.pk}")) not in (None, "")
        }

    def chosen_organisation(self) -> Organisation | None:
        """The organisation chosen, in a form that was sent or that begins again."""
        if self.is_bound:
            found = self.cleaned_data.get("organisation")
        else:
            pk = number(str(self.initial.get("organisation") or ""))
            mine = getattr(self.fields.get("organisation"), "queryset", None)
            found = mine.filter(pk=pk).first() if mine is not None and pk is not None else None
        return found if isinstance(found, Organisation) else None

    def show_price(self, price: str, times: str) -> None:
        """Note the price that the page shows; for whom it is may change it, at the same times."""
        if self.is_bound:
            self.data = dict(self.data.items()) | {"seen": price}
        else:
            self.initial["seen"] = price
        if "organisation" in self.fields:
            self.fields["organisation"].widget.attrs |= {
                "hx-post": reverse("reservations:confirm"), "hx-include": "closest form",
                "hx-target": "#confirmer", "hx-vals": json.dumps({"plutot": times}),
            }  # fmt: skip

    @property
    def organisation_id(self) -> int | None:
        """The organisation chosen, once the form is clean."""
        chosen = self.cleaned_data.get("organisation")
        return chosen.pk if chosen else None


def answer_field(question: Question) -> forms.Field:
    """The field that fits a question."""
    facts: dict[str, Any] = {"label": question.label, "required": question.required}
    if question.kind == Question.Kind.NUMBER:
        return forms.IntegerField(
            min_value=0, max_value=999_999_999,
            widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "auto"}), **facts,
        )  # fmt: skip
    if question.kind == Question.Kind.CHOICE:
        choices = [(one, one) for one in question.choices]
        if len(choices) <= 4 and question.required:
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **facts)
        return forms.ChoiceField(choices=[("", _("Choisissez")), *choices], **facts)
    return forms.CharField(max_length=ANSWER_MAX, **facts)


class WaitForm(MomentForm):
    """What one waits for: a moment, and how much of it."""

    organisation = forms.ModelChoiceField(
        label=_("Pour qui attendez-vous\u202f?"), queryset=Organisation.objects.none(),
        required=False, empty_label=_("Pour moi"),
    )  # fmt: skip
    quantity = forms.IntegerField(
        label=_("Combien"), min_value=1, max_value=100_000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "few"}),
    )  # fmt: skip
    people = forms.IntegerField(
        label=_("Combien de personnes\u202f?"), min_value=1, max_value=100_000, required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "auto"}),
    )  # fmt: skip
    field_order = ("first_on", "opens", "last_on", "closes", "quantity", "people", "organisation")

    def __init__(self, *args: Any, resource: Resource, person: Resident, **kwargs: Any) -> None:
        super().__init__(*args, town=resource.municipality, **kwargs)
        self.resource = resource
        mine = own_organisations(person)
        if mine.exists():
            self.fields["organisation"].queryset = mine  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]
        del self.fields["quantity" if resource.is_space else "people"]

    def line(self) -> Line:
        return Line(self.resource.pk, self.cleaned_data.get("quantity", 1))

    @property
    def organisation_id(self) -> int | None:
        """The organisation chosen, once the form is clean."""
        chosen = self.cleaned_data.get("organisation")
        return chosen.pk if chosen else None


def own_organisations(person: Resident) -> Any:
    """Those in whose name the person may ask."""
    return (
        Organisation.objects.of(person.municipality_id)
        .filter(archived_at__isnull=True, members__resident=person)
        .order_by("name")
    )
