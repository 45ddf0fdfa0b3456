"""Icons drawn within the page: an alert must not wait for a sprite."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
SYMBOL = re.compile(r'<symbol id="i-([a-z0-9-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)


@cache
def drawings() -> dict[str, str]:
    """Name → what the sprite draws."""
    found = finders.find("vendor/icons.svg")
    if found is None:
        raise template.TemplateSyntaxError("vendor/icons.svg is missing: run make setup.")
    return dict(SYMBOL.findall(Path(found).read_text()))


@register.simple_tag
def glyph(name: str, css: str = "") -> SafeString:
    """A Lucide icon of core/static/icons.txt, whole; words beside it say the same."""
    return format_html(
        '<svg class="icon{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>',
        f" {css}" if css else "",
        mark_safe(drawings()[name]),
    )
