"""Letters about accounts (codes, confirmations) leave by the same path as every message."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from parvis.notifications import letters
from parvis.residents.adapter import TownAccountAdapter


class AccountAdapter(TownAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        context = {"municipality": self.request.municipality, **context}
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
