import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError
from fluxsecrets.keys.agefile import MAX_ARMOUR, armour, dearmour, stanza_types

BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----"
END = "-----END AGE ENCRYPTED FILE-----"


@given(st.binary(min_size=1, max_size=400))
def test_armour_comes_back_and_is_64_columns_wide(data):
    text = armour(data)
    assert dearmour(text) == data
    assert text.startswith(f"{BEGIN}\n")
    assert text.endswith(f"\n{END}\n")
    assert {len(line) for line in text.splitlines()[1:-2]} <= {64}


def test_a_full_last_line_is_not_followed_by_an_empty_one():
    assert armour(bytes(48)) == f"{BEGIN}\n{'A' * 64}\n{END}\n"


def test_the_armour_is_the_one_that_sops_writes(wrapped):
    for name in ("secret", "two-recipients-bob", "post-quantum", "ssh-ed25519"):
        assert armour(dearmour(wrapped[name]["enc"])) == wrapped[name]["enc"]


def test_white_space_around_and_crlf_are_accepted():
    text = armour(b"data")
    assert dearmour("\n \r\n" + text.replace("\n", "\r\n") + "\n\n") == b"data"


LINE = base64.b64encode(bytes(48)).decode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin"),
        ("QUJD", "does not begin"),
        (f"x\n{BEGIN}\nQUJD\n{END}", "does not begin"),
        (f"{BEGIN}", "last line is missing"),
        (f"{BEGIN}\nQUJD\n", "last line is missing"),
        (f"{BEGIN}\nQUJD\n{END}\nmore", "last line is missing"),
        (f"{BEGIN}\n{END}", "not valid base64"),
        (f"{BEGIN}\n\nQUJD\n{END}", "64 columns"),
        (f"{BEGIN}\nQUJD\nQUJD\n{END}", "64 columns"),
        (f"{BEGIN}\n{LINE}A\n{END}", "64 columns"),
        (f"{BEGIN}\n{LINE}\n\n{END}", "64 columns"),
        (f"{BEGIN}\nQU!D\n{END}", "not valid base64"),
        (f"{BEGIN}\nQUé=\n{END}", "not valid base64"),
        (f"{BEGIN}\nQUJ\n{END}", "not valid base64"),
        (f"{BEGIN}\nQQ=\n{END}", "not valid base64"),
        (f"{BEGIN}\nQR==\n{END}", "not valid base64"),
        (f"{BEGIN}\nQU D\n{END}", "not valid base64"),
        ("\ud800", "does not begin"),
        (f"{BEGIN}\n\ud800AAA\n{END}", "not valid base64"),
        ("A" * (MAX_ARMOUR + 1), "longer than 64 KiB"),
    ],
)
def test_damaged_armour_is_refused(text, reason):
    with pytest.raises(IntegrityError, match=reason):
        dearmour(text)


@given(st.text(max_size=200))
def test_any_text_is_refused_or_read(text):
    for candidate in (text, f"{BEGIN}\n{text}\n{END}\n"):
        try:
            data = dearmour(candidate)
        except IntegrityError:
            continue
        assert data


def test_stanza_types_are_named(wrapped):
    types = {name: stanza_types(dearmour(wrapped[name]["enc"])) for name in wrapped if name[0] != "_"}
    assert types == {
        "secret": ("X25519",),
        "two-recipients-bob": ("X25519",),
        "post-quantum": ("mlkem768x25519",),
        "ssh-ed25519": ("ssh-ed25519",),
        "ssh-rsa": ("ssh-rsa",),
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not age data of version 1"),
        (b"age-encryption.org/v2\n-> X25519 AA\nAA\n--- AA\nxx", "not age data of version 1"),
        (b"age-encryption.org/v1\n-> X25519 AA\nAA\n", "cut off"),
        (b"age-encryption.org/v1\n-> X25519 AA\nAA\n--- AA", "cut off"),
    ],
)
def test_what_is_no_age_header_is_refused(data, reason):
    with pytest.raises(IntegrityError, match=reason):
        stanza_types(data)
