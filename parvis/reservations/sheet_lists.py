"""The lists of a resource's sheet, line by line: prices, limits, questions."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.core.errors import Refused
from parvis.reservations import hours, prices, quotas
from parvis.reservations.hours import Season
from parvis.reservations.lending import Asked
from parvis.reservations.models import Question
from parvis.reservations.staff_forms import day_input, small_number

SEASONS = re.compile(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*[-–à]\s*(\d{1,2})\s*/\s*(\d{1,2})\s*")


class RateForm(forms.Form):
    amount = forms.DecimalField(
        label=gettext_lazy("Montant, $"), min_value=0, max_digits=7, decimal_places=2,
        localize=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    unit = forms.ChoiceField(
        label=gettext_lazy("Compté"), choices=list(prices.UNITS.items()), initial=prices.HOUR
    )
    price_class = forms.ChoiceField(
        label=gettext_lazy("Pour"), required=False,
        choices=[("", gettext_lazy("tout le monde")), *prices.CLASSES.items()],
    )  # fmt: skip
    first_on = forms.DateField(
        label=gettext_lazy("À partir du"), required=False, widget=day_input()
    )
    last_on = forms.DateField(label=gettext_lazy("Jusqu’au"), required=False, widget=day_input())
    season = forms.CharField(
        label=gettext_lazy("Saison"), max_length=13, required=False,
        widget=forms.TextInput(attrs={"placeholder": "1/12 - 15/3"}),
    )  # fmt: skip
    taxed = forms.BooleanField(label=gettext_lazy("Taxes en sus"), required=False)

    def clean_season(self) -> Season | None:
        """«1/12 - 15/3»: the first and last day, every year."""
        said = self.cleaned_data["season"]
        if not said:
            return None
        match = SEASONS.fullmatch(said)
        if match is None:
            raise forms.ValidationError(_("Écrivez par exemple «\u00a01/12 - 15/3\u00a0»."))
        first_day, first_month, last_day, last_month = (int(one) for one in match.groups())
        season = Season((first_month, first_day), (last_month, last_day))
        try:
            hours.check_opening(0, season)
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused
        return season

    def rate(self) -> prices.Rate:
        said = self.cleaned_data
        return prices.Rate(
            unit=said["unit"], amount=said["amount"], price_class=said["price_class"],
            first_on=said["first_on"], last_on=said["last_on"], gst=said["taxed"],
            qst=said["taxed"], season=said["season"],
        )  # fmt: skip


class LimitForm(forms.Form):
    most = small_number(gettext_lazy("Au plus"), least=1)
    minutes = forms.TypedChoiceField(
        label=gettext_lazy("Compté en"), coerce=lambda said: said == "1", required=False,
        choices=[("", gettext_lazy("réservations")), ("1", gettext_lazy("heures"))],
    )  # fmt: skip
    per = forms.ChoiceField(
        label=gettext_lazy("Par"),
        initial=quotas.DAY,
        choices=[
            (quotas.DAY, gettext_lazy("jour")),
            (quotas.WEEK, gettext_lazy("semaine")),
            (quotas.MONTH, gettext_lazy("mois")),
            (quotas.YEAR, gettext_lazy("an")),
            (quotas.UPCOMING, gettext_lazy("à venir à la fois")),
        ],
    )
    whose = forms.ChoiceField(
        label=gettext_lazy("Pour"),
        choices=[
            (quotas.PERSON, gettext_lazy("une personne")),
            (quotas.HOUSEHOLD, gettext_lazy("un ménage")),
        ],
        initial=quotas.PERSON,
    )

    def facts(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said.pop("DELETE", None)
        said["minutes"] = bool(said["minutes"])
        if said["minutes"]:
            said["most"] *= 60
        return said


class QuestionForm(forms.Form):
    label = forms.CharField(label=gettext_lazy("Question"), max_length=200)
    kind = forms.ChoiceField(
        label=gettext_lazy("Réponse"), choices=Question.Kind.choices, initial=Question.Kind.TEXT
    )
    choices = forms.CharField(
        label=gettext_lazy("Choix, séparés par des points-virgules"), max_length=600,
        required=False,
    )  # fmt: skip
    required = forms.BooleanField(label=gettext_lazy("Obligatoire"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("kind") == Question.Kind.CHOICE and len(self._parts(cleaned)) < 2:
            self.add_error("choices", _("Écrivez au moins deux choix."))
        return cleaned

    @staticmethod
    def _parts(said: dict[str, Any]) -> list[str]:
        return [part.strip()[:120] for part in said.get("choices", "").split(";") if part.strip()]

    def question(self) -> Asked:
        said = self.cleaned_data
        parts = self._parts(said) if said["kind"] == Question.Kind.CHOICE else []
        return Asked(said["label"], said["kind"], parts, said["required"])


RateForms = forms.formset_factory(RateForm, extra=1, can_delete=True, max_num=40, absolute_max=40)
LimitForms = forms.formset_factory(LimitForm, extra=1, can_delete=True, max_num=10, absolute_max=10)
QuestionForms = forms.formset_factory(
    QuestionForm, extra=1, can_delete=True, max_num=20, absolute_max=20
)


def said_season(season: Season | None) -> str:
    if season is None:
        return ""
    return f"{season.first[1]}/{season.first[0]} - {season.last[1]}/{season.last[0]}"
