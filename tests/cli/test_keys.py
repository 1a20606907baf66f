"""`fluxsecrets keys`. Every key here is made for the test and thrown away."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

VECTORS = Path(__file__).parents[1] / "vectors"


def test_generate_adds_to_the_key_file_of_sops(waddle, cli, environment, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setattr("sys.platform", "linux")
    result = cli("keys", "generate")
    assert result.exit_code == 0, result.stderr
    recipient = result.stdout.strip()
    assert re.fullmatch(r"age1[0-9a-z]{58}", recipient)
    path = environment / ".config/sops/age/keys.txt"
    assert f"# public key: {recipient}\n" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "AGE-SECRET-KEY" not in result.stdout + result.stderr
    assert str(path) in result.stderr
    second = cli("keys", "generate").stdout.strip()
    assert second != recipient
    assert path.read_text().count("AGE-SECRET-KEY-") == 2


def test_generate_adds_to_the_file_that_the_variable_names(waddle, cli, identity):
    result = cli("keys", "generate")
    assert result.exit_code == 0
    text = identity.path.read_text()
    assert identity.secret in text
    assert result.stdout.strip() in text


def test_generate_into_a_file_with_a_name(waddle, cli, git):
    result = cli("keys", "generate", "carol", "-o", "carol.agekey")
    assert result.exit_code == 0
    assert (waddle / "keys/carol.pub").read_text() == result.stdout
    assert (waddle / "carol.agekey").stat().st_mode & 0o777 == 0o600
    assert cli("encrypt", "apps/spicedb", "--age", result.stdout.strip()).stdout.count("   carol\n") == 8


def test_private_key_in_the_repository_is_warned_of(waddle, cli):
    result = cli("keys", "generate", "-o", "carol.agekey")
    assert "carol.agekey is in the repository and not ignored by git" in result.stderr
    (waddle / ".gitignore").write_text("*.agekey\n")
    assert "not ignored" not in cli("keys", "generate", "-o", "dave.agekey").stderr


def test_public_key_that_git_ignores_is_warned_of(waddle, cli, environment):
    (waddle / ".gitignore").write_text("*.pub\n")
    result = cli("keys", "generate", "carol", "-o", str(environment / "carol.agekey"))
    assert result.exit_code == 0
    assert "keys/carol.pub is ignored by git" in result.stderr


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "-x", "", "a" * 70, "a\nb", "ключ"])
def test_names_that_are_refused(waddle, cli, identity, git, name):
    before = identity.path.read_text()
    result = cli("keys", "generate", "--", name)
    assert result.exit_code == 2
    assert "is not a valid name for a key" in result.stderr
    assert identity.path.read_text() == before
    assert git(waddle, "status", "--porcelain") == ""


def test_name_that_is_taken(waddle, cli, identity):
    before = identity.path.read_text()
    result = cli("keys", "generate", "alice")
    assert result.exit_code == 2
    assert "keys/alice.pub: this name is taken" in result.stderr
    assert identity.path.read_text() == before


def test_name_outside_of_a_repository(tmp_path, cli, identity, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("keys", "generate", "carol")
    assert result.exit_code == 2
    assert "leave out the name" in result.stderr


def test_file_that_is_no_key_file_is_left_alone(waddle, cli):
    (waddle / "notes.txt").write_text("my notes\n")
    result = cli("keys", "generate", "-o", "notes.txt")
    assert result.exit_code == 2
    assert (waddle / "notes.txt").read_text() == "my notes\n"


def test_quiet_prints_the_public_key_alone(waddle, cli):
    result = cli("keys", "generate", "--quiet", "-o", "carol.agekey")
    assert re.fullmatch(r"age1[0-9a-z]{58}\n", result.stdout)
    assert "warning: " in result.stderr or result.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_key_file_that_others_can_read_is_mentioned_once(folder, cli, identity):
    for name in ("a.yaml", "b.yaml"):
        folder.write(name)
        assert cli("encrypt", name).exit_code == 0
    identity.path.chmod(0o644)
    result = cli("decrypt", "-i", "a.yaml", "b.yaml")
    assert result.exit_code == 0
    assert result.stderr.count("this key file is open to group or others (mode 0644); run chmod 600") == 1
    assert cli("encrypt", "a.yaml", "--quiet").stderr == ""


# --- the OS keyring, import, export, remove -------------------------------------------------------------


@pytest.fixture
def answers(monkeypatch):
    """Answers the questions at the terminal, in order, and keeps what was asked."""
    asked = []

    def give(*texts):
        left = list(texts)

        def ask(question):
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr("fluxsecrets.keys.prompt.ask_at_terminal", ask)
        monkeypatch.setattr("fluxsecrets.keys.lockedfile.WORK_FACTOR", 8)
        return asked

    return give


@pytest.fixture
def keyless(encrypted_waddle, identity, monkeypatch):
    """The example, encrypted; its user has no identity yet. Returns alice's."""
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setattr("sys.platform", "linux")
    return identity


REGISTRY = "apps/spicedb/overlays/staging/registry.json"


def test_an_identity_in_the_keyring_opens_files_and_is_listed(keyless, cli, os_keyring):
    assert cli("decrypt", REGISTRY).exit_code == 2
    result = cli("keys", "import", keyless.path, "--store", "keyring")
    assert (result.exit_code, result.stdout) == (0, f"{keyless.recipient}\n")
    assert "added to the OS keyring" in result.stderr
    assert keyless.secret not in result.stdout + result.stderr
    assert cli("decrypt", REGISTRY).exit_code == 0
    listed = cli("keys", "list")
    assert listed.stdout == (
        "alice   age1a454ldt5…s5m7la   OS keyring   production 10 files, staging 10 files\n"
    )
    assert "OS keyring (1 identity, asked when a file needs it)" in listed.stderr


def test_a_new_identity_in_the_keyring(waddle, cli, os_keyring, identity):
    before = identity.path.read_bytes()
    result = cli("keys", "generate", "carol", "--store", "keyring")
    assert result.exit_code == 0, result.stderr
    assert (waddle / "keys/carol.pub").read_text() == result.stdout
    ((_, user),) = os_keyring.passwords
    assert user == result.stdout.strip()
    assert identity.path.read_bytes() == before
    refused = cli("keys", "generate", "--store", "keyring", "-o", "x.txt")
    assert refused.exit_code == 2
    assert "in the keyring or in a file" in refused.stderr


def test_post_quantum_by_option(waddle, cli, environment):
    result = cli("keys", "generate", "--post-quantum", "-o", environment / "pq.txt")
    assert result.stdout.startswith("age1pq1")
    assert "AGE-SECRET-KEY-PQ-1" in (environment / "pq.txt").read_text()


def test_a_passphrase_protected_copy_comes_back(keyless, cli, answers, environment, act_as, monkeypatch):
    act_as("alice")
    asked = answers("throwaway passphrase", "throwaway passphrase", "throwaway passphrase")
    copy = environment / "alice.age"
    result = cli("keys", "export", "alice", "-o", copy)
    assert result.exit_code == 0, result.stderr
    assert copy.read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "warning" not in result.stderr
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert cli("keys", "import", copy).stdout == f"{keyless.recipient}\n"
    assert len(asked) == 3
    assert keyless.secret in (environment / ".config/sops/age/keys.txt").read_text()
    again = cli("keys", "export", "alice", "-o", copy)
    assert again.exit_code == 2, "a copy is never overwritten"


@pytest.mark.skipif(
    shutil.which("age") is None or shutil.which("age-plugin-batchpass") is None,
    reason="age with its plugin batchpass is not on PATH",
)
def test_age_opens_what_was_exported(waddle, cli, identity, answers):
    answers("throwaway passphrase", "throwaway passphrase")
    exported = cli("keys", "export", identity.recipient)
    opened = subprocess.run(
        ["age", "--decrypt", "-j", "batchpass"],
        input=exported.stdout_bytes,
        env={"PATH": os.environ["PATH"], "AGE_PASSPHRASE": "throwaway passphrase"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert identity.secret in opened.stdout.decode()


def test_exporting_wants_a_passphrase_twice_and_warns_of_a_short_one(waddle, cli, answers):
    answers("one passphrase", "another passphrase")
    differing = cli("keys", "export", "alice")
    assert (differing.exit_code, differing.stdout) == (2, "")
    assert "differ" in differing.stderr
    answers("")
    assert "no passphrase was given" in cli("keys", "export", "alice").stderr
    answers("short", "short")
    assert "fewer than 12 characters" in cli("keys", "export", "alice").stderr


def test_a_plain_copy_only_where_it_is_asked_for_and_never_at_a_terminal(waddle, cli, identity, monkeypatch):
    plain = cli("keys", "export", "alice", "--plain")
    assert f"\n{identity.secret}\n" in plain.stdout
    monkeypatch.setattr("fluxsecrets.cli.keys.sys", FakeTerminal)
    shown = cli("keys", "export", "alice", "--plain")
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "not shown at a terminal" in shown.stderr
    secret = cli("keys", "cluster-secret", "--env", "staging", "--identity", "alice")
    assert (secret.exit_code, secret.stdout) == (2, "")
    assert "kubectl apply --server-side -f -" in secret.stderr
    inside = cli("keys", "export", "alice", "--plain", "-o", "alice.txt")
    assert "alice.txt is in the repository and not ignored by git" in inside.stderr


class FakeTerminal:
    class stdout:  # noqa: N801 - stands for sys.stdout
        @staticmethod
        def isatty():
            return True

    stdin = None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file contains no identity"),
        (b"# nothing\n", "the file contains no identity"),
        (b"AGE-SECRET-KEY-1THROWAWAY\n", "malformed age identity"),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "gpg --import"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "SSH keys stay where ssh keeps them"),
        (
            b"age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la\n",
            "a public key, not an identity",
        ),
        (b"x" * 2**21, "too large"),
    ],
    ids=["empty", "comment", "malformed", "pgp", "ssh", "recipient", "large"],
)
def test_what_is_no_key_file_is_not_imported(waddle, cli, identity, content, message):
    before = identity.path.read_bytes()
    result = cli("keys", "import", "-", stdin=content)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "THROWAWAY" not in result.stderr
    assert identity.path.read_bytes() == before


def test_importing_again_changes_nothing(waddle, cli, identity):
    before = identity.path.read_bytes()
    result = cli("keys", "import", identity.path)
    assert result.exit_code == 0
    assert "already" in result.stderr
    assert identity.path.read_bytes() == before


def test_a_name_comes_with_one_identity_only(waddle, cli, git):
    both = (VECTORS / "keys/alice_bob.agekey").read_bytes()
    result = cli("keys", "import", "-", "--name", "both", stdin=both)
    assert result.exit_code == 2
    assert "2 identities, but one name" in result.stderr
    cluster = (VECTORS / "keys/cluster.agekey").read_bytes()
    assert cli("keys", "import", "-", "--name", "cluster-staging", stdin=cluster).exit_code == 0
    taken = cli("keys", "import", "-", "--name", "alice", stdin=cluster)
    assert "this name is taken" in taken.stderr
    assert git(waddle, "status", "--porcelain") == ""


def test_removing_says_what_is_lost_and_asks_first(keyless, cli, os_keyring, act_as, waddle):
    cli("keys", "import", keyless.path, "--store", "keyring")
    act_as("alice")
    (waddle / "mine.yaml").write_text("password: hunter2-throwaway\n")
    assert cli("encrypt", "mine.yaml", "--age", keyless.recipient).exit_code == 0
    (waddle / "mine.sops.yaml").write_bytes((waddle / "mine.yaml").read_bytes())
    asked = cli("keys", "remove", "alice")
    assert asked.exit_code == 2
    assert "cannot ask whether to remove it" in asked.stderr
    assert "nobody could open these files of this repository then:\n    mine.sops.yaml" in asked.stderr
    assert "you could no longer open 18 files of this repository; others still could" in asked.stderr
    refused = cli("keys", "remove", "alice", "--yes")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert os_keyring.passwords
    assert keyless.path.exists()
    removed = cli("keys", "remove", "alice", "--yes", "--force")
    assert removed.exit_code == 0, removed.stderr
    assert "and the OS keyring" in removed.stderr
    assert not os_keyring.passwords
    assert keyless.secret not in keyless.path.read_text()
    assert "there is nothing to remove" in cli("keys", "remove", "alice", "--yes").stderr


def test_what_is_in_a_variable_is_left_to_the_user(keyless, cli, monkeypatch):
    monkeypatch.setenv("SOPS_AGE_KEY", keyless.secret)
    result = cli("keys", "remove", "alice", "--yes")
    assert result.exit_code == 2
    assert "it is in SOPS_AGE_KEY" in result.stderr
    cli("keys", "import", keyless.path)
    result = cli("keys", "remove", "alice", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "it stays in SOPS_AGE_KEY, line 1: remove it there yourself" in result.stderr


def test_names_are_looked_up_with_a_hint(waddle, cli):
    result = cli("keys", "export", "alcie")
    assert result.exit_code == 2
    assert "did you mean alice?" in result.stderr
    absent = cli("keys", "export", "cluster-production")
    assert "you do not have the identity of age14q…3c" in absent.stderr
    assert "looked in:" in absent.stderr


def test_keys_list_finds_private_keys_and_ignored_names(waddle, cli, identity):
    assert cli("keys", "list", "--check").exit_code == 0
    (waddle / "keys/oops.txt").write_text(identity.secret)
    (waddle / "keys/dave.pub").write_text(f"{identity.recipient}\n")
    (waddle / ".gitignore").write_text("*.pub\n")
    result = cli("keys", "list", "--check")
    assert result.exit_code == 1
    assert "keys/oops.txt holds a private key; it is not ignored by git" in result.stderr
    assert "keys/dave.pub is ignored by git" in result.stderr
    assert "bob.pub" not in result.stderr, "it is in git already"
    assert identity.secret not in result.stderr
    assert cli("keys", "list").exit_code == 0


def test_anchors_of_the_rules_name_keys(folder, cli, identity):
    folder.rules(f"keys: [&wendy {identity.recipient}]\ncreation_rules: [{{age: *wendy}}]\n")
    assert cli("keys", "list").stdout.startswith("wendy ")
    assert "there is no key 'wendi'" in cli("keys", "remove", "wendi").stderr
    assert "did you mean wendy?" in cli("keys", "remove", "wendi").stderr


def test_keys_list_asks_nobody_and_runs_nothing(waddle, cli, monkeypatch, answers, environment):
    asked = answers()
    monkeypatch.setenv("SOPS_AGE_KEY_CMD", "false")
    locked = (VECTORS / "age/locked_bob.txt").read_bytes()
    (environment / "locked").write_bytes(locked)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(environment / "locked"))
    result = cli("keys", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "SOPS_AGE_KEY_FILE (protected by a passphrase)" in result.stderr
    assert "SOPS_AGE_KEY_CMD (asked when a file needs it)" in result.stderr
    assert asked == []


# --- the cluster's Secret -------------------------------------------------------------------------------


def test_the_secret_for_flux(encrypted_waddle, cli, act_as):
    cluster = act_as("cluster")
    result = cli("keys", "cluster-secret", "--env", "staging")
    assert result.exit_code == 0, result.stderr
    manifest = yaml.safe_load(result.stdout)
    assert manifest["kind"] == "Secret"
    assert manifest["metadata"] == {"name": "sops-age", "namespace": "flux-system"}
    ((name, text),) = manifest["stringData"].items()
    assert name == "cluster-staging.agekey"
    assert f"\n{cluster.secret}\n" in text
    assert cluster.secret not in result.stderr
    encrypted = cli("encrypt", "--filename", "clusters/staging/sops-age.yaml", "-", stdin=result.stdout_bytes)
    assert encrypted.exit_code == 0, encrypted.stderr
    assert cluster.secret not in encrypted.stdout


def without_its_name(waddle):
    """Staging's cluster is a key like any other: neither a public key's name nor an anchor says whose."""
    (waddle / "keys/cluster-staging.pub").unlink()
    rules = waddle / ".sops.yaml"
    rules.write_text(rules.read_text().replace("cluster-staging", "somebody"))


def test_a_person_is_never_taken_for_the_cluster(encrypted_waddle, cli):
    result = cli("keys", "cluster-secret", "--env", "staging")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "you do not have the identity of age1jt…2p" in result.stderr
    without_its_name(encrypted_waddle)
    unknown = cli("keys", "cluster-secret", "--env", "staging")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "cluster is unknown" in unknown.stderr
    assert "--identity" in unknown.stderr


def test_the_settings_say_whose_the_cluster_is(encrypted_waddle, cli, act_as):
    cluster = act_as("cluster")
    without_its_name(encrypted_waddle)
    (encrypted_waddle / ".fluxsecrets.yaml").write_text(
        f"environments:\n  staging:\n    cluster_recipients: [{cluster.recipient}]\n"
    )
    result = cli("keys", "cluster-secret", "--env", "staging")
    assert list(yaml.safe_load(result.stdout)["stringData"]) == ["somebody.agekey"]


def test_what_flux_would_pass_over_is_said(waddle, cli, act_as):
    act_as("cluster")
    apps = waddle / "clusters/staging/apps.yaml"
    apps.write_text(apps.read_text().replace("provider: sops", "provider: sopps", 1))
    result = cli("keys", "cluster-secret", "--env", "staging", "--identity", "cluster-staging")
    assert "clusters/staging/apps.yaml:" in result.stderr
    assert "its decryption provider is not sops" in result.stderr


def test_an_ssh_key_is_nothing_for_flux(waddle, cli, monkeypatch):
    monkeypatch.setenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE", str(VECTORS / "keys/ssh_ed25519"))
    line = (VECTORS / "keys/ssh_ed25519.pub").read_text().strip()
    result = cli("keys", "cluster-secret", "--env", "staging", "--identity", line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Flux cannot use an SSH key" in result.stderr


@pytest.mark.parametrize("place", ["Kustomization", "parent"])
def test_name_and_namespace_are_those_that_flux_looks_for(waddle, cli, act_as, place):
    act_as("cluster")
    for path in (waddle / "clusters/staging").rglob("*.yaml"):
        text = path.read_text().replace("name: sops-age", "name: age-of-staging")
        if place == "Kustomization":
            text = text.replace("namespace: flux-system", "namespace: gitops")
        path.write_text(text)
    if place == "parent":
        # kustomize sets it for all that this file lists, whatever stands there
        parent = waddle / "clusters/staging/kustomization.yaml"
        parent.write_text(f"namespace: gitops\n{parent.read_text()}")
    result = cli("keys", "cluster-secret", "--env", "staging", "--identity", "cluster-staging")
    assert result.exit_code == 0, result.stderr
    names = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in documents(result)]
    assert ("gitops", "age-of-staging") in names
    assert {name for _, name in names} == {"age-of-staging"}
    assert "gitops/age-of-staging" in result.stderr


def documents(result):
    return list(yaml.safe_load_all(result.stdout))


def test_each_secret_that_is_named_is_made_once(waddle, cli, act_as):
    act_as("cluster")
    infrastructure = waddle / "clusters/staging/infrastructure.yaml"
    infrastructure.write_text(infrastructure.read_text().replace("name: sops-age", "name: 'yes'"))
    result = cli("keys", "cluster-secret", "--env", "staging", "--identity", "cluster-staging")
    assert [each["metadata"]["name"] for each in documents(result)] == ["yes", "sops-age"]
    for path in (waddle / "clusters/staging").rglob("*.yaml"):
        path.write_text(path.read_text().replace("secretRef:", "serviceAccountName: x #"))
    none = cli("keys", "cluster-secret", "--env", "staging", "--identity", "cluster-staging")
    assert (none.exit_code, none.stdout) == (2, "")
    assert "no Kustomization of staging names a Secret to decrypt with" in none.stderr


def test_the_secret_into_a_file_that_only_its_owner_reads(waddle, cli, act_as, environment):
    cluster = act_as("cluster")
    path = environment / "sops-age.yaml"
    command = ("keys", "cluster-secret", "--env", "staging", "--identity", "cluster-staging", "-o", path)
    result = cli(*command)
    assert (result.exit_code, result.stdout) == (0, "")
    assert cluster.secret in path.read_text()
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    assert "holds a private key in plain text" in result.stderr
    assert cli(*command).exit_code == 2, "a file is never overwritten"


# --- where private keys must not be ---------------------------------------------------------------------


WRONG = [
    ("keys", "import", "KEY"),
    ("keys", "import", "-", "--name", "KEY"),
    ("keys", "export", "KEY"),
    ("keys", "generate", "KEY"),
    ("keys", "generate", "-o", "KEY"),
    ("keys", "remove", "KEY", "--yes"),
    ("keys", "cluster-secret", "--env", "staging", "--identity", "KEY"),
    ("decrypt", "KEY"),
    ("encrypt", "--age", "KEY"),
    ("keys", "list", "KEY"),
]


def test_a_private_key_on_the_command_line_is_refused_and_not_repeated(waddle, cli, identity, git):
    (waddle / ".fluxsecrets.yaml").write_text("log: {required: true}\n")
    before = identity.path.read_bytes()
    for arguments in WRONG:
        result = cli(*(identity.secret if each == "KEY" else each for each in arguments))
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert identity.secret[15:].lower() not in result.stderr.lower(), arguments
    assert identity.path.read_bytes() == before
    assert git(waddle, "status", "--porcelain") == "?? .fluxsecrets.yaml\n"
    assert not (waddle / ".git/fluxsecrets").exists()


def test_no_other_program_is_given_a_private_key(
    encrypted_waddle, cli, identity, answers, environment, monkeypatch
):
    started = []
    real, spawn = subprocess.Popen.__init__, getattr(os, "posix_spawn", None)

    def start(self, args, **options):
        started.append((repr(args), repr(options.get("env"))))
        real(self, args, **options)

    def start_spawned(path, args, variables, **options):
        started.append((repr(args), repr(variables)))
        return spawn(path, args, variables, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", start)
    monkeypatch.setattr(os, "posix_spawn", start_spawned, raising=False)
    answers("throwaway passphrase", "throwaway passphrase")
    for arguments in (
        ("keys", "export", "alice", "-o", environment / "alice.age"),
        ("keys", "import", identity.path, "-o", environment / "other.txt"),
        ("keys", "cluster-secret", "--env", "staging", "--identity", "alice", "-o", environment / "s.yaml"),
        ("keys", "list"),
        ("keys", "remove", "alice", "--yes", "--force"),
    ):
        result = cli(*arguments)
        assert result.exit_code == 0, result.stderr
    assert started, "git was asked"
    for arguments, variables in started:
        assert "AGE-SECRET-KEY" not in arguments + variables
        assert "throwaway passphrase" not in arguments + variables


@pytest.mark.skipif(os.name != "posix", reason="Windows has no permission bits")
def test_a_key_file_that_others_can_read_is_said_and_mended(waddle, cli, identity):
    identity.path.chmod(0o644)
    assert "this key file is open to group or others (mode 0644)" in cli("keys", "list").stderr
    cli("keys", "generate")
    assert identity.path.stat().st_mode & 0o777 == 0o600
    assert "open to group" not in cli("keys", "list").stderr


def test_a_file_that_age_protected_is_imported(waddle, cli, answers, environment):
    locked = VECTORS / "age/locked_bob.txt"
    answers("throw-away passphrase", "wrong")
    result = cli("keys", "import", locked, "-o", environment / "own.txt")
    assert result.exit_code == 0, result.stderr
    assert (environment / "own.txt").read_text().count("AGE-SECRET-KEY-1") == 1
    wrong = cli("keys", "import", locked, "-o", environment / "none.txt")
    assert "wrong passphrase" in wrong.stderr
    assert not (environment / "none.txt").exists()


def test_without_a_terminal_nothing_is_asked_for(waddle, cli, environment, monkeypatch):
    monkeypatch.setattr("fluxsecrets.keys.prompt._has_terminal", lambda: False)
    exported = cli("keys", "export", "alice")
    assert (exported.exit_code, exported.stdout) == (2, "")
    assert "--plain" in exported.stderr
    imported = cli("keys", "import", VECTORS / "age/locked_bob.txt")
    assert "there is no terminal to ask for" in imported.stderr


# --- what is said ---------------------------------------------------------------------------------------


def test_what_is_said(encrypted_waddle, cli, identity, environment, os_keyring, monkeypatch, snapshot):
    """One after the other, as somebody would do it; keys that differ from run to run are scrubbed."""
    monkeypatch.setattr("sys.platform", "linux")
    said = []
    for arguments in (
        "keys list",
        "keys generate carol",
        "keys generate --store keyring dave",
        "keys import - --store keyring",
        "keys import -",
        "keys list",
        "keys list --format json",
        "keys export carol --plain -o carol.txt",
        "keys export bob",
        "keys cluster-secret --env staging",
        "keys cluster-secret --env staging --identity alice -o secret.yaml",
        "keys cluster-secret --env stagging",
        "keys remove bob --yes",
        "keys remove carol",
        "keys remove carol --yes",
        "keys remove alice --yes",
        "keys generate a/b",
        "keys generate alice",
    ):
        result = cli(*arguments.split(), stdin=identity.path.read_bytes(), merged=True)
        said.append(f"$ {arguments}\n{result.stdout}[{result.exit_code}]\n")
    text = "\n".join(said).replace(str(environment), "HOME").replace(str(encrypted_waddle), "WADDLE")
    known = set(json.loads((VECTORS / "keys/recipients.json").read_text()).values())
    text = re.sub(r"age1[0-9a-z]{58}", lambda key: key[0] if key[0] in known else "age1NEW", text)
    new = {path.read_text()[:12] for path in (encrypted_waddle / "keys").glob("[cd]a*.pub")}
    text = re.sub(rf"({'|'.join(new)})…(\w{{6}})?", "age1NEW…", text)
    text = re.sub(r" {3,}", "   ", text)  # columns are as wide as the paths in them
    assert identity.secret not in text
    assert text == snapshot
