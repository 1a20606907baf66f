"""A KMS key beside age for production: from the rule to who can read what, and out again."""

import json

import pytest

pytest.importorskip("botocore")

from awsserver import ROLE, make_key
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import recipient_text

REGISTRY = "apps/spicedb/overlays/production/registry.json"
FILES = 10


@pytest.fixture
def with_key(encrypted_waddle, cli, aws, git):
    """The example, in which production's files are for a KMS key through a role, too."""
    arn = make_key()
    added = cli(
        *("recipients", "add", f"{arn}+{ROLE}", "--name", "kms-production"),
        *("--env", "production", "--shared"),
    )
    assert added.exit_code == 0, added.stderr
    assert f"{FILES} files: {FILES} synced" in added.stderr
    assert aws.count("Encrypt") == FILES + 1, "one per file, and one to try the key before rules change"
    assert aws.count("Decrypt") == 0, "the age identity at hand is enough"
    git(encrypted_waddle, "add", "--all")
    git(encrypted_waddle, "commit", "--quiet", "--message", "A KMS key beside age")
    return arn


def blanks_alike(text):
    return " ".join(text.split())


def test_from_the_rule_to_who_can_read_what(encrypted_waddle, cli, with_key):
    rules = (encrypted_waddle / ".sops.yaml").read_text(encoding="utf-8")
    assert rules.count(f"kms: [{{arn: {with_key}, role: {ROLE}}}]") == 3
    listed = blanks_alike(cli("recipients", "list").stdout)
    key = with_key.partition("/")[2][:8]
    shown = f"kms 123456789012:key/{key} (eu-central-1) as sops-throwaway"
    assert f"kms-production (as sops-throwaway) {shown} 10 files 10 2" in listed
    assert "you can open it kms-production (as sops-throwaway), alice" in blanks_alike(cli("status").stdout)
    explained = cli("explain", REGISTRY).stdout
    assert f"permission  kms:Decrypt on {with_key}, through the role {ROLE}" in explained
    assert cli("recipients", "sync", "--all", "--check").exit_code == 0
    verified = cli("verify", "--env", "production")
    assert (verified.exit_code, "needs:" in verified.stdout) == (0, False), "the cluster has an age key"
    matrix = json.loads(cli("audit", "--who", "--format", "json").stdout)
    assert "kms-production (as sops-throwaway)" in [each["name"] for each in matrix["people"]]


def test_rotating_and_opening_through_the_key_alone(encrypted_waddle, cli, aws, with_key, identity):
    aws.calls.clear()
    assert cli("rotate", "--env", "production").exit_code == 0
    assert (aws.count("Encrypt"), aws.count("Decrypt")) == (FILES, 0)
    plain = cli("decrypt", REGISTRY).stdout_bytes
    identity.path.unlink()
    aws.calls.clear()
    assert cli("decrypt", REGISTRY).stdout_bytes == plain
    assert aws.count("Decrypt") == 1
    aws.roles.clear()
    refused = cli("decrypt", REGISTRY)
    assert refused.exit_code == 2
    assert "none of your identities can open this file" in refused.stderr
    lines = [line.strip() for line in refused.stderr.splitlines()]
    at = next(number for number, line in enumerate(lines) if line.startswith("kms 123456789012:key/"))
    assert any(line.startswith("hint: ") for line in lines[at + 1 : at + 3])


@pytest.mark.parametrize("way", ["name", "arn"])
def test_removing_it(encrypted_waddle, cli, git, with_key, way):
    who = {"name": "kms-production", "arn": with_key}[way]
    removed = cli("recipients", "remove", who, "--yes")
    assert removed.exit_code == 0, removed.stderr
    assert f"{FILES} files: {FILES} rotated" in removed.stderr
    assert "cannot tell who could decrypt with kms-production: the service's own log" in removed.stderr
    assert with_key not in (encrypted_waddle / ".sops.yaml").read_text(encoding="utf-8")
    report = json.loads(cli("recipients", "report", "kms-production", "--format", "json").stdout)
    assert (report["kind"], report["recipient"]) == ("kms", f"{with_key}+{ROLE}")
    assert report["left"] > 0
    assert "removal-unfinished" not in cli("audit").stdout


def test_a_changed_role_is_reviewed_as_a_new_reader(encrypted_waddle, cli, git, with_key):
    git(encrypted_waddle, "branch", "--move", "main")
    git(encrypted_waddle, "checkout", "--quiet", "-b", "change")
    path = encrypted_waddle / REGISTRY
    text = path.read_text(encoding="utf-8")
    assert ROLE in text
    path.write_text(text.replace(ROLE, ROLE.replace("sops-throwaway", "mallory")), encoding="utf-8")
    git(encrypted_waddle, "commit", "--quiet", "--all", "--message", "change")
    items = json.loads(cli("review", "--format", "json").stdout)["items"]
    titles = {each["kind"]: each["title"] for each in items}
    assert "kms-production (as mallory), a new recipient, can read 1 more file" in titles["access-gained"]
    assert "kms-production (as sops-throwaway) can't read 1 file any more" in titles["access-lost"]
    refused = cli("rotate", REGISTRY)
    assert refused.exit_code == 2
    assert "in the file, not in the rule: kms-production (as mallory)" in refused.stderr


def test_a_merge_unites_recipients_with_their_attributes(folder, cli, aws):
    arn = make_key()
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    kms: {arn},{arn}+{ROLE}\n")
    folder.write("secret.yaml", f"{folder.secret}  user: db\n")
    assert cli("encrypt", "--age", folder.recipient, "secret.yaml").exit_code == 0
    base = folder.read("secret.yaml")
    for side, key in (("ours", arn), ("theirs", f"{arn}+{ROLE}")):
        folder.write("secret.yaml", base)
        added = cli("rotate", "--add-kms", key, "secret.yaml")
        assert added.exit_code == 0, added.stderr
        folder.write(side, folder.read("secret.yaml"))
    folder.write("base", base)
    folder.write("secret.yaml", folder.read("ours"))
    merged = cli("merge-driver", "base", "ours", "theirs", "7", "secret.yaml")
    assert merged.exit_code == 0, merged.stderr
    metadata = make_format("yaml").parse(folder.read("ours"), Limits()).metadata
    assert {recipient_text(key.recipient) for key in metadata.wrapped_keys} == {
        folder.recipient,
        arn,
        f"{arn}+{ROLE}",
    }
    folder.write("secret.yaml", folder.read("ours"))
    opened = cli("decrypt", "--decryption-order", "kms", "secret.yaml")
    assert opened.stdout_bytes.decode() == f"{folder.secret}  user: db\n"


def test_a_misspelt_arn_is_named_with_the_line_of_its_rule(encrypted_waddle, cli, with_key):
    rules = encrypted_waddle / ".sops.yaml"
    wrong = with_key.replace(":kms:", ":kmss:")
    rules.write_text(rules.read_text(encoding="utf-8").replace(with_key, wrong), encoding="utf-8")
    for dry in ("--dry-run",), ():
        synced = cli("recipients", "sync", "--env", "production", *dry)
        assert synced.exit_code == 2
        assert f".sops.yaml:33: not the ARN of an AWS KMS key: {wrong}" in blanks_alike(synced.stderr)
    assert f"warning: .sops.yaml:33: not the ARN of an AWS KMS key: {wrong}; it looks like" in blanks_alike(
        cli("explain", REGISTRY).stderr
    )
    found = json.loads(cli("audit", "--rule", "creation-rule-invalid", "--format", "json").stdout)["findings"]
    assert [(each["path"], each["line"]) for each in found] == [(".sops.yaml", n) for n in (18, 33, 50)]
    assert all(wrong in each["message"] for each in found)


def test_adding_it_once_more_changes_nothing(encrypted_waddle, cli, with_key):
    again = cli("recipients", "add", f"{with_key}+{ROLE}", "--env", "production", "--shared")
    assert again.exit_code == 0
    assert "plan: kms-production gains nothing: the rules there name kms-production" in again.stderr
    assert "0 files: nothing to do" in again.stderr


def test_who_lacks_a_key_of_a_service_only_asks_for_a_permission(folder, cli, aws):
    folder.write("secret.yaml")
    assert cli("encrypt", "secret.yaml", "--kms", make_key(), "--for-others").exit_code == 0
    aws.roles.clear()
    folder.write("secret.yaml", folder.read("secret.yaml").replace(b"enc: ", b"enc: AA"))
    refused = " ".join(cli("decrypt", "secret.yaml").stderr.split())
    assert "ask an owner of one of these keys for the permission to decrypt with it" in refused
    assert "your public key" not in refused
