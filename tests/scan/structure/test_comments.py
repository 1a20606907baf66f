"""comment-secret: passwords and tokens in comments, beside the comments that every repository has."""

import base64

import pytest

from allowances import allowing

PASSWORD = "hunter2-throwaway"
TOKEN = "kX9vQ2mNp4Lz7Rt1-throwaway"
CIPHER = "ENC[AES256_GCM,data:aGFsbG8=,iv:aGFsbG8=,tag:aGFsbG8=,type:str]"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n"


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.yaml", f"{CONFIG_MAP}  # DB_PASSWORD: {PASSWORD}\n  a: b\n", 5),
        ("a.yaml", f"{CONFIG_MAP}  a: b  # password: '{PASSWORD}' for now\n", 5),
        ("a.yaml", f"{RELEASE}    #adminPassword: {PASSWORD}\n    a: 1\n", 6),
        ("a.yaml", f"{RELEASE}    a: 1\n    # - name: API_TOKEN\n    # token: {TOKEN}\n", 8),
        ("values.yaml", f"# apiKey={TOKEN}\na: 1\n", 1),
        ("values.yaml", f"a: 1 # --password={PASSWORD}\n", 1),
        ("a.yaml", f"{SECRET}  # old: password: {PASSWORD}\n  a: ${{A}}\n", 5),
        ("a.yaml", f"{SECRET}  # smtp: {TOKEN}\n  a: ${{A}}\n", 5),  # no name says so: its place does
        ("a.yaml", f"{SECRET}  a: ${{A}}\n  # smtp: '{TOKEN}'\n  # more\n", 6),
        ("a.yaml", f"a: {CIPHER}\n# password: {PASSWORD}\nsops:\n  mac: {CIPHER}\n", 2),
        ("chart/x.yaml", f"a: {{{{ .Values.a }}}}\n# password: {PASSWORD}\n", 2),
        (".env", f"A=1\n# DB_PASSWORD={PASSWORD}\n", 2),
        ("prod.env", f"A=1 # the token={TOKEN}\n", 1),
        ("a.ini", f"[a]\n; password = {PASSWORD}\nb = 1\n", 2),
        ("a.tfvars", f'# password = "{PASSWORD}"\nb = "1"\n', 1),
    ],
)
def test_what_was_commented_out_is_found(scanner, path, text, line):
    assert scanner(text, path) == [f"{line} comment-secret"]
    assert not any("throwaway" in repr(finding) for finding in scanner.findings(text, path))


def test_base64_in_a_comment_of_data(scanner):
    packed = base64.b64encode(TOKEN.encode()).decode()
    text = SECRET.replace("stringData", "data") + f"  # smtp: {packed}\n  a: ''\n"
    assert scanner(text) == ["5 comment-secret"]


@pytest.mark.parametrize(
    "comment",
    [
        *(
            "password: changeme",
            "password: <your password>",
            "password: ${DB_PASSWORD}",
            "DB_PASSWORD=secret",
        ),
        *("The password: at least 12 letters", "password: see 1password", "token: the-token-of-the-provider"),
        *("password: admin123", "password: password123", "secretName: grafana-k8s2-tls", "token: $TOKEN"),
        *("existingSecret: pg-creds", "apiKey: op://vault/item/api_key", "password: {{ .Values.password }}"),
        *("passwordSecretRef: {name: db2, key: pw}", "password: aes256 or sha512", "tokenTTL: 3600"),
    ],
)
def test_comments_that_only_speak_of_secrets(scanner, comment):
    for path, text in (
        ("a.yaml", f"{CONFIG_MAP}  # {comment}\n  a: b # {comment}\n"),
        ("a.yaml", f"{SECRET}  # {comment}\n  a: ${{A}}\n"),
        (".env", f"# {comment}\nA=1\n"),
        ("a.ini", f"# {comment}\n; {comment}\n[a]\nb = 1\n"),
    ):
        assert scanner(text, path) == [], path


def test_a_sign_in_a_value_is_not_a_comment(scanner):
    """The value is found by its place, and only once."""
    text = f"{CONFIG_MAP}  a.sh: |\n    # password={PASSWORD}\n    run\n"
    assert scanner(text) == ["6 configmap-value"]


def test_a_comment_can_be_allowed(scanner):
    scanned = scanner.scan(f"# {allowing('comment-secret')}\n# password={TOKEN}\n")
    assert [each.rules for each in scanned.allowances] == [("comment-secret",)]
