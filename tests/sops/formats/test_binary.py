import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, LimitError, MetadataError
from fluxsecrets.sops.document import Change
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.binary import BinaryFormat
from fluxsecrets.sops.formats.json import JsonFormat

BINARY = BinaryFormat()
LIMITS = Limits()


@pytest.mark.parametrize(
    "data", [b"", b"text", bytes(range(256)), b'{"a": 1}', b'{"data": "x"}', b'{"sops" broken']
)
def test_a_plain_file_is_one_value_of_bytes(data):
    document = BINARY.parse(data, LIMITS)
    assert document.metadata is None
    assert [(leaf.path, leaf.value) for leaf in document.leaves] == [(("data",), data)]
    assert document.source.encode("latin-1") == data
    assert BINARY.rewrite(document, [], None) == data


@pytest.mark.parametrize("name", ["binary", "binary-text"])
def test_files_of_sops_are_read_decrypted_and_written_as_they_were(vectors, codec, name):
    encrypted = (vectors / name / "encrypted.bin").read_bytes()
    document = BINARY.parse(encrypted, LIMITS)
    assert document.format == "binary"
    assert [leaf.path for leaf in document.leaves] == [("data",)]
    assert BINARY.rewrite(document, [], document.metadata) == encrypted
    assert codec.decrypt(BINARY, encrypted) == (vectors / name / "decrypted.bin").read_bytes()


@pytest.mark.parametrize("plain", [b"", b"text\r\n", bytes(range(256)), b'{"sops": 1}', "zażółć".encode()])
def test_encrypting_and_decrypting_gives_the_same_bytes(codec, plain):
    encrypted = codec.encrypt(BINARY, plain)
    assert b'"mac": "ENC[' in encrypted
    assert json.loads(encrypted)["data"].endswith(",type:str]" if plain else "")
    assert codec.decrypt(BINARY, encrypted) == plain


def test_no_selector_is_written_since_sops_would_apply_it(codec):
    assert "unencrypted_suffix" not in json.loads(codec.encrypt(BINARY, b"x"))["sops"]


@pytest.mark.parametrize("plain", [b"", b"text\r\n", bytes(range(256))])
def test_sops_reads_what_was_written(codec, sops_decrypts, plain):
    assert sops_decrypts(codec.encrypt(BINARY, plain), "binary") == plain


def test_a_plain_value_is_never_written_beside_metadata(codec):
    document = BINARY.parse(b"hunter2", LIMITS)
    with pytest.raises(FormatError) as caught:
        BINARY.rewrite(document, [], codec.metadata())
    assert "hunter2" not in str(caught.value)


def test_a_ciphertext_is_never_written_as_the_plain_file(codec):
    document = BINARY.parse(codec.encrypt(BINARY, b"x"), LIMITS)
    with pytest.raises(FormatError):
        BINARY.rewrite(document, [], None)


def test_an_encrypted_json_file_is_not_taken_for_a_binary_one(codec):
    encrypted = codec.encrypt(JsonFormat(), b'{"a": "x", "b": "y"}')
    with pytest.raises(FormatError) as caught:
        BINARY.parse(encrypted, LIMITS)
    assert "--input-type json" in caught.value.hint


def test_a_damaged_block_is_an_error():
    with pytest.raises(MetadataError):
        BINARY.parse(b'{"data": "ENC[x]", "sops": {"mac": "x"}}', LIMITS)


def test_size_is_limited():
    with pytest.raises(LimitError):
        BINARY.parse(b"0123456789", Limits(size=9))


def test_render_writes_the_one_value_under_data():
    assert BINARY.render([{"data": b"\x00\xff"}]) == b"\x00\xff"
    assert BINARY.render([{"data": "ż"}]) == "ż".encode()


@pytest.mark.parametrize(
    "parts", [[], [{}], [{"data": 1}], [{"data": "x", "b": "y"}], [["x"]], [{"data": "x"}] * 2]
)
def test_render_refuses_everything_else(parts):
    with pytest.raises(FormatError):
        BINARY.render(parts)


@given(st.binary(max_size=64))
def test_any_bytes_come_back(codec, data):
    document = BINARY.parse(data, LIMITS)
    ciphertext = "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]"
    encrypted = BINARY.parse(
        BINARY.rewrite(document, [Change(next(document.leaves), ciphertext, True)], codec.metadata()), LIMITS
    )
    leaf = next(encrypted.leaves)
    assert leaf.value == ciphertext
    assert BINARY.rewrite(encrypted, [Change(leaf, data, False)], None) == data
