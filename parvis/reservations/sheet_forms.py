"""The sheet of a resource as a clerk fills it: terms, week, seasons, prices, limits, questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.core import typography
from parvis.core.errors import Refused
from parvis.reservations import hours, rules
from parvis.reservations.hours import Opening, Season
from parvis.reservations.lending import Sheet
from parvis.reservations.models import Resource
from parvis.reservations.sheet_lists import LimitForms, QuestionForms, RateForms, said_season
from parvis.reservations.spaces_file import spans
from parvis.reservations.staff_forms import small_number

WEEKS = ("", "season_")
SEASON = re.compile(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*")


OF_DESK = ["ways", "bring", "meeting"]
DROPPED: dict[str, list[str]] = {
    Resource.Kind.SPACE: ["total", "deposit_each", *OF_DESK],
    Resource.Kind.EQUIPMENT: ["units", "capacity", "accessibility", *OF_DESK],
    Resource.Kind.APPOINTMENT: [
        "total", "deposit_each", "deposit", "capacity", "family", "longest",
    ],
}  # fmt: skip
"""Kind → what its sheet does not ask."""


class ResourceForm(forms.Form):
    """What it is, and by which rules it is lent. Hours here, minutes in the tables."""

    name = forms.CharField(label=gettext_lazy("Nom"), max_length=120)
    family = forms.ChoiceField(label=gettext_lazy("Genre"), choices=Resource.Family.choices)
    summary = forms.CharField(label=gettext_lazy("En une phrase"), max_length=300, required=False)
    text = forms.CharField(
        label=gettext_lazy("Description"), max_length=5000, required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip
    capacity = small_number(gettext_lazy("Personnes au plus"), least=1, required=False)
    total = small_number(gettext_lazy("Combien la Ville en prête"), least=1)
    units = forms.CharField(
        label=gettext_lazy("Terrains ou locaux semblables, un par ligne"), required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Laissez vide s’il n’y en a qu’un."),
    )  # fmt: skip
    place = forms.CharField(label=gettext_lazy("Où exactement"), max_length=200, required=False)
    accessibility = forms.CharField(
        label=gettext_lazy("Accessibilité"), max_length=300, required=False
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Confirmation"), choices=Resource.Mode.choices,
        widget=forms.RadioSelect,
    )  # fmt: skip
    open_to = forms.ChoiceField(
        label=gettext_lazy("Qui peut réserver"), choices=Resource.OpenTo.choices
    )
    ways = forms.MultipleChoiceField(
        label=gettext_lazy("Façons de se rencontrer"), choices=Resource.Way.choices,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    step = forms.TypedChoiceField(
        label=gettext_lazy("Un début possible toutes les"), coerce=int,
        choices=[(n, f"{n}\u00a0min") for n in (10, 15, 20, 30, 45, 60, 90, 120, 240, 1440)],
    )  # fmt: skip
    shortest = forms.DecimalField(
        label=gettext_lazy("Durée minimale, en heures"), min_value=0, max_value=744,
        decimal_places=2, localize=True,
    )  # fmt: skip
    longest = forms.DecimalField(
        label=gettext_lazy("Durée maximale, en heures"), min_value=0, max_value=744,
        decimal_places=2, localize=True,
    )  # fmt: skip
    days_ahead = small_number(gettext_lazy("Ouvert tant de jours à l’avance"), least=1, most=731)
    notice = small_number(gettext_lazy("Préavis, en heures"), most=2000)
    before = small_number(gettext_lazy("Préparation avant, en minutes"), most=10080)
    after = small_number(gettext_lazy("Remise en ordre après, en minutes"), most=10080)
    cancel_notice = small_number(
        gettext_lazy("Annulation en ligne jusqu’à tant d’heures avant"), most=2000
    )
    offer_minutes = forms.TypedChoiceField(
        label=gettext_lazy("Liste d’attente\u00a0: une place libérée est gardée"), coerce=int,
        choices=[
            (0, gettext_lazy("Pas de liste d’attente")),
            *((n, rules.said_length(timedelta(minutes=n))) for n in (30, 60, 120, 240, 720, 1440)),
        ],
    )  # fmt: skip
    free_hours = small_number(gettext_lazy("Sans frais jusqu’à tant d’heures avant"), most=2000)
    kept_percent = small_number(gettext_lazy("Ensuite, part gardée, en\u00a0%"), most=100)
    deposit = forms.DecimalField(
        label=gettext_lazy("Dépôt, en dollars"), min_value=0, max_digits=7, decimal_places=2,
        localize=True,
    )  # fmt: skip
    deposit_each = forms.BooleanField(
        label=gettext_lazy("Le dépôt est pour chaque article"), required=False
    )
    conditions = forms.CharField(
        label=gettext_lazy("Conditions à accepter"), max_length=10_000, required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip
    instructions = forms.CharField(
        label=gettext_lazy("Directives envoyées la veille (porte, code)"), max_length=2000,
        required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Seules les personnes qui ont réservé les reçoivent."),
    )  # fmt: skip

    bring = forms.CharField(
        label=gettext_lazy("Documents à avoir en main, un par ligne"), max_length=2000,
        required=False, widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    meeting = forms.CharField(
        label=gettext_lazy("Par vidéo\u00a0: adresse et marche à suivre"), max_length=1000,
        required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Seules les personnes qui ont rendez-vous les reçoivent."),
    )  # fmt: skip

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for name in DROPPED[kind]:
            del self.fields[name]
        if kind == Resource.Kind.APPOINTMENT:
            self.fields["shortest"] = small_number(
                _("Durée d’un rendez-vous, en minutes"), least=5, most=480
            )
            self.fields["units"].label = _("Guichets, ou gens qui reçoivent, un par ligne")
            self.fields["units"].help_text = _("Autant de rendez-vous en même temps.")

    def facts(self) -> dict[str, Any]:
        """Columns of the resource, lengths in minutes."""
        found = {name: value for name, value in self.cleaned_data.items() if name != "units"}
        in_hours = {"shortest", "longest", "notice", "cancel_notice"}
        if self.kind == Resource.Kind.APPOINTMENT:
            found["longest"], found["family"] = found["shortest"], Resource.Family.DESK
            in_hours -= {"shortest", "longest"}
        for name in in_hours:
            found[name] = int(found[name] * 60)
        for name in {"text", "conditions", "instructions", "bring", "meeting"} & found.keys():
            found[name] = found[name].replace("\r\n", "\n").strip()
        return found

    def unit_names(self) -> list[str]:
        lines = self.cleaned_data.get("units", "").splitlines()
        return [" ".join(one.split())[:80] for one in lines if one.strip()]


def first_values(resource: Resource) -> dict[str, Any]:
    """What the form shows of a resource."""
    shown: dict[str, Any] = {
        name: getattr(resource, name, None) for name in ResourceForm.base_fields
    }
    shown |= {
        "shortest": _in_hours(resource.shortest), "longest": _in_hours(resource.longest),
        "notice": resource.notice // 60, "cancel_notice": resource.cancel_notice // 60,
    }  # fmt: skip
    if resource.is_appointment:
        shown["shortest"] = resource.shortest
    if resource.pk:
        names = [one.name for one in resource.units.filter(retired_at__isnull=True) if one.name]
        shown["units"] = "\n".join(names)
    else:
        shown["units"] = ""
    return shown


def _in_hours(minutes: int) -> float | int:
    return minutes / 60 if minutes % 60 else minutes // 60


class WeekForm(forms.Form):
    """Hours of each day in words, all year and in one season."""

    season_first = forms.CharField(
        label=gettext_lazy("La saison va du (jour/mois)"), max_length=20, required=False,
        widget=forms.TextInput(attrs={"placeholder": "1/12", "class": "few"}),
    )  # fmt: skip
    season_last = forms.CharField(
        label=gettext_lazy("au (jour/mois)"), max_length=20, required=False,
        widget=forms.TextInput(attrs={"placeholder": "15/3", "class": "few"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for prefix in WEEKS:
            for day in range(7):
                self.fields[f"{prefix}{day}"] = forms.CharField(
                    label=typography.DAYS_FR[day].capitalize(), max_length=80, required=False,
                    widget=forms.TextInput(attrs={"placeholder": _("fermé")}),
                )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        found: list[Opening] = []
        season = self._season(cleaned)
        for prefix in WEEKS:
            for day in range(7):
                name = f"{prefix}{day}"
                try:
                    of_day = spans(cleaned.get(name, ""))
                except ValueError:
                    self.add_error(name, _("Écrivez par exemple «\u00a08 h à 22 h\u00a0»."))
                    continue
                if of_day and prefix and season is None and not self.errors:
                    self.add_error("season_first", _("Écrivez les deux bouts de la saison."))
                found += [
                    Opening(
                        weekday=day, opens=opens, closes=closes, season=season if prefix else None
                    )
                    for opens, closes in of_day
                ]
        cleaned["openings"] = found
        return cleaned

    def _season(self, cleaned: dict[str, Any]) -> Season | None:
        ends = []
        for name in ("season_first", "season_last"):
            said = cleaned.get(name, "")
            match = SEASON.fullmatch(said)
            if said and match is None:
                self.add_error(name, _("Écrivez le jour et le mois\u00a0: 15/3."))
            if match:
                ends.append((int(match[2]), int(match[1])))
        if len(ends) != 2:
            return None
        season = Season(ends[0], ends[1])
        try:
            hours.check_opening(0, season)
        except Refused as refused:
            self.add_error("season_first", str(refused))
            return None
        return season

    def week(self) -> list[forms.BoundField]:
        return [self[str(day)] for day in range(7)]

    def season_week(self) -> list[forms.BoundField]:
        return [self[f"season_{day}"] for day in range(7)]


def first_week(openings: Sequence[Opening]) -> dict[str, str]:
    """What the week's form shows."""
    shown: dict[str, list[str]] = {}
    for one in openings:
        prefix = "season_" if one.season else ""
        shown.setdefault(f"{prefix}{one.weekday}", []).append(
            f"{_clock(one.opens)} à {_clock(one.closes, end=True)}"
        )
    found = {name: ", ".join(parts) for name, parts in shown.items()}
    season = next((one.season for one in openings if one.season), None)
    if season:
        found["season_first"] = f"{season.first[1]}/{season.first[0]}"
        found["season_last"] = f"{season.last[1]}/{season.last[0]}"
    return found


def _clock(at: time, *, end: bool = False) -> str:
    hour = 24 if end and at == time(0) else at.hour
    return f"{hour} h {at.minute:02}" if at.minute else f"{hour} h"


class SheetForms:
    """The five forms of one sheet, which are right together or not at all."""

    def __init__(self, data: Any, resource: Resource) -> None:
        known = resource.pk is not None
        openings = [one.opening for one in resource.hours.all()] if known else FIRST_WEEK
        self.about = ResourceForm(data, kind=resource.kind, initial=first_values(resource))
        self.week = WeekForm(data, prefix="h", initial=first_week(openings))
        self.rates = RateForms(
            data, prefix="p",
            initial=[
                {
                    "amount": one.amount, "unit": one.unit, "price_class": one.price_class,
                    "first_on": one.first_on, "last_on": one.last_on, "taxed": one.gst,
                    "season": said_season(one.rate.season),
                }
                for one in _rows(resource, "rates")
            ],
        )  # fmt: skip
        self.limits = LimitForms(
            data, prefix="l",
            initial=[
                {
                    "most": one.most // 60 if one.minutes else one.most, "per": one.per,
                    "minutes": "1" if one.minutes else "", "whose": one.whose,
                }
                for one in _rows(resource, "limits")
            ],
        )  # fmt: skip
        self.questions = QuestionForms(
            data, prefix="q",
            initial=[
                {
                    "label": one.label, "kind": one.kind, "choices": "; ".join(one.choices),
                    "required": one.required,
                }
                for one in _rows(resource, "questions")
            ],
        )  # fmt: skip

    @property
    def parts(self) -> list[Any]:
        return [self.about, self.week, self.rates, self.limits, self.questions]

    def is_valid(self) -> bool:
        # Each is asked, so that every fault shows at once.
        return all([one.is_valid() for one in self.parts])

    def sheet(self) -> Sheet:
        return Sheet(
            units=self.about.unit_names(),
            openings=self.week.cleaned_data["openings"],
            rates=[one.rate() for one in self.rates.forms if _said(one)],
            limits=[one.facts() for one in self.limits.forms if _said(one)],
            questions=[one.question() for one in self.questions.forms if _said(one)],
        )


FIRST_WEEK = [Opening(weekday=day, opens=time(8), closes=time(22)) for day in range(7)]


def _rows(resource: Resource, name: str) -> list[Any]:
    return list(getattr(resource, name).all()) if resource.pk is not None else []


def _said(form: Any) -> bool:
    """Whether a line of a list was filled in and not taken away."""
    filled = form.has_changed() or bool(form.initial)
    return filled and not form.cleaned_data.get("DELETE")
