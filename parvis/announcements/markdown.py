"""Markdown as clerks write it, made into HTML that can do no harm."""

from __future__ import annotations

import html
import re

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from parvis.core.typography import french_html

TAGS = {
    "p", "br", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "a", "blockquote",
    "hr", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "s", "div",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "th": {"scope"},
    "div": {"class", "role", "tabindex", "aria-label"},
}
SCHEMES = {"http", "https", "mailto", "tel"}

_writer = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
_writer.enable(["table", "strikethrough"])
# No image in the text: pictures are redrawn by us and described, and nobody else's are loaded.
_writer.disable(["image", "html_block", "html_inline"])


def _lower(tokens: list[Token], first: int) -> None:
    """Headings begin under the page's own, and no level is skipped on the way down."""
    depth = [0]
    for token in tokens:
        if token.type not in {"heading_open", "heading_close"}:
            continue
        if token.type == "heading_open":
            wanted = int(token.tag[1])
            while depth[-1] >= wanted:
                depth.pop()
            depth.append(wanted)
        token.tag = f"h{min(6, first + len(depth) - 2)}"


def _table(tokens: list[Token]) -> None:
    for token in tokens:
        if token.type == "th_open":
            token.attrs = {"scope": "col"}
        elif token.type == "td_open":
            token.attrs = {}


def to_html(text: str, *, first_heading: int = 2, language: str = "fr") -> SafeString:
    """Safe HTML of the text; headings start at `first_heading`."""
    tokens = _writer.parse(text)
    _lower(tokens, first_heading)
    _table(tokens)
    made = _writer.renderer.render(tokens, _writer.options, {})
    # A wide table scrolls in its own box, reachable by the keyboard.
    made = made.replace(
        "<table>", '<div class="scroll" role="region" tabindex="0" aria-label="Tableau"><table>'
    )
    made = made.replace("</table>", "</table></div>")
    clean = nh3.clean(
        made,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="nofollow noopener noreferrer",
        strip_comments=True,
    )
    return mark_safe(french_html(clean) if language == "fr" else clean)


def plain(text: str) -> str:
    """The words alone, one line for each block."""
    made = _writer.render(text)
    made = re.sub(r"</(p|h[1-6]|li|tr|blockquote|pre)>|<br ?/?>|<hr ?/?>", "\n", made)
    made = re.sub(r"</t[hd]>", " ", made)
    bare = html.unescape(nh3.clean(made, tags=set()))
    return re.sub(r"\n\s*\n+", "\n", bare).strip()


def excerpt(text: str, length: int = 280) -> str:
    """The beginning of the words, cut between two of them."""
    words = " ".join(plain(text).split())
    if len(words) <= length:
        return words
    return words[:length].rsplit(" ", 1)[0].rstrip(",;:.– ") + "…"
