"""Rules, `keys/` and files change together: `recipients add` and `remove` where some files can't change."""

import json
import re
from pathlib import Path

import pytest
from tests.conftest import commit_all

VECTORS = Path(__file__).parents[1] / "vectors" / "keys"
SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{password: throwaway-{name}}}\n"
)
RECIPIENTS = json.loads((VECTORS / "recipients.json").read_text(encoding="utf-8"))
SSH = RECIPIENTS["ssh_ed25519"]
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
    assert "gpg" in result.stderr
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
    assert "nothing was changed: rules and files change together, and 2 of 4 files failed" in result.stderr
    assert "bob can open them, and can run `fluxsecrets recipients remove leaver`" in result.stderr
    partial = re.search(r"now: `fluxsecrets (recipients remove leaver --partial)`", result.stderr)
    assert partial is not None
    data = json.loads(cli("recipients", "remove", "leaver", "--no-report", "--format", "json").stdout)
    assert data["summary"] == {"failed": 2, "unchanged": 2}
    assert status(git, team) == set()


def test_partial_changes_what_it_can_and_the_other_finishes_it(team, cli, git, act_as, monkeypatch):
    result = cli("recipients", "remove", "leaver", "--no-report", "--partial")
    assert result.exit_code == 2, "something is left to do"
    assert "2 files are as before: leaver may still read" in result.stderr
    assert "bob can open them, and can run" in result.stderr
    changed = {line[3:] for line in status(git, team)}
    assert changed == {
        *(".sops.yaml", "keys/leaver.pub", "offboarding/leaver.json"),
        *("staging/db.yaml", "staging/mail.yaml"),
    }
    commit_all(team, "leaver left, for now")
    # A clone without history shows what is left to do, too.
    clone = team.parent / "clone"
    git(team.parent, "clone", "--quiet", "--depth", "1", team.as_uri(), str(clone))
    for folder in (clone, team):
        monkeypatch.chdir(folder)
        shown = open_work(cli)
        assert [(each["kind"], each["name"], each["files"]) for each in shown] == [
            ("removal", "leaver", ["production/db.yaml", "production/mail.yaml"])
        ]
        assert shown[0]["who"] == [{"people": "bob", "files": shown[0]["files"]}]
        found = audited(cli)
        assert found["offboarding/leaver.json"].endswith("but still opens 2 files; bob can open them")
        assert len(found) == 1, "it is not reported twice"
    text = cli("status").stderr
    assert "open work: leaver left on " in text
    assert "    bob can change them: fluxsecrets recipients remove leaver\n" in text
    assert "to follow the rules" not in text, "alice can't"
    # Bob finishes it with the command that was printed. It takes nothing from what is done.
    act_as("bob")
    assert "    you can change them: fluxsecrets recipients remove leaver\n" in cli("status").stderr
    done = cli(*open_work(cli)[0]["command"].split()[1:], "--no-report")
    assert done.exit_code == 0, done.stderr
    assert {line[3:] for line in status(git, team)} == {
        *("offboarding/leaver.json", "production/db.yaml", "production/mail.yaml")
    }
    assert open_work(cli) == []
    assert audited(cli) == {}
    act_as("cluster")
    assert [cli("decrypt", f"{each}/db.yaml").exit_code for each in ("staging", "production")] == [2, 2]


def open_work(cli):
    return json.loads(cli("status", "--format", "json").stdout)["open_work"]


def audited(cli):
    rules = [word for rule in ("removal-unfinished", "recipient-drift") for word in ("--rule", rule)]
    report = json.loads(cli("audit", *rules, "--format", "json").stdout)
    return {each["path"]: each["message"] for each in report["findings"]}


def test_files_that_someone_is_not_added_to_yet_are_open_work(team, cli, git, act_as):
    added = ("recipients", "add", SSH, "--all", "--shared", "--name", "zoe")
    assert cli(*added).exit_code == 2
    assert status(git, team) == set()
    result = cli(*added, "--partial")
    assert result.exit_code == 2
    assert "2 files are not encrypted for zoe yet" in result.stderr
    finish = re.search(r"can run `fluxsecrets (recipients sync [^`]*)`", result.stderr)[1]
    assert finish == "recipients sync production/db.yaml production/mail.yaml"
    (work,) = open_work(cli)
    assert (work["kind"], work["command"]) == ("drift", f"fluxsecrets {finish}")
    assert work["who"][0]["people"] == "bob or leaver"
    assert set(audited(cli)) == {"production/db.yaml", "production/mail.yaml"}
    act_as("bob")
    assert f"to follow the rules: `fluxsecrets {finish}`" in cli("status").stderr
    assert cli(*finish.split()).exit_code == 0
    assert (open_work(cli), audited(cli)) == ([], {})


def test_a_data_key_that_nobody_here_can_compare_is_on_record(team, cli, git, act_as):
    """Bob took the leaver out of production's files. Alice can't tell whether they got new data keys."""
    act_as("bob")
    path = team / "production" / "db.yaml"
    text = path.read_text()
    for name in ("db", "mail"):
        assert cli("rotate", f"production/{name}.yaml", "--rm-age", RECIPIENTS["cluster"]).exit_code == 0
    assert path.read_text() != text
    commit_all(team, "production without the leaver")
    act_as("alice")
    assert cli("recipients", "remove", "leaver").exit_code == 0, "each file that is for the leaver is done"
    record = json.loads((team / "offboarding" / "leaver.json").read_text())
    assert record["unsettled"] == ["production/db.yaml", "production/mail.yaml"]
    (work,) = open_work(cli)
    assert (work["files"], work["unsettled"]) == ([], record["unsettled"])
    assert "may know the data key of 2 files" in audited(cli)["offboarding/leaver.json"]
    commit_all(team, "leaver left")
    act_as("bob")
    done = cli("recipients", "remove", "leaver")
    assert done.exit_code == 0, done.stderr
    record = json.loads((team / "offboarding" / "leaver.json").read_text())
    assert "unsettled" not in record, "nor does bob doubt what alice did"
    assert "unknown whether" not in cli("recipients", "report", "leaver").stderr
    assert "cannot tell" not in cli("audit").stderr
    assert set(record["settled"]) >= {"staging/db.yaml", "staging/mail.yaml"}
    assert (open_work(cli), audited(cli)) == ([], {})
    again = cli("recipients", "remove", "leaver")
    assert again.exit_code == 2
    assert "leaver was removed on " in again.stderr
    assert "`fluxsecrets recipients report leaver`" in again.stderr


def test_a_rotation_ends_the_doubt_about_a_data_key(team, cli, act_as):
    act_as("bob")
    for name in ("db", "mail"):
        assert cli("rotate", f"production/{name}.yaml", "--rm-age", RECIPIENTS["cluster"]).exit_code == 0
    commit_all(team, "production without the leaver")
    act_as("alice")
    assert cli("recipients", "remove", "leaver").exit_code == 0
    commit_all(team, "leaver left")
    act_as("bob")
    assert cli("rotate", "production/db.yaml", "--dry-run").exit_code == 0
    assert open_work(cli)[0]["unsettled"] == ["production/db.yaml", "production/mail.yaml"]
    result = cli("rotate", "production/db.yaml")
    assert result.exit_code == 0, result.stderr
    assert open_work(cli)[0]["unsettled"] == ["production/mail.yaml"]
    record = json.loads((team / "offboarding" / "leaver.json").read_text())
    assert "production/db.yaml" in record["settled"]
    assert cli("rotate", "production/mail.yaml").exit_code == 0
    assert open_work(cli) == []


def test_a_doubt_about_one_environment_is_on_record(team, cli, act_as):
    """The leaver stays in staging."""
    (team / ".fluxsecrets.yaml").write_text(
        "environments:\n  production: {path: production, files: [production/*]}\n"
        "  staging: {path: staging, files: [staging/*]}\n"
    )
    act_as("bob")
    for name in ("db", "mail"):
        assert cli("rotate", f"production/{name}.yaml", "--rm-age", RECIPIENTS["cluster"]).exit_code == 0
    commit_all(team, "production without the leaver")
    act_as("alice")
    result = cli("recipients", "remove", "leaver", "--env", "production")
    assert result.exit_code == 0, result.stderr
    record = json.loads((team / "offboarding" / "leaver.json").read_text())
    assert record["environments"] == ["production"]
    assert record["unsettled"] == ["production/db.yaml", "production/mail.yaml"]
    (work,) = open_work(cli)
    assert (work["files"], work["unsettled"]) == ([], record["unsettled"])
    assert work["command"] == "fluxsecrets rotate production/db.yaml production/mail.yaml"
    assert "open work: leaver left production on" in cli("status").stderr
    assert set(audited(cli)) == {"offboarding/leaver.json"}, "being named for staging is right"
    commit_all(team, "leaver left production")
    act_as("bob")
    assert cli("rotate", "production/db.yaml", "production/mail.yaml").exit_code == 0
    assert (open_work(cli), audited(cli)) == ([], {})


def test_who_comes_back_is_told_from_a_merge_that_brings_them_back(team, cli, git):
    git(team, "rm", "-r", "--quiet", "production")
    rules = (team / ".sops.yaml").read_text()
    assert cli("recipients", "remove", "leaver").exit_code == 0
    commit_all(team, "leaver left")
    assert (audited(cli), open_work(cli)) == ({}, [])
    after = (team / ".sops.yaml").read_text()
    (team / ".sops.yaml").write_text(rules)  # as merging an old branch does it
    assert audited(cli)[".sops.yaml"].endswith("but this names them")
    (work,) = open_work(cli)
    assert (work["kind"], work["name"], work["places"]) == (
        "returned",
        "leaver",
        [".sops.yaml:2", ".sops.yaml:5"],
    )
    assert "but is named again in .sops.yaml:2, .sops.yaml:5" in cli("status").stderr
    (team / ".sops.yaml").write_text(after)
    result = cli("recipients", "add", RECIPIENTS["cluster"], "--all", "--name", "leaver")
    assert result.exit_code == 0, result.stderr
    assert not (team / "offboarding" / "leaver.json").exists()
    assert audited(cli) == {}


def test_what_was_settled_before_someone_came_back_proves_nothing(team, cli, act_as):
    """A record can be old, or written by the leaver in advance."""
    act_as("bob")
    assert cli("rotate", "production/db.yaml", "--rm-age", RECIPIENTS["cluster"]).exit_code == 0
    commit_all(team, "without the leaver")
    (team / "offboarding").mkdir()
    forged = {
        "version": 1,
        "name": "leaver",
        "kind": "age",
        "recipient": RECIPIENTS["cluster"],
        "removed": "2020-01-01",
        "settled": ["production/db.yaml"],
        "values": [],
    }
    (team / "offboarding" / "leaver.json").write_text(json.dumps(forged))
    act_as("alice")
    assert cli("recipients", "remove", "leaver", "--partial").exit_code == 2
    record = json.loads((team / "offboarding" / "leaver.json").read_text())
    assert record["unsettled"] == ["production/db.yaml"]
    assert record["removed"] != "2020-01-01"
    assert record["settled"] == ["staging/db.yaml", "staging/mail.yaml"]


def test_a_record_that_cannot_be_read_is_an_error(team, cli):
    (team / "offboarding").mkdir()
    (team / "offboarding" / "leaver.json").write_text("{}")
    result = cli("status")
    assert result.exit_code == 2
    assert "error: offboarding/leaver.json: is not a report on somebody who left" in result.stderr
    assert "removal-unfinished" in cli("audit", "--rule", "removal-unfinished").stdout


def test_partial_is_not_for_nothing(team, cli, git):
    git(team, "rm", "-r", "--quiet", "staging")
    commit_all(team, "only what alice cannot open")
    result = cli("recipients", "remove", "leaver", "--no-report", "--partial")
    assert result.exit_code == 2
    assert "2 of 2 files failed" in result.stderr
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
        "nothing was changed: rules and files change together, and 2 of 2 files failed",
        "bob or leaver can open them, and can run "
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
