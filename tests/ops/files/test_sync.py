"""When a file is in line with its rule, and when it must get a new data key."""

import json
from pathlib import Path

import pytest

from fluxsecrets.ops.files.sync import in_line, needs_new_data_key
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient, azure_kv_from_url, kms
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

VECTORS = Path(__file__).parents[2] / "vectors"
KEYS = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))
ALICE, BOB, CLUSTER = (Recipient("age", KEYS[name]) for name in ("alice", "bob", "cluster"))
SSH = Recipient("age", KEYS["ssh_ed25519"])


def block(*groups, threshold=0):
    key_groups = tuple(KeyGroup(tuple(WrappedKey(one, "") for one in group)) for group in groups)
    return Metadata(key_groups, DEFAULT_SELECTOR, "2026-11-23T10:11:12Z", "ENC[]", shamir_threshold=threshold)


def rule(*groups, threshold=0):
    return Policy(groups=groups, shamir_threshold=threshold)


@pytest.mark.parametrize(
    ("own", "ruled", "same", "new_key"),
    [
        (block((ALICE,)), rule((ALICE,)), True, False),
        (block((ALICE,)), rule((ALICE, BOB)), False, False),
        (block((BOB, ALICE)), rule((ALICE, BOB)), True, False),
        (block((ALICE, BOB)), rule((ALICE,)), False, True),
        (block((ALICE, BOB)), rule((ALICE, CLUSTER)), False, True),
        # One group has no threshold, whatever stands there.
        (block((ALICE,), threshold=1), rule((ALICE,), threshold=2), True, False),
        (block((ALICE,), (BOB,), threshold=2), rule((ALICE,), (BOB,)), True, False),
        (block((ALICE,), (BOB,), threshold=2), rule((ALICE,), (BOB, CLUSTER)), False, False),
        (block((ALICE,), (BOB,), threshold=2), rule((BOB,), (ALICE,)), True, False),
        (block((ALICE, BOB), (CLUSTER,), threshold=2), rule((CLUSTER,), (BOB, ALICE)), True, False),
        (block((ALICE, BOB), (CLUSTER,), threshold=2), rule((ALICE,), (BOB, CLUSTER)), False, True),
        (block((ALICE, BOB)), rule((ALICE,), (BOB,)), False, True),
        (block((ALICE,), (BOB,), threshold=2), rule((ALICE, BOB)), False, True),
        (
            block((ALICE,), (BOB,), (CLUSTER,), threshold=2),
            rule((ALICE,), (BOB,), (CLUSTER,), threshold=3),
            False,
            True,
        ),
        (
            block((ALICE,), (BOB,), (CLUSTER,), threshold=3),
            rule((ALICE,), (BOB,), (CLUSTER,), threshold=2),
            False,
            False,
        ),
    ],
)
def test_groups(own, ruled, same, new_key):
    assert in_line(own, ruled) is same
    assert needs_new_data_key(own, ruled) is new_key


def test_comment_of_an_ssh_key_is_no_difference():
    renamed = Recipient("age", f"{' '.join(SSH.id.split()[:2])} another@machine")
    assert in_line(block((SSH,)), rule((renamed,)))


def test_version_of_an_azure_key_counts_where_the_rule_has_one():
    url = "https://v.vault.azure.net/keys/k"
    old, new, newest = (azure_kv_from_url(f"{url}/{version}") for version in ("1", "2", ""))
    assert in_line(block((old,)), rule((newest,)))
    assert not in_line(block((old,)), rule((new,)))


def test_role_of_an_aws_key_counts():
    arn = "arn:aws:kms:eu-west-1:111122223333:key/4b0b1d2c-0000-0000-0000-000000000000"
    plain, with_role = kms(arn), kms(arn, role="arn:aws:iam::111122223333:role/r")
    assert in_line(block((Recipient("kms", arn),)), rule((plain,)))
    assert not in_line(block((plain,)), rule((with_role,)))
