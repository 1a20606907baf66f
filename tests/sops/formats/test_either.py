"""Manifests in YAML or JSON: what is JSON is read as JSON, with the values that kubeseal reads."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.sops.document import Leaf, Mapping, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import load_either, parse_either

ODD = "a \t\n\x01\x1f\x7f\x80\x85\x9f\u2028\u2029\ufeff\ufffe\uffff\U0001f986é\\/'\"#:{}[],-"
TEXTS = st.text(ODD, max_size=8) | st.text(max_size=8)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, DATA) | st.lists(DATA), st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_any_json_is_read_as_json(data, ascii_only, indent):
    text = json.dumps(data, ensure_ascii=ascii_only, indent=indent)
    (node,) = load_either(text.encode())
    assert to_data(node) == data
    assert [to_data(each) for each in load_either(b"\xef\xbb\xbf" + text.encode())] == [data]


def test_each_value_has_its_place():
    text = '{"a": "x",\n "b": [1, {"c": "\\ud83e\\udd86 \x85"}]}\n'
    (root,) = load_either(text.encode())
    assert isinstance(root, Mapping)
    leaf = root.get("b").items[1].get("c")
    assert isinstance(leaf, Leaf)
    assert (leaf.value, leaf.line) == ("🦆 \x85", 2)
    assert text[leaf.start : leaf.end] == '"\\ud83e\\udd86 \x85"'


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("{a: b, c: [d]}", [{"a": "b", "c": ["d"]}]),
        ('{"a": "b", # why\n "c": 1}', [{"a": "b", "c": 1}]),
        ('{"a": "b",}', [{"a": "b"}]),
        ("[a, b]", [["a", "b"]]),
        ('{"a": 1}\n---\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        ('--- {"a": "x\x85y"}', [{"a": "x y"}]),  # YAML, as for kubeseal
        ("", []),
    ],
)
def test_flow_style_that_is_not_json_is_yaml(text, data):
    assert [to_data(node) for node in load_either(text.encode())] == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": "\\ud83e"}', "1:7: not valid JSON: a string holds half of a surrogate pair"),
        ('{"a": 1, "a": 2}', "1:10: not valid JSON: the key a is there twice"),
        ('{"a": 1} {"b": 2}', "1:10: not valid JSON: there is text after the value"),
        ("{a: b", "not valid YAML"),
        ("[section]\na = b", "not valid YAML"),
    ],
)
def test_what_is_neither_is_refused_in_the_words_of_what_it_looks_like(text, message):
    for read in (load_either, lambda data: parse_either(data, Limits())):
        with pytest.raises(FormatError) as caught:
            read(text.encode())
        shown = str(caught.value.in_file("f")).removeprefix("f:")
        assert message.replace("value", "object") in shown.replace("value", "object")


def test_deep_json_is_not_tried_as_yaml():
    with pytest.raises(LimitError, match="deeper than 200"):
        load_either(b"[" * 201 + b"]" * 201)


def test_the_format_follows_the_content():
    for text, name in (('{"a": "b\\/c"}', "json"), ("{a: b}", "yaml"), ("a: b", "yaml")):
        format_, document = parse_either(text.encode(), Limits())
        assert (format_.name, document.format, len(document.parts)) == (name, name, 1)
    _, document = parse_either(b'\xef\xbb\xbf{"a": "b"}', Limits())
    assert document.source == '{"a": "b"}'
