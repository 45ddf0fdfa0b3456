"""The shape of what residents send in."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.internal.flows.signup import prevent_enumeration
from django import forms
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.residents import rules
from parvis.residents.models import HouseholdMember, Place, Resident
from parvis.territory.fields import AddressField


def check_name(name: str) -> None:
    try:
        rules.check_name(name)
    except Refused as refused:
        raise forms.ValidationError(str(refused)) from refused


class PersonName(forms.CharField):
    def __init__(self, **facts: Any) -> None:
        super().__init__(max_length=80, validators=[check_name], **facts)


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """What an account needs beside e-mail and password: a name to be called by."""

    first_name = PersonName(
        label=_("Prénom"),
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = PersonName(
        label=_("Nom"),
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    field_order = ("first_name", "last_name", "email", "password1")

    def try_save(self, request: Any) -> Any:
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError as error:
            if violated_constraint(error) != "one_account_per_email_in_town":
                raise
            # Someone opened the account an instant before: answer as to an address that is taken.
            return None, prevent_enumeration(request, email=self.cleaned_data["email"])


class NameForm(forms.Form):
    first_name = PersonName(
        label=_("Prénom"),
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = PersonName(
        label=_("Nom"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    language = forms.ChoiceField(label=_("Langue"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, municipality: Municipality, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = rules.languages_offered(municipality.languages)
        language = self.fields["language"]
        language.choices = [  # type: ignore[attr-defined]
            (code, label) for code, label in Resident.Language.choices if code in choices
        ]
        if len(choices) == 1:
            del self.fields["language"]


class PhoneForm(forms.Form):
    number = forms.CharField(
        label=_("Numéro de téléphone"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    label = forms.CharField(label=_("À quoi il sert"), max_length=40, required=False)

    def clean_number(self) -> str:
        try:
            return rules.phone_number(self.cleaned_data["number"])
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused


class CodeForm(forms.Form):
    """A code of six digits, typed as people write it: «482 913»."""

    code = forms.CharField(
        label=_("Code reçu"),
        max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )

    def clean_code(self) -> str:
        digits = "".join(each for each in self.cleaned_data["code"] if each in "0123456789")
        if len(digits) != 6:
            raise forms.ValidationError(_("Le code a six chiffres."))
        return digits


class PlaceForm(forms.Form):
    """Which address, chosen among those of the town, and what it is to the person."""

    kind = forms.ChoiceField(label=_("C’est"), choices=Place.Kind, widget=forms.RadioSelect)
    label = forms.CharField(label=_("Le nom que vous lui donnez"), max_length=40, required=False)
    address = AddressField(label=_("Adresse"))

    def __init__(
        self, *args: Any, municipality: Municipality, required: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["address"]
        field.municipality = municipality  # type: ignore[attr-defined]
        field.required = required


ADULT_ROLES = [
    (role.value, role.label)
    for role in HouseholdMember.Role
    if role is not HouseholdMember.Role.CHILD
]


class HouseholdForm(forms.Form):
    name = forms.CharField(label=_("Nom du ménage"), max_length=80, required=False)
    role = forms.ChoiceField(label=_("Vous y êtes"), choices=ADULT_ROLES, widget=forms.RadioSelect)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=_("Courriel de la personne"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Elle y est"), choices=ADULT_ROLES)


class ChildForm(forms.Form):
    name = forms.CharField(
        label=_("Prénom de l’enfant"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=ADULT_ROLES)


class EraseForm(forms.Form):
    sure = forms.BooleanField(
        label=_("Je comprends que mon compte sera effacé et que c’est définitif."),
        error_messages={"required": _("Cochez la case pour confirmer.")},
    )


class CounterForm(forms.Form):
    """What a clerk writes down to open an account for someone at the counter."""

    first_name = PersonName(label=_("Prénom"))
    last_name = PersonName(label=_("Nom"))
    email = forms.EmailField(
        label=_("Courriel"), required=False, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    phone = forms.CharField(label=_("Téléphone"), max_length=40, required=False)

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"]
        try:
            return rules.phone_number(typed) if typed.strip() else ""
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused
