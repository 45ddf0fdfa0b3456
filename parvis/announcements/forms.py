"""The shape of what clerks write: an announcement with all that goes with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Count, Q
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from parvis.announcements import rules
from parvis.announcements.models import Announcement, PublicNotice
from parvis.core import files
from parvis.municipalities.models import Municipality
from parvis.notifications.models import Subject
from parvis.residents.models import Place
from parvis.territory import search
from parvis.territory.models import Address, Sector

MOMENT = "%Y-%m-%dT%H:%M"
LINES_MAX = 500
BEFORE = [
    (60, _("Une heure avant")),
    (180, _("Trois heures avant")),
    (1440, _("La veille")),
    (2880, _("Deux jours avant")),
    (10080, _("Une semaine avant")),
]


SLIP = _("Cette date n’est pas de ce siècle\u00a0: corrigez l’année.")
CENTURY = [
    MinValueValidator(datetime(2000, 1, 1, tzinfo=UTC), SLIP),
    MaxValueValidator(datetime(2100, 1, 1, tzinfo=UTC), SLIP),
]


def moment_field(label: Any, **options: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, required=False, validators=CENTURY,
        input_formats=[MOMENT, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT), **options,
    )  # fmt: skip


class EditorForm(forms.Form):
    """Everything on the editor's page; nothing is required of a draft."""

    token = forms.IntegerField(widget=forms.HiddenInput)
    title = forms.CharField(
        label=_("Titre"), required=False, max_length=rules.TITLE_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    text = forms.CharField(
        label=_("Texte"), required=False, max_length=rules.TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 12}),
    )  # fmt: skip
    summary = forms.CharField(
        label=_("Résumé"), required=False, max_length=rules.SUMMARY_MAX,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip
    signed_by = forms.CharField(label=_("Service qui parle"), required=False, max_length=120)
    subject = forms.ModelChoiceField(
        label=_("Sujet"), queryset=Subject.objects.none(), required=False,
        empty_label=_("Choisissez un sujet"),
    )  # fmt: skip
    severity = forms.ChoiceField(label=_("Gravité"), choices=Announcement.Severity.choices)
    takes_force = forms.BooleanField(label=_("En vigueur jusqu’à ce qu’on le lève"), required=False)
    in_force_from = moment_field(_("En vigueur dès"))
    in_force_until = moment_field(_("Levée prévue"))
    concerns_at = moment_field(_("Date que l’avis concerne"))
    expires_at = moment_field(_("Retrait des listes"))
    sectors = forms.MultipleChoiceField(
        label=_("Secteurs"), required=False, widget=forms.CheckboxSelectMultiple
    )
    addresses = forms.CharField(
        label=_("Adresses, une par ligne"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )  # fmt: skip
    area = forms.CharField(
        label=_("Zone dessinée (GeoJSON)"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )  # fmt: skip
    notify = forms.BooleanField(
        label=_("Envoyer un message aux personnes abonnées"), required=False
    )

    in_language = forms.BooleanField(label=_("Dans une autre langue aussi"), required=False)
    language = forms.ChoiceField(label=_("Langue"), choices=list(rules.LANGUAGES.items()))
    basis = forms.ChoiceField(
        label=_("Motif"), required=False,
        choices=[("", _("Choisissez le motif")), *rules.BASES.items()],
    )  # fmt: skip
    other_title = forms.CharField(
        label=_("Titre traduit"), required=False, max_length=rules.TITLE_MAX
    )
    other_summary = forms.CharField(
        label=_("Résumé traduit"), required=False, max_length=rules.SUMMARY_MAX
    )
    other_text = forms.CharField(
        label=_("Texte traduit"), required=False, max_length=rules.TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 6}),
    )  # fmt: skip

    is_notice = forms.BooleanField(label=_("C’est un avis public (légal)"), required=False)
    notice_kind = forms.ChoiceField(
        label=_("Sorte d’avis public"), choices=PublicNotice.Kind.choices, required=False
    )
    notice_bylaw = forms.CharField(
        label=_("Règlement (numéro et titre)"), required=False, max_length=120
    )
    notice_basis = forms.CharField(label=_("Article de loi"), required=False, max_length=200)
    notice_deadline = moment_field(_("À publier au plus tard"))

    def __init__(self, announcement: Announcement, data: Any = None, *, language: str = "") -> None:
        self.announcement = announcement
        self.town = announcement.municipality
        super().__init__(data, initial=start(announcement, language))
        subjects = Subject.objects.of(self.town).filter(
            Q(archived_at__isnull=True) | Q(pk=announcement.subject_id)
        )
        self.fields["subject"].queryset = subjects  # type: ignore[attr-defined]
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
        lines = [line.strip() for line in self.cleaned_data["addresses"].splitlines()]
        lines = list(dict.fromkeys(line for line in lines if line))
        if len(lines) > LINES_MAX:
            raise ValidationError(
                _text("Donnez au plus %(n)s adresses\u00a0: pour plus, dessinez une zone.")
                % {"n": LINES_MAX}
            )
        known = {str(one): one.pk for one in standing(self.announcement)}
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

    def changes(self) -> dict[str, Any]:
        """What the actions take, by the names of the announcement's columns."""
        given = self.cleaned_data
        plain = (
            "title", "text", "summary", "signed_by", "subject", "severity", "takes_force",
            "in_force_from", "in_force_until", "concerns_at", "expires_at", "notify", "area",
        )  # fmt: skip
        return {
            **{name: given[name] for name in plain},
            "sector_ids": [int(pk) for pk in given["sectors"]],
            "address_ids": given["addresses"],
        }

    def translation(self) -> dict[str, str] | None:
        """The text in the other language, or None where there is none."""
        given = self.cleaned_data
        if not given["in_language"]:
            return None
        return {
            "basis": given["basis"],
            "title": given["other_title"],
            "summary": given["other_summary"],
            "text": given["other_text"],
        }

    def notice(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if not given["is_notice"]:
            return None
        return {
            "kind": given["notice_kind"] or PublicNotice.Kind.OTHER,
            "bylaw": given["notice_bylaw"],
            "legal_basis": given["notice_basis"],
            "deadline_at": given["notice_deadline"],
        }


def standing(announcement: Announcement) -> list[Address]:
    return list(
        Address.objects.of(announcement.municipality_id).filter(pk__in=announcement.address_ids)
    )


def start(announcement: Announcement, language: str) -> dict[str, Any]:
    """What the editor shows at first."""
    columns = (
        "token", "title", "text", "summary", "signed_by", "subject", "severity", "takes_force",
        "in_force_from", "in_force_until", "concerns_at", "expires_at", "notify",
    )  # fmt: skip
    found = {name: getattr(announcement, name) for name in columns}
    found["sectors"] = announcement.sector_ids
    found["addresses"] = "\n".join(str(one) for one in standing(announcement))
    found["area"] = json.dumps(announcement.area) if announcement.area else ""
    written = {one.language: one for one in announcement.translations.all()}
    other = written.get(language) or (next(iter(written.values()), None) if not language else None)
    found["language"] = other.language if other else language or "en"
    if other:
        found |= {
            "in_language": True, "basis": other.basis, "other_title": other.title,
            "other_summary": other.summary, "other_text": other.text,
        }  # fmt: skip
    notice = PublicNotice.objects.of(announcement.municipality_id).filter(announcement=announcement)
    if (one := notice.first()) is not None:
        found |= {
            "is_notice": True, "notice_kind": one.kind, "notice_bylaw": one.bylaw,
            "notice_basis": one.legal_basis, "notice_deadline": one.deadline_at,
        }  # fmt: skip
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


class PictureForm(forms.Form):
    # It stands within the editor's own form, which must leave without a picture.
    use_required_attribute = False

    picture = forms.FileField(
        label=_("Image"),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    alt = forms.CharField(label=_("Texte de remplacement"), max_length=rules.ALT_MAX)


class AttachmentForm(forms.Form):
    use_required_attribute = False

    attachment = forms.FileField(
        label=_("Fichier"), widget=forms.FileInput(attrs={"accept": files.ACCEPTED})
    )
    attachment_title = forms.CharField(label=_("Titre du fichier"), max_length=200, required=False)


class ReminderForm(forms.Form):
    before = forms.TypedChoiceField(label=_("Rappel"), choices=BEFORE, coerce=int, initial=1440)


class PublishForm(forms.Form):
    """The last page before an announcement leaves: now, or at an instant."""

    token = forms.IntegerField(widget=forms.HiddenInput)
    when = forms.ChoiceField(
        label=_("Publication"), widget=forms.RadioSelect, initial="now",
        choices=[("now", _("Dès maintenant")), ("later", _("Plus tard, à ce moment"))],
    )  # fmt: skip
    publish_at = moment_field(_("Moment de la publication"))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("when") == "later" and not given.get("publish_at"):
            self.add_error("publish_at", _text("Indiquez le jour et l’heure de la publication."))
        return given

    def instant(self) -> datetime | None:
        chosen: datetime | None = self.cleaned_data["publish_at"]
        return chosen if self.cleaned_data["when"] == "later" else None


class RevisionForm(forms.Form):
    notify_change = forms.BooleanField(label=_("Aviser de la modification"), required=False)
    note = forms.CharField(
        label=_("Ce qui change, en une phrase"), required=False, max_length=rules.SUMMARY_MAX
    )


class LiftForm(forms.Form):
    note = forms.CharField(
        label=_("Ce qu’il faut savoir"), required=False, max_length=rules.SUMMARY_MAX
    )
    notify_lift = forms.BooleanField(label=_("Aviser que c’est levé"), required=False, initial=True)


class CertificateForm(forms.Form):
    name = forms.CharField(label=_("Nom de la personne qui certifie"), max_length=120)
    title = forms.CharField(label=_("Sa fonction"), max_length=120)
    place = forms.CharField(label=_("Aussi affiché à"), max_length=200, required=False)
