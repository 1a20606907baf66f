"""Results as text: aligned, escaped, nothing of a path cut off."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.results import FileResult, Outcome
from fluxsecrets.report import text as module
from fluxsecrets.report.results import listed_rows, result_rows, warning_lines
from fluxsecrets.report.text import (
    Cell,
    aligned,
    flowing,
    hint_lines,
    laid_out,
    printable,
    text_width,
)


def plain(cell):
    return cell.text


def marked(cell):
    return f"<{cell.text}>" if cell.style else cell.text


ROWS = [
    (Cell("a/long/path.yaml"), Cell("encrypted", "green"), Cell("1 value"), Cell("alice")),
    (Cell("b.yaml"), Cell("failed", "red"), Cell(""), Cell("")),
]


def test_columns_are_aligned_and_nothing_trails():
    assert laid_out(ROWS, None, plain) == [
        "a/long/path.yaml   encrypted   1 value   alice",
        "b.yaml             failed",
    ]


def test_colour_takes_no_room():
    assert laid_out(ROWS, None, marked)[0] == "a/long/path.yaml   <encrypted>   1 value   alice"
    assert laid_out(ROWS, None, marked)[1] == "b.yaml             <failed>"


def test_narrow_terminal_gets_two_lines_for_each_file():
    assert laid_out(ROWS, 45, plain) == [
        "a/long/path.yaml",
        "  encrypted   1 value   alice",
        "b.yaml",
        "  failed",
    ]
    assert len(laid_out(ROWS, 46, plain)) == 2


def test_a_long_cell_is_wrapped_below_the_path():
    people = "kms 123456789012:key/5eec8de4 (eu-central-1), alice, cluster-production"
    rows = [
        (Cell("a/long/path.yaml"), Cell("encrypted", "green"), Cell("1 value"), Cell(people)),
        (Cell("b.yaml"), Cell("failed", "red"), Cell("12 values"), Cell("bob")),
    ]
    assert laid_out(rows, 50, plain) == [
        "a/long/path.yaml",
        "  encrypted   1 value",
        "      kms 123456789012:key/5eec8de4",
        "      (eu-central-1), alice, cluster-production",
        "b.yaml",
        "  failed      12 values   bob",
    ]


def test_no_rows():
    assert laid_out([], 80, plain) == []


def test_empty_columns_take_no_room():
    rows = [(Cell("a"), Cell(""), Cell("x")), (Cell("b"), Cell(""), Cell("y"))]
    assert laid_out(rows, None, plain) == ["a   x", "b   y"]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("ключ", 4), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_width_at_a_terminal(text, width):
    assert text_width(text) == width


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1), st.none() | st.integers(1, 200))
def test_every_text_is_there_in_full(rows, width):
    cells = [tuple(Cell(printable(text)) for text in row) for row in rows]
    lines = laid_out(cells, width, plain)
    shown, solid = "\n".join(lines), "".join("".join(lines).split())
    for path, *row in cells:
        assert path.text.rstrip() in shown
        for cell in row:
            assert "".join(cell.text.split()) in solid, "a long one is wrapped at its words"


@given(st.text(st.characters(codec=None)))
def test_nothing_disturbs_a_terminal(text):
    shown = printable(text)
    assert all(ord(letter) >= 32 and not 0x7F <= ord(letter) <= 0x9F for letter in shown)
    assert not set(shown) & set("\u202e\u2028\u2066\udcff")
    shown.encode()


def test_warnings_of_many_files_are_said_once():
    results = [FileResult(f"{name}.yaml", Outcome.ENCRYPTED, warnings=("odd",)) for name in "abc"]
    assert warning_lines(results) == ["warning: 3 files: odd"]
    assert warning_lines(results[:1]) == ["warning: a.yaml: odd"]


def test_of_many_warnings_of_one_kind_a_few_are_shown_and_the_rare_one_comes_last():
    odd = [FileResult(f"{at}.yaml", Outcome.ENCRYPTED, warnings=(f"no key '{at}'",)) for at in range(50)]
    rare = FileResult("x.yaml", Outcome.ENCRYPTED, warnings=("else",))
    assert warning_lines([rare, *odd]) == [
        "warning: 0.yaml: no key '0'",
        "warning: 1.yaml: no key '1'",
        "warning: 2.yaml: no key '2'",
        "warning: 47 more like this one; --format json lists all",
        "warning: x.yaml: else",
    ]


def test_rows_of_files_that_failed_for_one_reason_are_counted():
    failed = [
        FileResult(f"{at}.yaml", Outcome.FAILED, error=UsageError("no key", path=f"{at}.yaml"))
        for at in range(1000)
    ]
    rows = listed_rows([*failed, FileResult("x.yaml", Outcome.ENCRYPTED)])
    assert [[cell.text for cell in row][:2] for row in rows] == [
        ["0.yaml", "failed"],
        ["1.yaml", "failed"],
        ["2.yaml", "failed"],
        ["x.yaml", "encrypted"],
        ["997 more files", "failed"],
    ]
    assert len(listed_rows(failed[:10])) == 10


def test_unchanged_files_take_one_word():
    row = result_rows([FileResult("a.yaml", Outcome.UNCHANGED, 3, ("alice",))])[0]
    assert [cell.text for cell in row] == ["a.yaml", "unchanged", "", ""]


FOUND = [
    (Cell("  1:1"), Cell("high"), Cell("plain-secret"), Cell("data.a is in plain text")),
    (Cell("  10:1"), Cell("critical"), Cell("token"), Cell("a token of a provider with a long name")),
]


def test_sentences_are_beside_the_other_cells_where_all_have_room():
    assert [len(lines) for lines in aligned(FOUND, None, plain)] == [1, 1]
    assert aligned(FOUND, 80, plain)[0] == ["  1:1    high       plain-secret   data.a is in plain text"]


def test_sentences_are_below_where_one_is_too_wide():
    assert aligned(FOUND, 40, plain) == [
        ["  1:1    high       plain-secret", "    data.a is in plain text"],
        ["  10:1   critical   token", "    a token of a provider with a long", "    name"],
    ]


def test_a_hint_is_wrapped_and_its_command_stays_in_one_piece():
    hint = "encrypt it: `fluxsecrets encrypt FILE`, and change the value"
    path = "apps/monitoring/grafana/secret.yaml"
    assert hint_lines([hint, hint], path, None) == [
        f"  encrypt it: `fluxsecrets encrypt {path}`, and change the value"
    ]
    assert hint_lines([hint], path, 40) == [
        "  encrypt it:",
        f"  `fluxsecrets encrypt {path}`,",
        "  and change the value",
    ]


NAMED = (Cell("flux-system/apps"), Cell("fails", "red"), Cell("kubernetes/apps"))


def test_cells_go_on_below_where_they_do_not_fit():
    assert [*flowing(NAMED, None, plain, rest="  ")] == ["flux-system/apps   fails   kubernetes/apps"]
    assert [*flowing(NAMED, 30, plain, rest="  ")] == ["flux-system/apps   fails", "  kubernetes/apps"]
    assert next(flowing(NAMED, 30, marked, rest="  ")) == "flux-system/apps   <fails>"
    assert [*flowing(NAMED, 10, plain, rest="  ")] == ["flux-system/apps", "  fails", "  kubernetes/apps"]


def test_a_wide_cell_is_wrapped_at_its_words_in_its_colour():
    cells = [Cell("a"), Cell("one two three", "red")]
    assert [*flowing(cells, 9, marked, rest="  ")] == ["a", "  <one two>", "  <three>"]


@given(st.lists(st.text("ab c", min_size=1).map(Cell), min_size=1), st.integers(10, 40))
def test_flowing_cells_lose_no_word_and_break_only_where_they_must(cells, width):
    lines = [*flowing(cells, width, plain, rest="  ")]
    assert " ".join(lines).split() == " ".join(cell.text for cell in cells).split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)


def test_an_outline_is_wrapped_at_words():
    row = (
        Cell("  a.yaml:1"),
        Cell("Secret apps/db"),
        Cell("", ""),
        Cell("this is not what its author wanted"),
    )
    assert laid_out([row], 30, plain, outline=True) == [
        "  a.yaml:1",
        "      Secret apps/db",
        "      this is not what its",
        "      author wanted",
    ]


def test_a_sentence_begins_beside_other_cells_and_goes_on_below():
    cells = [Cell("problem"), Cell("drivers"), Cell("git merges encrypted files as text", "red")]
    assert [*flowing(cells, 40, marked, rest="    ")] == [
        "problem   drivers   <git merges encrypted>",
        "    <files as text>",
    ]
    assert [*flowing(cells[2:], 24, plain, first="  why  ", rest="    ")] == [
        "  why  git merges",
        "    encrypted files as",
        "    text",
    ]
    assert [*flowing([Cell("a" * 30), Cell("b")], 20, plain, rest="  ")] == ["a" * 30, "  b"]


def test_what_python_calls_printable_has_nothing_to_escape():
    """The expression is not compiled for such texts: for every character, it must have nothing to say."""
    every = [chr(number) for number in range(0x110000)]
    shown = "".join(letter for letter in every if letter.isprintable())
    assert re.search(module._UNPRINTABLE, shown) is None


def test_the_letter_of_shortened_keys_has_the_width_that_unicode_says():
    assert not unicodedata.combining("…")
    assert unicodedata.east_asian_width("…") not in "WF"
    assert text_width("age1…xyz") == 8
