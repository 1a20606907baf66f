"""Spans of raw nodes: what stands between two offsets is exactly the node's text."""

import pytest

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.sops.document import Style
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml.nodes import RawAlias, RawMapping, RawScalar, RawSequence, parse_nodes
from tables import each_row


def root(text, **limits):
    (document,) = parse_nodes(text, Limits(**limits))
    return document.root


@each_row(
    ("written", "style"),
    [
        ("plain text", Style.PLAIN),
        ("'single'", Style.SINGLE_QUOTED),
        ('"double \\n"', Style.DOUBLE_QUOTED),
        ("ключ 🔑", Style.PLAIN),
        ("|\n  a\n  b\n", Style.LITERAL),
        (">-\n  a\n", Style.FOLDED),
    ],
)
@each_row("properties", ["", "&a ", "!!str ", "&a  !!str ", "!x &a\n  "])
def test_a_scalars_span_is_its_text(written, style, properties):
    text = f"\u043a: x\nkey: {properties}{written}\nlast: 1\n"
    scalar = root(text).values[1]
    assert isinstance(scalar, RawScalar)
    assert scalar.style is style
    assert text[scalar.properties : scalar.end].rstrip("\n") == (properties + written).rstrip("\n")
    assert text[scalar.start : scalar.end].rstrip("\n") == written.rstrip("\n")
    assert (scalar.line, scalar.column) == (2, 5)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_at_every_line_break(newline):
    mapping = root(newline.join(["a: 1", "", "b: 2", "c: 3"]))
    assert [key.line for key in mapping.keys] == [1, 3, 4]


def test_flow_and_block_are_told_apart():
    mapping = root("a: {b: [c]}\nd:\n- e\n")
    inner, sequence = mapping.values
    assert isinstance(inner, RawMapping)
    assert isinstance(sequence, RawSequence)
    assert (mapping.flow, inner.flow, inner.values[0].items[0].flow, sequence.flow) == (
        False,
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("k: &m\n  &k a: b\n", 2),
        ("k: &m\n    a: b\n", 4),
        ("k: !!map # c\n   a: b\n", 3),
        ("k:\n  a: b\n", 2),
    ],
)
def test_a_maps_column_is_that_of_its_keys(text, column):
    assert root(text).values[0].column == column


def test_an_alias_knows_its_node():
    mapping = root("a: &x [1]\nb: *x\n")
    alias = mapping.values[1]
    assert isinstance(alias, RawAlias)
    assert alias.target is mapping.values[0]


def test_documents_and_their_ends():
    text = "a: 1\n---\nb: 2\n...\n"
    first, second = parse_nodes(text, Limits())
    assert (first.explicit_end, second.explicit_end) == (False, True)
    assert text[second.end :] == "...\n"


def test_depth_is_counted_while_parsing():
    assert root("[" * 5 + "]" * 5, depth=5)
    with pytest.raises(LimitError) as caught:
        root("[" * 6, depth=5)
    # Without a column: how far libyaml has read ahead by then differs between its versions.
    assert (caught.value.line, caught.value.column) == (1, None)


def test_a_syntax_error_names_its_place_and_nothing_else():
    with pytest.raises(FormatError) as caught:
        root('a: 1\nb: "s3cret\n')
    assert (caught.value.line, "s3cret" in str(caught.value), caught.value.__context__) == (3, False, None)
