"""The messages that carry an alert: one for each revision, in each language that it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from parvis.alerts import audience, rules
from parvis.alerts.models import Revision
from parvis.core import typography

KIND = "alerts.sent"


def heading(revision: Revision, language: str) -> str:
    """The title as it stands in a message: marked as a drill, an update, an end."""
    with translation.override(language):
        title = str(revision.said(language)["title"])
        if revision.kind == rules.UPDATE:
            title = _("Mise à jour\u00a0: {title}").format(title=title)
        elif revision.kind == rules.LIFT:
            title = _("Levée\u00a0: {title}").format(title=title)
        if revision.alert.is_drill:
            title = _("EXERCICE\u00a0: {title}").format(title=title)
    return title


def letter(revision: Revision) -> dict[str, dict[str, str]]:
    """Title, short text, page and letter, in every language; French always stands."""
    url = revision.alert.get_absolute_url()
    return {
        language: {
            **said(revision, language),
            "url": url if language == "fr" else f"{url}?langue={language}",
        }
        for language in revision.words
    }


def said(revision: Revision, language: str) -> dict[str, str]:
    words = revision.said(language)
    tidy = typography.french if language == "fr" else str
    with translation.override(language):
        lines = _lines(revision)
        steps = [rules.gesture(step) for step in words["steps"]]
        text = "\n\n".join(
            [
                *lines,
                words["text"],
                *(f"{n}. {head}. {more}".strip() for n, (head, more) in enumerate(steps, 1)),
            ]
        )
        html = [
            *(format_html("<p><b>{}</b></p>", tidy(line)) for line in lines),
            *(format_html("<p>{}</p>", tidy(part)) for part in words["text"].split("\n\n")),
            _list(steps, tidy),
        ]
    return {
        "title": heading(revision, language),
        "body": words["short"],
        "text": tidy(text),
        "html": "".join(html),
    }


def _list(steps: Sequence[tuple[str, str]], tidy: Any) -> SafeString:
    if not steps:
        return SafeString("")
    items = format_html_join(
        "", "<li><b>{}.</b> {}</li>", ((tidy(head), tidy(more)) for head, more in steps)
    )
    return format_html("<ol>{}</ol>", items)


def _lines(revision: Revision) -> list[str]:
    """What we add to the town's words: that it is a drill, where, and when the next word comes."""
    found = []
    if revision.alert.is_drill:
        found.append(_("Ceci est un exercice. Vous n’avez rien à faire."))
    found.append(_("Où\u00a0: {where}.").format(where=audience.where(revision)))
    if revision.next_at is not None and not revision.ends_it:
        english = (translation.get_language() or "fr").startswith("en")
        found.append(
            _("Prochaine mise à jour promise\u00a0: {at}.").format(
                at=_when(revision.next_at, english)
            )
        )
    return found


def _when(at: datetime, english: bool) -> str:
    local = timezone.localtime(at)
    return f"{typography.day(local, english=english)}, {typography.moment(local, english=english)}"
