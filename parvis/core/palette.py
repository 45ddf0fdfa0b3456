"""One colour of the town becomes a palette: the sums of parvis.css, for browsers that lack them."""

import re
from math import atan2, cbrt, cos, degrees, hypot, radians, sin

from django.utils.translation import gettext as _

Triple = tuple[float, float, float]

ROLES = ("wash", "tint", "line", "fill", "riser", "deep")

# Surfaces and outlines that no town changes, as parvis.css has them: (L, C, H).
WHITE: Triple = (1.0, 0.0, 0.0)
GROUND: tuple[Triple, Triple] = ((0.955, 0.004, 100), (0.185, 0.008, 270))
SLAB: tuple[Triple, Triple] = (WHITE, (0.235, 0.009, 270))
EDGE: tuple[Triple, Triple] = ((0.585, 0.01, 100), (0.64, 0.012, 270))
ON_FILL: tuple[Triple, Triple] = (WHITE, (0.18, 0.01, 100))


def check_brand(value: str) -> str:
    """The colour as #rrggbb in small letters, or ValueError."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError(
            _("Écrivez la couleur par un dièse et six chiffres ou lettres, par exemple #34468f.")
        )
    return value.lower()


def ramp(brand: str, *, dark: bool = False) -> dict[str, str]:
    """The six roles of the town's colour, as hex, by day or by night."""
    return {f"--brand-{role}": _hex(colour) for role, colour in _ramp(brand, dark=dark).items()}


def theme_css(brand: str) -> str:
    """The town's style sheet: its colour, and the palette for browsers that cannot compute it."""
    roles = " ".join(f"{name}: {value};" for name, value in ramp(brand).items())
    return (
        "@layer tokens {\n"
        f":root {{ --brand: {check_brand(brand)}; }}\n"
        "@supports not ((color: oklch(from red l c h)) and (color: light-dark(red, red))) {\n"
        f":root {{ {roles} }}\n"
        "}\n}\n"
    )


def contrasts(brand: str) -> dict[str, dict[str, float]]:
    """WCAG contrast of a button's text, a link on the page and an outline, by day and by night."""
    found = {}
    for night, name in enumerate(("day", "night")):
        fill = _ramp(brand, dark=bool(night))["fill"]
        found[name] = {
            "button": contrast(_hex(ON_FILL[night]), _hex(fill)),
            "link": contrast(_hex(fill), _hex(GROUND[night])),
            "outline": contrast(_hex(EDGE[night]), _hex(SLAB[night])),
        }
    return found


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colours (WCAG 2.2), 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _ramp(brand: str, *, dark: bool) -> dict[str, Triple]:
    _lightness, c, h = _oklch(check_brand(brand))
    if dark:
        return {
            "wash": (0.255, min(c * 0.35, 0.035), h),
            "tint": (0.33, min(c * 0.5, 0.06), h),
            "line": (0.52, min(c * 0.7, 0.085), h),
            "fill": (0.81, min(c, 0.095), h),
            "riser": (0.58, min(c, 0.1), h),
            "deep": (0.205, min(c * 0.45, 0.045), h),
        }
    # Vivid red means urgence, so a red town's buttons slide down to oxblood.
    redness = max(0.0, cos(radians(h - 27)) - 0.9) * min(c, 0.12) * 5
    return {
        "wash": (0.962, min(c * 0.18, 0.02), h),
        "tint": (0.91, min(c * 0.35, 0.045), h),
        "line": (0.76, min(c * 0.7, 0.085), h),
        "fill": (0.39 - redness, min(c, 0.145), h),
        "riser": (0.26, min(c * 0.8, 0.09), h),
        "deep": (0.265, min(c * 0.6, 0.07), h),
    }


def _linear(hex_colour: str) -> Triple:
    values = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue


def _luminance(hex_colour: str) -> float:
    red, green, blue = _linear(hex_colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _oklch(hex_colour: str) -> Triple:
    # Björn Ottosson's OKLab, as in CSS Color 4.
    r, g, b = _linear(hex_colour)
    l_ = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    m_ = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s_ = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    lightness = 0.2104542553 * l_ + 0.7936177850 * m_ - 0.0040720468 * s_
    a = 1.9779984951 * l_ - 2.4285922050 * m_ + 0.4505937099 * s_
    b = 0.0259040371 * l_ + 0.7827717662 * m_ - 0.8086757660 * s_
    return lightness, hypot(a, b), degrees(atan2(b, a)) % 360


def _to_linear(colour: Triple) -> Triple:
    lightness, c, h = colour
    a, b = c * cos(radians(h)), c * sin(radians(h))
    l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )


def _hex(colour: Triple) -> str:
    """The colour on a screen: what it cannot show is clipped, as browsers do."""
    channels = []
    for value in _to_linear(colour):
        value = min(1.0, max(0.0, value))
        encoded = value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        channels.append(round(encoded * 255))
    return "#" + "".join(f"{channel:02x}" for channel in channels)
