import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parvis.core import palette

brands = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)

# The neutral words of parvis.css, as hex: (ink, second ink) by day and by night.
INK = (((0.21, 0.01, 100), (0.395, 0.012, 100)), ((0.955, 0.004, 270), (0.825, 0.009, 270)))


@pytest.mark.parametrize(
    "value", ["34468f", "#34468", "#34468g", "#34468f ", "red", "", "#34468f\n"]
)
def test_only_six_digits_are_a_colour(value):
    with pytest.raises(ValueError):
        palette.check_brand(value)


def test_a_colour_is_kept_in_small_letters():
    assert palette.check_brand("#34468F") == "#34468f"


@given(brands)
@example("#ffe873")
@example("#c8102e")
@example("#000000")
@example("#ffffff")
@example("#00ff00")
def test_any_colour_gives_readable_words_and_visible_outlines(brand):
    for night, found in enumerate(palette.contrasts(brand).values()):
        assert found["button"] >= 7
        assert found["link"] >= 7
        assert found["outline"] >= 3
        ramp = palette.ramp(brand, dark=bool(night))
        ink, second = (palette._hex(colour) for colour in INK[night])
        assert palette.contrast(ink, ramp["--brand-wash"]) >= 7
        assert palette.contrast(ink, ramp["--brand-tint"]) >= 7
        assert palette.contrast(second, ramp["--brand-wash"]) >= 7
        assert palette.contrast(ramp["--brand-fill"], ramp["--brand-wash"]) >= 7
        assert palette.contrast("#ffffff", ramp["--brand-deep"]) >= 7


def test_the_palette_is_what_a_browser_computes():
    # Read from Chromium, which computes the same roles from parvis.css.
    assert palette.ramp("#34468f") == {
        "--brand-wash": "#edf2ff",
        "--brand-tint": "#d6e1ff",
        "--brand-line": "#9cafe8",
        "--brand-fill": "#2d3d85",
        "--brand-riser": "#141e4f",
        "--brand-deep": "#182247",
    }


def test_a_red_town_does_not_look_like_an_emergency():
    red, blue = palette.ramp("#c8102e")["--brand-fill"], palette.ramp("#34468f")["--brand-fill"]
    assert palette.contrast("#ffffff", red) > palette.contrast("#ffffff", blue)


def test_grey_stays_grey():
    for value in palette.ramp("#808080").values():
        assert value[1:3] == value[3:5] == value[5:7]


def test_the_style_sheet_carries_the_colour_and_its_fallback():
    css = palette.theme_css("#34468F")
    assert "--brand: #34468f;" in css
    assert "--brand-fill: #2d3d85;" in css
    assert css.count("{") == css.count("}")


def test_a_style_sheet_takes_nothing_but_a_colour():
    with pytest.raises(ValueError):
        palette.theme_css("red;} body{display:none")
