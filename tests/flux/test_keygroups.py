"""Whether the keys of a cluster open the key groups of a block."""

import pytest

from fluxsecrets.flux.keygroups import needs_private_key, opens
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

ALICE, BOB = Recipient("age", "age1alice"), Recipient("age", "age1bob")
ROLE = Recipient("kms", "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555")
HELD = frozenset({("age", "age1alice")})


def block(*groups, threshold=0):
    wrapped = tuple(KeyGroup(tuple(WrappedKey(each, "enc") for each in group)) for group in groups)
    return Metadata(wrapped, DEFAULT_SELECTOR, "2026-11-23T10:11:12Z", "mac", shamir_threshold=threshold)


@pytest.mark.parametrize(
    ("groups", "threshold", "expected"),
    [
        ([(ALICE, BOB)], 0, True),
        ([(BOB,)], 0, False),
        ([(BOB, ROLE)], 0, None),
        ([(ALICE,), (BOB,)], 0, False),
        ([(ALICE,), (BOB,)], 1, True),
        ([(ALICE,), (ROLE,)], 2, None),
        # Whatever the role opens, the group of Bob stays closed.
        ([(BOB,), (ROLE,)], 2, False),
    ],
)
def test_a_block_opens_with_as_many_groups_as_it_needs(groups, threshold, expected):
    assert opens(block(*groups, threshold=threshold), HELD) is expected


def test_keys_that_are_not_known_may_open_it():
    assert opens(block((BOB,)), HELD, more=True) is None
    assert opens(block((BOB,)), frozenset()) is False


def test_a_key_of_a_service_makes_private_keys_dispensable():
    assert needs_private_key(block((ALICE, BOB)))
    assert not needs_private_key(block((ALICE,), (ROLE,)))
