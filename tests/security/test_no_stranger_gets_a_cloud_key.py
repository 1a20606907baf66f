"""A key of a service that was slipped into a file, or changed there, is handed no data key.

No service is asked here: the comparison with the rules comes first. The rule names one key of each kind, and
the file has them, with wrapped keys that nobody has to open, since alice can.
"""

from dataclasses import replace

import pytest

from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.metadata import KeyGroup, WrappedKey
from fluxsecrets.sops.recipients import azure_kv_from_url, gcp_kms, hc_vault, kms

NAME = "db.yaml"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData:
  password: hunter2-throwaway
  user: admin
"""
OWN, THEIRS = "123456789012", "999999999999"
ROLE = f"arn:aws:iam::{OWN}:role/flux"
KMS = kms(
    f"arn:aws:kms:eu-central-1:{OWN}:key/a", role=ROLE, context={"team": "waddle"}, aws_profile="production"
)
GCP = gcp_kms("projects/waddle/locations/global/keyRings/r/cryptoKeys/k")
AZURE = azure_kv_from_url("https://waddle.vault.azure.net/keys/sops/0123456789abcdef")
VAULT = hc_vault("https://vault.waddle.example:8200/v1/transit/keys/sops")
RULE = f"""\
creation_rules:
  - encrypted_regex: ^(data|stringData)$
    key_groups:
      - age: [RECIPIENT]
        kms:
          - arn: {KMS.id}
            role: {ROLE}
            aws_profile: production
            context: {{team: waddle}}
        gcp_kms: [{{resource_id: {GCP.id}}}]
        azure_keyvault: [{{vaultUrl: 'https://waddle.vault.azure.net', key: sops, version: 0123456789abcdef}}]
        hc_vault: ['{VAULT.id}']
"""


def changed(recipient, **fields):
    attributes = {**dict(recipient.attributes), **fields}
    return replace(recipient, attributes=tuple(sorted(attributes.items())))


STRANGERS = {
    "another account": replace(KMS, id=KMS.id.replace(OWN, THEIRS)),
    "another region": replace(KMS, id=KMS.id.replace("eu-central-1", "us-east-1")),
    "a role of another account": changed(KMS, role=ROLE.replace(OWN, THEIRS)),
    "no role": changed(KMS, role=""),
    "a role in the ARN": replace(changed(KMS, role=""), id=f"{KMS.id}+{ROLE}"),
    "another context": changed(KMS, context={"team": "mallory"}),
    "no context": changed(KMS, context={}),
    "a context in the ARN": replace(changed(KMS, context={}), id=f"{KMS.id}+{ROLE}|[('team', 'waddle')]"),
    "another project": gcp_kms(GCP.id.replace("waddle", "mallory")),
    "a project with a line break": gcp_kms(GCP.id + "\\n"),
    "another vault": azure_kv_from_url("https://mallory.vault.azure.net/keys/sops/0123456789abcdef"),
    "another key of the vault": azure_kv_from_url(
        "https://waddle.vault.azure.net/keys/other/0123456789abcdef"
    ),
    "another server": hc_vault("https://vault.mallory.example:8200/v1/transit/keys/sops"),
    "another port": hc_vault("https://vault.waddle.example:8201/v1/transit/keys/sops"),
    "without TLS": hc_vault("http://vault.waddle.example:8200/v1/transit/keys/sops"),
    "another engine": hc_vault("https://vault.waddle.example:8200/v1/public/keys/sops"),
    "another key of Vault": hc_vault("https://vault.waddle.example:8200/v1/transit/keys/open"),
}
COMMANDS = {
    "rotate": ("rotate", NAME),
    "rotate --all": ("rotate", "--all"),
    "rotate --values": ("rotate", "--values", NAME),
    "set": ("set", NAME, "stringData.user", "newer"),
    "unset": ("unset", NAME, "stringData.user"),
}


@pytest.fixture
def repository(tmp_path, monkeypatch, identity, cli, git):
    """A repository with a file for alice and four services, as its rule says. No service may be asked."""
    asked = []

    def refuse(provider, action, recipient, request):
        asked.append((action, recipient.id))
        raise AssertionError(f"{recipient.id} was asked to {action}")

    monkeypatch.setattr(ServiceProvider, "_call", refuse)
    root = tmp_path / "repository"
    root.mkdir()
    monkeypatch.chdir(root)
    git(root, "init", "--quiet")
    (root / NAME).write_text(SECRET)
    (root / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    assert cli("encrypt", NAME).exit_code == 0
    (root / ".sops.yaml").write_text(RULE.replace("RECIPIENT", identity.recipient))
    rewrite(root, (KMS, GCP, AZURE, VAULT))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "throw-away")
    yield root
    assert asked == []


def rewrite(root, recipients):
    format_ = make_format("yaml")
    document = format_.parse((root / NAME).read_bytes(), Limits())
    own = tuple(key for key in document.metadata.wrapped_keys if key.recipient.kind == "age")
    more = tuple(WrappedKey(each, "AAAA", "2026-01-01T00:00:00Z") for each in recipients)
    metadata = replace(document.metadata, key_groups=(KeyGroup((*own, *more)),))
    (root / NAME).write_bytes(format_.rewrite(document, (), metadata))


def test_what_the_rule_says_is_no_stranger(repository, cli):
    result = cli("set", NAME, "stringData.user", "newer")
    assert result.exit_code == 0, result.stderr


# The commands share one mechanism.
CASES = [
    *((stranger, *way) for stranger in STRANGERS for way in (("rotate", "in place"), ("set", "added"))),
    *(("a role of another account", command, "added") for command in COMMANDS),
]


@pytest.mark.parametrize(("stranger", "command", "how"), CASES)
def test_a_stranger_gets_nothing(repository, cli, stranger, command, how):
    root, recipient = repository, STRANGERS[stranger]
    rule = (KMS, GCP, AZURE, VAULT)
    kept = rule if how == "added" else tuple(each for each in rule if each.kind != recipient.kind)
    rewrite(root, (*kept, recipient))
    before = (root / NAME).read_bytes()
    result = cli(*COMMANDS[command])
    assert result.exit_code == 2, result.stdout
    assert (root / NAME).read_bytes() == before
    assert "--accept-recipients" in result.stderr
