"""The wire format, compared with the protobuf library's own reading of sops's description."""

from contextlib import suppress

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.keys.keyservice.messages import (
    MalformedError,
    Request,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from fluxsecrets.sops.recipients import KINDS, Recipient, age, azure_kv, gcp_kms, hc_vault, hckms, kms, pgp

KEYS = {
    "KmsKey": ("kms_key", 1, "arn role context aws_profile"),
    "PgpKey": ("pgp_key", 2, "fingerprint"),
    "GcpKmsKey": ("gcp_kms_key", 3, "resource_id"),
    "AzureKeyVaultKey": ("azure_keyvault_key", 4, "vault_url name version"),
    "VaultKey": ("vault_key", 5, "vault_address engine_path key_name"),
    "AgeKey": ("age_key", 6, "recipient"),
    "HckmsKey": ("hckms_key", 7, "key_id"),
}
"""sops 3.13.2: message -> its field in Key, that field's number, its own fields by number from 1."""

SAMPLES = (
    (
        kms("arn:aws:kms:x", role="r", context={"b": "2", "a": ""}, aws_profile="p"),
        "kms_key",
        {"arn": "arn:aws:kms:x", "role": "r", "context": {"a": "", "b": "2"}, "aws_profile": "p"},
    ),
    (kms("arn:aws:kms:x"), "kms_key", {"arn": "arn:aws:kms:x"}),
    (pgp("AB" * 20), "pgp_key", {"fingerprint": "AB" * 20}),
    (gcp_kms("projects/p"), "gcp_kms_key", {"resource_id": "projects/p"}),
    (
        azure_kv("https://v.example", "n", "1"),
        "azure_keyvault_key",
        {"vault_url": "https://v.example", "name": "n", "version": "1"},
    ),
    (
        hc_vault("https://v.example:8200/v1/a/b/keys/k"),
        "vault_key",
        {"vault_address": "https://v.example:8200", "engine_path": "a/b", "key_name": "k"},
    ),
    (age("age1é"), "age_key", {"recipient": "age1é"}),
    (hckms("region:uuid"), "hckms_key", {"key_id": "region:uuid"}),
)


@pytest.fixture(scope="module")
def classes():
    file = descriptor_pb2.FileDescriptorProto(name="keyservice.proto", syntax="proto3")
    text, data, nested = (getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{n}") for n in _TYPES)

    def field(message, name, number, kind=text, type_name=None, repeated=False):
        label = "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL"
        label = getattr(descriptor_pb2.FieldDescriptorProto, label)
        return message.field.add(name=name, number=number, type=kind, type_name=type_name, label=label)

    key = file.message_type.add(name="Key")
    key.oneof_decl.add(name="key_type")
    for name, (in_key, number, fields) in KEYS.items():
        field(key, in_key, number, nested, name).oneof_index = 0
        own = file.message_type.add(name=name)
        for at, each in enumerate(fields.split(), 1):
            if each == "context":
                entry = own.nested_type.add(name="ContextEntry")
                entry.options.map_entry = True
                field(entry, "key", 1)
                field(entry, "value", 2)
                field(own, each, at, nested, "KmsKey.ContextEntry", repeated=True)
            else:
                field(own, each, at)
    for name, content in (("EncryptRequest", "plaintext"), ("DecryptRequest", "ciphertext")):
        request = file.message_type.add(name=name)
        field(request, "key", 1, nested, "Key")
        field(request, content, 2, data)
    for name, content in (("EncryptResponse", "ciphertext"), ("DecryptResponse", "plaintext")):
        field(file.message_type.add(name=name), content, 1, data)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = [each.name for each in file.message_type]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


_TYPES = ("STRING", "BYTES", "MESSAGE")


def test_there_is_a_sample_of_each_kind():
    assert {recipient.kind for recipient, _, _ in SAMPLES} == set(KINDS)


@pytest.mark.parametrize(("recipient", "field", "values"), SAMPLES)
def test_requests_are_those_of_protobuf(classes, recipient, field, values):
    for name, content in (("EncryptRequest", "plaintext"), ("DecryptRequest", "ciphertext")):
        theirs = classes[name](key={field: values}, **{content: b"\0\xff" * 200})
        ours = encode_request(recipient, b"\0\xff" * 200)
        assert classes[name].FromString(ours) == theirs
        assert decode_request(theirs.SerializeToString()) == Request(recipient, b"\0\xff" * 200)
        assert decode_request(ours) == Request(recipient, b"\0\xff" * 200)


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 9])
def test_answers_are_those_of_protobuf(classes, data):
    for name, content in (("EncryptResponse", "ciphertext"), ("DecryptResponse", "plaintext")):
        theirs = classes[name](**{content: data}).SerializeToString()
        assert encode_answer(data) == theirs
        assert decode_answer(theirs) == data


def test_unknown_fields_are_skipped_and_unknown_kinds_are_nobodys():
    answer = b"\x10\x96\x01" + b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x32\x01a" + encode_answer(b"k")
    assert decode_answer(answer) == b"k"
    assert decode_request(b"\x0a\x02\x42\x00\x12\x01d") == Request(None, b"d")
    assert decode_request(b"\x12\x01d") == Request(None, b"d")
    assert decode_request(b"") == Request(None, b"")


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x0a" + b"\xff" * 9 + b"\x7f",
        b"\xff" * 20,
        b"\x0b\x01a",
        b"\x02\x01a",
        b"\x11abc",
        b"\x0a\x05\x32\x03\x0a\x01\xff",
        b"\x0a\x03\x32\x09a",
    ],
)
def test_what_is_malformed_is_refused(message):
    with pytest.raises(MalformedError):
        decode_request(message)


def test_a_text_that_is_not_unicode_is_refused():
    with pytest.raises(MalformedError):
        encode_request(Recipient("age", "age1\udc80"), b"")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_malformed(message):
    for read in (decode_request, decode_answer):
        with suppress(MalformedError):
            read(message)
