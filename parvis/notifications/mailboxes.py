"""Mailboxes that are read: a Maildir or an IMAP folder, emptied minute by minute.

A letter leaves the mailbox only after the database has committed what it said. Killed in between,
it is read again, which changes nothing. One that cannot be read is set aside, and the rest go on.
"""

from __future__ import annotations

import imaplib
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from parvis.notifications import bounces

logger = logging.getLogger("parvis.notifications")

MOST = 500
"""Letters taken in one round; the next round comes in a minute."""
TIMEOUT = 20
ASIDE = "parvis-set-aside"

Take = Callable[[bytes], bool | None]
"""What is done with a letter. None leaves it in the mailbox for a person to read; else what it
said is written down and it goes, counted when true."""


class Mailbox(Protocol):
    def waiting(self) -> Iterator[str]: ...
    def open(self, key: str) -> bytes | None:
        """The beginning of the letter, or None when it is gone."""

    def remove(self, key: str) -> None: ...
    def keep(self, key: str) -> None:
        """Leave it for a person to read, and do not offer it again."""

    def set_aside(self, key: str) -> None: ...


def collect(now: datetime) -> int:
    """Read what came back since the last round; answer how many bounces were written down."""

    def take(raw: bytes) -> bool | None:
        bounce = bounces.read(raw)
        return None if bounce is None else bounces.note(bounce, now=now)

    return read("BOUNCE", take, of="returned letters", limit=bounces.LIMIT)


def read(setting: str, take: Take, *, of: str, limit: int) -> int:
    """Empty the Maildir and the IMAP folder that the settings `<setting>_…` name; how many letters
    counted. `of` says in the log what they are."""
    noted = 0
    maildir: str = getattr(settings, f"{setting}_MAILDIR")
    url: str = getattr(settings, f"{setting}_IMAP_URL")
    if maildir:
        try:
            noted += empty(Maildir(Path(maildir), limit=limit), take)
        except OSError as error:
            logger.warning("the Maildir of %s: %s", of, error)
    if url:
        try:
            with imap(url, setting=f"{setting}_IMAP_URL", limit=limit) as mailbox:
                noted += empty(mailbox, take)
        except (OSError, imaplib.IMAP4.error) as error:
            logger.warning("the IMAP mailbox of %s: %s", of, error)
    return noted


def empty(mailbox: Mailbox, take: Take) -> int:
    if connection.in_atomic_block:
        raise RuntimeError("a letter removed inside a transaction could be undone here alone")
    noted = failures = 0
    for key in mailbox.waiting():
        try:
            raw = mailbox.open(key)
            if raw is None:
                continue
            taken = take(raw)
        except (OperationalError, InterfaceError) as error:
            # Not the letter's fault: it stays for the next round.
            logger.warning("a letter waits, the database says: %s", error)
            failures += 1
            if failures == 3:
                break
            continue
        except imaplib.IMAP4.abort:
            raise
        except Exception:
            # The outer edge of this letter: whatever it is, the others go on.
            logger.exception("a letter cannot be read: set aside")
            mailbox.set_aside(key)
            continue
        if taken is None:
            mailbox.keep(key)
        else:
            noted += taken
            mailbox.remove(key)
    return noted


class Maildir:
    """Letters in `new/`, as mail servers put them there; no lock is needed to take one."""

    def __init__(self, folder: Path, *, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def waiting(self) -> Iterator[str]:
        yield from sorted(entry.name for entry in (self.folder / "new").iterdir())[:MOST]

    def open(self, key: str) -> bytes | None:
        try:
            with (self.folder / "new" / key).open("rb") as file:
                return file.read(self.limit)
        except FileNotFoundError:
            return None

    def remove(self, key: str) -> None:
        (self.folder / "new" / key).unlink(missing_ok=True)

    def keep(self, key: str) -> None:
        self.move(key, self.folder / "cur" / f"{key.partition(':')[0]}:2,S")

    def set_aside(self, key: str) -> None:
        # A folder of the same mailbox (Maildir++), which mail programs show.
        aside = self.folder / f".{ASIDE}"
        for name in ("cur", "new", "tmp"):
            (aside / name).mkdir(parents=True, exist_ok=True)
        self.move(key, aside / "new" / key)

    def move(self, key: str, target: Path) -> None:
        target.parent.mkdir(exist_ok=True)
        try:
            (self.folder / "new" / key).rename(target)
        except FileNotFoundError:
            logger.debug("another round moved %s", key)


@contextmanager
def imap(url: str, *, setting: str, limit: int) -> Iterator[Imap]:
    """The folder of an imaps:// address, signed in. The server's certificate is verified."""
    parts = urlsplit(url)
    if parts.scheme != "imaps" or not parts.hostname:
        raise OSError(f"{setting}: write imaps://user:password@host/folder")
    server = imaplib.IMAP4_SSL(
        parts.hostname, parts.port or 993, ssl_context=ssl.create_default_context(), timeout=TIMEOUT
    )
    try:
        server.login(unquote(parts.username or ""), unquote(parts.password or ""))
        status, _answer = server.select(quoted(unquote(parts.path.lstrip("/")) or "INBOX"))
        if status != "OK":
            raise OSError(f"{setting}: there is no such folder")
        # imaplib keeps what was said before the sign-in; most servers can do more after.
        _status, words = server.capability()
        expunges = b"UIDPLUS" in b" ".join(words).upper().split()
        yield Imap(server, expunges=expunges, limit=limit)
    finally:
        # Not CLOSE: it would expunge what others have flagged.
        try:
            server.logout()
        except (OSError, imaplib.IMAP4.error) as error:
            logger.debug("the IMAP server left: %s", error)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Imap:
    """Letters not yet seen of the selected folder, by UID."""

    def __init__(self, server: imaplib.IMAP4, *, expunges: bool, limit: int) -> None:
        self.server = server
        self.expunges = expunges
        self.limit = limit

    def waiting(self) -> Iterator[str]:
        found = self.ask("SEARCH", "UNSEEN", "UNDELETED")
        uids = found[0].decode().split() if found and isinstance(found[0], bytes) else []
        yield from uids[:MOST]

    def open(self, key: str) -> bytes | None:
        # PEEK: reading must not mark it as seen before it is written down.
        answer = self.ask("FETCH", key, f"(BODY.PEEK[]<0.{self.limit}>)")
        return next((part[1] for part in answer if isinstance(part, tuple)), None)

    def remove(self, key: str) -> None:
        self.ask("STORE", key, "+FLAGS.SILENT", r"(\Deleted)")
        # Plain EXPUNGE would remove what someone else flagged; without UIDPLUS it stays flagged.
        if self.expunges:
            self.ask("EXPUNGE", key)

    def keep(self, key: str) -> None:
        self.ask("STORE", key, "+FLAGS.SILENT", r"(\Seen)")

    def set_aside(self, key: str) -> None:
        self.server.create(quoted(ASIDE))
        status, _answer = self.server.uid("COPY", key, quoted(ASIDE))
        if status == "OK":
            self.remove(key)
        else:
            self.ask("STORE", key, "+FLAGS.SILENT", r"(\Seen \Flagged)")

    def ask(self, command: str, *words: str) -> list[bytes | tuple[bytes, bytes] | None]:
        status, answer = self.server.uid(command, *words)
        if status != "OK":
            raise imaplib.IMAP4.error(f"UID {command}: {status}")
        return answer
