"""Letters about accounts (codes, confirmations) leave by the same path as every message."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.utils import timezone

from parvis.notifications import letters
from parvis.notifications.urls_of import absolute
from parvis.residents.adapter import TownAccountAdapter


class AccountAdapter(TownAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        context = {"municipality": self.request.municipality, **self.at_main_host(context)}
        mail = self.render_mail(template_prefix, email, context)
        html = next((str(part[0]) for part in getattr(mail, "alternatives", ())), "")
        letters.send_letter(
            municipality=self.request.municipality,
            to=email,
            subject=mail.subject.strip(),
            text=str(mail.body),
            html=html,
            now=timezone.now(),
        )

    def at_main_host(self, context: dict[str, Any]) -> dict[str, Any]:
        """Links under the town's main host name: whoever asks for a letter names the host."""
        here, moved = self.request.get_host(), dict(context)
        for name, value in context.items():
            if isinstance(value, str) and value.startswith(("http://", "https://")):
                parts = urlsplit(value)
                if parts.netloc == here:
                    path = urlunsplit(("", "", *parts[2:]))
                    moved[name] = absolute(self.request.municipality, path)
        return moved
