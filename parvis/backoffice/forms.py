"""The shape of what the Bureau's own pages take in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.municipalities import rules
from parvis.municipalities.models import Municipality, StaffMember
from parvis.notifications.subjects import ICONS
from parvis.residents.doors import roles_of

LEVELS = [("", _("Aucun accès")), ("see", _("Consulter")), ("act", _("Agir"))]
ENGLISH = [
    ("safety", _("Santé et sécurité seulement (art. 22.3)")),
    ("all", _("Tous les textes (ville reconnue, art. 29.1)")),
]


class RolesForm(forms.Form):
    """What someone on the staff is and may do; one choice of level for each room."""

    title = forms.CharField(label=_("Fonction"), max_length=120, required=False)
    is_administrator = forms.BooleanField(label=_("Administration de la ville"), required=False)
    is_alert_authority = forms.BooleanField(
        label=_("Autorité d’alerte (décide d’une alerte)"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for room, name in rules.ROOMS.items():
            self.fields[f"room_{room}"] = forms.ChoiceField(
                label=str(name), choices=LEVELS, required=False
            )

    @classmethod
    def of_member(cls, member: StaffMember, data: Any = None) -> RolesForm:
        initial = {
            "title": member.title,
            "is_administrator": member.is_administrator,
            "is_alert_authority": member.is_alert_authority,
            **{f"room_{room}": level for room, level in roles_of(member).items()},
        }
        return cls(data, initial=initial, prefix=f"m{member.pk}")

    def facts(self) -> dict[str, Any]:
        """What the actions take: the levels of rooms as one mapping."""
        chosen = self.cleaned_data
        return {
            "title": chosen["title"],
            "is_administrator": chosen["is_administrator"],
            "is_alert_authority": chosen["is_alert_authority"],
            "roles": {r: chosen[f"room_{r}"] for r in rules.ROOMS if chosen[f"room_{r}"]},
        }

    def room_fields(self) -> list[forms.BoundField]:
        return [self[f"room_{room}"] for room in rules.ROOMS]


class InvitationForm(RolesForm):
    email = forms.EmailField(
        label=_("Courriel de travail"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )


class TownForm(forms.Form):
    """The town's settings, published together."""

    name = forms.CharField(label=_("Nom affiché"), max_length=120)
    help_phone = forms.CharField(
        label=_("Téléphone d’aide"), max_length=40, required=False,
        widget=forms.TextInput(attrs={"type": "tel"}),
    )  # fmt: skip
    night_phone = forms.CharField(
        label=_("Téléphone de nuit"), max_length=40, required=False,
        widget=forms.TextInput(attrs={"type": "tel"}),
    )  # fmt: skip
    contact_email = forms.EmailField(label=_("Courriel public"), required=False)
    street_address = forms.CharField(label=_("Hôtel de ville"), max_length=200, required=False)
    code = forms.CharField(
        label=_("Code géographique"), max_length=5, required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    crest = forms.FileField(
        label=_("Changer les armoiries"), required=False,
        widget=forms.FileInput(attrs={"accept": ".svg,.png,image/svg+xml,image/png"}),
    )  # fmt: skip
    privacy_officer = forms.CharField(
        label=_("Responsable de la protection des renseignements personnels"),
        max_length=120, required=False,
    )  # fmt: skip
    privacy_email = forms.EmailField(label=_("Courriel de la personne responsable"), required=False)
    english = forms.BooleanField(label=_("Anglais"), required=False)
    english_basis = forms.ChoiceField(
        label=_("Motif pour l’anglais"),
        choices=ENGLISH, required=False,
    )  # fmt: skip
    recognised_29_1 = forms.BooleanField(
        label=_("Ville reconnue en vertu de l’article 29.1 de la Charte"), required=False
    )
    brand = forms.CharField(
        label=_("Couleur de la ville"), max_length=7,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )  # fmt: skip
    time_zone = forms.ChoiceField(
        label=_("Fuseau horaire"),
        choices=[
            ("America/Toronto", _("Heure de l’Est (Montréal, Québec)")),
            ("America/Halifax", _("Heure de l’Atlantique (Îles-de-la-Madeleine)")),
            ("America/Blanc-Sablon", _("Heure de Blanc-Sablon")),
        ],
    )

    step_minutes = forms.IntegerField(
        label=_("Urgence\u00a0: minutes entre deux moyens"), min_value=1, max_value=60,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip

    PLAIN = (
        "name", "help_phone", "night_phone", "contact_email", "street_address", "code",
        "privacy_officer", "privacy_email", "brand", "time_zone", "recognised_29_1",
        "step_minutes",
    )  # fmt: skip

    @classmethod
    def of_town(cls, town: Municipality, data: Any = None, files: Any = None) -> TownForm:
        initial = {key: getattr(town, key) for key in cls.PLAIN}
        initial["english"] = "en" in town.languages
        initial["english_basis"] = town.languages.get("en", "safety")
        form = cls(data, files, initial=initial)
        zones = form.fields["time_zone"].choices  # type: ignore[attr-defined]
        if town.time_zone not in dict(zones):
            form.fields["time_zone"].choices = [*zones, (town.time_zone,) * 2]  # type: ignore[attr-defined]
        for field in form.fields.values():
            # Other forms stand between these fields on the page.
            field.widget.attrs["form"] = "reglages"
        return form

    def changes(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        basis = chosen["english_basis"] or "safety"
        return {
            **{key: chosen[key] for key in self.PLAIN},
            "languages": {"en": basis} if chosen["english"] else {},
        }


class HostNameForm(forms.Form):
    name = forms.CharField(
        label=_("Nom d’hôte à ajouter"), max_length=253,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )  # fmt: skip


class SubjectForm(forms.Form):
    name = forms.CharField(label=_("Nom"), max_length=60)
    detail = forms.CharField(label=_("En quelques mots"), max_length=120, required=False)
    icon = forms.ChoiceField(
        label=_("Icône"), choices=list(ICONS.items()), widget=forms.RadioSelect,
        initial="bell",
    )  # fmt: skip
