"""The shape of what people and clerks write in cases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django import forms
from django.core.files.base import File
from django.utils.translation import gettext_lazy as _

from parvis.cases import kinds, rules
from parvis.core import files
from parvis.municipalities.models import StaffMember


class SeveralFilesInput(forms.FileInput):
    allow_multiple_selected = True


class SeveralFiles(forms.FileField):
    """No file, one, or several, in a control that takes them together."""

    widget = SeveralFilesInput

    def __init__(self, **facts: Any) -> None:
        widget = SeveralFilesInput(attrs={"accept": files.ACCEPTED, "multiple": True})
        super().__init__(required=False, widget=widget, **facts)

    def clean(self, data: Any, initial: Any = None) -> list[File[bytes]]:
        given = data if isinstance(data, list) else [data] if data else []
        return [super(SeveralFiles, self).clean(one, initial) for one in given]


def text_field(label: Any, rows: int = 6) -> forms.CharField:
    """The words themselves; their length and content are the action's to judge."""
    return forms.CharField(
        label=label, max_length=rules.TEXT_MAX, widget=forms.Textarea(attrs={"rows": rows})
    )


class Sent(forms.Form):
    """A form that leaves once, however often its button is pressed."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class WriteForm(Sent):
    """«Écrire à la Ville»."""

    kind = forms.ChoiceField(label=_("C’est"), widget=forms.RadioSelect)
    subject = forms.CharField(
        label=_("De quoi s’agit-il, en une ligne\u202f?"), max_length=rules.SUBJECT_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    body = text_field(_("Votre message"), rows=8)
    uploads = SeveralFiles(label=_("Photos ou documents"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(kind.key, kind.label) for kind in kinds.written()]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]


class ReplyForm(Sent):
    """A message of the person in their own case."""

    text = text_field(_("Votre message"), rows=5)
    uploads = SeveralFiles(label=_("Photos ou documents"))


class CallerForm(WriteForm):
    """A case that a clerk writes down for someone who called or came."""

    via = forms.ChoiceField(
        label=_("Reçue par"), widget=forms.RadioSelect, initial="phone",
        choices=[("phone", _("Téléphone")), ("counter", _("Comptoir"))],
    )  # fmt: skip
    caller_name = forms.CharField(
        label=_("Nom de la personne"), max_length=rules.NAME_MAX, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    caller_phone = forms.CharField(
        label=_("Téléphone"), max_length=40, required=False,
        widget=forms.TextInput(
            attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}
        ),
    )  # fmt: skip
    caller_email = forms.EmailField(
        label=_("Courriel"), required=False, max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, has_account: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].label = _("Ce que la personne demande")
        if has_account:
            for name in ("caller_name", "caller_phone", "caller_email"):
                del self.fields[name]
        else:
            self.fields["caller_name"].required = True


AFTER = {
    rules.ANSWERED: _("C’est répondu"),
    rules.WAITING: _("J’attends sa réponse"),
    rules.WORKING: _("Je continue d’y travailler"),
}
"""State that an answer leads to → the same in a clerk's words."""


class AnswerForm(Sent):
    """A message of the town to the person."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    text = text_field(_("Votre réponse"), rows=7)
    uploads = SeveralFiles(label=_("Fichiers à joindre"))
    to = forms.ChoiceField(label=_("Ensuite"), widget=forms.RadioSelect, initial=rules.ANSWERED)

    def __init__(self, *args: Any, state: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            (to, label) for to, label in AFTER.items() if to == state or to in rules.NEXT[state]
        ]


class NoteForm(Sent):
    """A note that the staff alone reads."""

    text = text_field(_("Votre note"), rows=3)


class AssignForm(forms.Form):
    member = forms.TypedChoiceField(
        label=_("Responsable"), required=False, coerce=int, empty_value=None
    )

    def __init__(self, *args: Any, team: Iterable[StaffMember], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["member"].choices = [  # type: ignore[attr-defined]
            ("", _("Personne")), *((one.pk, one.person.short_name) for one in team)
        ]  # fmt: skip


class PromiseForm(forms.Form):
    due_on = forms.DateField(
        label=_("Réponse promise pour le"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


class ClosedDayForm(forms.Form):
    day = forms.DateField(
        label=_("Jour"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    label = forms.CharField(label=_("Pourquoi"), max_length=80)
