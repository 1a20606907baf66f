"""What is a value, what stands in for one, and what a name says about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciphertexts import NEAR_MISSES, WHOLE
from fluxsecrets.repo.manifests import is_reference as is_flux_reference
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import (
    entropy,
    is_expression,
    is_literal,
    is_placeholder,
    is_reference,
    looks_random,
    may_be_password,
    may_be_token,
)
from tables import each_row

REFERENCES = [
    "op://vault/item/field",
    "ref+vault://secret/db#/password",
    "vault:secret/data/db#password",
    ">>vault:secret/data/db#password",
    "<path:secret/data/db#password>",
    "${DB_PASSWORD}",
    "${DB_PASSWORD:-}",
    "${DB_PASSWORD:=REPLACE_ME}",
    "$(DB_PASSWORD)",
    "${{ secrets.TOKEN }}",
    "$__file{/etc/secrets/password}",
    "{{ .Values.password }}",
    "{% if x %}{{ a }}{% endif %}",
    "@DB_PASSWORD@",
]
PLACEHOLDERS = [
    *("", " ", "REPLACE_ME", "replace-me", "CHANGEME", "change_me", "changeit", "changeme123", "TODO", "TBD"),
    *(
        "<password>",
        "<your token here>",
        "<user>:<app-password>",
        "overwritten-by-env",
        "[password]",
        "{password}",
        "__TOKEN__",
        "xxxx",
        "XXXXXXXX",
        "********",
    ),
    *("...", "0000", "aaaaaaa", "your-password", "YOUR_API_KEY", "yourpasswordhere", "your.secret.key.here"),
    *(
        "insert-your-token-here",
        "Enter your password",
        "put_the_key_here",
        "placeholder",
        "REDACTED",
        "dummy",
    ),
    *(
        "ghp_xxxxxxxxxxxx",
        "AKIAXXXXXXXX",
        "sk-...",
        "fill-me-in",
        "null",
        "none",
        "n/a",
        "**SOPS**",
        "db-placeholder",
    ),
    *("to-be-replaced", "some_value_to_be_set", "set_this", "replace with a real value"),
]
LITERALS = [
    *(
        "hunter2",
        "password",
        "admin",
        "prom-operator",
        "mysecretpassword",
        "1",
        "a",
        "true",
        "4711",
        "{'a': 1}",
    ),
    *(
        "vault:hunter2",
        "${PASSWORD:-hunter2}",
        "ref+echo://hunter2",
        "pa$$word",
        "$2y$10$abc",
        "/etc/passwd-like",
    ),
    *(
        "changed-in-2024-Xk9",
        "xxl-size-box",
        "example.com",
        "https://host/path",
        "correct horse battery staple",
    ),
]


@pytest.mark.parametrize("text", REFERENCES)
def test_a_reference_is_no_literal(text):
    assert is_reference(text)
    assert not is_literal(text)
    assert not may_be_password(text)


@each_row("text", PLACEHOLDERS)
def test_a_placeholder_is_no_literal(text):
    assert is_placeholder(text)
    assert not is_literal(text)
    assert not may_be_password(text)


@each_row("text", LITERALS)
def test_everything_else_is_a_literal(text):
    assert is_literal(text)
    assert not is_placeholder(text)
    assert not is_reference(text)


@given(st.text())
def test_what_flux_takes_for_a_reference_is_one_here(text):
    for each in (text, f"op://{text}", f"ref+vault://{text}", f"vault:{text}#a", f"${{{text}}}"):
        if is_flux_reference(each) and each.isprintable():
            assert is_reference(each) or is_placeholder(each), each


@given(st.text(max_size=300))
def test_any_text_is_judged(text):
    for judge in (is_reference, is_placeholder, is_literal, may_be_password, may_be_token, is_expression):
        assert isinstance(judge(text), bool)


@each_row(
    "text",
    [
        *("string", "password", "true", "required", "bearer", "test", "my-password", "the_token"),
        *("$PASSWORD", "%PASSWORD%", "%(password)s", "/run/secrets/db", "./password.txt", "~/.token"),
        *(
            "file:///run/secrets/db",
            "env:PASSWORD",
            "secretref+aws://x",
            "arn:aws:secretsmanager:eu:1:secret:x",
        ),
        *("projects/1/secrets/db", "https://id.example/token", "The password of the database user"),
        *(
            "$2y$10$abcdefghijklmnopqrstuv",
            "{SSHA}" + "abcd" * 8,
            "ssh-ed25519 AAAA" + "C3Nz" * 12,
            "age1" + "q" * 58,
            "12",
        ),
    ],
)
def test_outside_of_secrets_these_are_no_passwords(text):
    assert not may_be_password(text)


@pytest.mark.parametrize(
    "text", ["hunter2", "prom-operator", "admin", "Xk9!vQ2m", "123456", "sunset-throwaway"]
)
def test_outside_of_secrets_these_are_passwords(text):
    assert may_be_password(text)


@pytest.mark.parametrize(
    "text",
    [
        *("my-secret-name", "grafana-oauth-client-v2", "cert-manager-webhook", "default-token", "postgres16"),
        *(
            "clientSecret",
            "db-credentials-production",
            "3600",
            "24h",
            "sha256:" + "0a" * 32,
            "some text here",
        ),
        *("wss://host/x", "oauth2-proxy.github.token", "kube-system/admin"),
        *("app-of-the-team-pg-creds-8f3a2c9b7d1e", "the-OAuth2ProxyClient-of-the-team"),
    ],
)
def test_names_are_no_tokens(text):
    assert not may_be_token(text)


@pytest.mark.parametrize(
    "text",
    [
        *("kX9vQ2mNp4Lz7Rt1", "0f3a9c5b7d1e2f4a6c8b0d2e4f6a8c0b", "f47ac10b-58cc-4372-a567-0e02b2c3d479"),
        *("dGhyb3dhd2F5IGRhdGE4MQ==", "throwaway_8fK2mN9qXz", "throwAway-Zq81mWx04Kfp"),
        *("production-throwaway-read-only-api-Zq81mWx04Kfp", "Zq81mWx04Kfp-of-the-throwaway-app"),
    ],
)
def test_what_machines_make_may_be_a_token(text):
    assert may_be_token(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            'os.environ["X"]',
            "config.get('x')",
            "getToken()",
            "var.password",
            "process.env.X",
            "self.password",
        ),
        *(
            "response.cookies[",
            "!Ref X",
            "&password",
            "new Secret(1)",
            "data.vault.token",
            "foo::bar",
            "await x",
            "client.ObjectKey{",
            "$${apiKey}",
            "TestACRHelmRelease",
        ),
    ],
)
def test_code_is_an_expression(text):
    assert is_expression(text)


@pytest.mark.parametrize(
    ("text", "random"), [("a" * 7, False), ("kX9vQ2mN", True), ("staging-values", False)]
)
def test_randomness(text, random):
    assert looks_random(text) is random


@pytest.mark.parametrize(("text", "bits"), [("", 0), ("aaaa", 0), ("ab", 1), (b"abcd", 2)])
def test_entropy(text, bits):
    assert entropy(text) == bits


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "DB_PASSWORD",
            "adminPassword",
            "db.password",
            "root-passwd",
            "passphrase",
            "PGPASSWORD",
        ),
        *(
            "password2",
            "PASSWORD_PROD",
            "password_value",
            "old_password",
            "psk",
            "keystorePassword",
            "mysqlpassword",
        ),
    ],
)
def test_names_that_say_password(name):
    assert telling(name) is Telling.SURELY


@pytest.mark.parametrize(
    "name",
    [
        *(
            "token",
            "API_TOKEN",
            "clientSecret",
            "client-secret",
            "apiKey",
            "api_key",
            "AWS_SECRET_ACCESS_KEY",
        ),
        *(
            "secretKey",
            "encryptionKey",
            "SECRET_KEY_BASE",
            "credentials",
            "authToken",
            "webhook_secret",
            "apitoken",
        ),
    ],
)
def test_names_that_may_mean_a_secret(name):
    assert telling(name) is Telling.MAYBE


@each_row(
    "name",
    [
        *(
            "",
            "a",
            "key",
            "keys",
            "name",
            "secretName",
            "secretRef",
            "passwordFile",
            "PASSWORD_FILE",
            "tokenUrl",
        ),
        *(
            "passwordLength",
            "tokenTTL",
            "publicKey",
            "public_token",
            "primaryKey",
            "foreign_key",
            "nextPageToken",
        ),
        *(
            "existingSecretName",
            "secretKeyRef",
            "passwordPolicy",
            "checksum/secret",
            "hash_secret",
            "usePassword",
        ),
        *("csrfToken", "bypass", "compass", "monkey", "keyboard", "password" * 30),
    ],
)
def test_names_that_say_nothing(name):
    assert telling(name) is Telling.NOTHING


@each_row("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_only_looks_like_a_ciphertext_is_a_value(text):
    assert is_literal(text)
    assert not is_literal(WHOLE)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{cipher}" + "682bc583f4641835" * 4, True),
        ("{cipher}{key:main}" + "682bc583f4641835" * 6, True),
        ("{cipher}" + "AQA6EDFGKLJ5Z1b0" * 16, True),
        ("{cipher}hunter2", False),
        ("{cipher}" + "682bc583f4641835" * 3, False),
        ("{cipher}" + "682bc583f4641835" * 4 + "hunter2", False),
        ("DEC::PKCS7[hunter2hunter2]!", False),
    ],
)
def test_a_ciphertext_of_spring_is_one_as_a_whole(text, wanted):
    assert may_be_password(text) is not wanted


@pytest.mark.parametrize("text", ["|DB_PASSWORD|", "~~DB_PASSWORD~~", "!secret mqtt_password"])
def test_what_tools_replace_is_no_password(text):
    assert not may_be_password(text)


@pytest.mark.parametrize(
    "text",
    ["|hunter2|", "~~hunter2~~", "|DB|hunter2", "~~KX9VQ2MZ7~~", "!secret kX9vQ2mZ7tR4"],
)
def test_what_looks_like_it_only_is_one(text):
    assert may_be_password(text)
