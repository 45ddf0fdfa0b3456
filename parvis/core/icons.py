"""The town's crest: what may be accepted as one, and the pictures drawn from it."""

import re
import unicodedata
from io import BytesIO
from pathlib import Path
from typing import Any

import resvg_py
from django.utils.translation import gettext as _
from lxml import etree
from PIL import Image, ImageDraw, ImageFont

from parvis.core.palette import ramp

LIST = Path(__file__).parent / "static" / "icons.txt"
MAX_BYTES = 50_000
MAX_SIDE = 4096
MAX_DEPTH = 40

SHIELD = "M2 2h32v20c0 9-7 14.5-16 18C9 36.5 2 31 2 22z"
_SVG = "http://www.w3.org/2000/svg"
_SHAPES = frozenset(
    (
        "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "defs",
        "linearGradient", "radialGradient", "stop", "clipPath", "mask", "symbol", "use", "style",
        "text", "tspan",
    )
)  # fmt: skip
# What drawing programs note beside the drawing.
_NOTES = frozenset({"title", "desc", "metadata"})
_GRADIENTS = frozenset({"linearGradient", "radialGradient"})
_REFERENCE = re.compile(r"url\(\s*['\"]?\s*([^'\")]*)", re.IGNORECASE)
# A style sheet that imports, escapes or fetches is never needed to draw a crest.
_STYLE_TRAP = re.compile(r"@|\\|image\(|image-set\(|src\(|expression\(", re.IGNORECASE)

_SMALL_WORDS = frozenset(
    (
        "ville", "village", "municipalité", "paroisse", "canton", "cantons", "unis", "mrc", "de",
        "des", "du", "d", "la", "le", "les", "l", "sur", "sous", "en", "aux", "à",
    )
)  # fmt: skip


def initials(name: str) -> str:
    """At most two letters that stand for the town: A for Ville d’Alma, SF for Saint-Félicien."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    telling = [word for word in words if word.lower() not in _SMALL_WORDS] or words
    return "".join(word[0] for word in telling[:2]).upper()


def check_svg(data: bytes) -> bytes:
    """The crest, kept to shapes that only draw, or ValueError.

    What comes back holds no comment, no processing instruction and nothing of another vocabulary.
    No element that is referred to refers to another in turn, so its cost to draw is bounded.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(_("Le fichier dépasse 50 ko. Simplifiez le dessin, puis réessayez."))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True, huge_tree=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ValueError(_("Ce fichier n’est pas un dessin SVG lisible.")) from error
    # A public DOCTYPE is common and harmless; entities of one's own are a bomb or a leak.
    declared: Any = root.getroottree().docinfo.internalDTD
    if (declared is not None and any(declared.iterentities())) or root.tag != f"{{{_SVG}}}svg":
        raise ValueError(_("Ce fichier n’est pas un dessin SVG simple. Exportez-le de nouveau."))
    _keep_shapes(root)
    _check_references(root)
    _set_frame(root)
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="utf-8")


def _keep_shapes(root: etree._Element) -> None:
    for element in list(root.iter()):
        name = etree.QName(element) if isinstance(element.tag, str) else None
        if name is None or (name.namespace == _SVG and name.localname not in _SHAPES | _NOTES):
            what = name.localname if name else "&"
            raise ValueError(
                _("Le dessin contient « %(what)s », que nous refusons : gardez des tracés simples.")
                % {"what": what}
            )
        # Each level may take a sheet of its own to draw.
        if sum(1 for _each in element.iterancestors()) > MAX_DEPTH:
            raise ValueError(_("Le dessin emboîte trop de groupes. Aplatissez-le, puis réessayez."))
        if name.namespace != _SVG or name.localname in _NOTES:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
            continue
        for attribute in list(element.attrib):
            space = etree.QName(attribute).namespace
            if space not in (None, "http://www.w3.org/1999/xlink"):
                del element.attrib[attribute]


def _set_frame(root: etree._Element) -> None:
    """One frame, about as wide as high: a drawing of 1 by 100,000 would fill the memory."""
    numbers = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    if len(numbers) != 4:
        numbers = ["0", "0", root.get("width", ""), root.get("height", "")]
    try:
        left, top, width, height = (float(each.removesuffix("px")) for each in numbers)
    except ValueError:
        width = height = 0.0
    if not (1 <= width <= 100_000 and width / 4 <= height <= width * 4):
        raise ValueError(_("Le dessin doit avoir un cadre (viewBox), ni trop large ni trop haut."))
    root.set("viewBox", f"{left:g} {top:g} {width:g} {height:g}")
    for side in ("width", "height"):
        if side in root.attrib:
            del root.attrib[side]


def _check_references(root: etree._Element) -> None:
    named = {element.get("id"): element for element in root.iter() if element.get("id")}
    targets: list[etree._Element] = []
    for element in root.iter():
        for reference in _references(element):
            target = named.get(reference.removeprefix("#")) if reference.startswith("#") else None
            if target is None:
                raise ValueError(
                    _("Le dessin renvoie à un autre fichier. Incorporez-y tout, puis réessayez.")
                )
            if etree.QName(target).localname not in _GRADIENTS:
                if etree.QName(element).localname == "style":
                    raise ValueError(
                        _("Le dessin masque par une feuille de style. Exportez-le en attributs.")
                    )
                targets.append(target)
    # Drawing takes about four seconds for each million bytes of strokes, copies included.
    too_many = sum(len(etree.tostring(target)) for target in targets) > 10 * MAX_BYTES
    for target in {id(each): each for each in targets}.values():
        if too_many or any(
            etree.QName(named[reference[1:]]).localname not in _GRADIENTS
            for inside in target.iter()
            for reference in _references(inside)
        ):
            raise ValueError(_("Le dessin emboîte trop de copies. Aplatissez-le, puis réessayez."))


def _references(element: etree._Element) -> list[str]:
    """Everything the element points at; ValueError if it could act."""
    found: list[str] = []
    texts = [element.text or ""] if etree.QName(element).localname == "style" else []
    for attribute, value in ((each, element.get(each, "")) for each in element.attrib):
        name = etree.QName(attribute).localname.lower()
        if name.startswith("on") or "javascript:" in value.lower():
            raise ValueError(_("Le dessin contient un programme. Exportez-le sans animation."))
        if name == "href":
            found.append(value.strip())
        else:
            texts.append(value)
    for text in texts:
        if _STYLE_TRAP.search(text):
            raise ValueError(_("Le style du dessin va chercher autre chose. Retirez-le."))
        found += [reference.strip() for reference in _REFERENCE.findall(text)]
    return found


def maskable_png(
    crest_svg: bytes | None,
    crest_png: bytes | None,
    brand: str,
    initials: str,
    size: int,
    maskable: bool,
) -> bytes:
    """The icon of the installed portal; a maskable one keeps its crest in the inner 60 %."""
    palette = ramp(brand)
    ground = palette["--brand-wash"] if maskable else (0, 0, 0, 0)
    canvas = Image.new("RGBA", (size, size), ground)
    inner = round(size * (0.6 if maskable else 0.92))
    crest = _crest(crest_svg, crest_png, inner) or _shield(
        initials, inner, fill=palette["--brand-fill"], word="#ffffff"
    )
    canvas.alpha_composite(crest, ((size - crest.width) // 2, (size - crest.height) // 2))
    return _png(canvas)


def badge_png(initials: str, size: int = 96) -> bytes:
    """The small white shape that Android shows in its status bar: a shield, its letters cut out."""
    shield = _shield(initials, size, fill="#ffffff", word="#000000")
    white = Image.new("RGBA", (size, size), (255, 255, 255, 0))
    left = (size - shield.width) // 2
    light = shield.convert("L")
    shape = Image.composite(light, Image.new("L", shield.size, 0), shield.getchannel("A"))
    alpha = Image.new("L", (size, size), 0)
    alpha.paste(shape, (left, 0))
    white.putalpha(alpha)
    return _png(white)


def _crest(svg: bytes | None, png: bytes | None, side: int) -> Image.Image | None:
    if svg:
        drawn = resvg_py.svg_to_bytes(
            svg_string=check_svg(svg).decode(), width=side, skip_system_fonts=True
        )
        return _fit(Image.open(BytesIO(drawn), formats=["PNG"]), side)
    if png:
        return _fit(_open_png(png), side)
    return None


def _open_png(data: bytes) -> Image.Image:
    try:
        picture = Image.open(BytesIO(data), formats=["PNG"])
    except OSError as error:
        raise ValueError(_("Ce fichier n’est pas une image PNG lisible.")) from error
    # The size is read from the header, before any pixel takes room.
    if max(picture.size) > MAX_SIDE:
        raise ValueError(_("L’image est trop grande : 4096 points de côté au plus."))
    return picture


def _fit(picture: Image.Image, side: int) -> Image.Image:
    whole = picture.convert("RGBA")
    scale = side / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    return whole.resize(size, Image.Resampling.LANCZOS)


def _shield(letters: str, side: int, *, fill: str, word: str) -> Image.Image:
    svg = f'<svg xmlns="{_SVG}" viewBox="1 1 34 40"><path d="{SHIELD}" fill="{fill}"/></svg>'
    drawn = resvg_py.svg_to_bytes(svg_string=svg, height=side, skip_system_fonts=True)
    shield = Image.open(BytesIO(drawn), formats=["PNG"]).convert("RGBA")
    # Pillow's own font has no accented capital.
    plain = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()[:2]
    height = shield.height * (0.5 if len(plain) < 2 else 0.4)
    font = ImageFont.load_default(size=height)
    ImageDraw.Draw(shield).text(
        (shield.width / 2, shield.height * 0.44), plain, fill=word, font=font, anchor="mm",
        stroke_width=max(1, side // 90), stroke_fill=word,
    )  # fmt: skip
    return shield


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
