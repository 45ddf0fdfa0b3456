"""The demonstration's own mail server: takes every letter, keeps it in a folder, sends nothing on.

Run as `python -m parvis.demo.mailbox <descriptor of a listening socket> <folder>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import json
import os
import re
import signal
import socket
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

INDEX = "index.jsonl"
KEPT = 5000
REFUSALS = {
    "inconnu": "550 5.1.1 Cette adresse n’existe pas",
    "plein": "552 5.2.2 La boîte est pleine",
}
"""First word of an invented address that this server refuses, as real servers do."""
NAME = re.compile(r"[0-9]{13}-[0-9]{6}")


def refusal(address: str) -> str | None:
    return next((why for word, why in REFUSALS.items() if address.startswith(word)), None)


class Mailbox:
    """Writes each letter to a file, and one line about it to the index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        why = refusal(address)
        if why is not None:
            return why.encode("ascii", "replace").decode()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        self.keep(content, to=list(envelope.rcpt_tos), sender=envelope.mail_from or "")
        return "250 Message accepted for delivery"

    def keep(self, content: bytes, *, to: list[str], sender: str) -> str:
        self.count += 1
        name = f"{time.time_ns() // 1_000_000:013d}-{self.count % 1_000_000:06d}"
        (self.folder / f"{name}.eml").write_bytes(content)
        letter = parse(content)
        line = {
            "name": name,
            "at": time.time(),
            "from": str(letter["From"] or sender),
            "to": to,
            "subject": str(letter["Subject"] or ""),
        }
        with (self.folder / INDEX).open("a") as index:
            index.write(json.dumps(line, ensure_ascii=False) + "\n")
        if self.count % 500 == 0:
            self.forget_oldest()
        return name

    def forget_oldest(self) -> None:
        lines = (self.folder / INDEX).read_text().splitlines()
        for line in lines[:-KEPT]:
            (self.folder / f"{json.loads(line)['name']}.eml").unlink(missing_ok=True)
        fresh = self.folder / f"{INDEX}.new"
        fresh.write_text("".join(f"{line}\n" for line in lines[-KEPT:]))
        os.replace(fresh, self.folder / INDEX)


def parse(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def letters(folder: Path, *, to: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The newest letters first, those to one address where one is given."""
    try:
        lines = (folder / INDEX).read_text().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in reversed(lines):
        letter = json.loads(line)
        if not to or to.lower() in " ".join(letter["to"]).lower():
            found.append(letter)
        if len(found) == limit:
            break
    return found


def letter(folder: Path, name: str) -> EmailMessage | None:
    """One letter by the name that the index gives it."""
    path = folder / f"{name}.eml"
    if not NAME.fullmatch(name) or not path.exists():
        return None
    return parse(path.read_bytes())


async def serve(listening: socket.socket, folder: Path) -> None:
    mailbox = Mailbox(folder)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="courriels.localhost", enable_SMTPUTF8=True, loop=loop),
        sock=listening,
    )
    await stop.wait()
    server.close()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 1)


def main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    listening.setblocking(False)
    asyncio.run(serve(listening, Path(sys.argv[2])))


if __name__ == "__main__":
    main()
