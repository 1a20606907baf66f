"""Whom to ask about a file: names, key groups, clusters."""

import pytest

from fluxsecrets.repo.openers import Openers, openers
from fluxsecrets.sops.recipients import age, recipient_key

NAMES = {"age1a": "alice", "age1b": "bob", "age1c": "carol", "age1k": "cluster"}


def named(*ids):
    return tuple(age(each) for each in ids)


@pytest.mark.parametrize(
    ("groups", "needed", "text"),
    [
        ((("alice",),), 1, "alice"),
        ((("alice", "bob"),), 1, "alice or bob"),
        ((("alice",), ("bob", "carol")), 2, "alice, together with bob or carol"),
        ((("alice",), ("bob",), ("carol",)), 2, "2 of these together: alice; bob; carol"),
        ((("alice", "bob"), ("bob", "carol"), ("carol",)), 2, "bob or carol"),
        ((("alice",), ("bob",)), 1, "alice or bob"),
        ((("alice",),), 2, "nobody else"),
        ((), 1, "nobody else"),
    ],
)
def test_people_in_a_sentence(groups, needed, text):
    found = Openers(groups, needed)
    assert str(found) == text
    assert found.enough == (text != "nobody else")


def test_who_is_removed_is_not_asked_and_a_cluster_only_where_nobody_else_is_left():
    gone, clusters = {recipient_key(age("age1b"))}, {recipient_key(age("age1k"))}
    found = openers([named("age1a", "age1b", "age1k")], 1, NAMES, without=gone, clusters=clusters)
    assert str(found) == "alice"
    found = openers([named("age1b", "age1k")], 1, NAMES, without=gone, clusters=clusters)
    assert str(found) == "cluster"
    found = openers([named("age1b"), named("age1a")], 2, NAMES, without=gone, clusters=clusters)
    assert not found.enough, "the removed person's group is lost"


def test_a_key_without_a_name_is_shortened():
    text = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
    assert str(openers([named(text)], 1, {})) == "age1a454ldt5…s5m7la"
