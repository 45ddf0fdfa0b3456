"""The address in a form: a search box, the answers as choices, and the choice itself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Municipality
from parvis.territory.models import Address
from parvis.territory.search import find


class AddressPicker(forms.Widget):
    """Two inputs: `name` is the chosen address, `name_q` what was typed."""

    template_name = "territory/_picker_widget.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.municipality: Municipality | None = None

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        chosen, typed = value if isinstance(value, tuple) else (value, "")
        found: list[Address] = []
        if self.municipality is not None:
            if isinstance(chosen, Address):
                found = [chosen]
            elif str(chosen or "").isdecimal():
                found = list(Address.objects.of(self.municipality).filter(pk=int(chosen))[:1])
            if not found and typed:
                found = find(self.municipality, str(typed))
        picked = found[0].pk if found and chosen else None
        context["widget"] |= {
            "typed": typed or (str(found[0]) if picked and found else ""),
            "found": found,
            "picked": picked,
        }
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name, ""), data.get(f"{name}_q", "")

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}_q" not in data

    def id_for_label(self, id_: str) -> str:
        return id_


class AddressField(forms.Field):
    """An address of the town. Set `form.fields["address"].municipality` before it is bound.

    What was typed is enough when it names one address, so that it works without scripts.
    """

    widget = AddressPicker
    default_error_messages = {
        "required": _("Écrivez votre adresse, puis choisissez-la dans la liste."),
        "unknown": _(
            "Cette adresse n’est pas dans la liste de la ville. Vérifiez le numéro et la rue."
        ),
        "several": _("Choisissez votre adresse dans la liste ci-dessous."),
    }

    def __init__(self, *, municipality: Municipality | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.municipality = municipality

    @property
    def municipality(self) -> Municipality | None:
        return self._municipality

    @municipality.setter
    def municipality(self, town: Municipality | None) -> None:
        self._municipality = town
        self.widget.municipality = town

    def clean(self, value: Any) -> Address | None:
        chosen, typed = value if isinstance(value, tuple) else (value, "")
        chosen, typed = str(chosen or "").strip(), str(typed or "").strip()
        if self.municipality is None:
            raise TypeError("AddressField needs its municipality")
        if chosen.isdecimal() and len(chosen) < 19:
            found: Address | None = (
                Address.objects.of(self.municipality).filter(pk=int(chosen)).first()
            )
            if found is not None:
                return found
            raise ValidationError(self.error_messages["unknown"], "unknown")
        if typed:
            answers = find(self.municipality, typed)
            if len(answers) == 1:
                return answers[0]
            code = "several" if answers else "unknown"
            raise ValidationError(self.error_messages[code], code)
        if chosen:
            raise ValidationError(self.error_messages["unknown"], "unknown")
        if self.required:
            raise ValidationError(self.error_messages["required"], "required")
        return None
