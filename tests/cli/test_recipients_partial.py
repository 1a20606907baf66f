"""Rules, `keys/` and files change together: `recipients add` and `remove` where some files can't change."""

import json
import re

import pytest
from tests.conftest import commit_all

SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{password: throwaway-{name}}}\n"
)
NOWHERE = "33ED0F98E8603F5A66490897A009FA6DC52ACA46"  # a fingerprint that gpg does not know


@pytest.fixture
def team(tmp_path, cli, git, act_as, monkeypatch):
    """Alice opens what is in `staging`, bob what is in `production`; the leaver, `cluster`, opens both."""
    root = tmp_path / "root"
    people = {name: act_as(name).recipient for name in ("bob", "cluster", "alice")}
    (root / "keys").mkdir(parents=True)
    monkeypatch.chdir(root)
    for name, key in {**people, "leaver": people["cluster"]}.items():
        if name != "cluster":
            (root / "keys" / f"{name}.pub").write_text(f"{key}\n")
    rules = "".join(
        f"  - path_regex: ^{folder}/\n    encrypted_regex: ^(data|stringData)$\n"
        f"    age: {people[person]},{people['cluster']}\n"
        for folder, person in (("staging", "alice"), ("production", "bob"))
    )
    (root / ".sops.yaml").write_text(f"creation_rules:\n{rules}")
    for folder in ("staging", "production"):
        (root / folder).mkdir()
        for name in ("db", "mail"):
            (root / folder / f"{name}.yaml").write_text(SECRET.format(name=f"{folder}-{name}"))
    assert cli("encrypt", "staging").exit_code == 0
    act_as("bob")
    assert cli("encrypt", "production").exit_code == 0
    act_as("alice")
    commit_all(root, "encrypted")
    return root


def status(git, root):
    return set(git(root, "status", "--porcelain", "--untracked-files=all").split("\n")) - {""}


@pytest.mark.parametrize("options", [(), ("--partial",), ("--dry-run",)])
@pytest.mark.parametrize("files", ["staging", "none"])
def test_a_key_that_nothing_can_be_encrypted_for_changes_nothing(team, cli, git, options, files):
    if files == "none":  # a rule without files: no file would show the fault
        git(team, "rm", "-r", "--quiet", "staging")
        commit_all(team, "no files")
    result = cli("recipients", "add", NOWHERE, "--name", "pat", "--all", "--shared", *options)
    assert result.exit_code == 2
    assert NOWHERE in result.stderr
    assert status(git, team) == set()


def test_nothing_changes_where_a_file_cannot(team, cli, git, act_as):
    before = status(git, team)
    result = cli("recipients", "remove", "leaver", "--no-report")
    assert result.exit_code == 2
    assert status(git, team) == before == set()
    assert {line.split()[0] for line in result.stdout.splitlines()} == {
        "production/db.yaml",
        "production/mail.yaml",
    }
    assert "nothing was changed: 2 of 4 files can't be changed" in result.stderr
    assert (
        "bob can open production/db.yaml, production/mail.yaml, and can run "
        "`fluxsecrets recipients remove leaver`" in result.stderr
    )
    partial = re.search(r"now: `fluxsecrets (recipients remove leaver --partial)`", result.stderr)
    assert partial is not None
    data = json.loads(cli("recipients", "remove", "leaver", "--no-report", "--format", "json").stdout)
    assert data["summary"] == {"failed": 2, "left as it is": 2}
    assert status(git, team) == set()


def test_partial_changes_what_it_can_and_the_other_finishes_it(team, cli, git, act_as):
    result = cli("recipients", "remove", "leaver", "--no-report", "--partial")
    assert result.exit_code == 2, "something is left to do"
    assert "2 files are as before: leaver may still read" in result.stderr
    assert "bob can open production/db.yaml, production/mail.yaml, and can run" in result.stderr
    changed = {line[3:] for line in status(git, team)}
    assert changed >= {".sops.yaml", "keys/leaver.pub", "staging/db.yaml", "staging/mail.yaml"}
    assert not any(path.startswith("production") for path in changed)
    leaver = act_as("cluster").recipient
    assert leaver not in (team / ".sops.yaml").read_text()
    assert cli("decrypt", "staging/db.yaml").exit_code == 2
    assert cli("decrypt", "production/db.yaml").exit_code == 0


def test_partial_is_not_for_nothing(team, cli, git):
    git(team, "rm", "-r", "--quiet", "staging")
    commit_all(team, "only what alice cannot open")
    result = cli("recipients", "remove", "leaver", "--no-report", "--partial")
    assert result.exit_code == 2
    assert "nothing was changed: 2 of 2 files" in result.stderr
    assert "--partial" not in result.stderr
    assert status(git, team) == set()


def test_adding_follows_the_same(team, cli, git):
    before = {path.name: path.read_bytes() for path in (team / "staging").iterdir()}
    refused = cli("recipients", "add", "bob", "--all", "--shared")
    assert refused.exit_code == 0, "bob is in all that alice can't open"
    assert before != {path.name: path.read_bytes() for path in (team / "staging").iterdir()}
    git(team, "checkout", "--quiet", ".")
    refused = cli("recipients", "add", "alice", "--all", "--shared", "--name", "al")
    assert refused.exit_code == 2
    last = refused.stderr.splitlines()[-2:]
    assert last == [
        "nothing was changed: 2 of 2 files can't be changed, and rules, keys/ and files change together",
        "bob or leaver can open production/db.yaml, production/mail.yaml, and can run "
        "`fluxsecrets recipients add alice --all --shared --name al`",
    ]
    assert status(git, team) == set()


def test_a_damaged_file_stops_the_others_as_well(team, cli, git):
    path = team / "staging" / "db.yaml"
    path.write_text(path.read_text().replace("kind: Secret", "kind: Other"))
    (team / "production" / "mail.yaml").write_text(
        "kind: Secret\nstringData: {a: ENC[AES256_GCM\nsops: {mac: [\n"
    )
    commit_all(team, "damaged")
    result = cli("recipients", "remove", "leaver", "--no-report")
    assert result.exit_code == 2
    assert "staging/db.yaml" in result.stdout, "its MAC is wrong"
    assert "production/mail.yaml" in result.stdout, "nobody knows whom it is for"
    assert status(git, team) == set()
