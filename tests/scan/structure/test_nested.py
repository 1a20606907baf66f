"""Values that get their telling name from above: lists, maps below a plural, `{value: …}`."""

import pytest

from fluxsecrets.scan.names import singular

PASSWORD = "hunter2-throwaway"
TOKEN = "kX9vQ2mNp4Lz7Rt1-throwaway"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"passwords: [{PASSWORD}]\n", 1),
        (f"passwords:\n  - {PASSWORD}\n", 2),
        (f"passwords:\n  admin: {PASSWORD}\n", 2),
        (f"tokens:\n  - {TOKEN}\n", 2),
        (f"api_keys:\n  - key: {TOKEN}\n", 2),
        (f"apiKeys:\n  - name: ci\n    key: {TOKEN}\n", 3),
        (f"apiKeys: {{ci: {TOKEN}}}\n", 1),
        (f"users:\n  - name: ci\n    password: {PASSWORD}\n", 3),
        (f"password:\n  value: {PASSWORD}\n", 2),
        (f"apiKey: {{value: {TOKEN}}}\n", 1),
        (f'{{"tokens": ["{TOKEN}"]}}\n', 1),
    ],
)
def test_a_name_from_above_counts(scanner, text, line):
    assert scanner(f"{text}", "settings.yaml") == [f"{line} manifest-value"]
    assert scanner(f"{text}", "values.yaml") == [f"{line} helm-value"]


@pytest.mark.parametrize(
    "text",
    [
        "passwords: [changeme, <password>]\n",
        "passwords:\n  minimumLength: 12\n  policy: strong\n",
        "secrets:\n  - app-k8s2-auth\n  - pg-creds-8f3a2c9b7d\n",
        "secrets:\n  db:\n    file: ./db.txt\n",
        "tokens:\n  access: 15m\n  refresh: 720h\n",
        "tokens: [access_token, refresh_token]\n",
        "password:\n  key: admin-password\n  name: app-auth2\n",
        "imagePullSecrets:\n  - name: registry-k8s2-login\n",
        "apiKeys:\n  existingSecret: keys2\n",
        "keys:\n  - age1qqqq\n",
        "password:\n  secretKeyRef: {name: db2, key: password}\n",
    ],
)
def test_names_of_secrets_and_settings_do_not(scanner, text):
    assert scanner(text, "values.yaml") == []


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("passwords", "password"),
        ("apiKeys", "apiKey"),
        ("keys", ""),
        ("publicKeys", ""),
        ("password", ""),
        ("", ""),
    ],
)
def test_telling_plurals(name, one):
    assert singular(name) == one
