"""What every template may say: icons, fields, chips, and Québec's typography."""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django import template
from django.forms import BaseForm, BoundField, CheckboxInput, RadioSelect
from django.forms.widgets import CheckboxSelectMultiple
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeData, SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from parvis.core import icons, typography

register = template.Library()

TONES = {
    "urgence": "octagon-alert",
    "avis": "triangle-alert",
    "info": "info",
    "succes": "circle-check",
}


def _english() -> bool:
    return (get_language() or "").startswith("en")


@register.filter
def french(text: object) -> str:
    """No-break spaces and apostrophes of Québec's usage; an English page is left as it is."""
    if _english():
        return text if isinstance(text, str) else str(text)
    if isinstance(text, SafeData):
        return mark_safe(typography.french_html(str(text)))
    return typography.french(str(text))


@register.filter
def number(value: int | float | Decimal | None) -> str:
    return "" if value is None else typography.number(value, english=_english())


@register.filter
def money(amount: Decimal | None) -> str:
    return "" if amount is None else typography.money(amount, english=_english())


@register.filter
def moment(at: datetime | None) -> str:
    return typography.moment(timezone.localtime(at), english=_english()) if at else ""


@register.filter
def day(on: date | None) -> str:
    return typography.day(_local(on), english=_english()) if on else ""


@register.filter
def short_day(on: date | None) -> str:
    return typography.short_day(_local(on), year=False, english=_english()) if on else ""


@register.filter
def when(at: date | None) -> str:
    if not at:
        return ""
    return typography.when(_local(at), today=timezone.localdate(), english=_english())


def _local(at: date) -> date:
    return timezone.localtime(at) if isinstance(at, datetime) else at


@register.filter
def tel(phone: str) -> str:
    """The address of a telephone link; ten digits are a North American number."""
    digits = re.sub(r"\D", "", phone)
    return f"tel:+1{digits}" if len(digits) == 10 else f"tel:+{digits}"


@register.filter
def initials(name: str) -> str:
    return icons.initials(name)


@cache
def _icon_names() -> frozenset[str]:
    return frozenset(icons.LIST.read_text().split())


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A Lucide icon of static/icons.txt, drawn from the sprite; words beside it say the same."""
    if name not in _icon_names():
        raise template.TemplateSyntaxError(f"The icon “{name}” is not in core/static/icons.txt.")
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#i-{}"/></svg>',
        f" {css}" if css else "",
        static("vendor/icons.svg"),
        name,
    )


@register.filter
def tone_icon(tone: str) -> str:
    """The icon whose shape says the tone, for those who do not see its colour."""
    return TONES.get(tone, "info")


@register.filter
def message_tone(level: str) -> str:
    """The tone of a Django message."""
    return {"success": "succes", "warning": "avis", "error": "urgence"}.get(level, "info")


@register.simple_tag
def chip(text: str, tone: str = "", name: str = "") -> SafeString:
    """A status: icon and word, never colour alone."""
    return format_html(
        '<span class="chip"{}>{}{}</span>',
        format_html(' data-tone="{}"', tone) if tone else "",
        icon(name or TONES[tone]) if name or tone else "",
        text,
    )


@register.inclusion_tag("components/_field.html")
def field(
    bound: BoundField,
    hint: str = "",
    label: str = "",
    css: str = "",
    placeholder: str | None = None,
) -> dict[str, Any]:
    """One field of a form: label above, hint below, and its error saying what to do."""
    widget = bound.field.widget
    grouped = isinstance(widget, (RadioSelect, CheckboxSelectMultiple))
    hint = hint or str(bound.help_text or "")
    error_id, hint_id = f"{bound.auto_id}_error", f"{bound.auto_id}_hint"
    described = [error_id] * bool(bound.errors) + [hint_id] * bool(hint)
    attrs: dict[str, str | bool] = {"aria-describedby": " ".join(described)} if described else {}
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if placeholder is not None:
        attrs["placeholder"] = placeholder
    if css:
        attrs["class"] = f"{widget.attrs.get('class', '')} {css}".strip()
    return {
        "field": bound,
        "label": label or bound.label,
        "hint": hint,
        "error_id": error_id,
        "hint_id": hint_id,
        "described": " ".join(described),
        "grouped": grouped,
        "single_check": isinstance(widget, CheckboxInput),
        "control": "" if grouped else bound.as_widget(attrs=attrs),
        "optional": not bound.field.required and not isinstance(widget, CheckboxInput),
    }


@register.inclusion_tag("components/_errors.html")
def errors(form: BaseForm, *more: BaseForm) -> dict[str, Any]:
    """What there is to correct, each linked to its field; nothing if all is well."""
    fields, general = [], []
    for one in (form, *more):
        general += list(one.non_field_errors())
        for hidden in one.hidden_fields():
            general += list(hidden.errors)
        fields += [
            {"id": _focus_id(bound), "label": bound.label, "error": bound.errors[0]}
            for bound in one.visible_fields()
            if bound.errors
        ]
    return {"fields": fields, "general": general, "count": len(fields) + len(general)}


def _focus_id(bound: BoundField) -> str:
    """The id that a link reaches: the first choice of a group, else the control."""
    if isinstance(bound.field.widget, (RadioSelect, CheckboxSelectMultiple)):
        return f"{bound.auto_id}_0"
    return bound.id_for_label or bound.auto_id


@register.simple_tag
def stones(done: int, promised: int, label: str, css: str = "") -> SafeString:
    """The public clock: one stone per promised day; `done` counts those that have passed."""
    late = done > promised
    states = ["late"] * promised if late else ["done"] * done + ["now"] + [""] * promised
    words = {
        "done": _("écoulé"),
        "now": _("en cours"),
        "late": _("en retard"),
        "": _("à venir"),
    }
    items = format_html_join(
        "",
        '<li{}><span class="sr">{} {}</span></li>',
        (
            (format_html(' class="{}"', state) if state else "", place, words[state])
            for place, state in enumerate(states[:promised], 1)
        ),
    )
    classes = f"stones {css}".strip()
    return format_html('<ol class="{}" aria-label="{}">{}</ol>', classes, label, items)


@register.simple_tag
def bar(percent: float, label: str = "", css: str = "", tone: str = "") -> SafeString:
    """A proportion from 0 to 100, drawn so that it also prints."""
    said = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    return format_html(
        '<svg class="bar{}"{} {}><rect width="{}%" height="100%"/></svg>',
        f" {css}" if css else "",
        format_html(' data-tone="{}"', tone) if tone else "",
        conditional_escape(said) if label else mark_safe(said),
        f"{max(0.0, min(100.0, float(percent))):.1f}",
    )
