"""`ops.run.journalbox`: a journal holds ciphertext, bound to its place, and keyed hashes."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.ops.run.journalbox import SALT_LENGTH, Box

KEY = bytes(range(32))
SECRET = b"password: hunter2-throwaway\n"


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_a_content_comes_back(data, number):
    box = Box.make(KEY)
    assert Box.of(KEY, box.salt).open(number, box.seal(number, data)) == data


def test_nothing_of_it_shows():
    box = Box.make(KEY)
    assert b"hunter2" not in box.seal(0, SECRET)
    assert box.digest(SECRET) != sha256(SECRET).hexdigest(), "a short secret could be guessed from it"
    assert KEY.hex() not in repr(box)


def test_each_journal_has_keys_of_its_own():
    one, other = Box.make(KEY), Box.make(KEY)
    assert one.seal(0, SECRET) != other.seal(0, SECRET)
    assert one.digest(SECRET) != other.digest(SECRET)
    with pytest.raises(ValueError, match="damaged"):
        other.open(0, one.seal(0, SECRET))


def test_another_content_or_a_damaged_one_is_refused():
    box = Box.make(KEY)
    sealed = box.seal(0, SECRET)
    for number, data in ((1, sealed), (0, sealed[:-1]), (0, b""), (0, bytes([sealed[0] ^ 1]) + sealed[1:])):
        with pytest.raises(ValueError, match="damaged"):
            box.open(number, data)


@pytest.mark.parametrize("length", [0, SALT_LENGTH - 1, SALT_LENGTH + 1])
def test_a_salt_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match="salt"):
        Box.of(KEY, bytes(length))
