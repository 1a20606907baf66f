"""A text that is read again beside its document holds the same, whatever was expected of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops import known
from fluxsecrets.sops.comparison import comments_of, same_trees
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.known import Known
from strategies import yaml_files

JSON = b"""{"a": "b", "c": [1, 1.0, true, "d", {"e": ""}], "f": {"g": "b", "h": null}, "i": -0.0, "j": {}}"""
VALUES = st.sampled_from(["b", "d", "", 1, 1.0, True, None, 0.0, b"b", "1"])
STEPS = st.sampled_from(["a", "b", "c", "e", "f", "g", 0, 1, 2, 3, 4])
ITEMS = st.lists(st.tuples(st.lists(STEPS, max_size=3).map(tuple), VALUES), max_size=12)


@pytest.fixture(autouse=True)
def every_text_is_large(monkeypatch):
    monkeypatch.setattr(known, "_LARGE", -1)


def same(format_name, data, items):
    format_ = make_format(format_name)
    try:
        read = format_.parse(data, Limits())
    except FluxsecretsError as error:
        with pytest.raises(type(error)):
            format_.read_again(data, Limits(), items)
        return
    again = format_.read_again(data, Limits(), items)
    assert same_trees(read, again)
    assert comments_of(read) == comments_of(again)
    assert read.metadata == again.metadata
    assert repr([(leaf.path, leaf.value) for leaf in read.leaves]) == repr(
        [(leaf.path, leaf.value) for leaf in again.leaves]
    )


@given(ITEMS)
def test_json_is_read_as_it_is(items):
    same("json", JSON, items)


@given(yaml_files(), ITEMS)
def test_yaml_is_read_as_it_is(data, items):
    same("yaml", data, items)


@given(yaml_files(), st.integers(0, 4), VALUES)
def test_yaml_is_read_as_it_is_where_little_differs(data, number, value):
    try:
        items = [(leaf.path, leaf.value) for leaf in make_format("yaml").parse(data, Limits()).leaves]
    except FluxsecretsError:
        items = []
    if number < len(items):
        items[number] = (items[number][0], value)
    same("yaml", data, items)


@pytest.mark.parametrize(
    ("format_name", "text"),
    [
        ("yaml", b"a: a b\nc:\n  - d e\n  - f:\n      g: h i\n"),
        ("json", b'{"a": "a b", "c": ["d e", {"f": {"g": "h i"}}]}'),
    ],
)
def test_what_is_known_is_kept_once(format_name, text):
    format_ = make_format(format_name)
    read = format_.parse(text, Limits())
    items = [(leaf.path, leaf.value) for leaf in read.leaves]
    again = format_.read_again(text, Limits(), items)
    for one, other in zip(read.leaves, again.leaves, strict=True):
        assert one.path is other.path
        assert one.value is other.value


def test_numbers_are_not_exchanged():
    expected = Known([(("a",), 0.0), (("a",), True)])
    assert repr(expected.value(("a",), -0.0)) == "(('a',), -0.0)"
    assert repr(expected.value(("a",), 1)) == "(('a',), 1)"
