from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError, UsageError
from fluxsecrets.sops.shamir import combine, split


@given(st.binary(min_size=1, max_size=40), st.integers(2, 6), st.data())
def test_any_threshold_of_shares_gives_the_secret(secret, count, data):
    threshold = data.draw(st.integers(2, count))
    shares = split(secret, count, threshold)
    assert [share[-1] for share in shares] == list(range(1, count + 1))
    for some in combinations(shares, threshold):
        assert combine(some) == secret


def test_fewer_shares_give_another_secret():
    shares = split(bytes(32), 3, 3)
    assert combine(shares[:2]) != bytes(32)


def test_the_field_is_that_of_the_peers():
    # Points of the line 42 + 7x in GF(2^8), worked out by hand: 7*2 = 14, 7*3 = 9.
    assert combine([bytes([42 ^ 14, 2]), bytes([42 ^ 9, 3])]) == bytes([42])


@pytest.mark.parametrize(("count", "threshold"), [(1, 1), (2, 1), (2, 3), (256, 2), (0, 0)])
def test_impossible_numbers_are_refused(count, threshold):
    with pytest.raises(UsageError, match="threshold"):
        split(bytes(32), count, threshold)


@pytest.mark.parametrize(
    "shares", [[], [b"ab"], [b"a\x01", b"b\x01"], [b"a\x01", b"bc\x02"], [b"a\x00", b"b\x01"], [b"", b""]]
)
def test_shares_that_do_not_fit_are_refused(shares):
    with pytest.raises(IntegrityError, match="do not fit"):
        combine(shares)
