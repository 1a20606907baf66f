"""Types of scalars; the table of sops's own answers is in test_vectors.py."""

import math
import re
from contextlib import suppress

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.sops.document import Change, Leaf, Style
from fluxsecrets.sops.formats import Limits, apply_edits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.scalars import (
    BINARY_TAG,
    LONG_TAG,
    Layout,
    ScalarError,
    _BlockScalar,
    double_quoted,
    find_break,
    first_column,
    plain_text,
    resolve_plain,
    resolve_tagged,
    scalar_text,
    write_ciphertext,
    write_value,
)
from fluxsecrets.sops.values import Timestamp

FLOATS = st.floats(allow_nan=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)


@given(st.none() | st.booleans() | INTEGERS | FLOATS)
def test_what_is_written_is_read_back_with_its_type(value):
    back = resolve_plain(plain_text(value))
    assert (type(back), repr(back)) == (type(value), repr(value))


def test_not_a_number_comes_back():
    assert math.isnan(resolve_plain(plain_text(math.nan)))


@given(st.text() | st.text("0123456789+-._eExXoObTtZ: aAfFnN"))
def test_any_text_is_a_scalar_or_too_large_an_integer(text):
    with suppress(ScalarError):
        value = resolve_plain(text)
        assert not isinstance(value, str) or value == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9" * 5000, "9" * 5000),
        ("1" * 200, float("1" * 200)),
        ("-" + "9" * 19, -1e19),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
    ],
)
def test_digits_without_end_are_bounded(text, value):
    assert resolve_plain(text) == value


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("aGVsbG8=", BINARY_TAG, "hello"),
        ("5", LONG_TAG + "int", 5),
        ("5", LONG_TAG + "float", 5.0),
        ("true", LONG_TAG + "bool", True),
        ("2026-11-23", LONG_TAG + "timestamp", Timestamp("2026-11-23T00:00:00Z")),
        ("5", "!local", "5"),
    ],
)
def test_tags_decide(text, tag, value):
    assert resolve_tagged(text, tag, plain=True) == value


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("s3cret", "int"),
        ("s3cret", "float"),
        ("s3cret", "bool"),
        ("s3cret!", "binary"),
        ("/w==", "binary"),
        ("é", "binary"),
    ],
)
def test_text_that_does_not_fit_its_tag_is_refused_unseen(text, tag):
    with pytest.raises(ScalarError) as caught:
        resolve_tagged(text, LONG_TAG + tag, plain=True)
    assert text not in repr(caught.value)
    assert caught.value.__context__ is None


YAML = YamlFormat()
LAYOUT = Layout("\n", 2)
CIPHERTEXT = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]"
VALUES = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\n\n  \t#:-'\"\\[]{},&*!|>%@`?~=\r\x85\u2028\ufeff\0")
)


def first(text):
    document = YAML.parse(text.encode(), Limits())
    return document.source, next(document.leaves)


@pytest.mark.parametrize(
    ("plain", "encrypted"),
    [
        ("a: x # c\n", "a: {} # c\n"),
        ("a: 'x'\n", "a: '{}'\n"),
        ('a: "x"\n', 'a: "{}"\n'),
        ("a: |\n  x\n  y\nb: 1\n", "a: |-\n  {}\nb: 1\n"),
        ("a: | # c\n    x\n\nb: 1\n", "a: |- # c\n    {}\n\nb: 1\n"),
        ("a: >\n  x\n", "a: >-\n  {}\n"),
        ("a: |+\n  x\n\n\nb: 1\n", "a: |-\n  {}\n\n\nb: 1\n"),
        ("a: [x]\n", "a: ['{}']\n"),
        ("a: ['x']\n", "a: [!!str '{}']\n"),
        ("a: &b  x\n", "a: &b  {}\n"),
        ("a: !!int 5\n", "a: {}\n"),
        ("a: !x &b y\n", "a: &b {}\n"),
        ("a: &b # c\n  x\n", "a: &b # c\n  {}\n"),
    ],
)
def test_a_ciphertext_takes_the_style_of_its_value(plain, encrypted):
    source, leaf = first(plain)
    edits = write_ciphertext(source, leaf, CIPHERTEXT, LAYOUT)
    assert apply_edits(source, edits) == encrypted.format(CIPHERTEXT)


PLACES = (
    "a: {}\nb: 1\n",
    "a: '{}' # c\n",
    'a: "{}"\n',
    "a:\n  - {}\n",
    "a:\n  - - {}\nb: 1\n",
    "a: ['{}', x]\n",
    "a: {{k: !!str '{}'}}\n",
    "a: |-\n  {}\nb: 1\n",
    "a: |- # c\n  {}\n\n\nb: 1\n",
    "a: >-\n  {}\n",
    "a:\n- k: |-\n    {}\n  l: 1\n",
    "a: {}",
    "a: |-\n  {}",
)


@pytest.mark.parametrize("place", PLACES)
@given(value=VALUES)
@example(value="\ta\nb")
@example(value="  a\nb")
@example(value="a\n\n\n")
@example(value="\n\n")
@example(value="a\n b\n")
@example(value="null")
@example(value="- a")
@example(value="---\na")
@example(value="...\n")
def test_any_string_comes_back_in_any_place(place, value):
    source, leaf = first(place.format(CIPHERTEXT))
    written = apply_edits(source, write_value(source, leaf, value, LAYOUT))
    again = YAML.parse(written.encode(), Limits())
    assert next(again.leaves).value == value
    assert len(list(again.leaves)) == len(list(YAML.parse(source.encode(), Limits()).leaves))


@given(VALUES)
def test_double_quotes_hold_anything_on_one_line(value):
    text = double_quoted(value)
    assert len(text.splitlines()) == 1
    assert first(f"a: {text}\n")[1].value == value


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("style", [Style.PLAIN, Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED])
@given(value=VALUES)
def test_the_nearest_style_holds_the_value(flow, style, value):
    text = scalar_text(value, style, flow=flow, indent=None if flow else 2)
    source = f"a: [{text}]\n" if flow else f"a: {text}\n"
    assert first(source)[1].value == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (1.0, "1.0"), (True, "true"), (b"\xff", "!!binary /w=="), ("5", "'5'"), ("x", "x")],
)
def test_types_decide_about_quotes(value, text):
    source, leaf = first(f"a: {CIPHERTEXT}\n")
    written = apply_edits(source, write_value(source, leaf, value, LAYOUT))
    assert written.replace('"', "'") == f"a: {text}\n"


def test_a_changed_value_leaves_the_rest_alone():
    document = YAML.parse(b"a:   1   # c\r\nb: 2\r\n", Limits())
    leaf = next(document.leaves)
    assert YAML.rewrite(document, [Change(leaf, 7, False)], None) == b"a:   7   # c\r\nb: 2\r\n"


@pytest.mark.parametrize(
    ("plain", "again"),
    [
        (b"k: &a :b\nm: *a\n", b"k: &a :b\nm: :b\n"),
        (b"k: &a:b\n", b"k: &a :b\n"),  # libyaml takes that for an anchor and a value
        ("k: &a \u00a0b\n".encode(), "k: &a \u00a0b\n".encode()),
        ("k: !!str \u2003b\n".encode(), "k: \u2003b\n".encode()),
        (b"k: &a # note\n  b\n", b"k: &a # note\n  b\n"),
    ],
)
def test_anchor_and_tag_end_where_libyaml_says(core, plain, again):
    encrypted = core.encrypt(plain)
    assert core.open(encrypted).warnings == ()
    assert core.decrypt(encrypted) == again


def test_a_comment_that_touches_the_header_of_a_block_scalar_is_seen(core):
    """libyaml takes it for a comment; where nobody saw it, it stayed plain text."""
    encrypted = core.encrypt(b"a: |# secret\n  text\n")
    assert b"secret" not in encrypted
    assert core.decrypt(encrypted) == b"a: | # secret\n  text\n"


LINES = st.text(" \t\r\n\x85\u2028\u2029ab#", max_size=12)


@given(LINES, st.integers(0, 12), st.integers(0, 12))
def test_a_line_break_is_found_as_by_an_expression(text, start, end):
    match = re.compile("\r\n|[\r\n\x85\u2028\u2029]").search(text, start, end)
    end = min(end, len(text))
    assert find_break(text, start, end) == (match.start() if match else end)


@given(LINES)
def test_the_first_column_is_found_as_by_an_expression(body):
    match = re.search("(?:^|(?<=[\r\n\x85\u2028\u2029]))( *)[^ \r\n\x85\u2028\u2029]", body)
    assert first_column(body) == (len(match[1]) if match else 0)


@given(st.text("|>-+0123 #\n\r\u2028ab", max_size=14))
def test_the_parts_of_a_block_scalar_are_those_that_expressions_find(source):
    leaf = Leaf(("key",), "", 0, len(source), 1, Style.LITERAL)
    block = _BlockScalar.of(source, leaf, 0, Layout("\n", 2))
    header = re.match("[|>][-+0-9]*", source)
    end = header.end() if header else 0
    assert block.header == (0, end)
    line = re.compile("\r\n|[\r\n\u2028]").search(source, end)
    assert block.body == (line.start() if line else len(source), len(source))
    body = source[block.body[0] :]
    at = re.compile("\r\n|[\r\n\u2028]").search(body, len(body.rstrip(" \t\r\n\u2028")))
    assert block.tail == (body[at.start() :] if at else "")
    lines = re.split("\r\n|[\r\n\u2028]", block.tail)
    assert block.tail_is_content == any(len(each) > len(block.indent) for each in lines)


@given(st.text("0123456789+-._eExXoObBaf:TtZ ", min_size=1, max_size=12))
def test_a_number_or_time_is_told_apart_as_by_expressions(text):
    said = _by_expressions(text)
    try:
        found = resolve_plain(text)
    except ScalarError:
        assert said == "int"
        return
    kind = {float: "float", int: "int", Timestamp: "time"}.get(type(found), "text")
    assert kind in (said, "text") if said in ("float", "time", "int") else kind == "text"
    if said == "text":
        assert found == text


def _by_expressions(text):
    """What a scalar that starts as a number looks like; a number may be too large, and a day not exist."""
    if text[0] not in "+-.0123456789" or text in ("+", "-"):
        return "text"
    digits = text.replace("_", "")
    whole = r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)|0o[-+][0-7]+|0b[-+][01]+"
    if text[0] == ".":
        return "float" if re.fullmatch(r"\.[0-9]+([eE][-+]?[0-9]+)?", text) else "text"
    if re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", text):
        return "time"
    if re.fullmatch(whole, digits):
        return "int"
    return "float" if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", digits) else "text"


@given(st.text('ab"\\\n\t\x00\x7f\x85é\u2028', max_size=6))
def test_a_string_in_double_quotes_is_read_back(value):
    assert double_quoted(value)[1:-1] == "".join(map(_escaped, value))
    assert yaml.safe_load(double_quoted(value)) == value


def _escaped(sign):
    named = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return named.get(sign) or double_quoted(f"{sign}\n")[1:-3]
