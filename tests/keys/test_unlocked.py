import copy
import pickle
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, NeedsPersonError
from fluxsecrets.keys.handover import MAX_FRAME, pack, take
from fluxsecrets.keys.unlocked import (
    KEY_FILE,
    KINDS,
    PGP,
    PLUGIN,
    SSH_KEY,
    Unlocked,
    asks_nobody,
    current,
    digest_of,
    keep,
    keeping,
    kept_for,
    needs_person,
)

SECRET = b"AGE-SECRET-KEY-1THROWAWAY"


def number(value):
    return digest_of(PLUGIN, str(value).encode())


def test_what_was_unlocked_is_found_by_its_locked_form_alone():
    with keeping(Unlocked()) as unlocked:
        keep(SECRET, KEY_FILE, b"locked")
        assert kept_for(KEY_FILE, b"locked") == SECRET
        assert kept_for(KEY_FILE, b"locked ") is None
        assert kept_for(SSH_KEY, b"locked") is None
        assert len(unlocked) == 1
    assert kept_for(KEY_FILE, b"locked") is None
    assert current() is None


parts = st.lists(st.text("\0a", max_size=3).map(str.encode), max_size=3)
"""With the byte that is put between parts, which must not make one list of parts another."""


@given(parts, parts)
@example([b"a\0a"], [b"a", b"a"])
def test_other_parts_have_another_digest(one, other):
    assert (digest_of(PLUGIN, *one) == digest_of(PLUGIN, *other)) == (one == other)
    assert digest_of(PLUGIN, *one) != digest_of(PGP, *one)


def test_without_notes_nothing_is_kept():
    keep(SECRET, KEY_FILE, b"locked")
    assert kept_for(KEY_FILE, b"locked") is None
    assert not asks_nobody()
    needs_person("anybody")


def test_a_run_that_asks_nobody_is_ended_and_no_error_handler_stops_that():
    def handled():
        with suppress(Exception):
            needs_person("the passphrase")

    with keeping(Unlocked(asks=False)) as unlocked:
        assert not unlocked.needed
        with pytest.raises(NeedsPersonError):
            handled()
        assert unlocked.needed
    with keeping(Unlocked()) as unlocked:
        needs_person("the passphrase")
        assert not unlocked.needed


def test_the_innermost_notes_count():
    with keeping(Unlocked(asks=False)) as outer:
        with keeping(Unlocked()):
            keep(SECRET, KEY_FILE, b"locked")
            assert not asks_nobody()
        assert asks_nobody()
        assert not outer.added


def test_forgotten_secrets_are_wiped():
    unlocked = Unlocked()
    unlocked.add(KEY_FILE, number(1), SECRET)
    (kept,) = unlocked._kept.values()
    unlocked.forget()
    assert kept == bytes(len(SECRET))
    assert unlocked.get(KEY_FILE, number(1)) is None
    assert not unlocked.counts


def test_a_secret_that_is_replaced_is_wiped():
    unlocked = Unlocked()
    unlocked.add(KEY_FILE, number(1), SECRET)
    (kept,) = unlocked._kept.values()
    unlocked.add(KEY_FILE, number(1), b"other")
    assert not any(kept)
    assert unlocked.get(KEY_FILE, number(1)) == b"other"


def test_the_copy_in_here_is_its_own():
    given_ = bytearray(SECRET)
    unlocked = Unlocked()
    unlocked.add(KEY_FILE, number(1), given_)
    given_[:] = bytes(len(given_))
    assert unlocked.get(KEY_FILE, number(1)) == SECRET


@pytest.mark.parametrize("kind", KINDS)
def test_the_oldest_of_a_kind_makes_room(kind):
    bounds = KINDS[kind]
    unlocked = Unlocked()
    unlocked.add(PGP if kind != PGP else PLUGIN, number("other"), bytes(32 if kind != PGP else 16))
    for each in range(bounds.entries):
        unlocked.add(kind, number(each), bytes(min(bounds.most, 32)))
    first = unlocked._kept[kind, number(0)]
    unlocked.add(kind, number("new"), b"x" * min(bounds.most, 32))
    assert unlocked.counts[kind] == bounds.entries
    assert unlocked.get(kind, number(0)) is None
    assert unlocked.get(kind, number(1)) is not None
    assert unlocked.get(kind, number("new")) is not None
    assert not any(first)
    assert len(unlocked) == bounds.entries + 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_of_another_size_is_not_kept(kind):
    bounds = KINDS[kind]
    unlocked = Unlocked()
    for size in {bounds.least - 1, bounds.most + 1} - {-1}:
        unlocked.add(kind, number(size), bytes(size))
    assert not unlocked
    for size in (bounds.least, bounds.most):
        unlocked.add(kind, number(size), bytes(size))
    assert unlocked.counts[kind] == 2


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy, repr, str])
def test_secrets_are_in_no_copy_and_no_text(copied):
    unlocked = Unlocked()
    unlocked.add(KEY_FILE, number(1), SECRET)
    if copied in (repr, str):
        assert copied(unlocked) == "<1 unlocked keys, hidden>"
    else:
        with pytest.raises(TypeError, match="never serialised"):
            copied(unlocked)


entries = st.lists(
    st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.binary(min_size=32, max_size=32),
            st.binary(min_size=KINDS[kind].least, max_size=min(KINDS[kind].most, 64)),
        )
    ),
    max_size=8,
)


@given(entries)
def test_what_is_handed_over_arrives_in_its_order_and_is_wiped(given_):
    unlocked, agent = Unlocked(), Unlocked(asks=False)
    for entry in given_:
        unlocked.add(*entry)
    frame = pack(unlocked)
    assert take(agent, frame) == len(unlocked)
    assert agent.added == unlocked.added
    assert all(agent.get(*key) == unlocked.get(*key) for key in unlocked.added)
    assert not any(frame)


@given(entries, st.data())
def test_a_damaged_frame_is_refused_whole_or_is_another_frame(given_, data):
    unlocked, agent = Unlocked(), Unlocked()
    for entry in given_:
        unlocked.add(*entry)
    frame = pack(unlocked)
    cut = data.draw(st.integers(0, len(frame)))
    frame[cut : cut + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        count = take(agent, frame)
    except FormatError:
        assert not agent
    else:
        assert len(agent) <= count
        assert all(kind in KINDS and len(digest) == 32 for kind, digest in agent.added)
    assert not any(frame)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_refused(frame):
    agent = Unlocked()
    try:
        take(agent, bytearray(frame))
    except FormatError:
        assert not agent


def test_a_frame_whose_entry_has_a_size_of_another_kind_is_refused_whole():
    unlocked, agent = Unlocked(), Unlocked()
    unlocked.add(PGP, number("first"), bytes(32))
    unlocked.add(PLUGIN, number("last"), bytes(16))
    frame = pack(unlocked)
    frame[0] = [*KINDS].index(PGP)
    with pytest.raises(FormatError):
        take(agent, frame)
    assert not agent


def test_a_frame_has_a_greatest_size():
    unlocked = Unlocked()
    for each in range(16):
        unlocked.add(KEY_FILE, number(each), bytes(KINDS[KEY_FILE].most))
    unlocked.add(PGP, number("last"), bytes(32))
    frame = pack(unlocked)
    assert len(frame) <= MAX_FRAME
    agent = Unlocked()
    assert take(agent, frame) == 4
    assert agent.added[-1] == (PGP, number("last"))
    with pytest.raises(FormatError):
        take(agent, bytearray(MAX_FRAME + 1))
