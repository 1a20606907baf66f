"""The sops blocks of two sides merged: recipients as sets, the rest to what protects more."""

from dataclasses import replace

import pytest

from fluxsecrets.merging.metadata import merge_metadata
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec

DATA = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")
BOTH = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$")
STRING = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^stringData$")


def block(*groups, **fields):
    made = tuple(
        KeyGroup(tuple(WrappedKey(Recipient("age", name), f"enc-{name}") for name in names.split()))
        for names in groups
    )
    return Metadata(made, fields.pop("selector", DEFAULT_SELECTOR), "2026-11-23T10:11:12Z", "MAC", **fields)


def names(metadata):
    return [" ".join(recipient.id for recipient in group) for group in metadata.recipients]


def document(text):
    return make_format("yaml").parse(text.encode(), Limits())


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("a b", "a b c", "a b d", "a b c d"),
        ("a b c", "a c", "a b c d", "a c d"),  # a removal wins
        ("a b c", "a b c d", "b c", "b c d"),  # whichever side it is on
        ("a b", "a c", "a b", "a c"),
        (None, "a b", "a c", "a b c"),
    ],
)
def test_recipients_are_sets(base, ours, theirs, merged):
    result = merge_metadata(None if base is None else block(base), block(ours), block(theirs))

    assert names(result.metadata) == [merged]
    assert {each.id for each in result.removed} == {*f"{base or ''} {ours} {theirs}".split()} - {
        *merged.split()
    }
    assert {each.id for each in result.added} == {*merged.split()} - {*ours.split()}
    assert result.conflicts == ()


def test_the_wrapped_keys_of_ours_are_never_replaced():
    theirs = block("a b")
    bad = replace(theirs.key_groups[0].keys[1], enc="for somebody else")
    theirs = replace(theirs, key_groups=(KeyGroup((theirs.key_groups[0].keys[0], bad)),))

    assert merge_metadata(block("a b"), block("a b"), theirs).metadata.key_groups == block("a b").key_groups


def test_nobody_left_is_a_conflict():
    result = merge_metadata(block("a b"), block("a"), block("b"))

    assert result.conflicts == ("recipients",)
    assert names(result.metadata) == ["a"]


def test_key_groups_are_paired_by_their_recipients():
    base = block("a b", "c d", "e")

    result = merge_metadata(base, block("c d x", "a b", "e"), block("a b y", "d", "e"))

    assert names(result.metadata) == ["d x", "a b y", "e"]


def test_a_group_that_a_side_removed_is_gone_and_one_that_it_added_stays():
    base = block("a", "b", "c")

    result = merge_metadata(base, block("a", "b", "c", "x"), block("a", "c", "y"))

    assert names(result.metadata) == ["a", "c", "x", "y"]
    assert [each.id for each in result.removed] == ["b"]


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"), [(2, 2, 2), (2, 3, 3), (3, 2, 3), (0, 2, 0), (2, 0, 3), (0, 0, 0)]
)
def test_the_higher_threshold_counts(ours, theirs, merged):
    groups = ("a", "b", "c")

    result = merge_metadata(
        block(*groups, shamir_threshold=2),
        block(*groups, shamir_threshold=ours),
        block(*groups, shamir_threshold=theirs),
    )

    assert result.metadata.shamir_threshold == merged


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (DATA, DATA, BOTH, BOTH),
        (BOTH, BOTH, DATA, BOTH),  # a weaker one is never taken over
        (BOTH, DATA, BOTH, BOTH),
        (BOTH, DEFAULT_SELECTOR, BOTH, DEFAULT_SELECTOR),
        (BOTH, DATA, STRING, None),
    ],
)
def test_the_selector_that_encrypts_more_counts(base, ours, theirs, merged):
    file = document("kind: Secret\ndata:\n  a: b\nstringData:\n  c: d\n")

    result = merge_metadata(*(block("a", selector=each) for each in (base, ours, theirs)), file)

    assert result.metadata.selector == (merged or ours)
    assert result.conflicts == (() if merged else ("encrypted_regex",))
    assert result.notes or ours == theirs


def test_of_selectors_that_encrypt_the_same_the_new_one_counts():
    file = document("kind: Secret\ndata:\n  a: b\n")

    for ours, theirs in ((DATA, BOTH), (BOTH, DATA)):
        result = merge_metadata(*(block("a", selector=each) for each in (DATA, ours, theirs)), file)
        assert result.metadata.selector == BOTH


def test_without_a_document_selectors_cant_be_compared():
    result = merge_metadata(block("a"), block("a", selector=DATA), block("a", selector=BOTH))

    assert result.conflicts == ("encrypted_regex",)


def test_the_mac_covers_everything_if_a_side_wants_it_so():
    one, two = block("a", mac_only_encrypted=True), block("a")

    assert not merge_metadata(one, one, two).metadata.mac_only_encrypted
    assert not merge_metadata(two, one, two).metadata.mac_only_encrypted
    assert merge_metadata(two, one, one).metadata.mac_only_encrypted


def test_unknown_fields_merge_one_by_one_and_the_newer_version_counts():
    base = block("a", unknown=(("x", 1), ("y", 1), ("z", 1)), version="3.9.4")
    ours = replace(base, unknown=(("x", 2), ("y", 1), ("z", 2)))
    theirs = replace(base, unknown=(("x", 1), ("z", 3), ("new", {"a": 1})), version="3.13.2")

    result = merge_metadata(base, ours, theirs)

    assert result.metadata.unknown == (("x", 2), ("z", 2), ("new", {"a": 1}))
    assert result.metadata.version == "3.13.2"
    assert result.conflicts == ("z",)
