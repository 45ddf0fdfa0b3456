"""Letters as people's programs write them."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid


def letter(
    to: str,
    text: str = "Le numéro est 4F-112.",
    *,
    sender: str = "Agathe Tremblay <agathe@exemple.ca>",
    files: tuple[tuple[str, bytes], ...] = (),
    html: str = "",
    **headers: str,
) -> bytes:
    """A letter of a person; a header's name is given with _ for -."""
    made = EmailMessage()
    made["From"], made["To"] = sender, to
    made["Subject"] = headers.pop("Subject", "RE: La Ville vous pose une question")
    made["Message-ID"] = headers.pop("Message_ID", make_msgid(domain="exemple.ca"))
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    if text:
        made.set_content(text)
    if html:
        if text:
            made.add_alternative(html, subtype="html")
        else:
            made.set_content(html, subtype="html")
    for name, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


GMAIL = """\
Le numéro est 4F-112.

Merci beaucoup !

Le mar. 24 nov. 2026, à 16 h 40, Ville d’Alma <avis@alma.exemple> a
écrit :

> La Ville vous pose une question
>
> Quel numéro de série est gravé sous la poignée ?
"""
OUTLOOK = """\
Le numéro est 4F-112.

Merci beaucoup !

________________________________
De : Ville d’Alma <avis@alma.exemple>
Envoyé : 24 novembre 2026 16:40
À : agathe@exemple.ca
Objet : La Ville vous pose une question

Quel numéro de série est gravé sous la poignée ?
"""
OUTLOOK_PLAIN = """\
Le numéro est 4F-112.

Merci beaucoup !

De : Ville d’Alma <avis@alma.exemple>
Envoyé : 24 novembre 2026 16:40
À : agathe@exemple.ca
Objet : La Ville vous pose une question

Quel numéro ?
"""
IPHONE = """\
Le numéro est 4F-112.

Merci beaucoup !

Envoyé de mon iPhone

> Le 24 nov. 2026 à 16:40, Ville d’Alma <avis@alma.exemple> a écrit :
>
> Quel numéro ?
"""
SIGNED = """\
Le numéro est 4F-112.

Merci beaucoup !
-- 
Agathe Tremblay
415, rue des Bouleaux
"""
ENGLISH = """\
Le numéro est 4F-112.

Merci beaucoup !

On Tue, Nov 24, 2026 at 4:40 PM Ville d’Alma <avis@alma.exemple> wrote:
> Quel numéro ?
"""
BELOW = """\
Le 24 nov. 2026 à 16:40, Ville d’Alma <avis@alma.exemple> a écrit :
> Quel numéro de série ?
Le numéro est 4F-112.
> Et la couleur ?
Merci beaucoup !
"""
