import base64
import io

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError
from fluxsecrets.keys.agefile import (
    CHUNK_SIZE,
    MAX_ARMOUR,
    MAX_STANZAS,
    Stanza,
    armour,
    dearmour,
    decode_base64,
    decrypt_payload,
    encode_base64,
    encrypt_payload,
    hkdf,
    parse_age_file,
    read_stanza,
    seal,
    stanza_types,
    unseal,
    write_stanza,
)
from tables import each_row

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


@each_row(
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


WORDS = st.text([chr(code) for code in range(33, 127)], min_size=1, max_size=20)
STANZAS = st.builds(Stanza, WORDS, st.lists(WORDS, max_size=4).map(tuple), st.binary(max_size=200))


def in_the_clear(file_key):
    """Hold the file key in the clear: what is tested here is what is around it."""
    return [Stanza("clear", ("x",), file_key)]


def opened(data):
    file = parse_age_file(data)
    return unseal(file, next(one.body for one in file.stanzas if one.type == "clear"))


# --- stanzas


@given(STANZAS)
def test_stanzas_are_read_as_they_were_written(stanza):
    data = write_stanza(stanza)
    stream = io.BytesIO(data + b"more")
    assert read_stanza(stream) == stanza
    assert stream.read() == b"more", "no byte more was taken"


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 95, 96, 97])
def test_a_body_ends_with_a_short_line(size):
    lines = write_stanza(Stanza("x", (), bytes(size))).decode().split("\n")
    assert lines[0] == "-> x"
    assert lines[-1] == ""
    assert all(len(line) == 64 for line in lines[1:-2])
    assert len(lines[-2]) < 64


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"-> x",
        b"-> x\n",
        b"->\n\n",
        b"-> \n\n",
        b"-> x  y\n\n",
        b"-> x \n\n",
        b"-> x\x7f\n\n",
        b"-> x\nQQ",
        b"-> x\nQQ==\n",
        b"-> x\nQR\n",
        b"-> x\nQ Q\n",
        b"-> x\nQQ\r\n",
        b"-> x\n" + b"A" * 64 + b"\n",
        b"-> x\n" + b"A" * 68 + b"\n",
        b"-> " + b"x" * 70_000 + b"\n\n",
        b"-> x\n" + (b"A" * 64 + b"\n") * 2000 + b"\n",
    ],
)
def test_malformed_stanzas_are_refused(data):
    with pytest.raises(ValueError, match=r"stanza|body|base64"):
        read_stanza(io.BytesIO(data))


@given(st.binary(max_size=60))
def test_base64_is_canonical(data):
    text = encode_base64(data).encode()
    assert decode_base64(text) == data
    assert b"=" not in text


# --- whole files


@given(st.binary(max_size=300))
def test_what_is_sealed_is_unsealed(secret):
    assert opened(seal(secret, in_the_clear)) == secret


def test_every_truncation_and_every_flipped_bit_is_noticed():
    data = seal(b"secret", in_the_clear)
    for length in range(len(data)):
        with pytest.raises(IntegrityError):
            opened(data[:length])
    for place in range(len(data)):
        for bit in range(8):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            with pytest.raises((IntegrityError, StopIteration)):  # StopIteration: the type was changed
                opened(changed)


@given(st.binary(min_size=1, max_size=40))
def test_more_bytes_at_the_end_are_noticed(more):
    with pytest.raises(IntegrityError):
        opened(seal(b"secret", in_the_clear) + more)


def test_a_stanza_that_was_added_is_noticed():
    data = seal(b"secret", in_the_clear)
    intro, rest = data.split(b"\n", 1)
    with pytest.raises(IntegrityError, match="header was changed"):
        opened(intro + b"\n" + write_stanza(Stanza("added")) + rest)


def test_stanzas_are_bounded_and_there_is_one():
    def many(count):
        return lambda key: [*in_the_clear(key), *[Stanza("x")] * (count - 1)]

    assert opened(seal(b"x", many(MAX_STANZAS))) == b"x"
    for wrap in (many(MAX_STANZAS + 1), lambda _key: []):
        with pytest.raises(IntegrityError, match="header"):
            parse_age_file(seal(b"x", wrap))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    for one in (data, b"age-encryption.org/v1\n" + data, b"age-encryption.org/v1\n-> x\n\n--- " + data):
        with pytest.raises(IntegrityError):
            opened(one)


def test_a_file_of_rage_is_taken_apart():
    identity = pyrage.x25519.Identity.generate()  # a throw-away test key
    file = parse_age_file(pyrage.encrypt(b"x", [identity.to_public()]))
    assert file.stanzas[0].type == "X25519"
    assert len(file.stanzas[0].body) == 32


# --- the payload


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 1]
)
def test_payloads_around_the_size_of_a_chunk(size):
    key = bytes(32)
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    sealed = encrypt_payload(key, data)
    assert len(sealed) == size + 16 * max(1, -(-size // CHUNK_SIZE))
    assert decrypt_payload(key, sealed) == data
    full = CHUNK_SIZE + 16
    for cut in {0, 1, 15, 16, 17, full - 1, full, full + 1, full + 16, 2 * full, len(sealed) - 1}:
        if cut < len(sealed):
            assert decrypt_payload(key, sealed[:cut]) is None
    assert decrypt_payload(key, sealed + b"x") is None
    assert decrypt_payload(bytes(31) + b"x", sealed) is None


def test_chunks_cannot_change_places_or_be_left_out():
    key, full = bytes(32), CHUNK_SIZE + 16
    sealed = encrypt_payload(key, bytes(2 * CHUNK_SIZE + 5))
    first, second, third = sealed[:full], sealed[full : 2 * full], sealed[2 * full :]
    for order in (second + first + third, first + third, second + third, first + second, third):
        assert decrypt_payload(key, order) is None


def test_an_empty_last_chunk_behind_others_is_refused():
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    key = bytes(32)
    cipher = ChaCha20Poly1305(key)
    first = cipher.encrypt(bytes(12), bytes(CHUNK_SIZE), None)
    last = cipher.encrypt(bytes(10) + b"\x01\x01", b"", None)
    assert decrypt_payload(key, first + last) is None


@given(st.binary(max_size=64), st.binary(max_size=64), st.binary(max_size=64))
def test_the_derivation_is_the_one_of_cryptography(secret, salt, info):
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    assert hkdf(secret, salt, info) == HKDF(SHA256(), 32, salt, info).derive(secret)
