"""Wording that must not come back. docs/style.md says what to write instead."""

import re
from pathlib import Path

import pytest

from tables import each_row

PROJECT = Path(__file__).parents[1]
STYLE = PROJECT / "docs" / "style.md"  # it quotes what it advises against
DONE = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "benchmarks",
    "ci",
    "docs",
    "examples",
    "scripts",
    "src/fluxsecrets/__init__.py",
    "src/fluxsecrets/api.py",
    "src/fluxsecrets/audit",
    "src/fluxsecrets/cli",
    "src/fluxsecrets/errors.py",
    "src/fluxsecrets/external",
    "src/fluxsecrets/files",
    "src/fluxsecrets/findings",
    "src/fluxsecrets/flux",
    "src/fluxsecrets/keys",
    "src/fluxsecrets/ops",
    "src/fluxsecrets/programs.py",
    "src/fluxsecrets/marks.py",
    "src/fluxsecrets/repo",
    "src/fluxsecrets/report",
    "src/fluxsecrets/scan",
    "src/fluxsecrets/sealed",
    "src/fluxsecrets/shell.py",
    "src/fluxsecrets/sops",
]
"""Files and folders in plain English. Add yours when it is done."""

AVOIDED = re.compile(
    "|".join(
        [
            r"(?<!there )\bis no (?!longer\b|more\b)",
            r"\bwhoever\b",
            r"\bas far as\b",
            r"\bunless told\b",
            r"\bmend(?:s|ed|ing)?\b",
            r"\bis meant\b",
            r"\bnothing (?:is|was) to do\b",
            r"\bthere is none\b",
            r"\b(?:says|tells|told) of\b",
            r"\band its kind\b",
            r"\bno saying\b",
            r"\bwithout a word\b",
            r"\bwhat only\b",
        ]
    ),
    re.IGNORECASE,
)


def texts(place):
    """The files of text at a path."""
    path = PROJECT / place
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.suffix in {".py", ".md", ".json", ".yaml", ".yml"})


def avoided(text):
    """Each avoided wording with the words around it, across line breaks and comment marks."""
    flat = re.sub(r"[\s#>]+", " ", text)
    return [flat[max(match.start() - 30, 0) : match.end() + 30] for match in AVOIDED.finditer(flat)]


@each_row("place", DONE)
def test_wording_that_was_replaced_does_not_come_back(place):
    files = [each for each in texts(place) if each != STYLE]
    assert files, f"{place} is missing"
    found = [
        f"{each.relative_to(PROJECT)}: … {words} …"
        for each in files
        for words in avoided(each.read_text(encoding="utf-8"))
    ]
    assert not found, "see docs/style.md:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a list is no map", 1),
        ("# whoever\n# is\n# no reader", 2),
        ("there is no file; it is no longer here", 0),
        ("Nothing is\n    to do", 1),
        ("fix the amendment", 0),
    ],
)
def test_the_search_itself(text, count):
    assert len(avoided(text)) == count
