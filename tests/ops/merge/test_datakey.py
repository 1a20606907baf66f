"""The data key and the wrapped keys of a merged file: what is copied, and when there is a new key."""

from dataclasses import replace

import pytest
from tests.conftest import VECTORS

from fluxsecrets.ops.files.rekey import with_same_data_key
from fluxsecrets.ops.merge.model import Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.recipients import age

from .conftest import SECRET, edited


def key(desk, data):
    return desk.open(data).opened.data_key.reveal()


def metadata(desk, data):
    return desk.format.parse(data, desk.session.limits).metadata


def wrapped(desk, data):
    return [[each.enc for each in group.keys] for group in metadata(desk, data).key_groups]


def shares(desk, data):
    return {enc for group in wrapped(desk, data) for enc in group}


def merged(desk, *versions):
    result = desk.merge(*versions)
    assert result.outcome is Outcome.MERGED, result.reason
    return result.data


def rules(desk, text):
    (desk.session.cwd / ".sops.yaml").write_text(f"creation_rules:\n{text}", encoding="utf-8")


def test_a_common_data_key_and_its_wrapped_keys_stay(desk):
    base = desk.encrypt(SECRET)
    ours, theirs = desk.encrypt(edited(password="x1"), base), desk.encrypt(edited(token="x2"), base)
    data = merged(desk, base, ours, theirs)
    assert key(desk, data) == key(desk, base)
    assert wrapped(desk, data) == wrapped(desk, base)


def test_a_recipient_that_theirs_added_comes_with_the_wrapped_key(desk):
    base = desk.encrypt(SECRET)
    ours = desk.encrypt(edited(password="x1"), base)
    groups = (tuple(age(desk.people[name]) for name in ("alice", "cluster", "bob")),)
    theirs = with_same_data_key(desk.session, desk.open(base), groups, 0)
    data = merged(desk, base, ours, theirs)
    assert key(desk, data) == key(desk, base)
    assert wrapped(desk, data) == [[*wrapped(desk, base)[0], wrapped(desk, theirs)[0][2]]]


def test_a_rotation_of_one_side_is_not_undone_by_a_change_of_the_other(desk):
    base = desk.encrypt(SECRET)
    rotated, changed = desk.encrypt(SECRET, new_key=True), desk.encrypt(edited(token="x2"), base)
    for ours, theirs in ((rotated, changed), (changed, rotated)):
        data = merged(desk, base, ours, theirs)
        assert key(desk, data) not in {key(desk, each) for each in (base, ours, theirs)}
        assert desk.plain(data) == edited(token="x2")


def test_a_rotation_alone_is_the_result_as_it_is(desk):
    base = desk.encrypt(SECRET)
    rotated = desk.encrypt(SECRET, new_key=True)
    assert merged(desk, base, rotated, base) == merged(desk, base, base, rotated) == rotated


def test_the_side_that_has_all_changes_is_the_result_to_the_byte(desk):
    base = desk.encrypt(SECRET)
    ours = desk.encrypt(edited(password="x1"), base)
    theirs = desk.encrypt(edited(password="x1", token="x2"), base)
    assert merged(desk, base, ours, theirs) == theirs
    assert merged(desk, base, theirs, ours) == theirs


@pytest.fixture
def groups(desk, tmp_path):
    """Two key groups of which both are needed, alice's and the cluster's, and the keys of both."""
    texts = [
        (VECTORS / "keys" / f"{name}.agekey").read_text(encoding="utf-8") for name in ("alice", "cluster")
    ]
    path = tmp_path / "both.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    path.chmod(0o600)
    desk.session.environ["SOPS_AGE_KEY_FILE"] = str(path)
    alice, cluster = desk.people["alice"], desk.people["cluster"]
    rules(
        desk,
        f"  - key_groups:\n      - age: [{alice}]\n      - age: [{cluster}]\n    shamir_threshold: 2\n",
    )
    return (age(alice),), (age(cluster),)


def test_shares_of_key_groups_stay(desk, groups):
    base = desk.encrypt(SECRET, people=(), groups=groups, shamir_threshold=2)
    sides = [
        desk.encrypt(text, base, people=(), groups=groups, shamir_threshold=2)
        for text in (edited(password="x1"), edited(token="x2"))
    ]
    data = merged(desk, base, *sides)
    assert wrapped(desk, data) == wrapped(desk, base)
    assert desk.plain(data) == edited(password="x1", token="x2")


def test_shares_of_two_splits_are_never_mixed(desk, groups):
    base = desk.encrypt(SECRET, people=(), groups=groups, shamir_threshold=2)
    ours = desk.encrypt(edited(password="x1"), base, people=(), groups=groups, shamir_threshold=2)
    alice, cluster = groups
    more = (alice, (*cluster, age(desk.people["bob"])))
    theirs = with_same_data_key(desk.session, desk.open(base), more, 2)
    refused = desk.merge(base, ours, theirs)
    assert refused.outcome is Outcome.REFUSED
    assert "does not name" in refused.reason.message
    names = [each.id for each in more[1]]
    rules(
        desk,
        f"  - key_groups:\n      - age: [{alice[0].id}]\n      - age: [{', '.join(names)}]\n"
        "    shamir_threshold: 2\n",
    )
    desk.session._configs.clear()
    data = merged(desk, base, ours, theirs)
    assert not shares(desk, data) & (shares(desk, ours) | shares(desk, theirs))
    assert key(desk, data) == key(desk, base)
    assert desk.plain(data) == edited(password="x1")


def test_a_lower_threshold_of_theirs_does_not_count(desk, groups):
    three = (*groups, (age(desk.people["bob"]),))
    base = desk.encrypt(SECRET, people=(), groups=three, shamir_threshold=2)
    ours = desk.encrypt(edited(password="x1"), base, people=(), groups=three, shamir_threshold=2)
    theirs = desk.with_block(base, shamir_threshold=1)
    result = desk.merge(base, ours, theirs)
    if result.outcome is Outcome.MERGED:
        assert metadata(desk, result.data).shamir_threshold == 2
    else:
        assert result.data == ours


def test_a_higher_threshold_gets_shares_of_its_own(desk, groups):
    people = (*groups, (age(desk.people["bob"]),))
    rules(
        desk,
        "  - key_groups:\n"
        + "".join(f"      - age: [{each.id}]\n" for (each,) in people)
        + "    shamir_threshold: 2\n",
    )
    base = desk.encrypt(SECRET, people=(), groups=people, shamir_threshold=2)
    ours = desk.encrypt(edited(password="x1"), base, people=(), groups=people, shamir_threshold=2)
    theirs = desk.encrypt(edited(token="x2"), base, people=(), groups=people, shamir_threshold=2)
    theirs = desk.with_block(theirs, shamir_threshold=3)
    result = desk.merge(base, ours, theirs)
    # With two identities, a file whose shares are for three groups can't be opened again.
    if result.outcome is Outcome.MERGED:
        assert metadata(desk, result.data).shamir_threshold == 3
        assert not shares(desk, result.data) & shares(desk, ours)
    else:
        assert result.data == ours


def test_without_an_identity_an_added_recipient_comes_along(desk, strangers_session):
    base = desk.encrypt(SECRET)
    ours = desk.encrypt(edited(password="x1"), base)
    own = metadata(desk, base).key_groups[0]
    bob = replace(own.keys[0], recipient=age(desk.people["bob"]))
    theirs = desk.with_block(base, key_groups=(own._replace(keys=(*own.keys, bob)),))
    result = desk.merge(base, ours, theirs, strangers_session)
    assert result.outcome is Outcome.UNSIGNED
    assert desk.people["bob"].encode() in result.data


@pytest.mark.parametrize("joined", ["ours", "theirs"])
def test_a_new_recipient_merges_a_branch_that_is_older(desk, act_as, joined):
    """Bob is a recipient on one side only; the base and the other side have the same data key."""
    base = desk.encrypt(SECRET)
    older = desk.encrypt(edited(token="x2"), base)
    everybody = (tuple(age(desk.people[name]) for name in ("alice", "cluster", "bob")),)
    changed = desk.encrypt(edited(password="x1"), base)
    newer = with_same_data_key(desk.session, desk.open(changed), everybody, 0)
    bob = Session({"SOPS_AGE_KEY_FILE": str(act_as("bob").path)}, desk.session.cwd)
    sides = (newer, older) if joined == "ours" else (older, newer)
    result = desk.merge(base, *sides, bob)
    assert result.outcome is Outcome.MERGED, result.reason
    assert desk.plain(result.data) == edited(password="x1", token="x2")
    assert shares(desk, newer) >= shares(desk, result.data) - shares(desk, older)
