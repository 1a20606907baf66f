"""Style and script of the HTML report: its colours can be read, and the script stays small."""

import re
from itertools import product

import pytest

from fluxsecrets.report.html.engine import read_asset

STYLE = read_asset("assets", "page.css")
_BLOCKS = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
LIGHT = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", _BLOCKS[0]))
DARK = LIGHT | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", _BLOCKS[1]))
LEVELS = ("critical", "high", "medium", "low", "ok", "unknown")
PAIRS = [
    *product(("ink", "muted", "accent", *LEVELS), ("paper", "ground")),
    *((level, f"{level}-ground") for level in LEVELS),
    *(("ink", f"{level}-ground") for level in LEVELS),
    *(("muted", f"{level}-ground") for level in ("critical", "high", "unknown")),
]


def luminance(colour):
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read(theme):
    weak = {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in PAIRS}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


def test_both_themes_set_every_colour():
    assert set(re.findall(r"--([a-z-]+): #", _BLOCKS[1])) == set(LIGHT)
    used = set(re.findall(r"var\(--([a-z-]+)\)", STYLE))
    assert used == {*LIGHT, "sans", "serif", "mono"}


def test_the_style_loads_nothing():
    assert not re.search(r"url\(|@import|@font-face|expression", STYLE)


def test_the_script_is_small_and_writes_no_markup():
    script = read_asset("assets", "page.js")
    assert script.count("\n") < 150
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|fetch|XMLHttp|Function\(", script
    )
