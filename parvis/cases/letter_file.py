"""A letter as it arrived: who wrote it, to which address, what they wrote above what they quoted.

Without a database. Anyone may write to the mailbox: nothing is parsed that could cost much, and
nothing here believes what a letter says of itself.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message as Part
from email.parser import BytesHeaderParser
from email.utils import getaddresses

import nh3

from parvis.notifications.bounces import RECIPIENT_HEADERS, is_built_to_cost, parts

ADDRESS = re.compile(r"[^\s<>@,;:\"()]{1,80}@[a-z0-9.-]{1,255}")
WHOLE_MAX = 200_000
HEADERS_MAX = 100_000
LONGEST_HEADER = 4000
LONGEST_LINE = 500
"""Lines that are longer are nobody's «Le 3 mai, … a écrit :»."""
TINY = 10_000
"""Pictures smaller than this that a text shows in its midst are logos of signatures."""

INTRO = re.compile(
    r"(?:le|on|am|el|il)\s.{4,300}?\s(?:a\s+écrit|wrote|schrieb|escribió|ha\s+scritto)\s*:\s*",
    re.IGNORECASE | re.DOTALL,
)
BAR = re.compile(
    r"\s*(?:-{2,}\s*(?:message d[’']origine|original message|message transféré|forwarded message)"
    r"\s*-{2,}|_{10,})\s*",
    re.IGNORECASE,
)
FROM = re.compile(r"\s*\*?(?:de|from)\s?:\*?\s.+", re.IGNORECASE)
OTHER_FIELD = re.compile(r"\s*\*?(?:envoyé|sent|date|à|to|objet|subject)\s?:\*?\s.*", re.IGNORECASE)
SENT_FROM = re.compile(
    r"\s*(?:envoyé (?:de|depuis|à partir de) |sent from |télécharge[rz] outlook|get outlook)"
    r".{0,100}",
    re.IGNORECASE,
)
AWAY = re.compile(
    r"\s*(?:absence du bureau|absent du bureau|réponse automatique|message d[’']absence|"
    r"out of (?:the )?office|auto(?:matic)?[ -]?(?:reply|response))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Letter:
    """What is read of a letter."""

    addresses: Sequence[str]
    """Every address it was sent or delivered to, in lower case."""
    sender: str
    name: str
    subject: str
    letter_id: str
    text: str
    """What the person wrote, without what they quoted and their signature."""
    whole: str
    """The whole text; empty when nothing was cut."""
    automatic: str = ""
    """Why it is no letter of a person; empty when it is."""
    files: Sequence[tuple[str, bytes]] = field(default_factory=list)


def sent_to(raw: bytes) -> list[str]:
    """Every address of the letter, from its first lines alone: before anything of it is parsed."""
    if is_built_to_cost(raw[:HEADERS_MAX]):
        return []
    return addresses(BytesHeaderParser().parsebytes(raw[:HEADERS_MAX]))


def read(raw: bytes) -> Letter | None:
    """The letter, or None when it is built to cost."""
    if is_built_to_cost(raw):
        return None
    letter = message_from_bytes(raw)
    found = parts(letter)
    # The standard library takes quadratic time over the parameters of these.
    if any(
        len(str(value)) > LONGEST_HEADER
        for part in found
        for name, value in part.items()
        if name.lower().startswith("content-")
    ):
        return None
    name, sender = written_by(letter)
    said_whole = tidy(body(found))[:WHOLE_MAX]
    text = cut(said_whole)
    return Letter(
        addresses=addresses(letter),
        sender=sender,
        name=" ".join(name.split())[:120],
        subject=" ".join(said(letter, "Subject").split())[:200],
        letter_id=said(letter, "Message-ID").strip()[:250]
        or f"<sha256.{hashlib.sha256(raw).hexdigest()}>",
        text=text,
        whole=said_whole if said_whole != text else "",
        automatic=automatic(letter, sender),
        files=files(found),
    )


def written_by(letter: Part) -> tuple[str, str]:
    """(name, address) of the one sender; no address where it is not said without doubt.

    The address is read as it stands: only the name may be encoded (RFC 2047, section 5). Decoded
    first, a name could bring an address along that no mail server has seen.
    """
    values = [str(value)[:2000] for value in letter.get_all("From", [])]
    named = [(name, address) for name, address in getaddresses(values) if address]
    if len(values) != 1 or len(named) != 1:
        return " ".join(values)[:120], ""
    name, address = named[0][0], named[0][1].strip().lower()
    stands = values[0].strip().lower()
    if not ADDRESS.fullmatch(address) or not (stands == address or stands.endswith(f"<{address}>")):
        return values[0][:120], ""
    return in_words(name), address


def said(part: Part, header: str) -> str:
    """The header in words; what is not encoded as it says is read as it stands."""
    return in_words(str(part.get(header, ""))[:2000])


def in_words(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, ValueError, HeaderParseError):
        return value


def addresses(letter: Part) -> list[str]:
    values = [str(value) for header in RECIPIENT_HEADERS for value in letter.get_all(header, [])]
    found: list[str] = []
    for value in [*values[:50], str(letter.get("Cc", ""))]:
        found += ADDRESS.findall(value[:4000].lower())
    return list(dict.fromkeys(found))


def automatic(letter: Part, sender: str) -> str:
    """What says that no person wrote it (RFC 3834); a loop begins with an answer to such a one."""
    submitted = said(letter, "Auto-Submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return "auto-submitted"
    if said(letter, "Precedence").strip().lower() in {"bulk", "junk", "list", "auto_reply"}:
        return "precedence"
    if any(letter.get(header) is not None for header in ("X-Autoreply", "X-Autorespond")):
        return "auto-reply"
    if letter.get("X-Parvis-Message") is not None:
        return "our own"
    if said(letter, "Return-Path").strip() == "<>" or sender.startswith(
        ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@", "ne-pas-repondre@")
    ):
        return "a server"
    if letter.get_content_type() == "multipart/report":
        return "a report"
    return "away" if AWAY.match(said(letter, "Subject")) else ""


def body(found: Sequence[Part]) -> str:
    """The words: the first plain text, else those of the first page."""
    for wanted in ("text/plain", "text/html"):
        for part in found:
            if part.get_content_type() == wanted and not is_file(part):
                text = decoded(part)
                return text if wanted == "text/plain" else words_of(text)
    return ""


def decoded(part: Part) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    payload = payload[:1_000_000]
    try:
        return payload.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return payload.decode("cp1252", "replace")


def is_file(part: Part) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def files(found: Sequence[Part]) -> list[tuple[str, bytes]]:
    """What is joined, by name; small pictures in the midst of a text are left out."""
    kept: list[tuple[str, bytes]] = []
    for part in found:
        if part.is_multipart() or not is_file(part):
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or not payload:
            continue
        inline = part.get_content_disposition() != "attachment" and part.get("Content-ID")
        if inline and part.get_content_maintype() == "image" and len(payload) < TINY:
            continue
        name = in_words((part.get_filename() or "")[:400])
        kept.append((name.encode("utf-8", "replace").decode()[:200], payload))
    return kept


LINES = {"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4"}
BREAK, TAG = re.compile(r"<(?:br|p|div|tr|li|h[1-4])>|</p>"), re.compile(r"<[^>]*>")


def words_of(page: str) -> str:
    """The words of a page, without what it quotes."""
    clean = nh3.clean(
        page[:300_000], tags=LINES, attributes={}, strip_comments=True,
        clean_content_tags={"script", "style", "head", "title", "blockquote"},
    )  # fmt: skip
    text = html.unescape(TAG.sub("", BREAK.sub("\n", re.sub(r"\s+", " ", clean))))
    return text.replace("\xa0", " ")


def tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def cut(text: str) -> str:
    """The words above the quoted letter and the signature.

    Where someone wrote below or between what they quote, the lines that are not quoted; where
    nothing would be left, everything.
    """
    lines = text.split("\n")
    above = tidy("\n".join(lines[: end(lines)]))
    if any(char.isalnum() for char in above):
        return above
    own = [line for line in lines if not line.startswith(">")]
    between = tidy("\n".join(own))
    between = tidy(INTRO.sub("", between[:LONGEST_LINE], count=1) + between[LONGEST_LINE:])
    return between if any(char.isalnum() for char in between) else tidy(text)


def end(lines: list[str]) -> int:
    """The number of the first line that is not the person's own any more."""
    quoted = len(lines)
    while quoted and (not lines[quoted - 1] or lines[quoted - 1].startswith(">")):
        quoted -= 1
    for place, line in enumerate(lines):
        if place >= quoted and line.startswith(">"):
            return place
        if len(line) > LONGEST_LINE:
            continue
        after = lines[place + 1][:LONGEST_LINE] if place + 1 < len(lines) else ""
        if line in {"--", "-- "} or BAR.fullmatch(line) or SENT_FROM.fullmatch(line):
            return place
        if INTRO.fullmatch(line) or (after and INTRO.fullmatch(f"{line} {after}")):
            return place
        rest = [each[:LONGEST_LINE] for each in lines[place + 1 : place + 5]]
        if FROM.fullmatch(line) and any(OTHER_FIELD.fullmatch(each) for each in rest):
            return place
    return len(lines)
