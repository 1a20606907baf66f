"""The document tree: paths, aliases, merge keys."""

import pytest

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.sops.document import Entry, find, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat, load_documents

YAML = YamlFormat()


def leaves(text, **limits):
    return [(leaf.path, leaf.value) for leaf in YAML.parse(text.encode(), Limits(**limits)).leaves]


def test_paths_hold_keys_and_positions():
    assert leaves("a:\n- b: 1\n- [x, {c: y}]\n") == [
        (("a", 0, "b"), 1),
        (("a", 1, 0), "x"),
        (("a", 1, 1, "c"), "y"),
    ]


def test_each_use_of_an_alias_counts():
    document = YAML.parse(b"a: &x {k: v}\nb: *x\nc: [*x]\n", Limits())
    assert [(leaf.path, leaf.alias) for leaf in document.leaves] == [
        (("a", "k"), False),
        (("b", "k"), True),
        (("c", 0, "k"), True),
    ]


@pytest.mark.parametrize(
    ("key", "merges"), [("<<", True), ("!!merge <<", True), ('"<<"', False), ("!!str <<", False)]
)
def test_merge_keys_are_told_from_keys(key, merges):
    (part,) = YAML.parse(f"a: &x {{k: v}}\nb:\n  {key}: *x\n  own: 1\n".encode(), Limits()).parts
    entry = next(item for item in find(part, ("b",)).entries if isinstance(item, Entry))
    assert entry.merge is merges
    assert to_data(part)["b"] == ({"own": 1, "k": "v"} if merges else {"<<": {"k": "v"}, "own": 1})


def test_a_maps_own_keys_win_over_merged_ones():
    (part,) = YAML.parse(b"a: &a {k: 1, l: 1}\nb: &b {l: 2, m: 2}\nc: {<<: [*a, *b], k: 3}\n", Limits()).parts
    assert to_data(part)["c"] == {"k": 3, "l": 1, "m": 2}


def test_expansion_is_counted_over_all_documents():
    text = "a: &x [1, 2, 3]\nb: *x\n---\na: &x [1, 2, 3]\nb: *x\n"
    assert len(leaves(text, expansion=8)) == 12
    with pytest.raises(LimitError, match="more than 7 values"):
        leaves(text, expansion=7)


def test_a_duplicate_key_names_both_lines():
    with pytest.raises(FormatError, match="first on line 1") as caught:
        leaves("a: 1\nb: 2\n'a': 3\n")
    assert (caught.value.line, caught.value.column) == (3, 1)


@pytest.mark.parametrize("key", ["1", "true", "null", "1.5", "2026-11-23", "[a]", "{a: b}", "!!int '1'"])
def test_keys_are_strings(key):
    with pytest.raises(FormatError, match="not a string"):
        leaves(f"? {key}\n: v\n")


@pytest.mark.parametrize("key", ["'1'", "yes", "!!str 1", "12:30", "&a key"])
def test_keys_that_look_like_something_else_are_strings(key):
    assert len(leaves(f"{key}: v\n")) == 1


def test_any_yaml_can_be_looked_at():
    assert [to_data(node) for node in load_documents(b"- 1\n---\ntext\n---\n---\nsops: {a: 1}\n")] == [
        [1],
        "text",
        None,
        {"sops": {"a": 1}},
    ]
