"""Types of scalars; the table of sops's own answers is in test_vectors.py."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.sops.formats.yaml.scalars import (
    BINARY_TAG,
    LONG_TAG,
    ScalarError,
    plain_text,
    resolve_plain,
    resolve_tagged,
)
from fluxsecrets.sops.values import Timestamp

FLOATS = st.floats(allow_nan=False)
INTEGERS = st.integers(-(2**63), 2**63 - 1)


@given(st.none() | st.booleans() | INTEGERS | FLOATS)
def test_what_is_written_is_read_back_with_its_type(value):
    back = resolve_plain(plain_text(value))
    assert (type(back), repr(back)) == (type(value), repr(value))


def test_not_a_number_comes_back():
    assert math.isnan(resolve_plain(plain_text(math.nan)))


@given(st.text() | st.text("0123456789+-._eExXoObTtZ: aAfFnN"))
def test_any_text_is_a_scalar_or_too_large_an_integer(text):
    with suppress(ScalarError):
        value = resolve_plain(text)
        assert not isinstance(value, str) or value == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9" * 5000, "9" * 5000),
        ("1" * 200, float("1" * 200)),
        ("-" + "9" * 19, -1e19),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
    ],
)
def test_digits_without_end_are_bounded(text, value):
    assert resolve_plain(text) == value


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("aGVsbG8=", BINARY_TAG, "hello"),
        ("5", LONG_TAG + "int", 5),
        ("5", LONG_TAG + "float", 5.0),
        ("true", LONG_TAG + "bool", True),
        ("2026-11-23", LONG_TAG + "timestamp", Timestamp("2026-11-23T00:00:00Z")),
        ("5", "!local", "5"),
    ],
)
def test_tags_decide(text, tag, value):
    assert resolve_tagged(text, tag, plain=True) == value


@pytest.mark.parametrize(
    ("text", "tag"),
    [("s3cret", "int"), ("s3cret", "float"), ("s3cret", "bool"), ("s3cret!", "binary"), ("/w==", "binary")],
)
def test_text_that_does_not_fit_its_tag_is_refused_unseen(text, tag):
    with pytest.raises(ScalarError) as caught:
        resolve_tagged(text, LONG_TAG + tag, plain=True)
    assert text not in repr(caught.value)
    assert caught.value.__context__ is None
