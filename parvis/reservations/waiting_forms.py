"""The shape of what someone waits for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.reservations.forms import own_organisations
from parvis.reservations.models import Organisation, Resource
from parvis.reservations.readings import Line
from parvis.reservations.staff_forms import MomentForm
from parvis.residents.models import Resident


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
