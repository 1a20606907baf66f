import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.sops import bech32

PREFIXES = st.text("abcdefghijklmnopqrstuvwxyz0123456789+-._", min_size=1, max_size=20)


@given(PREFIXES, st.binary(max_size=100))
def test_what_is_encoded_is_decoded_in_either_case(prefix, data):
    text = bech32.encode(prefix, data)
    assert bech32.decode(text) == bech32.decode(text.upper()) == (prefix, data)


# From BIP 173, and from age's own tests.
@pytest.mark.parametrize(
    ("text", "prefix", "data"),
    [
        ("A12UEL5L", "a", b""),
        ("age1test10qdmzv9q", "age1test", b"x"),
        ("AGE-PLUGIN-TEST-10Q32NLXM", "age-plugin-test-", b"x"),
        ("age1pwn/pwn19gt89dfz", "age1pwn/pwn", b"*"),
    ],
)
def test_known_texts(text, prefix, data):
    assert bech32.decode(text) == (prefix, data)
    assert bech32.encode(prefix, data) == text.lower()


def test_bits_behind_the_last_byte_are_refused():
    for data in ("q" * 3, "qp", "pppp"):  # 15 bits; 2 and 4 spare bits that are set
        values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(char) for char in data]
        check = bech32._polymod([*bech32._expand("age"), *values, *[0] * 6]) ^ 1
        text = "".join(
            "qpzry9x8gf2tvdw0s3jn54khce6mua7l"[check >> 5 * (5 - place) & 31] for place in range(6)
        )
        with pytest.raises(ValueError, match="padding"):
            bech32.decode(f"age1{data}{text}")


@given(st.binary(min_size=1, max_size=40), st.data())
def test_one_wrong_character_is_noticed(data, draw):
    text = bech32.encode("age", data)
    place = draw.draw(st.integers(4, len(text) - 1))
    wrong = draw.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda c: c != text[place]))
    with pytest.raises(ValueError, match="checksum"):
        bech32.decode(text[:place] + wrong + text[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "1", "age", "age1", "1qqqqqqqq", "age1Qqqqqqq", "age1bbbbbbb", "a ge1qqqqqqqq", "q" * 20_000]
)
def test_what_is_not_bech32_is_refused(text):
    with pytest.raises(ValueError, match=r"Bech32|mixed|character|long|checksum"):
        bech32.decode(text)


@given(st.text(max_size=80))
def test_any_text_is_decoded_or_refused(text):
    for one in (text, f"age1{text}"):
        try:
            prefix, _ = bech32.decode(one)
        except ValueError:
            continue
        assert one.lower().startswith(prefix)
