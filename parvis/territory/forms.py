"""What staff send about sectors and addresses."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.territory.geometry import check_polygons
from parvis.territory.models import Address, Import, Sector
from parvis.territory.rows import Row, check_position, matricule, postal_code

MOST_LETTERS = 900_000


class SectorForm(forms.Form):
    name = forms.CharField(label=_("Nom du secteur"), max_length=80)
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        required=False,
        help_text=_("Celui de vos cartes, s’il existe."),
    )
    geometry = forms.CharField(
        label=_("Tracé (GeoJSON)"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("Un Polygon ou un MultiPolygon, en longitude et latitude (WGS\u00a084)."),
    )

    def clean_geometry(self) -> dict[str, Any]:
        text = self.cleaned_data["geometry"]
        if len(text) > MOST_LETTERS:
            raise forms.ValidationError(_("Le tracé est trop long. Simplifiez-le."))
        try:
            return check_polygons(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("Ce n’est pas du GeoJSON lisible.")) from error
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused


class AddressForm(forms.Form):
    number = forms.CharField(
        label=_("Numéro civique"), max_length=20, help_text=_("Par exemple 415, 415A ou 415-419.")
    )
    street = forms.CharField(
        label=_("Rue"), max_length=120, help_text=_("Par exemple «\u00a0rue des Bouleaux\u00a0».")
    )
    unit = forms.CharField(label=_("Appartement"), max_length=20, required=False)
    postal_code = forms.CharField(label=_("Code postal"), max_length=7, required=False)
    matricule = forms.CharField(label=_("Matricule"), max_length=24, required=False)
    dwellings = forms.IntegerField(label=_("Logements"), min_value=0, max_value=99_999, initial=1)
    longitude = forms.FloatField(label=_("Longitude"), required=False)
    latitude = forms.FloatField(label=_("Latitude"), required=False)
    sector = forms.ModelChoiceField(
        label=_("Secteur"),
        queryset=Sector.objects.none(),
        required=False,
        empty_label=_("Aucun"),
        help_text=_("Sert quand la position n’est pas donnée."),
    )

    def __init__(
        self, *args: Any, municipality: Municipality, address: Address | None = None, **kwargs: Any
    ) -> None:
        if address is not None:
            kwargs["initial"] = {
                name: getattr(address, name) for name in self.base_fields if name != "sector"
            } | {"sector": address.sector_id}
        super().__init__(*args, **kwargs)
        choices = self.fields["sector"]
        assert isinstance(choices, forms.ModelChoiceField)
        choices.queryset = Sector.objects.of(municipality)

    def clean_postal_code(self) -> str:
        try:
            return postal_code(self.cleaned_data["postal_code"])
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def clean_matricule(self) -> str:
        try:
            return matricule(self.cleaned_data["matricule"])
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused

    def clean(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            check_position(facts.get("longitude"), facts.get("latitude"))
        except Refused as refused:
            self.add_error("longitude", str(refused).capitalize())
        return facts

    def row(self) -> Row:
        facts = {name: value for name, value in self.cleaned_data.items() if name != "sector"}
        return Row(**facts)


class UploadForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("Ce que contient le fichier"), choices=Import.Kind, widget=forms.RadioSelect
    )
    file = forms.FileField(
        label=_("Fichier"),
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ".geojson,.json,.csv,.txt,.xml"}),
    )
