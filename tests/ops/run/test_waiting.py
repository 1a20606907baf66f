"""Whether the work on a file waits for a key service."""

import pytest

from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.waiting import (
    waits_by_rule,
    waits_for_file,
    waits_to_open,
    waits_to_rekey,
    waits_to_wrap,
)
from fluxsecrets.sops.recipients import KINDS, Recipient, age, kms

ARN = "arn:aws:kms:eu-central-1:123456789012:key/throwaway"


@pytest.fixture
def session(act_as, environment, tmp_path):
    import os

    act_as("alice")
    return Session(dict(os.environ), tmp_path)


@pytest.fixture
def alice(act_as):
    return act_as("alice").recipient


def block(*recipients, more=""):
    lines = [f"- recipient: {each}\n  enc: BEGIN AGE ENCRYPTED FILE" for each in recipients]
    return ("sops:\n" + more + "\n".join(lines)).encode()


WITH_KMS = f"kms:\n- arn: {ARN}\n"


def test_each_kind_has_a_sign_of_its_own():
    signs = [kind.sign for kind in KINDS.values()]
    assert all(signs)
    assert len(set(signs)) == len(signs)


def test_opening(session, alice, act_as):
    bob = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
    assert not waits_to_open(session, b"")
    assert not waits_to_open(session, block(bob))
    assert waits_to_open(session, block(more=WITH_KMS))
    assert waits_to_open(session, block(bob, more=WITH_KMS))
    assert not waits_to_open(session, block(bob, alice, more=WITH_KMS))
    assert waits_to_open(session, block(alice, more=WITH_KMS + "shamir_threshold: 2\n"))
    first = Session(session.environ, session.cwd, order=("kms", "age"))
    assert waits_to_open(first, block(alice, more=WITH_KMS))


def test_wrapping(session, alice):
    assert not waits_to_wrap(session, [age(alice)])
    assert waits_to_wrap(session, [age(alice), kms(ARN)])
    assert not waits_to_wrap(session, [Recipient("hckms", "eu:1")])


def test_files_and_rules(session, alice, tmp_path):
    (tmp_path / ".sops.yaml").write_text(
        f"creation_rules:\n- path_regex: kms\n  kms: {ARN}\n- path_regex: age\n  age: {alice}\n",
        encoding="utf-8",
    )
    (tmp_path / "age.yaml").write_bytes(block(alice))
    (tmp_path / "both.age.yaml").write_bytes(block(alice, more=WITH_KMS))
    targets = {
        name: Target(tmp_path / name, name, "yaml") for name in ("age.yaml", "both.age.yaml", "kms.yaml")
    }
    assert [waits_by_rule(session, each.path) for each in targets.values()] == [False, False, True]
    assert [waits_for_file(session, each) for each in targets.values()] == [False, False, False]
    assert [waits_to_rekey(session, (), each) for each in targets.values()] == [False, True, True]
    assert waits_to_rekey(session, [kms(ARN)], targets["age.yaml"])
    assert not waits_by_rule(session, tmp_path / "neither.yaml")
    assert not waits_by_rule(session, tmp_path.parent / "kms.yaml")
    (tmp_path / ".sops.yaml").write_text("creation_rules: 7\n", encoding="utf-8")
    assert not waits_by_rule(Session(session.environ, tmp_path), tmp_path / "kms.yaml")
