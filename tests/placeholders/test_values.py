"""Placeholders have the type and the shape of a value, are equal where values are, and tell nothing else."""

import re
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.placeholders.mark import is_mark, is_masked
from fluxsecrets.placeholders.values import ciphertext_placeholder, placeholder, placeholder_bytes, shape_of
from fluxsecrets.scan.placeholders import is_placeholder
from fluxsecrets.sops.values import INT64_MAX, INT64_MIN, Timestamp

KEY = PlaceholderKey.derived(b"a throw-away test key")


def masked(value, name="password", key=KEY):
    return placeholder(value, key, name=name)


def ciphertext(kind, data="c2VjcmV0"):
    return f"ENC[AES256_GCM,data:{data},iv:{'A' * 43}=,tag:{'A' * 22}==,type:{kind}]"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("true", "true|false"),
        ("No", "Yes|No"),
        ("5432", r"\d{2,5}"),
        ("-7", r"-\d"),
        ("0.75", r"\d\.\d{4}"),
        ("007", r"0\d\d"),
        ("30s", r"\d\ds"),
        ("1h30m", r"\dh\d\dm"),
        ("10Gi", r"\d\dGi"),
        ("2026-11-23", r"20[0-3]\d-\d\d-\d\d"),
        ("2026-11-23T10:00:00+01:00", r"20[0-3]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        (
            "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        ),
        ("hunter2", r"masked(-[a-z]{5}){4}"),
        ("correct horse battery staple and a few more", r"masked(-[a-z]{5}){9}"),
    ],
)
def test_text_keeps_its_shape(text, form):
    found = masked(text)
    assert re.fullmatch(form, found)
    assert shape_of(found) == shape_of(text)


@given(st.one_of(st.booleans(), st.integers(INT64_MIN, INT64_MAX), st.floats(), st.binary(), st.text()))
def test_a_placeholder_has_the_type_of_its_value(value):
    assert type(masked(value)) is type(value)


def test_a_time_stays_a_time_and_null_stays_null():
    assert isinstance(masked(Timestamp("2026-11-23T00:00:00Z")), Timestamp)
    assert masked(None) is None
    assert masked("") == ""


@pytest.mark.parametrize(("before", "after"), [("", "\n"), ("", "\r\n"), (" ", " "), ("\n\n", "  \n")])
def test_white_space_around_a_value_stays(before, after):
    assert masked(f"{before}hunter2{after}") == f"{before}{masked('hunter2')}{after}"


def test_much_or_unusual_white_space_becomes_one_sign():
    assert masked(" " * 100 + "hunter2\u3000") == f" {masked('hunter2')} "
    assert masked(" " * 100) == " "


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique_by=str.strip))
def test_different_texts_have_different_placeholders_and_equal_ones_equal(texts):
    one, other = map(masked, texts)
    assert one != other or not all(map(str.strip, texts))
    assert masked(texts[0], "token") == one or len(one.strip()) <= 8


@given(st.sets(st.integers(0, INT64_MAX), min_size=20), st.text())
def test_numbers_never_collide(numbers, name):
    assert len({masked(number, name) for number in numbers}) == len(numbers)


def test_a_small_number_under_one_name_does_not_tell_that_under_another():
    assert len({masked(443, f"port{at}") for at in range(20)}) > 10
    assert {masked(True, f"switch{at}") for at in range(50)} == {True, False}


def test_a_digit_becomes_every_digit():
    assert sorted(masked(digit) for digit in range(10)) == list(range(10))


def test_another_key_gives_other_placeholders():
    other = PlaceholderKey.per_run()
    assert masked("hunter2", key=other) != masked("hunter2")
    assert masked("hunter2", key=PlaceholderKey.derived(b"a throw-away test key")) == masked("hunter2")


def test_a_key_does_not_show_itself():
    assert repr(KEY) == "PlaceholderKey()"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a\x00b", bytes(range(256)) * 40])
def test_bytes_that_are_not_text_stay_so(data):
    found = placeholder_bytes(data, KEY, name="keystore.p12")
    assert found.startswith(b"\x00masked\xff")
    assert len(found) in (64, 512, 4096)
    assert len(placeholder_bytes(found, KEY, name="keystore.p12")) == len(found)


def test_bytes_of_text_are_masked_as_text():
    assert placeholder_bytes(b"hunter2\n", KEY, name="password") == masked("hunter2\n").encode()


def test_the_scanner_takes_a_mark_for_a_placeholder():
    for text in ("hunter2", "x" * 50, "x" * 5000):
        assert is_mark(masked(text))
        assert is_placeholder(masked(text))
    for text in ("alice@example.org", "db.example.org:5432", "${USER}:hunter2", "one\ntwo", "hunter2:5432"):
        assert is_placeholder(masked(text))


@pytest.mark.parametrize(
    "text", ["masked-", "masked-lusab", "masked-lusab-babad-gutih-tugad-hunter2", "lusab-babad"]
)
def test_a_text_that_only_begins_as_a_mark_is_not_one(text):
    assert not is_mark(text)
    assert not is_masked(text)


@pytest.mark.parametrize(
    ("kind", "type_"), [("str", str), ("int", int), ("float", float), ("bool", bool), ("time", Timestamp)]
)
def test_a_ciphertext_says_the_type(kind, type_):
    found = ciphertext_placeholder(ciphertext(kind), name="value")
    assert type(found) is type_
    assert ciphertext_placeholder(ciphertext(kind), name="value") == found


def test_another_ciphertext_gives_another_placeholder():
    one, other = (
        ciphertext_placeholder(ciphertext("str", data), name="a") for data in ("c2VjcmV0", "U2VjcmV0")
    )
    assert one != other


def test_a_ciphertext_under_data_becomes_base64():
    found = ciphertext_placeholder(ciphertext("str"), name="password", base64=True)
    assert is_mark(b64decode(found, validate=True).decode())
