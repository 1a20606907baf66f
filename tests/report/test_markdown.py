"""Text of a repository in Markdown: shown as it is, and nothing more."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.report.markdown import LIMIT, code, fitting, inline_html, prose, size, table
from markdown_pages import ATTACKS, assert_harmless
from tables import each_row

WAYS = (
    code,
    prose,
    lambda text: f"- {prose(text)}",
    lambda text: "\n".join(table(("A", "B"), [(code(text), prose(text))])),
)


@each_row("text", ATTACKS)
@each_row("way", WAYS)
def test_text_does_nothing(text, way):
    assert_harmless(way(text))


@each_row("text", ATTACKS)
def test_text_stays_in_its_cell(text):
    lines = list(table(("A", "B"), [(code(text), prose(text)), ("`end`", "last")]))
    assert len("\n".join(lines).splitlines()) == 4
    page = assert_harmless("\n".join(lines))
    assert page.html.count("<tr>") == 3
    assert page.html.count("<td>") == 4
    assert page.code[-1] == "end"


def test_bars_are_shown_in_tables_and_elsewhere():
    for text, shown in (("^(data|stringData)$", "^(data|stringData)$"), (r"a\|b", r"a\\x7cb")):
        assert assert_harmless("\n".join(table("AB", [("x", code(text))]))).code == [shown]
    assert code("a|b") == "`a|b`"


@given(st.text(max_size=60))
@example("`a``b")
@example("a`b` `c`d")
def test_any_text_does_nothing(text):
    for way in WAYS:
        page = assert_harmless(way(text))
        assert page.tags <= {"p", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


@each_row("text", ATTACKS)
def test_text_in_a_line_of_html(text):
    page = assert_harmless(
        f"<details>\n<summary>{inline_html(text)}: 1 high</summary>\n\n`end`\n\n</details>"
    )
    assert page.tags == {"details", "summary", "code", "p"}
    assert page.code[-1] == "end"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice can read apps/db.yaml in production", "alice can read `apps/db.yaml` in production"),
        ("it's 3 files, 2 of \"them\": don't", "it's 3 files, 2 of \"them\": don't"),
        ("run `fluxsecrets encrypt a.yaml`, then commit", "run `fluxsecrets encrypt a.yaml`, then commit"),
        (
            "encrypted_regex ^(data|stringData)$ → nothing",
            "`encrypted_regex ^(data|stringData)$` → nothing",
        ),
        ("3 files (see f(x), 2)", "3 files (see `f(x)`, `2`)"),
        ("a key 'data.password', and 'it'", "a key `data.password`, and 'it'"),
        ("a`b`c", "a`b`c"),
        ("a.b`c`d.e", "`a.bcd.e`"),
        ("", ""),
    ],
)
def test_sentences_stay_readable(text, shown):
    assert prose(text) == shown


def test_long_texts_are_cut_in_the_middle():
    assert code("a" * 5000 + "/secret.yaml").endswith("aaa/secret.yaml`")
    assert len(code("a" * 5000)) < 300
    assert len(prose("word " * 5000)) < 900


def test_lines_that_fit():
    lines = ["ä" * 9, "b", "c"]
    assert size(lines) == 19 + 2 + 2
    assert fitting(lines, 22) == lines[:2]
    assert fitting(lines, 23) == lines
    assert fitting(lines, 3) == []
    assert LIMIT == 65_536
