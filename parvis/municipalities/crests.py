"""The town's crest: checked, cleaned, kept in the store under a name that changes with it."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from parvis.core import icons
from parvis.core.errors import Refused
from parvis.municipalities.actions import change_town
from parvis.municipalities.models import Municipality

MAX_SIDE = 4096
KEPT_SIDE = 512


@transaction.atomic
def change_crest(town: Municipality, *, data: bytes, actor: Any) -> Municipality:
    """Put this SVG or PNG in the place of the crest, or raise Refused."""
    if len(data) > icons.MAX_BYTES:
        raise Refused(_("Le fichier dépasse 50\u00a0ko. Réduisez-le, puis réessayez."))
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        clean, suffix = clean_png(data), "png"
    else:
        try:
            clean, suffix = icons.check_svg(data), "svg"
        except ValueError as error:
            raise Refused(str(error)) from error
    digest = hashlib.sha256(clean).hexdigest()[:16]
    name = f"towns/{town.pk}/crest-{digest}.{suffix}"
    if not default_storage.exists(name):
        name = default_storage.save(name, ContentFile(clean))
    return change_town(town, actor=actor, crest=name)


def clean_png(data: bytes) -> bytes:
    """The picture drawn again, so that nothing stays in the file but the picture."""
    try:
        picture = Image.open(BytesIO(data), formats=["PNG"])
        # The size is read from the header, before any pixel takes room.
        if max(picture.size) > MAX_SIDE:
            raise Refused(_("L’image est trop grande\u00a0: 4096 points de côté au plus."))
        drawn = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(_("Ce fichier n’est pas une image PNG lisible.")) from error
    drawn.thumbnail((KEPT_SIDE, KEPT_SIDE))
    out = BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue()
