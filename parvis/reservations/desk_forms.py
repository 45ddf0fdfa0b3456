"""What the forms of residents and clerks both ask for an appointment."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _

from parvis.reservations.models import Resource


def fit_to_desk(form: forms.Form, desk: Resource | None) -> None:
    """Of an appointment: its subject, and how one meets unless there is one way only."""
    ways = Resource.Way
    choices = [(one.value, one.label) for one in ways if desk and one.value in desk.ways]
    if len(choices) > 1:
        form.fields["way"].choices = choices  # type: ignore[attr-defined]
        form.fields["way"].required = True
        form.fields["way"].error_messages["required"] = _(
            "Choisissez comment le rendez-vous se passe."
        )
    else:
        del form.fields["way"]
    if desk:
        form.fields["purpose"].label = _("De quoi voulez-vous parler\u202f?")
        form.fields["purpose"].help_text = _("Quelques mots suffisent. Seule la Ville les lit.")
