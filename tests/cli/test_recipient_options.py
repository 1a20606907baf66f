"""Options that name recipients of every kind, sops's variables for them, and AWS keys in each command."""

import json

import pytest

pytest.importorskip("botocore")

from awsserver import ROLE, make_key
from conftest import VECTORS
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import KINDS, attribute_of, context_of

BOB = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))["bob"]


def keys_of(data, name="yaml"):
    return list(make_format(name).parse(data, Limits()).metadata.wrapped_keys)


def recipients_of(data):
    return [(key.recipient.kind, key.recipient.id) for key in keys_of(data)]


@pytest.mark.parametrize("command", [("encrypt", "--dry-run"), ("edit",), ("rotate",)])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_option(folder, cli, command, kind):
    """What can't be a key of the kind is refused by the kind's parser or provider, so the option is known."""
    folder.write("secret.yaml")
    cli("encrypt", "secret.yaml")
    start = "--add-" if command == ("rotate",) else "--"
    path = "new.yaml" if command[0] == "edit" else "secret.yaml"
    result = cli(*command, f"{start}{KINDS[kind].option}", "not a key", path)
    assert "No such option" not in result.stderr
    assert result.exit_code in (0, 2)


def test_an_aws_key_with_role_profile_and_context(folder, cli, aws):
    arn = make_key()
    folder.write("secret.yaml")
    given = ("--kms", f"{arn}+{ROLE}", "--encryption-context", "App:db,Env:prod", "--age", folder.recipient)
    result = cli("encrypt", *given, "secret.yaml")
    assert result.exit_code == 0, result.stderr
    aws_key, _ = keys_of(folder.read("secret.yaml"))
    assert aws_key.recipient.id == arn
    assert attribute_of(aws_key.recipient, "role") == ROLE
    assert context_of(aws_key.recipient) == {"App": "db", "Env": "prod"}
    assert "as sops-throwaway, context App:db,Env:prod" in result.stdout
    assert aws.count("Encrypt") == 1
    decrypted = cli("decrypt", "secret.yaml")
    assert (decrypted.exit_code, aws.count("Decrypt")) == (0, 0), "the age identity at hand is enough"
    ordered = cli("decrypt", "--decryption-order", "kms", "secret.yaml")
    assert (ordered.stdout_bytes, aws.count("Decrypt")) == (decrypted.stdout_bytes, 1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--encryption-context", "a:b"), "no option names one"),
        (("--aws-profile", "ci"), "no option names one"),
        (("--kms", "arn", "--encryption-context", "a"), "the encryption context is malformed"),
        (("--kms", "arn", "--encryption-context", "a:b:c"), "the encryption context is malformed"),
    ],
)
@pytest.mark.parametrize("command", ["encrypt", "edit"])
def test_what_does_not_fit_together_is_refused(folder, cli, command, given, says):
    folder.write("secret.yaml")
    before = folder.files()
    result = cli(command, *given, "secret.yaml" if command == "encrypt" else "new.yaml")
    assert result.exit_code == 2
    assert says in result.stderr
    assert folder.files() == before


@pytest.mark.parametrize("kind", ["age", "kms"])
def test_variables_stand_for_the_options_and_are_said_to(folder, cli, aws, monkeypatch, kind):
    text = make_key() if kind == "kms" else BOB
    monkeypatch.setenv(KINDS[kind].variable, f"{text},{text}")
    folder.write("secret.yaml")
    result = cli("encrypt", "--for-others", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert recipients_of(folder.read("secret.yaml")) == [(kind, text)]
    assert f"{KINDS[kind].variable} names the recipients, in place of the creation rules" in result.stderr
    printed = cli("encrypt", "--for-others", "--stdout", folder.write("other.yaml"))
    assert recipients_of(printed.stdout_bytes) == [(kind, text)]
    assert KINDS[kind].variable in printed.stderr


def test_an_option_wins_over_its_variable(folder, cli, monkeypatch):
    monkeypatch.setenv("SOPS_AGE_RECIPIENTS", BOB)
    folder.write("secret.yaml")
    result = cli("encrypt", "--age", folder.recipient, "secret.yaml")
    assert recipients_of(folder.read("secret.yaml")) == [("age", folder.recipient)]
    assert "SOPS_AGE_RECIPIENTS" not in result.stderr


def test_no_variable_is_no_recipient(folder, cli, monkeypatch):
    monkeypatch.setenv("SOPS_KMS_ARN", "")
    folder.write("secret.yaml")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    assert recipients_of(folder.read("secret.yaml")) == [("age", folder.recipient)]


def test_edit_creates_a_file_for_named_recipients(folder, cli, aws):
    arn = make_key()
    result = cli("edit", "--stdin", "--kms", arn, "new.yaml", stdin=folder.secret.encode())
    assert result.exit_code == 0, result.stderr
    assert recipients_of(folder.read("new.yaml")) == [("kms", arn)]
    again = cli("edit", "--stdin", "--kms", arn, "new.yaml", stdin=b"a: 1\n")
    assert again.exit_code == 2
    assert "options name the recipients of a new file, and this one exists" in again.stderr
    assert "`fluxsecrets rotate new.yaml`" in again.stderr


def test_a_variable_does_not_stop_edits_of_existing_files(folder, cli, aws, monkeypatch):
    folder.write("secret.yaml")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    monkeypatch.setenv("SOPS_KMS_ARN", make_key())
    result = cli("edit", "--stdin", "secret.yaml", stdin=folder.secret.replace("db", "db2").encode())
    assert result.exit_code == 0, result.stderr
    assert recipients_of(folder.read("secret.yaml")) == [("age", folder.recipient)]


def test_rotate_adds_and_removes_aws_keys(folder, cli, aws):
    arn, other = make_key(), make_key()
    folder.write("secret.yaml")
    cli("encrypt", "secret.yaml")
    added = cli("rotate", "--add-kms", f"{arn}+{ROLE},{other}", "--encryption-context", "a:b", "secret.yaml")
    assert added.exit_code == 0, added.stderr
    kept = ("rotate", "--accept-recipients", "--rm-kms")
    assert len(keys_of(folder.read("secret.yaml"))) == 3
    removed = cli(*kept, other, "secret.yaml")
    assert recipients_of(folder.read("secret.yaml")) == [("kms", arn), ("age", folder.recipient)], (
        removed.stderr
    )
    removed = cli(*kept, arn, "secret.yaml")
    assert removed.exit_code == 0, removed.stderr
    assert recipients_of(folder.read("secret.yaml")) == [("age", folder.recipient)]


def test_an_arn_to_remove_leaves_the_same_key_with_a_role(folder, cli, aws):
    arn = make_key()
    folder.write("secret.yaml")
    cli("encrypt", "--kms", f"{arn},{arn}+{ROLE}", "--age", folder.recipient, "secret.yaml")
    assert cli("rotate", "--accept-recipients", "--rm-kms", arn, "secret.yaml").exit_code == 0
    key, _ = keys_of(folder.read("secret.yaml"))
    assert attribute_of(key.recipient, "role") == ROLE


HUAWEI = "eu-west-101:throwaway"


@pytest.fixture
def with_huawei(folder, cli, git):
    """A file for alice, and for a key of Huawei Cloud that sops wrapped."""
    git(folder.path, "init", "-q")
    folder.write("secret.yaml", f"{folder.secret}  user: db\n")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    text = folder.read("secret.yaml").decode()
    block = (
        f'  hckms:\n    - created_at: "2026-11-23T10:11:12Z"\n      enc: throw-away\n      key_id: {HUAWEI}\n'
    )
    assert "\n  lastmodified:" in text
    folder.write("secret.yaml", text.replace("  lastmodified:", f"{block}  lastmodified:"))
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    hckms: [{HUAWEI}]\n")
    return block


@pytest.mark.parametrize(
    "command",
    [
        ("set", "secret.yaml", "stringData.password", "changed-throwaway"),
        ("unset", "secret.yaml", "stringData.password"),
        ("edit", "--stdin", "secret.yaml"),
        ("recipients", "add", "bob", "--all"),
        ("recipients", "sync", "--all"),
    ],
)
def test_a_key_of_huawei_cloud_is_kept(folder, cli, with_huawei, command):
    folder.write("keys/bob.pub", f"{BOB}\n")
    result = cli(*command, stdin=folder.secret.replace("name: db", "name: db2").encode())
    assert result.exit_code == 0, result.stderr
    assert with_huawei in folder.read("secret.yaml").decode()
    assert cli("decrypt", "secret.yaml").exit_code == 0


@pytest.mark.parametrize("command", [("rotate", "secret.yaml"), ("recipients", "remove", "bob", "--yes")])
def test_a_new_data_key_for_huawei_cloud_is_refused(folder, cli, with_huawei, command):
    folder.write("keys/bob.pub", f"{BOB}\n")
    assert cli("recipients", "add", "bob", "--all").exit_code == 0
    before = folder.read("secret.yaml")
    result = cli(*command)
    assert result.exit_code == 2
    assert "Huawei Cloud KMS keys are not supported by this version" in result.stderr
    assert folder.read("secret.yaml") == before
    assert cli("rotate", "--accept-recipients", "--rm-hckms", HUAWEI, "secret.yaml").exit_code == 0


def test_status_and_list_show_services_keys_briefly(folder, cli, git, aws):
    arn = make_key()
    git(folder.path, "init", "-q")
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    kms: {arn}+{ROLE}\n")
    folder.write("secret.yaml")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    account, key = arn.split(":")[4], arn.partition("/")[2][:8]
    shown = f"kms {account}:key/{key} (eu-central-1) as sops-throwaway"
    for command in (("status",), ("recipients", "list"), ("explain", "secret.yaml")):
        result = cli(*command)
        assert result.exit_code == 0, result.stderr
        assert shown in " ".join(result.stdout.split()), command
    (row,) = [
        each
        for each in json.loads(cli("recipients", "list", "--format", "json").stdout)["recipients"]
        if each["kind"] == "kms"
    ]
    assert row["recipient"] == f"{arn}+{ROLE}"
