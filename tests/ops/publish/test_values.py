"""Values as Vault gets them: canonical JSON, with numbers as Go writes them."""

import json

import pytest

from fluxsecrets.errors import FormatError
from fluxsecrets.ops.publish.values import canonical, published_values
from fluxsecrets.sops.formats import Limits, make_format


def values(text, format_name="yaml", **options):
    document = make_format(format_name).parse(text.encode(), Limits())
    return published_values(document, document.parts, **options).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b: 1\na: 2\n", '{"a":2,"b":1}'),
        ("a: 1.0\n", '{"a":1}'),
        ("a: 1e20\n", '{"a":100000000000000000000}'),
        ("a: 1e21\n", '{"a":1e+21}'),
        ("a: 0.25\n", '{"a":0.25}'),
        ("a: 2026-01-02\n", '{"a":"2026-01-02T00:00:00Z"}'),
        ("a: !!binary aGVsbG8=\n", '{"a":"hello"}'),
        ("a: [1, {b: null}, [true]]\n", '{"a":[1,{"b":null},[true]]}'),
        ("a:\n  # note\n  - b\n", '{"a":["b"]}'),
        ("x: &x {k: v}\na: *x\nb: {<<: *x, l: w}\n", '{"a":{"k":"v"},"b":{"k":"v","l":"w"},"x":{"k":"v"}}'),
        ("a: é\n", '{"a":"é"}'),
    ],
)
def test_one_text_for_the_same_values(text, expected):
    assert values(text) == expected
    assert canonical(json.loads(expected)).decode() == expected


def test_integers_that_a_float_does_not_hold():
    assert values("a: 9007199254740993\n") == '{"a":9007199254740993}'
    assert values("a: 9007199254740992\n", exact=False) == '{"a":9007199254740992}'
    with pytest.raises(FormatError) as caught:
        values("a: {b: [9007199254740993]}\n", exact=False)
    assert "9007199254740993" not in str(caught.value)
    assert "see the key 'a'" in caught.value.message


def test_a_boolean_is_not_a_number():
    assert canonical({"a": True}) != canonical({"a": 1})


def test_an_ini_file_has_its_first_section():
    assert values("[s]\na = 1\n", "ini") == '{"DEFAULT":{},"s":{"a":"1"}}'
