"""Values sealed and opened: places, keys, and what was changed on the way."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import IntegrityError
from fluxsecrets.sealed.codec import check_sealed, open_value, seal_value

VALUE = b"hunter2-throwaway"


@pytest.fixture(scope="module")
def sealed(certificate):
    return seal_value(certificate.key, VALUE, b"apps/db")


def test_a_value_opens_with_its_key_and_label(sealed, keys, new_keys):
    private = [keys[0].key]
    assert open_value(private, sealed, [b"apps/db"]).data == VALUE
    assert open_value([new_keys[0].key, *private], sealed, [b"apps", b"apps/db"]).key == 1
    assert open_value(private, sealed, [b"apps/other", b"other/db", b"apps", b""]) is None
    assert open_value([new_keys[0].key], sealed, [b"apps/db"]) is None


def test_it_is_never_the_same_twice_and_not_in_the_repr(certificate, sealed, keys):
    assert seal_value(certificate.key, VALUE, b"apps/db") != sealed
    assert "hunter2" not in repr(open_value([keys[0].key], sealed, [b"apps/db"]))


@pytest.mark.parametrize("size", [0, 1, 2**20])
def test_sizes(certificate, keys, size):
    value = b"\0\xff"[:1] * size
    sealed = seal_value(certificate.key, value, b"")
    assert open_value([keys[0].key], sealed, [b""]).data == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "changed after it was sealed, or is cut off"),
        (lambda data: data[:520], "is cut off"),
        (lambda data: data[:1], "is cut off"),
        (lambda data: b"", "is cut off"),
        (lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:], "changed after it was sealed"),
    ],
)
def test_what_was_changed_is_an_error(sealed, keys, change, message):
    text = b64encode(change(b64decode(sealed))).decode()
    with pytest.raises(IntegrityError, match=message):
        open_value([keys[0].key], text, [b"apps/db"])


def test_a_changed_session_key_does_not_open(sealed, keys):
    data = bytearray(b64decode(sealed))
    data[100] ^= 1
    assert open_value([keys[0].key], b64encode(data).decode(), [b"apps/db"]) is None


@pytest.mark.parametrize("text", ["", "not base64!", "AgA=", "aGVsbG8=", b64encode(bytes(600)).decode()])
def test_what_is_no_sealed_value(text):
    with pytest.raises(IntegrityError):
        check_sealed(text)


def test_line_breaks_are_passed_over_and_the_size_of_the_key_is_seen(sealed):
    assert check_sealed(sealed[:64] + "\r\n" + sealed[64:] + "\n") == 4096


@given(st.binary(max_size=200), st.binary(max_size=40))
@settings(max_examples=scaled(15))
def test_any_value_comes_back(certificate, keys, value, label):
    opened = open_value([keys[0].key], seal_value(certificate.key, value, label), [label])
    assert opened.data == value
