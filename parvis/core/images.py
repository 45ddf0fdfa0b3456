"""Images drawn again: whatever a file hid behind its pixels is left out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from parvis.core.errors import Refused

WIDTHS = (480, 960, 1600)
PIXELS_MAX = 40_000_000
SIDE_MIN = 16
RATIO_MAX = 20
FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
READ = ("PNG", "JPEG", "WEBP", "GIF")
SOCIAL = "partage.jpg"
"""One JPEG beside the others: social networks do not all read WebP."""

BROKEN = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError,
    TypeError, IndexError, KeyError, ZeroDivisionError,
)  # fmt: skip
"""What decoders raise on a damaged or forged file."""


def read_image(source: IO[bytes], *, near: int | None = None) -> Image.Image:
    """The pixels, upright and in sRGB, or raise Refused. The size is known before decoding."""
    too_large = Refused(
        _(
            "Cette image compte plus de {n} millions de pixels. Réduisez-la avant de la joindre."
        ).format(n=PIXELS_MAX // 1_000_000)
    )
    not_one = Refused(
        _(
            "Ce fichier n’est pas une image que nous pouvons lire. Joignez un JPEG, un PNG ou un "
            "WebP."
        )
    )
    try:
        source.seek(0)
        image: Image.Image = Image.open(source, formats=READ)
        width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large from error
    except BROKEN as error:
        raise not_one from error
    if width * height >= PIXELS_MAX:
        raise too_large
    if min(width, height) < SIDE_MIN or max(width, height) > RATIO_MAX * min(width, height):
        raise Refused(_("Cette image est trop petite ou trop étroite pour être montrée."))
    try:
        if near is not None:
            # A JPEG can be decoded at a half or a quarter: less memory, less time.
            image.draft("RGB", (near, near))
        image.load()
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
        return _in_srgb(upright, profile)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large from error
    except BROKEN as error:
        raise not_one from error


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as they were meant, since the profile that said so is left out."""
    see_through = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    if profile and image.mode in {"RGB", "CMYK"}:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # A broken profile is left out; the pixels are good.
    return image.convert("RGBA" if see_through else "RGB")


def _bare(image: Image.Image) -> Image.Image:
    """The pixels without anything that came with them: EXIF, comments, text chunks, profiles."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


def draw_widths(source: IO[bytes], folder: Path) -> tuple[int, int, list[int]]:
    """Write the image in each of our widths that it reaches; width and height of the largest."""
    image = _bare(read_image(source, near=WIDTHS[-1]))
    largest = min(image.width, WIDTHS[-1])
    widths = [width for width in WIDTHS if width < largest] + [largest]
    for width in reversed(widths):
        height = max(1, round(image.height * width / image.width))
        smaller = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
        smaller.save(folder / f"{width}.webp", "WEBP", quality=78, method=4)
    _save_jpeg(image, folder / SOCIAL, width=1200)
    return largest, max(1, round(image.height * largest / image.width)), widths


def _save_jpeg(image: Image.Image, path: Path, *, width: int | None = None) -> None:
    if width is not None and image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))))
    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    image.save(path, "JPEG", quality=82, optimize=True, progressive=True)


def redraw(source: IO[bytes], path: Path, kind: str) -> None:
    """Write the image again in its own format and size, without anything but its pixels."""
    image = _bare(read_image(source))
    if kind == "jpg":
        _save_jpeg(image, path)
    else:
        image.save(path, FORMATS[kind])
