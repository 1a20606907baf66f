"""Fingerprints: stable, distinct, and nothing that a value could be guessed from."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.findings.fingerprint import fingerprint, told_apart, value_part

parts = st.lists(st.text(), max_size=4).map(tuple)


@given(parts, parts)
def test_different_parts_give_different_fingerprints(one, other):
    same = fingerprint("rule", "path", *one) == fingerprint("rule", "path", *other)
    assert same is (one == other)


def test_a_fingerprint_does_not_change_between_versions():
    # Baselines in people's repositories hold it.
    assert fingerprint("plain-secret", "apps/db.yaml", "Secret/db", "data.password") == (
        "2a3b19773682de7781240f9af1ff014d"
    )


def test_rule_and_path_are_in_it():
    assert len({fingerprint("a", "p"), fingerprint("b", "p"), fingerprint("a", "q")}) == 3


def test_paths_that_are_no_unicode_have_one():
    assert len(fingerprint("a", "p\udcff")) == 32


def test_what_a_person_may_have_chosen_is_not_hashed():
    assert value_part(b"hunter2-throwaway") == ""


def test_what_nobody_can_guess_tells_values_apart():
    one, other = value_part(b"throwaway-0123456789abcdef"), value_part(b"throwaway-0123456789abcdeg")
    assert one
    assert other
    assert one != other


def test_the_same_twice_in_a_file_is_numbered(make):
    first, second, third, other = told_apart([make(line=1), make(line=5), make(line=9), make(name="b")])
    assert first.fingerprint == make().fingerprint
    assert len({first.fingerprint, second.fingerprint, third.fingerprint, other.fingerprint}) == 4
    moved = told_apart([make(line=2), make(line=6)])
    assert [item.fingerprint for item in moved] == [first.fingerprint, second.fingerprint]
