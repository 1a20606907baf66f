"""Properties in JSON, as the operator's providers find them.

`vectors/external/gjson.json` was made with gjson 1.18.0, called as each provider calls it.
"""

import json
from pathlib import Path

import pytest

from fluxsecrets.errors import FormatError
from fluxsecrets.external.stores.content import (
    JsonText,
    dots_then_path,
    exact_then_path,
    inner_dots_then_path,
    path_then_dots,
    raw_members,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/external/gjson.json").read_text("utf-8"))
LOOKUPS = {"aws": dots_then_path, "azure": path_then_dots, "gcp": inner_dots_then_path}


@pytest.mark.parametrize("provider", LOOKUPS)
def test_properties_are_found_as_gjson_finds_them(provider):
    assert len(VECTORS) == 150
    for case in VECTORS:
        found = JsonText(case["json"], LOOKUPS[provider]).part(case["property"])
        assert (None if found is None else found.decode()) == case[provider], case


@pytest.mark.parametrize("path", ["a*", "a?", "#", "a|b", "@this", "!x", "{a}", "[a]"])
def test_what_gjson_can_do_beyond_names_is_refused(path):
    with pytest.raises(FormatError, match="only the operator can read the property"):
        JsonText("{}", path_then_dots).part(path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a":1,}', '{"a" 1}', "{a:1}", "{}x", '{"a":NaN}', "{,}", "[" * 100_000, "null"]
)
def test_what_is_not_an_object_has_no_members(text):
    assert raw_members(text) is None
    assert JsonText(text, exact_then_path).members() is None


def test_members_and_what_is_joined():
    text = ' {"a": 1.50, "n": null, "o": {"x":  [1]}, "\\u00e9": "\\ud83d\\ude00\\ud800", "a": 2}\n'
    content = JsonText(text, exact_then_path)
    assert content.members() == {"a": b"2", "n": b"", "o": b'{"x":  [1]}', "é": "😀\ufffd".encode()}
    assert content.part("a") == b"1.5"  # gjson takes the first, Go's own JSON the last
    joined = content.joined({"n": 'new "line"\n', "b": ""})
    assert joined == '{"a":2,"n":"new \\"line\\"\\n","o":{"x":  [1]},"é":"\\ud83d\\ude00\\ud800","b":""}'
    assert "1.50" not in repr(content)
