"""Somebody who knows the data key of a file counts as its reader until the key is replaced.

An old version in git's history gives the key to everybody whom that version was for. `sops updatekeys`, and a
stanza that is taken out by hand, leave the key as it is.
"""

import json
from dataclasses import replace

import pytest

from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import Limits, make_format

FILE = "clusters/prod/db.yaml"
NEW = "moved/database.yaml"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-throwaway
  token: second-throwaway
"""


@pytest.fixture
def people(act_as):
    bob = act_as("bob").recipient
    return {"bob": bob, "alice": act_as("alice").recipient}


@pytest.fixture
def repository(tmp_path, monkeypatch, people, cli, git):
    """A Secret for alice and bob, committed; then bob leaves the rule and the file, which keeps its key."""
    root = tmp_path / "repository"
    (root / "clusters/prod").mkdir(parents=True)
    (root / "keys").mkdir()
    for name, recipient in people.items():
        (root / f"keys/{name}.pub").write_text(f"{recipient}\n", encoding="utf-8")
    monkeypatch.chdir(root)
    rule(root, people["alice"], people["bob"])
    (root / FILE).write_text(SECRET, encoding="utf-8")
    git(root, "init", "--quiet")
    assert cli("encrypt", FILE).exit_code == 0
    commit(git, root)
    take_out(root, people["bob"])
    rule(root, people["alice"])
    commit(git, root)
    return root


def rule(root, *recipients):
    text = f"creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {','.join(recipients)}\n"
    (root / ".sops.yaml").write_text(text, encoding="utf-8")


def commit(git, root):
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "throw-away")


def take_out(root, recipient):
    """What `sops updatekeys`, or a hand that deletes the lines, makes of the file."""
    format_ = make_format("yaml")
    document = format_.parse((root / FILE).read_bytes(), Limits())
    (group,) = document.metadata.key_groups
    kept = group._replace(keys=tuple(key for key in group.keys if key.recipient.id != recipient))
    changed = replace(document.metadata, key_groups=(kept,))
    (root / FILE).write_bytes(format_.rewrite(document, (), changed))


def session_of(person):
    return Session({"SOPS_AGE_KEY_FILE": str(person.path)}, person.path.parent)


def opened_by(person, data):
    session = session_of(person)
    return open_file(make_format("yaml"), data, session.providers, Limits())


def data_key(act_as, root):
    """The file's data key, as alice sees it."""
    return opened_by(act_as("alice"), (root / FILE).read_bytes()).opened.data_key.reveal()


def write_with_the_old_key(act_as, root, text):
    """What sops makes of a change: the same data key."""
    person = act_as("alice")
    opened = opened_by(person, (root / FILE).read_bytes())
    own = opened.metadata
    policy = Policy(own.recipients, selector=own.selector)
    session = session_of(person)
    new = encrypt_content(
        opened.format, text.encode(), policy, session.providers,
        now=session.now(), limits=Limits(), previous=opened,
    )  # fmt: skip
    (root / FILE).write_bytes(new.data)


def exposure(cli):
    found = json.loads(cli("recipients", "exposure", FILE, "--format", "json").stdout)
    return {reader["name"]: reader for reader in found["readers"]}


def audited(cli, *options):
    found = json.loads(cli("audit", "--format", "json", *options).stdout)
    return [each for each in found["findings"] if each["rule"] == "data-key-known"], found["notes"]


def change_by_set(root, cli):
    return cli("set", FILE, "stringData.password", "brandnew-throwaway")


def change_by_unset(root, cli):
    return cli("unset", FILE, "stringData.token")


def change_by_edit(root, cli):
    return cli("edit", FILE)


def change_by_encrypt(root, cli):
    assert cli("decrypt", "--in-place", FILE).exit_code == 0
    text = (root / FILE).read_text(encoding="utf-8")
    (root / FILE).write_text(text.replace("hunter2", "hunter3"), encoding="utf-8")
    return cli("encrypt", FILE)


CHANGES = [change_by_set, change_by_unset, change_by_edit, change_by_encrypt]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_more_is_written_with_a_key_that_somebody_else_knows(
    change, repository, cli, act_as, monkeypatch
):
    monkeypatch.setenv("EDITOR", "sed -i s/hunter2/hunter3/")
    known = data_key(act_as, repository)
    result = change(repository, cli)
    assert result.exit_code == 0, result.stderr
    assert "the file got a new one" in result.stderr
    assert data_key(act_as, repository) != known


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_that_nobody_else_knows_is_kept(change, repository, cli, git, act_as, monkeypatch):
    monkeypatch.setenv("EDITOR", "sed -i s/hunter2/hunter3/")
    assert cli("rotate", FILE).exit_code == 0
    commit(git, repository)
    known = data_key(act_as, repository)
    result = change(repository, cli)
    assert result.exit_code == 0, result.stderr
    assert data_key(act_as, repository) == known


def moved(git, root):
    (root / "moved").mkdir()
    git(root, "mv", FILE, NEW)


def copied(git, root):
    """The file that it was copied from gets a new data key later."""
    (root / "moved").mkdir()
    (root / NEW).write_bytes((root / FILE).read_bytes())


def copied_over(git, root):
    """Another file had the path before, so that git doesn't say that one was added."""
    copied(git, root)
    (root / NEW).write_text("plain: throw-away\n", encoding="utf-8")
    commit(git, root)
    (root / NEW).write_bytes((root / FILE).read_bytes())


def moved_in_two_commits(git, root):
    (root / "moved").mkdir()
    data = (root / FILE).read_bytes()
    (root / FILE).unlink()
    commit(git, root)
    (root / NEW).write_bytes(data)


@pytest.mark.parametrize("move", [moved, copied, copied_over, moved_in_two_commits])
def test_a_data_key_is_known_under_every_path(move, repository, cli, git, act_as, monkeypatch):
    move(git, repository)
    commit(git, repository)
    if (repository / FILE).exists():
        assert cli("rotate", FILE).exit_code == 0
        commit(git, repository)
    for options in ((), ("--no-keys",)):
        ((finding,), _) = audited(cli, *options)
        assert (finding["path"], finding["message"]) == (
            NEW,
            "bob is no longer a recipient but knows its data key",
        )
    result = cli("set", NEW, "stringData.password", "brandnew-throwaway")
    assert result.exit_code == 0, result.stderr
    assert "bob is no longer a recipient but knew the old data key" in result.stderr
    commit(git, repository)
    assert audited(cli)[0] == []
    again = cli("set", NEW, "stringData.password", "newer-throwaway")
    assert "data key" not in again.stderr


def test_a_copy_whose_values_all_changed_has_the_same_wrapped_keys(repository, cli, git, act_as):
    text = SECRET.replace("hunter2", "new").replace("second", "newer")
    before = (repository / FILE).read_bytes()
    write_with_the_old_key(act_as, repository, text)
    (repository / "moved").mkdir()
    (repository / NEW).write_bytes((repository / FILE).read_bytes())
    (repository / FILE).write_bytes(before)
    commit(git, repository)
    assert {each["path"] for each in audited(cli, "--no-keys")[0]} == {FILE, NEW}


def test_exposure_names_him_until_the_key_is_replaced(repository, cli, git):
    assert exposure(cli)["bob"]["still"]
    assert exposure(cli)["bob"]["by_data_key"]
    assert "knows the data key" in cli("recipients", "exposure", FILE).stdout
    assert cli("rotate", FILE).exit_code == 0
    commit(git, repository)
    found = exposure(cli)
    assert not found["bob"]["still"]
    assert not found["bob"]["cannot_tell"]
    assert found["alice"]["still"]
    assert not found["alice"]["by_data_key"]


def test_what_was_written_after_he_left_is_his_to_read(repository, cli, git, act_as):
    write_with_the_old_key(act_as, repository, SECRET.replace("hunter2", "new") + "  third: new-throwaway\n")
    commit(git, repository)
    assert cli("rotate", FILE).exit_code == 0
    commit(git, repository)
    found = json.loads(cli("recipients", "report", "bob", "--format", "json").stdout)
    assert {each["key"]: each["state"] for each in found["values"]} == {
        "stringData.password": "to change",
        "stringData.token": "to change",
        "stringData.third": "to change",
    }


@pytest.mark.parametrize("options", [(), ("--no-report",)])
def test_removing_somebody_who_is_listed_nowhere(options, repository, cli, act_as):
    known = data_key(act_as, repository)
    result = cli("recipients", "remove", "bob", *options)
    assert result.exit_code == 0, result.stderr
    assert "still has a data key that they know" in result.stderr
    assert data_key(act_as, repository) != known


@pytest.mark.parametrize("options", [(), ("--no-keys",)])
def test_audit_finds_the_key_by_its_ciphertexts(options, repository, cli, git):
    (finding,), _ = audited(cli, *options)
    assert finding["severity"] == "high"
    assert finding["message"].startswith("bob ")
    assert cli("rotate", FILE).exit_code == 0
    commit(git, repository)
    assert audited(cli)[0] == []


def test_no_ciphertext_in_common_is_seen_through_with_an_identity(repository, cli, git, act_as):
    text = SECRET.replace("hunter2", "new").replace("second", "newer")
    write_with_the_old_key(act_as, repository, text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--amend", "--message", "squashed")
    assert len(audited(cli)[0]) == 1
    assert exposure(cli)["bob"]["by_data_key"]


def test_without_an_identity_it_is_said_that_it_cannot_be_told(repository, cli, git, monkeypatch, tmp_path):
    assert cli("rotate", FILE).exit_code == 0
    commit(git, repository)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "nowhere.txt"))
    findings, notes = audited(cli)
    assert findings == []
    assert any("cannot tell whether bob" in note["message"] for note in notes)
    found = exposure(cli)["bob"]
    assert found["cannot_tell"]
    assert not found["still"]
    assert "it is unknown whether the data key was replaced" in cli("recipients", "exposure", FILE).stdout
    assert "cannot tell whether bob" in cli("audit", "--who").stderr


def test_the_matrix_of_who_reads_what_counts_him(repository, cli, git):
    def bob():
        found = json.loads(cli("audit", "--who", "--format", "json").stdout)
        return next((each for each in found["people"] if each["name"] == "bob"), None)

    assert bob()["by_data_key"] == [FILE]
    assert any(FILE in paths for paths in bob()["files"].values())
    assert "bob is not a recipient" in cli("audit", "--who").stderr
    assert cli("rotate", FILE).exit_code == 0
    commit(git, repository)
    assert bob() is None
