"""Text of a repository in Markdown: shown as it is, and nothing more."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.report.markdown import LIMIT, code, fitting, prose, size, table
from markdown_pages import assert_harmless

ATTACKS = (
    "@fluxcd/maintainers look",
    "see #12 and GH-12 and org/repo#3",
    "[click](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "<https://evil.example> https://evil.example www.evil.example a@evil.example",
    "<!-- fluxsecrets review -->",
    "<img src=x onerror=alert(1)>",
    "</details></td></table><h1>approved</h1>",
    "a`b``c` @team `",
    "`` @team ``",
    "a\\`@team\\`",
    "a | b | @team |",
    "a\\| @team",
    "x\n\n# approved\n\n- [x] done\n> quote\n---\n",
    "x\r\n@team",
    "$`\\href{https://evil.example}{x}`$ $$x$$",
    ":rocket: ~~gone~~ **bold** __bold__ _it_",
    "[^1]: note",
    "[a]: https://evil.example\n[a]",
    "&#64;team &commat;team &lt;b&gt;",
    "\u202egnp.exe\u2066 \u061c\u200b@\u200bteam\ufeff",
    "\x1b[31m\x00\x07",
    "`",
    "|",
    "1) one",
    "1. one",
    "+ a",
    "- a",
    "    indented",
    "\U000e0041\U000e0042",
    "caf\udce9.yaml",
)
WAYS = (
    code,
    prose,
    lambda text: f"- {prose(text)}",
    lambda text: "\n".join(table(("A", "B"), [(code(text), prose(text))])),
)


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize("way", WAYS)
def test_text_does_nothing(text, way):
    assert_harmless(way(text))


@pytest.mark.parametrize("text", ATTACKS)
def test_text_stays_in_its_cell(text):
    lines = list(table(("A", "B"), [(code(text), prose(text)), ("`end`", "last")]))
    assert len("\n".join(lines).splitlines()) == 4
    page = assert_harmless("\n".join(lines))
    assert page.html.count("<tr>") == 3
    assert page.html.count("<td>") == 4
    assert page.code[-1] == "end"


@given(st.text(max_size=60))
@example("`a``b")
@example("a`b` `c`d")
def test_any_text_does_nothing(text):
    for way in WAYS:
        page = assert_harmless(way(text))
        assert page.tags <= {"p", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice can read apps/db.yaml in production", "alice can read `apps/db.yaml` in production"),
        ("it's 3 files, 2 of \"them\": don't", "it's 3 files, 2 of \"them\": don't"),
        ("run `fluxsecrets encrypt a.yaml`, then commit", "run `fluxsecrets encrypt a.yaml`, then commit"),
        (
            "encrypted_regex ^(data|stringData)$ → nothing",
            r"`encrypted_regex ^(data\x7cstringData)$` → nothing",
        ),
        ("3 files (see f(x), 2)", "3 files (see `f(x)`, `2`)"),
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
