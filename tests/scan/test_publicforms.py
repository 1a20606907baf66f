"""Values of Secrets that are public by their form have a low severity; no password has such a form."""

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sealing import make_certificate

from fluxsecrets.findings import Severity
from fluxsecrets.scan.publicforms import is_folder, is_small_number, public_form, without_public_keys

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\n{}:\n  {}: {}\n"
CERTIFICATE = make_certificate(0, 9).decode()
PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
SSH = PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
REPOSITORY = "s3:https://${ENDPOINT}/${DOMAIN}/backups/plex"
REFERENCES = json.dumps(
    {"AccountTag": "${TAG}", "TunnelSecret": "${TUNNEL}", "TunnelID": "${ID}", "on": True, "list": [None, ""]}
)

PUBLIC_VALUES = [
    ("ca.crt", CERTIFICATE),
    ("chain.pem", CERTIFICATE + CERTIFICATE),
    ("password", CERTIFICATE),
    ("identity.pub", SSH),
    ("identity.pub", f"{SSH} me@laptop.example"),
    ("known_hosts", f"github.com,140.82.121.4 {SSH}\n[git.example]:2222 {SSH}\n"),
    ("key.pem", PEM),
    ("DB_PORT", "5432"),
    ("MARIADB_PORT_NUMBER", "3306"),
    ("SMTP_TLS", "true"),
    ("RECORD", "ipv4.${DOMAIN}"),
    ("URL", "https://app.${DOMAIN}:8443/"),
    ("RESTIC_REPOSITORY", REPOSITORY),
    ("credentials.json", REFERENCES),
    ("ddns.json", '[{"token": "${TOKEN}", "zone": "${ZONE}", "record": "ipv4.${ZONE}"}]'),
]


@pytest.mark.parametrize(("name", "text"), PUBLIC_VALUES)
def test_what_is_public_counts_little(scanner, name, text):
    for field, value in (("stringData", text), ("data", b64encode(text.encode()).decode())):
        (found,) = scanner.findings(SECRET.format(field, name, json.dumps(value)))
        assert found.rule == "plain-secret"
        assert found.severity is Severity.LOW
        assert f"({public_form(name, text)})" in found.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ca.crt", "-----BEGIN CERTIFICATE-----\nhunter2hunter2hunter2\n-----END CERTIFICATE-----"),
        ("ca.crt", f"{CERTIFICATE}hunter2"),
        ("ca.crt", CERTIFICATE.replace("\nMII", "\nhunterMII")),
        ("tls.pem", CERTIFICATE + "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"),
        ("identity.pub", f"{SSH} hunter2"),
        ("identity.pub", f"{SSH}hunter2"),
        ("identity.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5hunter2"),
        ("known_hosts", f"kX9vQ2mZ7tR4 {SSH}"),
        ("known_hosts", f"git.example {SSH}\nhunter2\n"),
        ("password", "true"),
        ("PORT_PASSWORD", "5432"),
        ("pin", "4711"),
        ("port", "hunter2"),
        ("port", "123456"),
        ("record", "kX9vQ2mZ7tR4.${DOMAIN}"),
        ("url", "https://app:hunter2@${DOMAIN}/"),
        ("password", "hunter.${DOMAIN}"),
        ("record", "${PREFIX}hunter2"),
        ("repository", "s3:https://${ENDPOINT}/kX9vQ2mZ7tR4"),
        ("credentials.json", '{"AccountTag": "${TAG}", "TunnelSecret": "hunter2"}'),
        ("credentials.json", '{"AccountTag": "${TAG}", "pin": 4711}'),
        ("credentials.json", '{"TunnelSecret": "${TUNNEL:-hunter2}"}'),
        ("credentials.json", '{"kX9vQ2mZ7tR4": "${TAG}"}'),
        ("credentials.json", '{"token": "hunter.${TAG}"}'),
    ],
)
def test_what_may_be_a_password_is_not(scanner, name, text):
    (found,) = scanner.findings(SECRET.format("stringData", name, json.dumps(text)))
    assert found.severity is not Severity.LOW


@settings(max_examples=150, deadline=None)
@given(
    st.text("abcdefXYZ0123456789!$-_.:/@ ", min_size=6, max_size=40),
    st.sampled_from(["password", "token", "db-password", "clientSecret"]),
)
def test_no_password_is_public_under_its_name(password, name):
    assert public_form(name, password) == ""


@settings(max_examples=150, deadline=None)
@given(st.text("abcdefghijkmnopqrstuvwxyzABCDEFGH", min_size=8, max_size=30), st.integers(0, 3))
def test_a_password_beside_a_public_key_stays(password, where):
    text = [f"{SSH}\n{password}", f"{password}\n{SSH}", f"{SSH} {password}", f"{SSH}{password}"][where]
    assert password in without_public_keys(text)
    assert public_form("key", text) == ""


def test_the_known_hosts_of_a_template_are_silent(scanner):
    text = (
        SECRET.format("stringData", "identity", "|\n    #{ deploy_key() }#")
        + f"  known_hosts: |\n    git.example {SSH}\n"
    )
    assert scanner(text, "github-deploy-key.sops.yaml.j2") == []
    assert scanner(f"{text}    hunter2kX9vQ2mZ7tR4\n", "github-deploy-key.sops.yaml.j2") == ["7 plain-secret"]


def test_a_source_for_envsubst_has_folders_and_ports(scanner):
    text = SECRET.format("stringData", "password", "${PW}")
    for line in ("SECRET_ROOTDIR: /mnt/pool1/apps", 'DB_PORT: "3306"'):
        assert scanner(f"{text}  {line}\n", "cluster-secrets.sops.cfg") == []
    for line in ("SECRET_ROOTDIR: /mnt/kX9vQ2mZ7tR4", 'pin: "3306"', "password2: /mnt/pool1/apps"):
        assert scanner(f"{text}  {line}\n", "cluster-secrets.sops.cfg") == ["6 plain-secret"]


@pytest.mark.parametrize("text", ["/", "/a", "a/b", "/mnt/a b", "/mnt/kX9vQ2mZ7tR4", "/mnt/a\n/b"])
def test_no_other_text_is_a_folder(text):
    assert not is_folder(text)


def test_numbers_need_a_name_that_says_what_they_are():
    assert is_small_number("timeoutSeconds", "30")
    assert not is_small_number("pin", "4711")
    assert not is_small_number("number", "4711")
