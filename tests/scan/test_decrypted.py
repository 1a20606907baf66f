"""Whether a plain file holds the values of an encrypted one, by keys and lengths."""

from base64 import b64encode

import pytest

from fluxsecrets.scan.decrypted import read_encrypted, read_plain


def encrypted(**values):
    return "".join(
        f"{key}: ENC[AES256_GCM,data:{b64encode(bytes(len(value))).decode()},iv:AA==,tag:AA==,type:str]\n"
        for key, value in values.items()
    ).encode()


@pytest.mark.parametrize("text", ["hunter2-throwaway", "{{ hunter2 }}-throwaway", "${hunter2}-throwaway"])
def test_the_value_under_its_key_is_known_by_its_length(text):
    assert read_encrypted(encrypted(key=text)).are_in(read_plain(f"key: {text}\n".encode()))


@pytest.mark.parametrize("text", ["{{ .n8n_config_encryption_key }}", "${N8N_ENCRYPTION_KEY}"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_what_refers_to_a_value_of_this_length_is_not_it(text, quote):
    assert not read_encrypted(encrypted(key=text)).are_in(read_plain(f"key: {quote}{text}{quote}\n".encode()))
