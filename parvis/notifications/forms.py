"""The shape of what residents choose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from parvis.notifications.models import Channel, Preference, Subscription

PACES = (
    (Subscription.Pace.NOW, _("Dès la publication")),
    (Subscription.Pace.DAILY, _("Résumé à 17\u00a0h")),
    (Subscription.Pace.WEEKLY, _("Résumé du jeudi")),
)


def _hours() -> list[tuple[str, str]]:
    return [(f"{hour:02}:00", f"{hour}\u00a0h") for hour in range(24)]


class RhythmForm(forms.Form):
    """How fast letters come, and when nothing may ring."""

    pace = forms.ChoiceField(label=_("Par courriel"), choices=PACES, widget=forms.RadioSelect)
    quiet = forms.BooleanField(label=_("Heures calmes"), required=False)
    quiet_from = forms.ChoiceField(label=_("De"), choices=_hours, required=False)
    quiet_until = forms.ChoiceField(label=_("à"), choices=_hours, required=False)

    @classmethod
    def showing(cls, preference: Preference | None, pace: str) -> RhythmForm:
        starts = preference.quiet_from if preference else None
        ends = preference.quiet_until if preference else None
        return cls(
            initial={
                "pace": pace,
                "quiet": starts is not None,
                "quiet_from": (starts or time(21)).strftime("%H:00"),
                "quiet_until": (ends or time(7)).strftime("%H:00"),
            }
        )

    def hours(self) -> tuple[time | None, time | None]:
        """The two hours chosen, or none."""
        if not self.cleaned_data["quiet"]:
            return None, None
        texts = (self.cleaned_data["quiet_from"], self.cleaned_data["quiet_until"])
        starts, ends = (time.fromisoformat(text) if text else None for text in texts)
        return starts, ends


RANKS = (
    ("1", _("en premier")),
    ("2", _("en deuxième")),
    ("3", _("en troisième")),
    ("4", _("en quatrième")),
)


class OrderForm(forms.Form):
    """In what order an emergency comes: as the town does, all at once, or one after the other."""

    TOWN, ONCE, OWN = "town", "once", "own"
    mode = forms.ChoiceField(label=_("En cas d’urgence, me joindre"), widget=forms.RadioSelect)

    def __init__(
        self, channels: Sequence[Channel], minutes: int, order: Sequence[str] | None = None,
        data: Any = None,
    ) -> None:  # fmt: skip
        """`channels`: those offered; `order`: as stored; `minutes`: the town's step."""
        named = [name for name in order or () if name in channels]
        shown = [*named, *(name for name in channels if name not in named)]
        first = {f"rank_{name}": str(rank) for rank, name in enumerate(shown, 1)}
        mode = self.TOWN if order is None else self.OWN if order else self.ONCE
        super().__init__(data, initial={"mode": mode, **first})
        self.channels = channels
        self.fields["mode"].choices = [  # type: ignore[attr-defined]
            (self.TOWN, self.as_the_town_does(channels, minutes)),
            (self.ONCE, _("Par tous ces moyens en même temps")),
            (self.OWN, _("Dans l’ordre ci-dessous")),
        ]
        for name in channels:
            self.fields[f"rank_{name}"] = forms.ChoiceField(
                label=Channel(name).label, choices=RANKS[: len(channels)], required=False
            )

    @staticmethod
    def as_the_town_does(channels: Sequence[Channel], minutes: int) -> str:
        if not {Channel.TEXT, Channel.VOICE} & set(channels):
            return gettext(
                "Comme la ville le prévoit\u00a0: par l’appli et le courriel, tout de suite"
            )
        return gettext(
            "Comme la ville le prévoit\u00a0: par l’appli et le courriel tout de suite, puis à mes "
            "numéros après {minutes}\u00a0min sans réponse"
        ).format(minutes=minutes)

    def ranks(self) -> list[Any]:
        """The fields of the ranks, for the page."""
        return [self[f"rank_{name}"] for name in self.channels]

    def order(self) -> list[str] | None:
        """What was chosen, as it is stored."""
        mode = self.cleaned_data["mode"]
        if mode == self.TOWN:
            return None
        if mode == self.ONCE:
            return []
        ranks = {str(name): self.cleaned_data[f"rank_{name}"] for name in self.channels}
        return sorted(ranks, key=lambda name: ranks[name])

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        ranks = [found.get(f"rank_{name}") for name in self.channels]
        if found.get("mode") == self.OWN and len({*ranks} - {"", None}) < len(ranks):
            raise forms.ValidationError(
                _("Donnez à chaque moyen un rang différent, puis enregistrez de nouveau.")
            )
        return found


class PauseForm(forms.Form):
    until = forms.DateField(
        label=_("Reprendre le"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    @classmethod
    def showing(cls) -> PauseForm:
        today = timezone.localdate()
        form = cls(initial={"until": today + timedelta(days=7)})
        form.fields["until"].widget.attrs["min"] = (today + timedelta(days=1)).isoformat()
        return form

    def instant(self) -> datetime:
        """Messages come again in the morning of the day chosen."""
        on: date = self.cleaned_data["until"]
        return timezone.make_aware(datetime.combine(on, time(0)))


class DeviceForm(forms.Form):
    """What a browser says of itself when it asks for push messages."""

    endpoint = forms.CharField(max_length=2048)
    p256dh = forms.CharField(max_length=120)
    auth = forms.CharField(max_length=60)
    key = forms.CharField(max_length=120)


class RenewalForm(DeviceForm):
    old_endpoint = forms.CharField(max_length=2048)


class NameForm(forms.Form):
    label = forms.CharField(label=_("Nom de l’appareil"), max_length=80)


class WayForm(forms.Form):
    """One choice: place, subject and channel, as the name of its box says."""

    way = forms.RegexField(r"^\d{1,18}-\d{1,18}-(?:" + "|".join(Channel.values) + r")$")

    def parts(self) -> tuple[int, int, str]:
        place, subject, channel = self.cleaned_data["way"].split("-")
        return int(place), int(subject), channel

    @classmethod
    def read(cls, text: Any) -> tuple[int, int, str] | None:
        form = cls({"way": text})
        return form.parts() if form.is_valid() else None
