"""The pictures of terminals: what is drawn is what was printed."""

import re
from xml.etree import ElementTree as ET

import pytest

from documentation.terminals import SCENES, draw, spans
from pagefiles import DOCS, PAGES, links

_SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing):
    root = ET.fromstring(drawing)
    return [each.text.replace("\N{NO-BREAK SPACE}", " ") for each in root.iter(f"{_SVG}text")]


def test_text_and_colours_of_a_line_are_drawn():
    line = "a \x1b[1mb <c>\x1b[0m\x1b[31md\x1b[0m"
    assert [text for text, _ in spans(line)] == ["a ", "b <c>", "d"]
    assert [style for _, style in spans(line)] == ["", ' font-weight="600" fill="#ffffff"', ' fill="#ff8a80"']
    assert texts(draw("title", [line])) == ["a ", "b <c>", "d"]


def test_lines_are_below_each_other_in_columns():
    root = ET.fromstring(draw("title", ["ab\x1b[32mc\x1b[0m", "d"]))
    places = [(float(each.get("x")), float(each.get("y"))) for each in root.iter(f"{_SVG}text")]
    assert places[0][1] == places[1][1] < places[2][1]
    assert places[0][0] == places[2][0] < places[1][0]


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_shown_and_shows_its_command(name):
    shown = texts((DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8"))
    assert SCENES[name].shown[0] in shown
    assert not re.search(r"age1\w{8}|ENC\[|/tmp/|AGE-SECRET", "\n".join(shown))
    assert any(link.endswith(f"pictures/{name}.svg") for page in PAGES for link in links(page))
