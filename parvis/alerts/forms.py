"""The shape of what clerks write: an alert and its revisions; and of what deciders say."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from parvis.alerts import drafts, events, rules
from parvis.alerts.models import Revision
from parvis.municipalities.models import Municipality
from parvis.residents.models import Place
from parvis.territory import search
from parvis.territory.models import Address, Sector

MOMENT = "%Y-%m-%dT%H:%M"
LINES_MAX = 500
PARTS = ("title", "short", "text", "steps")


def moment_field(label: Any, **options: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, required=False, input_formats=[MOMENT, "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT), **options,
    )  # fmt: skip


def area_text(label: Any, rows: int, most: int | None = None, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=most,
        widget=forms.Textarea(attrs={"rows": rows}), **options,
    )  # fmt: skip


class BeginForm(forms.Form):
    event = forms.ChoiceField(label=_("Modèle"), choices=events.CHOICES, widget=forms.RadioSelect)
    is_drill = forms.BooleanField(label=_("C’est un exercice"), required=False)


class EditorForm(forms.Form):
    """Everything on the editor's page; nothing is required of a draft."""

    token = forms.IntegerField(widget=forms.HiddenInput)
    severity = forms.ChoiceField(label=_("Gravité"), choices=list(rules.SEVERITIES.items()))
    urgency = forms.ChoiceField(label=_("Urgence"), choices=list(rules.URGENCIES.items()))
    certainty = forms.ChoiceField(label=_("Certitude"), choices=list(rules.CERTAINTIES.items()))
    fr_title = forms.CharField(label=_("Titre"), required=False, max_length=rules.TITLE_MAX)
    fr_short = area_text(_("Texte court"), 3)
    fr_steps = area_text(_("Quoi faire, une consigne par ligne"), 5)
    fr_text = area_text(_("Page et courriel"), 5, rules.TEXT_MAX)
    note = forms.CharField(label=_("Ce qui a changé"), required=False, max_length=rules.NOTE_MAX)
    in_english = forms.BooleanField(label=_("En anglais aussi"), required=False)
    en_basis = forms.ChoiceField(
        label=_("Motif légal"), choices=list(rules.BASES.items()), required=False
    )
    en_title = forms.CharField(
        label=_("Titre en anglais"), required=False, max_length=rules.TITLE_MAX
    )
    en_short = area_text(_("Texte court en anglais"), 3)
    en_steps = area_text(_("Consignes en anglais, une par ligne"), 5)
    en_text = area_text(_("Page et courriel en anglais"), 5, rules.TEXT_MAX)
    everywhere = forms.BooleanField(label=_("Toute la ville"), required=False)
    sectors = forms.MultipleChoiceField(
        label=_("Secteurs"), required=False, widget=forms.CheckboxSelectMultiple
    )
    addresses = area_text(_("Adresses, une par ligne"), 3)
    area = area_text(_("Zone dessinée (GeoJSON)"), 3)
    next_at = moment_field(_("Prochaine mise à jour promise"))
    expires_at = moment_field(_("Valable jusqu’à"))

    def __init__(self, revision: Revision, data: Any = None) -> None:
        self.revision = revision
        self.town = revision.municipality
        super().__init__(data, initial=start(revision))
        self.speaks_english = "en" in drafts.offered(self.town)
        self.counts = heads(self.town)
        self.fields["sectors"].choices = [  # type: ignore[attr-defined]
            (pk, name) for pk, name, _count in self.counts
        ]

    def sector_choices(self) -> list[dict[str, Any]]:
        """Each sector with the number of residents who have a place there."""
        chosen = {str(value) for value in self["sectors"].value() or ()}
        return [
            {"pk": pk, "name": name, "count": count, "on": str(pk) in chosen}
            for pk, name, count in self.counts
        ]

    def clean_addresses(self) -> list[int]:
        """Each line must name one address of the town."""
        lines = list(dict.fromkeys(rules.lines(self.cleaned_data["addresses"])))
        if len(lines) > LINES_MAX:
            raise ValidationError(
                _text("Donnez au plus %(n)s adresses\u00a0: pour plus, dessinez une zone.")
                % {"n": LINES_MAX}
            )
        known = {str(one): one.pk for one in named(self.revision)}
        found, unknown = [], []
        for line in lines:
            if line in known:
                found.append(known[line])
                continue
            answers = search.find(self.town, line, limit=2)
            if len(answers) == 1 or (answers and str(answers[0]) == line):
                found.append(answers[0].pk)
            else:
                unknown.append(line)
        if unknown:
            raise ValidationError(
                _text("Ces lignes ne désignent pas une seule adresse\u00a0: %(lines)s")
                % {"lines": "; ".join(unknown[:5])}
            )
        return list(dict.fromkeys(found))

    def clean_area(self) -> Any:
        written = self.cleaned_data["area"].strip()
        if not written:
            return None
        try:
            return json.loads(written)
        except (ValueError, RecursionError) as error:
            raise ValidationError(
                _text("La zone n’est pas un objet GeoJSON lisible. Dessinez-la de nouveau.")
            ) from error

    def words(self) -> dict[str, Any]:
        given = self.cleaned_data
        languages = ["fr", *(["en"] if self.speaks_english and given["in_english"] else [])]
        found: dict[str, Any] = {}
        for language in languages:
            said: dict[str, Any] = {name: given[f"{language}_{name}"] for name in PARTS}
            said["steps"] = rules.lines(said["steps"])
            found[language] = said
        if "en" in found:
            found["en"]["basis"] = given["en_basis"]
        return found

    def changes(self) -> dict[str, Any]:
        """What the action takes, by the names of the revision's columns."""
        given = self.cleaned_data
        plain = (
            "severity", "urgency", "certainty", "note", "everywhere", "area", "next_at",
            "expires_at",
        )  # fmt: skip
        return {
            **{name: given[name] for name in plain},
            "words": self.words(),
            "sector_ids": [int(pk) for pk in given["sectors"]],
            "address_ids": given["addresses"],
        }


def named(revision: Revision) -> list[Address]:
    rows = Address.objects.of(revision.municipality_id)
    return list(rows.filter(pk__in=revision.address_ids))


def start(revision: Revision) -> dict[str, Any]:
    """What the editor shows at first."""
    columns = (
        "token", "severity", "urgency", "certainty", "note", "everywhere", "next_at", "expires_at",
    )  # fmt: skip
    found: dict[str, Any] = {name: getattr(revision, name) for name in columns}
    found["sectors"] = revision.sector_ids
    found["addresses"] = "\n".join(str(one) for one in named(revision))
    found["area"] = json.dumps(revision.area) if revision.area else ""
    for language, said in revision.words.items():
        for name in PARTS:
            value = said.get(name, "")
            found[f"{language}_{name}"] = "\n".join(value) if name == "steps" else value
    english = revision.words.get("en")
    found["in_english"] = english is not None
    found["en_basis"] = (english or {}).get("basis", revision.alert.kind.basis)
    return found


def heads(town: Municipality) -> list[tuple[int, str, int]]:
    """Sectors of the town, with how many residents have a place in each."""
    counted = dict(
        Place.objects.of(town)
        .filter(address__sector__isnull=False)
        .values_list("address__sector")
        .annotate(n=Count("resident", distinct=True))
    )
    return [(one.pk, one.name, counted.get(one.pk, 0)) for one in Sector.objects.of(town)]


class DecisionForm(forms.Form):
    token = forms.IntegerField(widget=forms.HiddenInput)
    to_nobody = forms.BooleanField(
        label=_("Publier la page, même si personne n’a de compte dans cette zone"), required=False
    )


class AloneForm(DecisionForm):
    reason = forms.CharField(
        label=_("Pourquoi une seule personne décide"), max_length=rules.NOTE_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
