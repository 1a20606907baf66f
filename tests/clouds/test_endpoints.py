"""When two texts name the same server: in doubt they do not."""

import pytest

from fluxsecrets.clouds.endpoints import endpoint, is_among
from tables import each_row

VAULT = "https://vault.example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VAULT, "https://vault.example.com:443"),
        ("HTTPS://Vault.Example.COM/", "https://vault.example.com:443"),
        ("https://vault.example.com:443", "https://vault.example.com:443"),
        ("https://vault.example.com:8200/", "https://vault.example.com:8200"),
        ("http://vault.example.com", "http://vault.example.com:80"),
        ("https://xn--vult-moa.example", "https://xn--vult-moa.example:443"),
        ("http://127.0.0.1:8200", "http://127.0.0.1:8200"),
        ("http://[::1]:8200", "http://[::1]:8200"),
        ("https://vault_1", "https://vault_1:443"),
        ("https://vault.example.com:", "https://vault.example.com:443"),
    ],
)
def test_an_address_has_one_spelling(text, expected):
    assert endpoint(text) == expected


@each_row(
    "text",
    [
        "",
        "vault.example.com",
        "//vault.example.com",
        "https://",
        "https:///",
        "ftp://vault.example.com",
        "unix:///run/vault.sock",
        "https://user@vault.example.com",
        "https://vault.example.com@evil.example",
        "https://vault.example.com:443@evil.example",
        "https://vault.example.com\\@evil.example",
        "https://vault.example.com\\.evil.example",
        "https://vault.example.com%2eevil.example",
        "https://vault.example.com/prefix",
        "https://vault.example.com//",
        "https://vault.example.com?x",
        "https://vault.example.com#x",
        "https://vault.example.com/?x",
        "https://vault.example.com:0",
        "https://vault.example.com:99999",
        "https://vault.example.com:8200x",
        "https://vault.example.com:-1",
        "https://vault.example.com:٤٤٣",
        "https://vault.example.com:8200:8200",
        "https://v\u00e4ult.example",
        "https://vault\u3002example.com",
        "https://vault.example.com.",
        "https://.vault.example.com",
        "https://vault.exa\tmple.com",
        "https://vault.example.com\n",
        " https://vault.example.com",
        "https://vault example.com",
        "https://[::1",
        "https://::1:8200",
        "https://[::1%25eth0]:8200",
        "https://*.example.com",
    ],
)
def test_other_texts_name_no_server(text):
    assert endpoint(text) is None
    assert not is_among(text, [text])


@pytest.mark.parametrize(
    "other",
    [
        "https://vault.example.com.evil",
        "https://vault.example.com.evil.example",
        "https://evil-vault.example.com",
        "https://vault.example.co",
        "http://vault.example.com",
        "https://vault.example.com:8443",
        "http://vault.example.com:443",
    ],
)
def test_a_server_with_a_name_that_looks_alike_is_another_one(other):
    assert not is_among(other, [VAULT])
    assert not is_among(VAULT, [other])
    assert is_among(VAULT, [other, "https://VAULT.example.com:443/"])
