from io import BytesIO

import pytest
from PIL import Image

from parvis.core import icons

CREST = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 42"><defs>'
    b'<linearGradient id="g"><stop stop-color="#34468f"/></linearGradient></defs>'
    b'<path d="M2 2h32v20L18 40 2 22z" fill="url(#g)"/></svg>'
)


def svg(inside: str, attributes: str = "") -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 9 9" {attributes}>{inside}</svg>'
    ).encode()


HOSTILE = {
    "script": svg("<script>alert(1)</script>"),
    "html": svg("<foreignObject><p>x</p></foreignObject>"),
    "handler": svg('<path d="M0 0h9" onclick="alert(1)"/>'),
    "handler on the root": svg("", 'onload="alert(1)"'),
    "image": svg('<image href="https://exemple.ca/x.png"/>'),
    "image of the disk": svg('<image xlink:href="file:///etc/passwd"/>'),
    "use of elsewhere": svg('<use href="https://exemple.ca/x.svg#a"/>'),
    "javascript": svg('<use href="javascript:alert(1)"/>'),
    "link": svg('<a href="https://exemple.ca"><path d="M0 0h9"/></a>'),
    "animation": svg('<set attributeName="href" to="javascript:alert(1)"/>'),
    "fill of elsewhere": svg('<path d="M0 0h9" fill="url(https://exemple.ca/x#a)"/>'),
    "style of elsewhere": svg("<style>@import 'https://exemple.ca/x.css'</style>"),
    "style escaped": svg('<path style="fill:\\75rl(https://exemple.ca)" d="M0 0h9"/>'),
    "filter": svg('<filter id="f"><feImage href="x"/></filter>'),
    "entities": b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    + svg("<text>&b;</text>"),
    "file entity": b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg("&a;"),
    "not svg": b"<html/>",
    "not xml": b"\x89PNG",
    "empty": b"",
    "too heavy": svg("<g/>" * 13_000),
    "too tall": svg("").replace(b"0 0 9 9", b"0 0 1 100000"),
    "no frame": svg("").replace(b'viewBox="0 0 9 9"', b""),
    "too deep": svg('<g opacity=".5">' * 60 + '<path d="M0 0h9v9z"/>' + "</g>" * 60),
    "in UTF-16": svg("<script>alert(1)</script>").decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_drawing_is_refused(name):
    with pytest.raises(ValueError):
        icons.check_svg(HOSTILE[name])


def test_copies_of_copies_are_refused():
    levels = '<g id="c0"><path d="M0 0h9v9z"/></g>' + "".join(
        f'<g id="c{level}">' + f'<use href="#c{level - 1}"/>' * 10 + "</g>" for level in range(1, 9)
    )
    with pytest.raises(ValueError):
        icons.check_svg(svg(f'<defs>{levels}</defs><use href="#c8"/>'))


def test_a_drawing_that_would_take_minutes_is_refused_and_the_heaviest_allowed_is_drawn():
    def copied(times):
        leaf = '<path d="' + "M0 0L9 9" * 4000 + '" stroke="#000"/>'
        return svg(f'<defs><g id="a">{leaf}</g></defs>' + '<use href="#a"/>' * times)

    with pytest.raises(ValueError):
        icons.check_svg(copied(20))
    assert icons.maskable_png(copied(14), None, "#34468f", "A", 512, False).startswith(b"\x89PNG")


def test_a_plain_crest_is_kept():
    kept = icons.check_svg(CREST)
    assert b"url(#g)" in kept
    assert b'viewBox="0 0 36 42"' in kept


def test_the_usual_doctype_is_accepted_and_left_out():
    usual = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">'
    assert b"DOCTYPE" not in icons.check_svg(usual + CREST)


def test_notes_of_the_drawing_program_are_left_out():
    noted = (
        b'<?xml version="1.0"?><?xml-stylesheet href="https://exemple.ca/x.css"?><!-- note -->'
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="http://www.inkscape.org/x" width="9px" '
        b'height="9" i:label="x"><metadata><i:a/></metadata><i:b/><path d="M0 0h9v9z"/></svg>'
    )
    kept = icons.check_svg(noted)
    assert b"exemple" not in kept and b"note" not in kept and b"inkscape" not in kept
    assert b'viewBox="0 0 9 9"' in kept and b"<path" in kept


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data), formats=["PNG"]).convert("RGBA")


@pytest.mark.parametrize("crest", [CREST, None])
@pytest.mark.parametrize("size", [192, 512])
def test_an_icon_shows_the_crest_in_its_middle(crest, size):
    icon = picture(icons.maskable_png(crest, None, "#34468f", "A", size, False))
    assert icon.size == (size, size)
    assert icon.getpixel((0, 0))[3] == 0
    assert icon.getpixel((size // 2, size // 4))[3] == 255


def test_a_maskable_icon_keeps_its_crest_in_the_safe_zone():
    icon = picture(icons.maskable_png(CREST, None, "#34468f", "A", 512, True))
    corner = icon.getpixel((0, 0))
    assert corner[3] == 255
    drawn = [
        (x - 256) ** 2 + (y - 256) ** 2
        for x in range(0, 512, 4)
        for y in range(0, 512, 4)
        if icon.getpixel((x, y)) != corner
    ]
    assert drawn and max(drawn) <= (512 * 0.4) ** 2


def test_a_crest_may_be_a_picture():
    out = BytesIO()
    Image.new("RGBA", (40, 20), "#ff0000").save(out, "PNG")
    icon = picture(icons.maskable_png(None, out.getvalue(), "#34468f", "A", 192, False))
    assert icon.getpixel((96, 96)) == (255, 0, 0, 255)
    assert icon.getpixel((96, 10))[3] == 0


@pytest.mark.parametrize("side", [(5000, 1), (1, 5000)])
def test_a_picture_too_large_is_refused(side):
    out = BytesIO()
    Image.new("1", side).save(out, "PNG")
    with pytest.raises(ValueError):
        icons.maskable_png(None, out.getvalue(), "#34468f", "A", 192, False)


def test_only_a_png_is_a_picture():
    with pytest.raises(ValueError):
        icons.maskable_png(None, b"GIF89a", "#34468f", "A", 192, False)


def test_a_badge_is_white_with_its_letters_cut_out():
    badge = picture(icons.badge_png("SF"))
    assert badge.size == (96, 96)
    assert {badge.getpixel((x, y))[:3] for x in range(96) for y in range(96)} == {(255, 255, 255)}
    alphas = [badge.getpixel((x, 42))[3] for x in range(30, 66)]
    assert 0 in alphas and 255 in alphas


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ville d’Alma", "A"),
        ("Saint-Félicien", "SF"),
        ("Municipalité de L'Ascension-de-Notre-Seigneur", "AN"),
        ("Les Éboulements", "É"),
        ("Ville", "V"),
        ("", ""),
    ],
)
def test_initials_are_of_the_words_that_tell(name, letters):
    assert icons.initials(name) == letters
