import math
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError
from fluxsecrets.sops.values import (
    Timestamp,
    canonical_bytes,
    format_float,
    is_usual_time,
    type_name,
    value_from_bytes,
)

INTEGERS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", b"text"),
        ("", b""),
        (True, b"True"),
        (False, b"False"),
        (31, b"31"),
        (1.0, b"1"),
        (1e21, b"1000000000000000000000"),
        (1e-7, b"0.0000001"),
        (-0.0, b"-0"),
        (math.inf, b"+Inf"),
        (-math.inf, b"-Inf"),
        (math.nan, b"NaN"),
        (b"\xff\x00", b"\xff\x00"),
        (Timestamp("2026-11-23T00:00:00Z"), b"2026-11-23T00:00:00Z"),
        (None, b""),
    ],
)
def test_canonical_bytes_are_gos(value, expected):
    assert canonical_bytes(value) == expected


@given(st.text() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.binary())
def test_what_was_written_is_read_back(value):
    assert value_from_bytes(type_name(value), canonical_bytes(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_have_no_exponent_and_read_back(value):
    text = format_float(value)
    assert "e" not in text
    assert float(text) == value


def test_null_has_no_type():
    with pytest.raises(ValueError, match="never encrypted"):
        type_name(None)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("int", b"12x"),
        ("int", b"9223372036854775808"),
        ("int", b"9" * 5000),
        ("float", b"1_0"),
        ("float", b" 1"),
        ("float", b"s3cret"),
        ("bool", b"yes"),
        ("str", b"s3cret\xff"),
        ("time", b"s3cret"),
        ("unknown", b"s3cret"),
    ],
)
def test_bytes_that_are_not_of_their_type_are_refused_unseen(kind, data):
    with pytest.raises(IntegrityError) as caught:
        value_from_bytes(kind, data)
    assert "s3cret" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:11:12Z", "2026-11-23T10:11:12Z"),
        ("2026-11-23t10:11:12z", "2026-11-23T10:11:12Z"),
        ("2026-11-23T10:11:12.500+02:00", "2026-11-23T10:11:12.5+02:00"),
        ("2026-11-23T10:11:12.1234567891Z", "2026-11-23T10:11:12.123456789Z"),
        ("2026-11-23T10:11:12+00:00", "2026-11-23T10:11:12Z"),
        ("0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z"),
    ],
)
def test_times_take_gos_form(text, expected):
    assert Timestamp.parse(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2026-11-23",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:11:12",
        "2026-11-23T10:11:12+25:00",
    ],
)
def test_times_that_do_not_exist_are_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Timestamp.parse(text)


def parses(function, *given_):
    try:
        function(*given_)
    except ValueError:
        return False
    return True


@given(st.integers(1, 9999) | st.integers(1, 99).map(lambda century: century * 100))
def test_days_exist_where_the_calendar_has_them(year):
    for month in range(14):
        for day in (0, 1, 28, 29, 30, 31, 32):
            text = f"{year:04}-{month:02}-{day:02}T00:00:00Z"
            assert parses(Timestamp.parse, text) == parses(date, year, month, day), text


def test_the_year_0_is_a_leap_year():
    assert Timestamp.parse("0000-02-29T00:00:00Z").text == "0000-02-29T00:00:00Z"


@given(
    st.one_of(
        st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True),
        st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z", fullmatch=True),
        st.text("0123456789-:TZtz.+١", min_size=19, max_size=21),
        st.text(max_size=21),
    )
)
def test_a_usual_time_is_read_as_any_other(text):
    def read(text):
        try:
            return Timestamp.parse(text).text
        except ValueError:
            return None

    longer = f"{text[:-1]}.0Z"  # is no usual one, and the same time
    assert not is_usual_time(longer)
    if is_usual_time(text):
        assert read(text) == read(longer)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII)
    elif re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII):
        assert read(text) is None  # no such hour, minute or second
