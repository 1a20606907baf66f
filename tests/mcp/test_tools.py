"""What the tools do for an agent that means well."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fluxsecrets.ops.files.inventory import inventory
from fluxsecrets.ops.run.session import Session

from .conftest import INJECTED, SECRET

SET = {"path": SECRET, "key": "stringData.password", "generate": "password:32"}


def test_the_list_has_environments_files_and_names_of_keys(repository):
    data = repository.data("list_secrets")
    assert data["environments"] == [{"name": "staging", "folder": "clusters/staging"}]
    found = {each["path"]: each for each in data["files"]}
    assert found[SECRET]["keys"] == ["stringData.password", "stringData.url"]
    assert found[SECRET]["environments"] == ["staging"]
    assert found["apps/staging/api.env"]["keys"] == ["TOKEN", "DSN"]
    assert repository.data("list_secrets", environment="staging")["files"] == data["files"]


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_the_parts_of_a_list_are_together_the_whole(repository, limit):
    """Only the files of an answer are parsed."""
    whole = inventory(Session({}, repository.path))

    found, offset = [], 0
    while offset is not None:
        answer = repository("list_secrets", offset=offset, limit=limit)
        found += answer.content["data"]["files"]
        offset = answer.content["page"]["next"]

    assert len(found) > 2
    assert [(each["path"], tuple(each["keys"]), each["error"]) for each in found] == [
        (each.path, each.keys, each.error) for each in whole.files
    ]


def test_a_task_takes_a_few_calls(repository, cli):
    (secret,) = [
        each for each in repository.data("status", environment="staging")["files"] if each["path"] == SECRET
    ]
    assert secret["lastmodified"]
    planned = repository.data("plan_rotation", environment="staging")
    assert {each["outcome"] for each in planned["files"]} == {"would rotate"}
    assert repository.data("set_generated_value", **SET)["change"] == "changed"
    (item, *_) = repository.data("review", uncommitted=True)["items"]
    assert item["path"] == SECRET
    assert [each["key"] for each in repository.data("diff")["files"][0]["values"]] == ["stringData.password"]
    assert repository.data("verify", environment="staging")["verdicts"]
    assert len(cli("get", SECRET, "stringData.password").stdout) == 32


def test_a_dry_run_writes_nothing(repository):
    before = repository.state()
    tried = repository.data("set_generated_value", **SET, dry_run=True)
    assert (tried["change"], tried["dry_run"]) == ("changed", True)
    assert repository.data("propose_generated_value", **SET, dry_run=True)["dry_run"]
    assert repository.state() == before


def test_a_proposal_needs_no_key(repository, act_as, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    proposed = repository.data("propose_generated_value", **SET)
    assert (repository.path / proposed["path"]).is_file()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("metadata.name", "would stay plain text"),
        ("metadata.labels", "would stay plain text"),
        ("stringData", "is a map or a list"),
        ("sops.mac", "cannot be changed"),
    ],
)
def test_only_one_encrypted_value_is_set(repository, key, reason):
    before = repository.state()
    assert reason in repository.error("set_generated_value", **{**SET, "key": key})
    assert repository.state() == before


def test_a_plain_file_is_not_written(repository):
    repository.write("plain.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {b: c}\n")
    assert "not encrypted" in repository.error(
        "set_generated_value", **{**SET, "path": "plain.yaml", "key": "stringData.b"}
    )


def test_a_server_for_looking_has_no_tools_that_write(repository):
    looking = replace(repository, served=replace(repository.served, read_only=True))
    for tool in ("set_generated_value", "propose_generated_value"):
        assert looking.error(tool, **SET) == "there is no such tool here"


def test_without_keys_nothing_is_decrypted_and_a_value_can_be_proposed(repository):
    closed = replace(repository, served=replace(repository.served, no_keys=True))
    assert closed.error("set_generated_value", **SET) == "there is no such tool here"
    assert not any(each["openable"] for each in closed.data("status")["files"])
    assert closed.data("audit")["summary"]["opened"] == 0
    assert (repository.path / closed.data("propose_generated_value", **SET)["path"]).is_file()
    # Two ciphertexts: whether the values are equal, nobody says.
    assert repository.data("set_generated_value", **SET)["change"] == "changed"
    (changed,) = closed.data("diff", paths=[SECRET])["files"]
    assert {each["state"] for each in changed["values"]} == {"unknown"}


def test_a_key_with_a_passphrase_stays_closed_and_nobody_is_asked(repository, monkeypatch):
    locked = Path(__file__).parents[1] / "vectors" / "keys" / "ssh_locked"
    environ = {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(locked), "HOME": repository.served.environ["HOME"]}
    asked = replace(repository, served=replace(repository.served, environ=environ))
    assert asked("set_generated_value", **SET).failed
    assert not asked("status").failed


def test_an_unknown_argument_is_refused(repository):
    assert repository.error("diff", show_values=True) == "the call has an unknown argument"


def test_text_of_the_repository_is_in_data_alone(repository):
    repository.write(f"apps/{INJECTED}.yaml", "password: [\n")
    for tool in ("scan", "list_secrets", "audit", "verify"):
        content = dict(repository(tool).content)
        for name in ("data", "error", "warnings"):
            content.pop(name, None)
        assert INJECTED not in json.dumps(content)


def test_what_hides_text_is_escaped(repository):
    repository.write("apps/staging/a\u202eb\x1b[2J.sops.yaml", "a: b\n")
    text = json.dumps(repository.data("list_secrets"), ensure_ascii=False)
    assert "\u202e" not in text
    assert "\\\\u202e" in text
    assert "\x1b" not in text


def test_the_log_says_that_an_agent_did_it(repository, cli, git):
    repository.write(".fluxsecrets.yaml", "log: {file: .git/fluxsecrets/log.jsonl}\n")
    git(repository.path, "add", ".fluxsecrets.yaml")
    git(repository.path, "commit", "--quiet", "--message", "log")
    assert not repository("set_generated_value", **SET).failed
    assert repository("set_generated_value", **{**SET, "key": "metadata.name"}).failed
    lines = (repository.path / ".git/fluxsecrets/log.jsonl").read_text(encoding="utf-8").splitlines()
    starts = [event for event in map(json.loads, lines) if event["event"] == "start"]
    assert [(each["command"], each["via"], each["agent"]) for each in starts] == [
        ("set", "mcp", "a test")
    ] * 2
    assert [event["result"] for event in map(json.loads, lines) if event["event"] == "end"] == [
        "done",
        "failed",
    ]
    assert cli("log", "verify").exit_code == 0
