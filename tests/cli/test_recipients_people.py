"""`fluxsecrets recipients add`, `remove`, `report`, `exposure`: people come and leave, and what they read."""

import json
import re
import shutil

import pytest
from tests.conftest import commit_all
from tests.faults import killed_before

from fluxsecrets.files import beside

STAGING = "apps/spicedb/overlays/staging/registry.json"
SETTINGS = "clusters/staging/infrastructure/cluster-settings.yaml"


def changed_files(git, folder):
    status = git(folder, "status", "--porcelain", "--untracked-files=all")
    return {line[3:] for line in status.splitlines()}


def data_keys(folder):
    """The wrapped data key of each encrypted file for alice."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts and b"BEGIN AGE" in path.read_bytes():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def ciphertexts(data):
    return set(re.findall(rb"ENC\[[^\]]*\]", data))


# Leaving.


def test_leaving_the_example(encrypted_waddle, cli, git, act_as, snapshot):
    waddle = encrypted_waddle
    rules = (waddle / ".sops.yaml").read_bytes()
    bob = act_as("bob").recipient.encode()
    was_open = {path for path, data in data_keys(waddle).items() if bob in data}
    act_as("alice")
    planned = cli("recipients", "remove", "bob", "--dry-run", "--no-report")
    assert changed_files(git, waddle) == set()
    result = cli("recipients", "remove", "bob", "--no-report")
    assert result.exit_code == 0, result.stderr
    assert planned.stdout.replace("would rotate", "rotated") == result.stdout, "a dry run is exact"
    assert result.stderr == snapshot
    assert changed_files(git, waddle) == was_open | {".sops.yaml", "keys/bob.pub"}
    assert len(was_open) == 8
    after = (waddle / ".sops.yaml").read_bytes()
    gone = [line for line in rules.splitlines() if line not in after.splitlines()]
    assert [line.split()[1] for line in gone] == [b"&bob", b"*bob", b"*bob"]
    assert after == b"".join(
        line for line in rules.splitlines(keepends=True) if b"&bob" not in line and b"*bob" not in line
    )
    act_as("bob")
    assert cli("decrypt", STAGING).exit_code == 2
    act_as("alice")
    assert cli("recipients", "sync", "--all", "--check").exit_code == 0
    assert cli("recipients", "remove", "bob").exit_code == 2, "nobody of that name is left"


def test_report_is_kept_until_nothing_is_left(encrypted_waddle, cli, git, act_as):
    waddle = encrypted_waddle
    result = cli("recipients", "remove", "bob")
    assert result.exit_code == 0, result.stderr
    assert "throwaway" not in result.stdout + result.stderr
    kept = json.loads((waddle / "offboarding" / "bob.json").read_text())
    assert (kept["name"], kept["values"]) == ("bob", [])
    commit_all(waddle, "bob left")

    def left(*arguments):
        found = cli("recipients", "report", "bob", *arguments, "--format", "json")
        return found.exit_code, {
            f"{each['path']}#{each['key']}": each for each in json.loads(found.stdout)["values"]
        }

    code, values = left()
    assert code == 1
    # Encrypted from the first day: that was for bob, who is in staging only
    mine = values[f"{SETTINGS}#2:data.cluster_name"]
    assert (mine["plain_text"], mine["state"]) == (False, "to change")
    assert "clusters/production/infrastructure/cluster-settings.yaml#2:data.cluster_name" not in values
    # The example was committed in plain text first: everybody read that
    assert values[f"{STAGING}#data['.dockerconfigjson']"]["plain_text"]
    # A value that is another one now is settled
    assert (
        cli(
            "set", STAGING, "data..dockerconfigjson", "--generate", "password:32", "--allow-invalid"
        ).exit_code
        == 0
    )
    assert left()[1][f"{STAGING}#data['.dockerconfigjson']"]["state"] == "changed since"
    # One that is gone may be in a file that can't be compared
    gone = "apps/spicedb/overlays/staging/files/pgpass.conf#"
    (waddle / gone.rstrip("#")).unlink()
    assert left()[1][gone]["state"] == "to look at"
    cli("recipients", "report", "bob", "--done", "apps/observability")
    assert left()[1][gone]["state"] == "not there any more"
    # What was done elsewhere, or may stay, is noted
    assert cli("recipients", "report", "bob", "--accept", SETTINGS).exit_code == 2, "without a reason"
    assert cli("recipients", "report", "bob", "--done", "nowhere.yaml").exit_code == 2
    cli("recipients", "report", "bob", "--accept", SETTINGS, "--reason", "addresses only")
    _, values = left()
    accepted = values[f"{SETTINGS}#2:data.cluster_name"]
    assert (accepted["state"], accepted["reason"]) == ("accepted", "addresses only")
    rest = {each["path"] for each in values.values() if not each["settled"]}
    result = cli("recipients", "report", "bob", *(word for path in rest for word in ("--done", path)))
    assert result.exit_code == 0
    assert "none left to change" in result.stderr
    assert "offboarding/bob.json can be deleted" in result.stderr
    assert changed_files(git, waddle) >= {"offboarding/bob.json"}


def test_a_data_key_that_they_know_from_before_is_replaced_too(encrypted_waddle, cli, git, act_as):
    waddle = encrypted_waddle
    path = waddle / STAGING
    bob = act_as("bob").recipient
    act_as("alice")
    # As `sops updatekeys` does it: bob is not in the block any more, and the data key is the old one
    text = json.loads(path.read_text())
    text["sops"]["age"] = [each for each in text["sops"]["age"] if each["recipient"] != bob]
    path.write_text(json.dumps(text, indent=2))
    commit_all(waddle, "updatekeys")
    before = path.read_bytes()
    result = cli("recipients", "remove", "bob")
    assert result.exit_code == 0, result.stderr
    assert f"{STAGING} is not encrypted for bob, but still has a data key that they know" in result.stderr
    assert not ciphertexts(before) & ciphertexts(path.read_bytes())


def test_leaving_one_environment(encrypted_waddle, cli, git):
    result = cli("recipients", "remove", "alice", "--env", "staging", "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "production" not in result.stdout
    assert "proxmox-csi-secret.yaml is shared with production, and left out" in result.stderr
    assert "rules in lines 23, 38" in result.stderr
    assert changed_files(git, encrypted_waddle) == set()


def test_oneself_is_not_removed_by_mistake(encrypted_waddle, cli, git):
    refused = cli("recipients", "remove", "alice", "--no-report")
    assert refused.exit_code == 2
    assert "alice is you" in refused.stderr
    assert changed_files(git, encrypted_waddle) == set()
    assert cli("recipients", "remove", "alice", "--no-report", "--yes").exit_code == 0
    assert cli("decrypt", STAGING).exit_code == 2


def test_an_old_identity_of_oneself_is_removed_once_the_new_one_opens_all(encrypted_waddle, cli, act_as):
    bob, alice = act_as("bob"), act_as("alice")
    alice.path.write_text(f"{alice.secret}\n{bob.secret}\n", encoding="utf-8")
    refused = cli("recipients", "remove", "alice", "--no-report")
    assert refused.exit_code == 2
    assert "alice is you: you could no longer open " in refused.stderr  # those that are not for bob
    result = cli("recipients", "remove", "alice", "--env", "staging", "--no-report")
    assert result.exit_code == 0, result.stderr
    assert cli("decrypt", STAGING).exit_code == 0


# Coming.


@pytest.fixture
def carol(act_as):
    """The recipient of somebody new."""
    recipient = act_as("bob").recipient
    act_as("alice")
    return recipient


def test_coming_to_an_environment(encrypted_waddle, cli, git, act_as, carol, snapshot):
    waddle = encrypted_waddle
    assert cli("recipients", "remove", "bob", "--no-report").exit_code == 0
    commit_all(waddle, "without bob")
    before = {path: ciphertexts(data) for path, data in data_keys(waddle).items()}
    arguments = ("recipients", "add", carol, "--name", "carol", "--env", "staging")
    planned = cli(*arguments, "--dry-run")
    assert changed_files(git, waddle) == set()
    result = cli(*arguments)
    assert result.exit_code == 0, result.stderr
    assert planned.stdout.replace("would sync", "synced") == result.stdout
    assert result.stderr == snapshot
    changed = changed_files(git, waddle)
    assert len(changed) == 10
    assert not any("production" in path or "infrastructure-k8s" in path for path in changed)
    assert (waddle / "keys" / "carol.pub").read_text() == f"{carol}\n"
    difference = git(waddle, "diff", "--unified=0", ".sops.yaml")
    added = [line[1:] for line in difference.splitlines() if line.startswith("+") and line[1] != "+"]
    assert added == [f"  - &carol {carol}", "          - *carol", "          - *carol"]
    assert not re.search(r"^-[^-]", difference, re.MULTILINE)
    after = data_keys(waddle)
    assert {path: ciphertexts(data) for path, data in after.items()} == before, "no value is encrypted anew"
    assert cli("recipients", "sync", "--all", "--check").exit_code == 0
    act_as("bob")
    assert cli("decrypt", STAGING).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the recipient to add"),
        (("nobody", "--all"), "there is no recipient 'nobody'"),
        (("alise", "--all"), "did you mean alice"),
        (("alice",), "name the files"),
        (("bob", "apps/spicedb/overlays/production/registry.json"), "4 other files follow this rule"),
        (("bob", "infrastructure-k8s/storage/proxmox-csi-secret.yaml"), "1 other file follows this rule"),
        (("age1nonsense", "--all"), "malformed"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(encrypted_waddle, cli, git, arguments, said):
    result = cli("recipients", "add", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert changed_files(git, encrypted_waddle) == set()


def test_shared_rules_go_along_when_it_is_said(encrypted_waddle, cli, act_as):
    path = "infrastructure-k8s/storage/proxmox-csi-secret.yaml"
    result = cli("recipients", "add", "bob", path, "--shared")
    assert result.exit_code == 0, result.stderr
    assert "cloudflare-secret.yaml" in result.stdout, "it follows the same rule"
    act_as("bob")
    assert cli("decrypt", path).exit_code == 0


@pytest.mark.parametrize(
    "command",
    [("recipients", "remove", "bob"), ("recipients", "add", "bob", "--all", "--shared")],
    ids=["remove", "add"],
)
def test_killed_at_any_write_nothing_is_lost(tmp_path, cli, act_as, monkeypatch, command):
    monkeypatch.setattr(beside, "is_running", lambda _process: False)  # the process that was killed
    bob, alice = act_as("bob").recipient, act_as("alice").recipient
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(root)
    people = f"{alice},{bob}" if command[1] == "remove" else alice
    keys = f"keys: [&bob {bob}, &alice {alice}]\n"
    (root / ".sops.yaml").write_text(f"{keys}creation_rules: [{{age: '{people}'}}]\n")
    for name in ("a", "b"):
        (root / f"{name}.sops.env").write_text(f"PASSWORD=throwaway-{name}\n")
    commit_all(root, "plain")
    shutil.rmtree(root / ".git" / "hooks")
    assert cli("encrypt").exit_code == 0
    before = contents(root)
    done, results, ended, step = None, [], {"--resume": 0, "--abort": 0}, 0
    while True:
        here, end = tmp_path / f"step{step}", list(ended)[step % 2]
        shutil.copytree(root, here)
        monkeypatch.chdir(here)
        if not killed_before(step, lambda: results.append(cli(*command))):
            break
        for name in ("a", "b"):
            assert cli("decrypt", f"{name}.sops.env").stdout == f"PASSWORD=throwaway-{name}\n"
        if (here / ".git" / "fluxsecrets" / "journal").exists():
            refused = cli(*command)
            assert refused.exit_code == 2
            assert f"`fluxsecrets recipients {command[1]}` was interrupted here" in refused.stderr
            ended[end] += 1
            assert cli("recipients", command[1], end).exit_code == 0
            done = end == "--resume"
        else:
            done = contents(here) != before
        rules = (here / ".sops.yaml").read_bytes()
        assert (rules != before[".sops.yaml"]) == done
        for name in ("a.sops.env", "b.sops.env"):
            assert ((here / name).read_bytes() != before[name]) == done
        step += 1
        assert step < 100
    assert results[-1].exit_code == 0, results[-1].stderr
    assert min(ended.values()) >= 3


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts and not path.name.endswith(".tmp")
    }


# A leak.


def test_exposure_says_since_when_and_by_whom(tmp_path, cli, git, act_as, monkeypatch):
    bob, alice = act_as("bob").recipient, act_as("alice").recipient
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(root)
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: throwaway-one\n"
    selector = "encrypted_regex: ^(data|stringData)$"
    (root / ".sops.yaml").write_text(f"creation_rules: [{{{selector}, age: {alice}}}]\n")
    (root / "db.yaml").write_text(secret)
    commits = []

    def commit(message):
        commit_all(root, message)
        commits.append(git(root, "rev-parse", "HEAD").strip())

    commit("plain")
    assert cli("encrypt", "db.yaml").exit_code == 0
    commit("encrypted")
    (root / ".sops.yaml").write_text(f"creation_rules: [{{{selector}, age: '{alice},{bob}'}}]\n")
    assert cli("recipients", "sync", "db.yaml").exit_code == 0
    commit("bob came")
    assert cli("set", "db.yaml", "stringData.other", "--generate", "hex:16").exit_code == 0
    commit("another value")

    def shown(what):
        result = cli("recipients", "exposure", what, "--format", "json")
        assert result.exit_code == 0, result.stderr
        assert "throwaway" not in result.stdout + result.stderr
        data = json.loads(result.stdout)
        readers = {
            each["recipient"]: (each["since"], each["until"], each["still"]) for each in data["readers"]
        }
        return readers, {each["key"]: each["state"] for each in data["values"]}

    readers, values = shown("db.yaml#stringData.password")
    assert readers == {
        None: (commits[0], commits[0], False),
        alice: (commits[1], None, True),
        bob: (commits[2], None, True),
    }
    assert values == {"stringData.password": "to change"}
    readers, values = shown("db.yaml#stringData.other")
    assert readers == {alice: (commits[3], None, True), bob: (commits[3], None, True)}
    assert values == {}
    assert cli("set", "db.yaml", "stringData.password", "--generate", "hex:16").exit_code == 0
    assert shown("db.yaml")[1] == {"stringData.password": "changed since"}
    # Who has no identity for it learns that it cannot be compared, and not that all is well
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert shown("db.yaml")[1] == {"stringData.password": "to change, or to look at"}
    text = cli("recipients", "exposure", "db.yaml#password")
    assert text.exit_code == 2
    assert "did you mean db.yaml#stringData.password?" in text.stderr
    assert "everybody who has the repository" in cli("recipients", "exposure", "db.yaml").stdout
    assert cli("recipients", "exposure", ".sops.yaml").exit_code == 2


def test_a_merge_and_other_branches_count(tmp_path, cli, git, act_as, monkeypatch):
    alice = act_as("alice").recipient
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(root)
    (root / ".sops.yaml").write_text(f"creation_rules: [{{age: {alice}}}]\n")
    (root / "a.sops.env").write_text("PASSWORD=throwaway-one\n")
    assert cli("encrypt", "a.sops.env").exit_code == 0
    commit_all(root, "encrypted")
    git(root, "checkout", "--quiet", "-b", "careless")
    encrypted = (root / "a.sops.env").read_text()
    (root / "a.sops.env").write_text("PASSWORD=throwaway-one\n")
    commit_all(root, "plain")
    git(root, "checkout", "--quiet", "main")
    assert (root / "a.sops.env").read_text() == encrypted
    data = json.loads(cli("recipients", "exposure", "a.sops.env", "--format", "json").stdout)
    assert data["plain_text"], "a branch that was not merged was pushed all the same"
    assert [each["state"] for each in data["values"]] == ["to change"]


def test_list_is_a_matrix(encrypted_waddle, cli):
    result = cli("recipients", "list")
    assert result.exit_code == 0
    rows = [re.split(r"\s{3,}", line.strip()) for line in result.stdout.splitlines()]
    assert rows[0] == ["in all", "production", "staging"]
    assert {row[0]: row[2:] for row in rows[1:]} == {
        "alice": ["18 files", "10", "10"],
        "bob": ["8 files", "-", "8"],
        "cluster-production": ["10 files", "10", "2"],
        "cluster-staging": ["10 files", "2", "10"],
    }
