import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.sops.cipher import Cipher, DataKey, additional_data

KEY = DataKey(b"throw-away key for these tests!!")
CIPHER = Cipher(KEY)
VALUES = st.text(min_size=1) | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(min_size=1)


@given(VALUES)
def test_a_value_comes_back(value):
    text = CIPHER.encrypt(value, b"a:b:")
    assert is_ciphertext(text)
    assert CIPHER.decrypt(text, b"a:b:") == value


def test_ciphers_of_one_key_are_one_and_those_of_another_are_not():
    text = CIPHER.encrypt("a", b"a:")
    assert Cipher(KEY).decrypt(text, b"a:") == Cipher(DataKey(KEY.reveal())).decrypt(text, b"a:") == "a"
    with pytest.raises(IntegrityError):
        Cipher(DataKey.generate()).decrypt(text, b"a:")


def test_two_ciphertexts_of_a_value_differ():
    assert CIPHER.encrypt("same", b"a:") != CIPHER.encrypt("same", b"a:")


@pytest.mark.parametrize(
    ("path", "expected"),
    [(("a", "b"), b"a:b:"), (("a", 0, "b", 3), b"a:b:"), (("ключ",), "ключ:".encode()), ((), b":")],
)
def test_additional_data_is_the_maps_keys(path, expected):
    assert additional_data(path) == expected


def test_a_value_is_bound_to_its_place():
    text = CIPHER.encrypt("value", b"a:")
    with pytest.raises(IntegrityError, match="changed, moved or encrypted with another key"):
        CIPHER.decrypt(text, b"b:")
    with pytest.raises(IntegrityError):
        Cipher(DataKey.generate()).decrypt(text, b"a:")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ENC[]",
        "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]",
        "ENC[AES256_GCM,data:A,iv:A,tag:A,type:str]",
        "ENC[AES256_GCM,data:AA=A,iv:AAAA,tag:AAAA,type:str]",
        "ENC[AES128_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]",
    ],
)
def test_what_is_no_ciphertext_is_refused(text):
    with pytest.raises(IntegrityError):
        CIPHER.decrypt(text, b"a:")


@given(st.data())
def test_any_changed_character_is_noticed(data):
    text = CIPHER.encrypt("value of some length", b"a:")
    position = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from("ABxyz019+/=[],:"))
    changed = text[:position] + character + text[position + 1 :]
    try:
        same = CIPHER.decrypt(changed, b"a:")
    except IntegrityError:
        return
    # Base64 has spare bits, and the type is not authenticated: the bytes are the same all the same.
    assert same in ("value of some length", b"value of some length")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_data_key_has_32_bytes(length):
    with pytest.raises(IntegrityError, match="instead of 32"):
        DataKey(bytes(length))


def test_a_data_key_shows_nothing():
    assert repr(KEY) == "DataKey(hidden)"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@pytest.mark.parametrize("size", [2**20, 2**20 + 1])
def test_large_values_come_back_and_are_authenticated_like_small_ones(size):
    cipher = Cipher(DataKey(bytes(32)))
    value = "v" * size
    text = cipher.encrypt(value, b"a:")
    assert cipher.decrypt(text, b"a:") == value
    for changed, aad in (
        (text, b"b:"),
        (text.replace("data:", "data:AAAA", 1), b"a:"),
        (text.replace("tag:", "tag:AAAA", 1), b"a:"),
        (text.replace(text[30:34], "AAAA" if text[30:34] != "AAAA" else "BBBB", 1), b"a:"),
    ):
        with pytest.raises(IntegrityError):
            cipher.decrypt(changed, aad)
