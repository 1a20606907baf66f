"""Base64 and JSON as Go reads them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.secretrules import base64_fault, decode_base64, json_fault, key_faults


@given(st.binary(max_size=50), st.integers(1, 10))
def test_what_is_encoded_is_decoded_however_it_is_wrapped(value, width):
    text = base64.b64encode(value).decode()
    wrapped = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    assert decode_base64(wrapped) == value
    assert base64_fault(wrapped) is None


@given(st.text("QUJD=\n -_é", max_size=12))
def test_a_fault_is_told_where_there_is_one(text):
    assert (decode_base64(text) is None) == (base64_fault(text) is not None)


# as Go's encoding/base64 says it
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("é", 0),
        ("QQ\n", 1),
        ("QQ=\n\n", 5),
        ("QQ=\nA", 3),
        ("QQQ=Q", 4),
        ("QQQQ=", 4),
        ("QQQQQ", 4),
        ("=", 0),
    ],
)
def test_a_fault_is_where_go_stops(text, at):
    assert base64_fault(text) == at


@pytest.mark.parametrize(
    "text", [b"{}", b" {} \n", b"null", b'{"a":"\xff"}', b'{"a":1,"a":2}', b'{"a":1e-999}']
)
def test_objects_of_json(text):
    assert json_fault(text) is None


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"5", b"{", b"{a:1}", b'{"a":01}', b'{"a":1,}', b"\x0b{}", b'{"a":"\n"}', b"{}{}"]
)
def test_what_is_not_an_object_of_json(text):
    assert json_fault(text) is not None


def test_a_key_has_every_fault_it_has():
    assert len(key_faults("..\x00" + "x" * 260)) == 3
