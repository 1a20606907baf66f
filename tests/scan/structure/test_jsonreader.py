"""The scanner reads JSON as JSON: the nodes and places are those of YAML, and no character stops it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.scan.structure.jsonreader import read_json
from fluxsecrets.scan.structure.reader import parse, walk

PLAIN = st.text("abc é-_/'", max_size=6)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=8,
)


def values_of(text, *, moved=0):
    """Every value with its place; `moved` is what stands in front of the text on its first line."""
    (root,) = parse(text).documents
    found = []
    for each in walk(root):
        scalar = each.scalar
        column = scalar.column - (moved if scalar.line == 1 else 0)
        span = (scalar.start - moved, scalar.end - moved)
        found.append((each.path, scalar.text, span, scalar.line, column, scalar.style, each.key is None))
    return found


@given(st.dictionaries(PLAIN, DATA), st.sampled_from([None, 2]))
def test_the_nodes_are_those_that_yaml_gives(data, indent):
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    assert values_of(text) == values_of(f"--- {text}", moved=4)


@pytest.mark.parametrize("odd", ["\\ud83e\\udd86", "\x7f", "\x85", "\x9b", "\uffff", "\\/", "\u2028"])
def test_any_character_of_json_is_read(scanner, odd):
    text = (
        '{"apiVersion": "v1",\n "kind": "Secret",\n "metadata": {"name": "db"},\n'
        f' "stringData": {{"note{odd}": "{odd}",\n "password": "hunter2"}}}}\n'
    )
    assert parse(text).fault is None
    assert "5 plain-secret" in scanner(text, path="secret.json")


def test_duplicate_keys_are_both_looked_at(scanner):
    start = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": '
    text = start + '{\n"a": "one \\ud83e\\udd86",\n"a": "two"}}'
    assert parse(text).fault is None
    assert scanner(text, path="secret.json") == ["2 plain-secret", "3 plain-secret"]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1,}', "[1,]", "{,}", "[,]", '{"a" 1}', "{1: 2}", '{"a": }', "[1 2]", "[1}", "["],
)
def test_what_is_not_json_is_left_to_yaml(text):
    assert read_json(text) is None
    assert read_json("[" * 300 + "]" * 300) is None
