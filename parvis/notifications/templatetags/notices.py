"""What templates say of subjects and contacts."""

import re

from django import template
from django.utils.safestring import SafeString

from parvis.core.templatetags.parvis import icon
from parvis.notifications.models import Subject

register = template.Library()


@register.simple_tag
def subject_icon(subject: Subject | None) -> SafeString:
    """The subject's icon; a bell where a clerk chose one that is no longer drawn."""
    if subject is not None and subject.is_emergency:
        return icon("octagon-alert")
    try:
        return icon(subject.icon if subject is not None else "bell")
    except template.TemplateSyntaxError:
        return icon("bell")


@register.filter
def phone(number: str) -> str:
    """«418 555-0142» for +14185550142; other countries as they are."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"{found[1]}\u00a0{found[2]}-{found[3]}" if found else number
