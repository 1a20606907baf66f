"""Every claim of the threat model names the tests that hold it, and every security test holds a claim."""

import ast
import re
from functools import cache
from pathlib import Path

from tables import each_row

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "threat-model.md"

_TEST = re.compile(r"`(?P<file>tests/[\w/]+\.py)(?:::(?P<name>\w+))?`")


def claims():
    """The list items of the section that says what holds, each as one line."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## What holds\n")[2].partition("\n## ")[0]
    return [" ".join(item.split()) for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]]


@cache
def functions_of(path):
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@each_row("claim", claims(), ids=lambda claim: claim[:60])
def test_a_claim_names_tests_that_exist(claim):
    named = list(_TEST.finditer(claim))
    assert named, claim
    for match in named:
        assert functions_of(match["file"]), match["file"]
        assert match["name"] is None or match["name"] in functions_of(match["file"]), match[0]


def test_every_security_test_holds_a_claim():
    named = {match["file"] for claim in claims() for match in _TEST.finditer(claim)}
    files = {
        path.relative_to(PROJECT).as_posix()
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
    }
    assert files <= named, sorted(files - named)
