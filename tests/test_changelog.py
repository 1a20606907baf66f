"""The changelog says each thing once, under one of the usual headings."""

import re
from collections import Counter
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
RELEASES = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]


def entries(release):
    """The entries of a release, each in one line."""
    return [" ".join(each.split()) for each in re.findall(r"^- (.+(?:\n  .+)*)", release, re.MULTILINE)]


def test_no_entry_is_there_twice():
    for release in RELEASES:
        found = entries(release)
        assert found or release.startswith("[Unreleased]")
        assert [each for each, count in Counter(found).items() if count > 1] == []
        begins = [each for each in found if any(each != other and other.startswith(each) for other in found)]
        assert begins == []


def test_each_heading_is_there_once_and_in_order():
    order = ["Added", "Changed", "Deprecated", "Removed", "Security", "Fixed"]
    for release in RELEASES:
        headings = re.findall(r"^### (.+)", release, re.MULTILINE)
        assert headings == sorted(set(headings), key=order.index)


def test_entries_of_a_heading_are_one_list():
    for release in RELEASES:
        for part in re.split(r"^### .+\n", release, flags=re.MULTILINE)[1:]:
            assert "\n\n" not in part.strip(), part[:80]


def test_no_entry_has_a_line_of_another():
    """A merge by union splits an entry that both sides wrote, and keeps its lines twice."""
    for release in RELEASES:
        lines = Counter(line.removeprefix("- ").strip() for line in release.splitlines() if len(line) > 60)
        assert [line for line, count in lines.items() if count > 1] == []
