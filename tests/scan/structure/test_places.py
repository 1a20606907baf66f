"""Telling values outside of Secrets: what they are called by the place in which they stand."""

import pytest

PASSWORD = "hunter2-throwaway"
TOKEN = "kX9vQ2mNp4Lz7Rt1-throwaway"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  template:
    spec:
      containers:
        - name: a
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        (f"{RELEASE}    adminPassword: {PASSWORD}\n", "a.yaml", ["6 helm-value"]),
        (f"{RELEASE}    auth:\n      clientSecret: {TOKEN}\n", "a.yaml", ["7 helm-value"]),
        (
            f"{RELEASE}    env:\n      - name: DB_PASSWORD\n        value: {PASSWORD}\n",
            "a.yaml",
            ["8 helm-value"],
        ),
        (f"{RELEASE}    config: |\n      [db]\n      password = {PASSWORD}\n", "a.yaml", ["8 helm-value"]),
        (f"{RELEASE}    args: ['--db-password={PASSWORD}']\n", "a.yaml", ["6 helm-value"]),
        (f"{RELEASE}    args: [--db-password, {PASSWORD}]\n", "a.yaml", ["6 command-secret"]),
        (f"{RELEASE}    cmd: 'x --db-password {PASSWORD} y'\n", "a.yaml", ["6 helm-value"]),
        (f"admin:\n  password: {PASSWORD}\n", "charts/a/values.yaml", ["2 helm-value"]),
        (f"admin:\n  password: {PASSWORD}\n", "charts/a/other.yaml", ["2 manifest-value"]),
        (
            f"{DEPLOYMENT}          env:\n            - {{name: A_PASSWORD, value: {PASSWORD}}}\n",
            "a.yaml",
            ["10 container-env"],
        ),
        (
            f"{DEPLOYMENT}          env:\n            - value: {PASSWORD}\n              name: A_PASSWORD\n",
            "a.yaml",
            ["10 container-env"],
        ),
        (f"{DEPLOYMENT}          args:\n            - --token={TOKEN}\n", "a.yaml", ["10 container-env"]),
        (f"{CONFIG_MAP}  DB_PASSWORD: {PASSWORD}\n", "a.yaml", ["5 configmap-value"]),
        (f'{CONFIG_MAP}  app.json: \'{{"password": "{PASSWORD}"}}\'\n', "a.yaml", ["5 configmap-value"]),
        (f"{CONFIG_MAP}  app.yaml: |\n    a:\n      password: {PASSWORD}\n", "a.yaml", ["7 configmap-value"]),
        (f'{CONFIG_MAP}  app.yaml: "a:\\n  password: {PASSWORD}\\n"\n', "a.yaml", ["5 configmap-value"]),
        (f'{{"spec": {{"config": {{"admin_password": "{PASSWORD}"}}}}}}', "a.json", ["1 manifest-value"]),
        (f"password:\n  {PASSWORD}\n", "a.yaml", ["2 manifest-value"]),
        (f"password: |\n  {PASSWORD}\n", "a.yaml", ["1 manifest-value"]),
        (f"x: &pw {PASSWORD}\npassword: *pw\n", "a.yaml", ["1 manifest-value"]),
    ],
)
def test_a_telling_value_is_found_where_it_stands(scanner, text, path, found):
    assert scanner(text, path) == found


@pytest.mark.parametrize(
    "text",
    [
        f"{RELEASE}    existingSecret: grafana-oauth-client\n"
        "    secretName: grafana-tls\n"
        "    passwordKey: admin-password\n",
        f"{RELEASE}    token: ''\n    password: REPLACE_ME\n    tokenTTL: 3600\n    secret: app-tls-secret\n",
        f"{RELEASE}    clientSecret: $__file{{/etc/secret}}\n"
        f"    apiKey: ${{API_KEY}}\n"
        "    credentials: null\n",
        f"{RELEASE}    password: true\n    passwordPolicy: strong\n    secretKey: session-secret\n",
        f"{DEPLOYMENT}          env:\n"
        "            - name: DB_PASSWORD\n"
        f"              valueFrom: {{secretKeyRef: {{name: a, key: b}}}}\n",
        f"{DEPLOYMENT}          env:\n"
        "            - name: TOKEN_URL\n"
        "              value: https://id.example/token\n",
        f"{DEPLOYMENT}          args:\n"
        "            - --token-file=/run/secrets/token\n"
        "            - --password=$(PW)\n",
        f"{CONFIG_MAP}  TOKEN_URL: https://id.example/token\n"
        "  SECRET_NAME: db\n"
        "  password_file: /run/secrets/db\n",
        f"{CONFIG_MAP}  app.ini: |\n"
        f"    password = ${{DB_PASSWORD}}\n"
        "    token = %(TOKEN)s\n"
        f"    secret = {{{{ .x }}}}\n",
        f"{CONFIG_MAP}  ca.crt: |\n    -----BEGIN CERTIFICATE-----\n    MIIBszCCAVmgAwIBAgIUthrowaway\n",
        "kind: CustomResourceDefinition\n"
        "apiVersion: v1\n"
        "spec:\n"
        "  password: {default: hunter2-throwaway, type: string}\n"
        "  token: kX9vQ2mNp4Lz7Rt1\n",
        "apiVersion: external-secrets.io/v1\n"
        "kind: ExternalSecret\n"
        "spec:\n"
        "  data:\n"
        "    - secretKey: a-7c48d-e078848c9fb0.json\n"
        "      remoteRef: {key: a}\n",
        "metadata:\n"
        "  annotations:\n"
        "    checksum/secret: 0f3a9c5b7d1e2f4a6c8b0d2e4f6a8c0b0f3a9c5b7d1e2f4a6c8b0d2e4f6a8c0b\n",
        "description: 'the password: hunter2-throwaway is an example'\npassword: The password of the user\n",
        "token: sha256:0f3a9c5b7d1e2f4a6c8b0d2e4f6a8c0b0f3a9c5b7d1e2f4a6c8b0d2e4f6a8c0b\n",
    ],
)
def test_what_only_looks_like_one_is_left_alone(scanner, text):
    assert scanner(text) == []


def test_what_to_do_depends_on_the_place(scanner):
    (helm,) = scanner.findings(f"{RELEASE}    adminPassword: {PASSWORD}\n")
    assert "`fluxsecrets extract FILE spec.values.adminPassword`" in helm.hint
    assert helm.message == "HelmRelease a: spec.values.adminPassword is in plain text"
    (env,) = scanner.findings(f"{DEPLOYMENT}          env: [{{name: A_PASSWORD, value: {PASSWORD}}}]\n")
    assert "`fluxsecrets extract FILE 'spec.template.spec.containers[0].env[0].value'`" in env.hint
    assert "(A_PASSWORD)" in env.message


def test_the_place_in_a_text_inside_is_exact(scanner):
    (finding,) = scanner.findings(f"{CONFIG_MAP}  app.ini: |\n    user = app\n    password = {PASSWORD}\n")
    assert (finding.location.line, finding.location.column) == (7, 16)
    (finding,) = scanner.findings(
        f"{CONFIG_MAP}  app.ini: |\n    x = {PASSWORD}\n    password = {PASSWORD}\n"
    )
    assert (finding.location.line, finding.location.column) == (7, 16)
