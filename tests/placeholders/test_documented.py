"""docs/placeholders.md lists the shapes in the order in which they are tried."""

import re
from pathlib import Path

from fluxsecrets.placeholders.shapes import SHAPES

PAGE = Path(__file__).parents[2] / "docs" / "placeholders.md"


def test_the_table_has_every_shape_in_order():
    rows = re.findall(r"(?m)^\| ([a-z0-9 ]+) \|", PAGE.read_text(encoding="utf-8"))
    assert rows == [*(shape.name for shape in SHAPES), "text"]
