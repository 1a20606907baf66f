"""What is a ciphertext, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciphertexts import DATA, IV, NEAR_MISSES, SHORT_NONCE, TAG, VECTORS, WHOLE, real_ciphertexts
from fluxsecrets.errors import IntegrityError
from fluxsecrets.marks.ciphertext import (
    KINDS,
    SIGN,
    find_ciphertexts,
    is_ciphertext,
    is_encrypted_comment,
    may_hold_encrypted_comment,
    read_ciphertext,
    write_ciphertext,
)
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.values import value_from_bytes

REAL = real_ciphertexts()


def test_there_are_ciphertexts_of_every_type_and_format():
    assert {name.rpartition(" ")[2] for name in REAL} == set(KINDS) - {
        "bytes"
    }  # sops says str of binary files
    assert {name.rpartition(" ")[0].rpartition(".")[2] for name in REAL} >= {
        "yaml",
        "json",
        "env",
        "ini",
        "bin",
    }


@pytest.mark.parametrize("text", [*REAL.values(), WHOLE, SHORT_NONCE], ids=[*REAL, "whole", "short nonce"])
def test_what_sops_writes_is_a_ciphertext(text):
    assert text.startswith(SIGN)
    assert is_ciphertext(text)
    assert is_ciphertext(f"  {text}\n")
    assert [*find_ciphertexts(f"a: {text}\nb: '{text}'".encode())] == [text.encode()] * 2
    match = read_ciphertext(text)
    assert write_ciphertext(*(match[part].encode() for part in (1, 2, 3)), match[4]) == text.encode()


def test_the_parts_of_a_ciphertext():
    assert read_ciphertext(WHOLE).groups() == (DATA, IV, TAG, "str")
    assert read_ciphertext(f"{WHOLE}\n") is None


@pytest.mark.parametrize("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_only_looks_like_a_ciphertext_is_none(text):
    assert not is_ciphertext(text)
    assert not is_encrypted_comment(text)
    assert read_ciphertext(text) is None


@pytest.mark.parametrize("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_only_looks_like_a_ciphertext_is_not_opened(text):
    with pytest.raises(IntegrityError, match="not a SOPS ciphertext"):
        Cipher(DataKey.generate()).decrypt(text, b"a:")


@pytest.mark.parametrize("value", [None, 1, True, b"x", WHOLE.encode(), [WHOLE], ""])
def test_only_text_is_a_ciphertext(value):
    assert not is_ciphertext(value)


@given(st.binary(min_size=1, max_size=60), st.sampled_from(KINDS))
def test_every_ciphertext_of_the_cipher_is_one(value, kind):
    text = Cipher(DataKey.generate()).encrypt(value, b"a:", kind)
    assert is_ciphertext(text)
    assert is_encrypted_comment(text) == (kind == "comment")


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_one_that_is_read(kind):
    known = {"int": b"1", "float": b"1", "bool": b"True", "time": b"2026-11-23T00:00:00Z"}
    assert value_from_bytes(kind, known.get(kind, b"x")) is not None


def test_comments():
    comment = WHOLE.replace("type:str", "type:comment")
    assert is_encrypted_comment(comment)
    assert not is_encrypted_comment("ENC[my-real-password,type:comment]")
    assert may_hold_encrypted_comment(f"a: b # {comment}".encode())
    assert not may_hold_encrypted_comment(f"# a\nb: {WHOLE}".encode())


def test_the_ciphertexts_of_a_file():
    data = (VECTORS / "comments" / "encrypted.yaml").read_bytes()
    assert len([*find_ciphertexts(data)]) == data.count(b"ENC[")
