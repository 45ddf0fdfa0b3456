"""A push service and a mail server that take whatever comes, quickly, and count it by identity."""

from __future__ import annotations

import asyncio
import collections
import email
import ssl
import threading
from pathlib import Path

from aiosmtpd.smtp import SMTP


class Sink:
    """Both servers, in a thread of their own. `pushes` and `letters`: identity → times taken."""

    def __init__(self, folder: Path) -> None:
        from parvis.notifications.tests.push_service import write_certificates

        write_certificates(folder)
        self.ca_file = folder / "ca.pem"
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem")
        self.pushes: collections.Counter[str] = collections.Counter()
        self.letters: collections.Counter[str] = collections.Counter()
        self.ready = threading.Event()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.run, daemon=True).start()
        self.ready.wait(10)

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.start())
        self.loop.run_forever()

    async def start(self) -> None:
        push = await asyncio.start_server(self.push, "localhost", 0, ssl=self.context)
        mail = await self.loop.create_server(
            lambda: SMTP(self, loop=self.loop, hostname="sink"), "127.0.0.1", 0
        )
        self.push_port = push.sockets[0].getsockname()[1]
        self.mail_port = mail.sockets[0].getsockname()[1]
        self.ready.set()

    async def push(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                length = next(
                    int(line.split(":")[1])
                    for line in lines
                    if line.lower().startswith("content-length")
                )
                await reader.readexactly(length)
                path = lines[0].split()[1]
                self.pushes[path] += 1
                writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content)
        self.letters[f"{letter['Message-ID']} {envelope.rcpt_tos[0]}"] += 1
        return "250 2.0.0 OK"
