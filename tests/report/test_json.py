"""Results as JSON: each command prints one object in the form of its schema. The `cli` fixture compares."""

import json
import os

import click
import pytest

from fluxsecrets.cli.app import cli as cli_group
from fluxsecrets.report.wire.outputs import OUTPUTS
from jsonform import FOLDER, problems
from sealing import key_file


def json_commands(command, words=()):
    """The command lines with `--format json` in a tree of commands."""
    for option in command.params:
        if "--format" in option.opts and "json" in getattr(option.type, "choices", ()):
            yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from json_commands(command.get_command(context, name), (*words, name))


CASES = [
    ("init", "--dry-run"),
    ("init", "--from-sops"),
    ("init", "--yes"),
    ("version",),
    ("agent", "status"),
    ("encrypt", "--dry-run"),
    ("encrypt", "--env", "staging"),
    ("encrypt", "README.md", "missing.yaml", "apps/spicedb/overlays/staging/registry.json"),
    ("encrypt", "keys"),
    ("encrypt", "apps/spicedb/overlays/staging/registry.json", "-o", "new.json"),
    ("decrypt", "-i", "README.md", "missing.yaml"),
    ("rotate", "--all"),
    ("rotate", "README.md", "missing.yaml"),
    ("recipients", "sync", "--all", "--check"),
    ("recipients", "list"),
    ("recipients", "list", "README.md"),
    ("recipients", "add", "bob", "--all"),
    ("recipients", "remove", "alice", "--env", "staging", "--dry-run"),
    ("recipients", "remove", "cluster-staging"),
    ("recipients", "report", "bob"),
    ("recipients", "exposure", "apps/spicedb/overlays/production/registry.json"),
    ("seal", "--cert", "sealing.crt", "apps/cloudnative-pg", "missing.yaml"),
    ("convert", "--env", "staging", "--to", "sealed", "--cert", "sealing.crt", "--dry-run"),
    ("convert", "apps/observability", "--to", "sops"),
    ("reseal", "--all", "--cert", "sealing.crt", "--private-key", "sealing.key"),
    ("unseal", "--validate", "--all", "--private-key", "sealing.key"),
    ("unseal", "--validate", "apps/observability", "missing.yaml"),
    ("fold",),
    ("extract", "clusters/staging/infrastructure/cilium-helmrelease.yaml"),
    ("extract", "clusters/staging/infrastructure/cilium-helmrelease.yaml", "operator", "--dry-run"),
    ("propose", "apps/spicedb/overlays/production/registry.json", "auth", "--generate", "hex"),
    ("publish", "README.md", "apps/spicedb/overlays/staging/registry.json", "--dry-run"),
    ("set", "apps/spicedb/overlays/production/registry.json", "auth", "--generate", "hex"),
    ("unset", "apps/spicedb/overlays/production/registry.json", "auth"),
    ("status",),
    ("status", "--env", "staging"),
    ("status", "missing.yaml"),
    ("explain", "apps/spicedb/overlays/staging/registry.json"),
    ("explain", "README.md"),
    ("diff",),
    ("diff", "--no-keys", "HEAD"),
    ("keys", "list"),
    ("keys", "generate", "carol"),
    ("keys", "import"),
    ("keys", "remove", "alice", "--yes", "--force"),
    ("hook", "install", "drivers"),
    ("hook", "uninstall"),
    ("hook", "status"),
    ("audit",),
    ("audit", "--who"),
    ("review", "--uncommitted"),
    ("verify", "--env", "production"),
    ("verify",),
    ("render", "--env", "production"),
    ("render", "--env", "staging", "--no-keys", "--kustomization", "spicedb"),
    ("audit", "--env", "staging", "--no-keys"),
    ("env", "list"),
    ("env", "suggest"),
    ("env", "show", "production"),
    ("env", "add", "dr", "--from", "production", "--generate", "password"),
    ("decrypt", "-i", "apps/spicedb/overlays/production/registry.json"),
    ("encrypt", "--check"),
    ("scan",),
    ("scan", "README.md", "keys", "missing-link"),
    ("scan", "--history", "--no-baseline"),
    ("scan", "--staged"),
    ("rules", "list"),
    ("rules", "show", "plain-secret"),
    ("log",),
    ("log", "verify"),
    ("resolve", "apps/spicedb/overlays/staging/registry.json"),
    ("recover",),
    ("doctor",),
]
"""A command line for each command that prints JSON, and more where it has several forms."""


def test_every_command_that_prints_json_is_checked():
    there = {words for words in json_commands(cli_group) if words}
    checked = {words for words in there for case in CASES if case[: len(words)] == words}
    assert there - checked == set()
    assert {"scan", "rules", "log"} <= {words[0] for words in there}
    assert all(any(case[: len(words)] == words for words in there) for case in CASES)


def test_there_is_a_schema_for_each_command_and_no_other():
    names = {path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json")}
    wanted = {command.replace(" --", "-").replace(" ", "-") for command in OUTPUTS}
    assert names == wanted | {"failure", "fluxsecrets-yaml"}


@pytest.mark.parametrize("command", CASES, ids=" ".join)
def test_output_follows_the_schema(waddle, cli, command):
    if command[0] == "log":
        (waddle / ".fluxsecrets.yaml").write_text("log: {required: true}\n", encoding="utf-8")
    assert cli("encrypt", "apps/spicedb/overlays/production").exit_code == 0
    for name in ("sealing.crt", "sealing.key"):
        (waddle / name).write_bytes(key_file(name))
    (waddle / "missing-link").symlink_to("nowhere")
    given = [os.environ["SOPS_AGE_KEY_FILE"]] if command == ("keys", "import") else []
    result = cli(*command, *given, "--format", "json")
    report = json.loads(result.stdout)
    assert report["version"] == 2
    assert "throwaway" not in result.stdout


def test_what_is_allowed_or_differs_follows_the_schema(waddle, cli):
    registry = "apps/spicedb/overlays/production/registry.json"
    assert cli("encrypt", registry).exit_code == 0
    rules = (waddle / ".sops.yaml").read_text(encoding="utf-8")
    (waddle / ".sops.yaml").write_text(rules.replace("*alice", "*bob"), encoding="utf-8")
    assert cli("scan", "--update-baseline").exit_code == 0
    checked = json.loads(cli("encrypt", "--check", "--format", "json").stdout)
    assert {"allowed", "differs from its rule"} == set(checked["summary"])
    status = json.loads(cli("status", "--format", "json").stdout)
    assert [item["path"] for item in status["files"] if item["drift"] == ["recipients"]] == [registry]
    scanned = json.loads(cli("scan", "--format", "json").stdout)
    assert scanned["known"]
    for report in (checked, status, scanned):
        assert problems(report) == []


def test_the_log_follows_the_schema(waddle, cli):
    (waddle / ".fluxsecrets.yaml").write_text("log: {required: true}\n", encoding="utf-8")
    cli("encrypt", "apps/spicedb", "missing.yaml")
    log = waddle / ".git/fluxsecrets/log.jsonl"
    for expected in (0, 1):
        checked = cli("log", "verify", "--format", "json")
        assert checked.exit_code == expected
        for text in (checked.stdout, cli("log", "--format", "json").stdout):
            assert problems(json.loads(text)) == []
        log.write_bytes(log.read_bytes()[:-20] + b"\n\xff\n")


def test_the_check_finds_what_is_wrong(waddle, cli):
    report = json.loads(cli("status", "--format", "json").stdout)
    assert problems({**report, "version": 1}) != []
    assert problems({**report, "more": 1}) != []
    report["files"][0]["values"] = "3"
    assert problems(report) != []


def test_names_that_no_encoding_holds(folder_with_odd_name, cli):
    result = cli("encrypt", "--format", "json", ".")
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)["files"]
    assert found["path"] == "latin-\udce9.yaml"


@pytest.fixture
def folder_with_odd_name(tmp_path, identity, monkeypatch):
    import os

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - age: {identity.recipient}\n")
    name = os.fsdecode(b"latin-\xe9.yaml")
    (tmp_path / name).write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: eA==}\n")


EVERYWHERE = [
    ("status",),
    ("encrypt", "--env", "staging", "--dry-run"),
    ("recipients", "list"),
    ("recipients", "remove", "alice", "--env", "staging", "--dry-run"),
    ("audit",),
    ("scan",),
    ("env", "show", "production"),
    ("env", "add", "dr", "--from", "production", "--generate", "password", "--dry-run"),
    ("explain", "{}README.md"),
    ("status", "{}missing.yaml"),
    ("unseal", "--validate", "{}apps/observability", "{}missing.yaml"),
    ("verify", "--env", "nowhere"),
]
"""Commands that read, with their paths from the root, or from below."""

FOR_PEOPLE = {"root", "message", "hint", "details", "notes", "warnings", "command", "next", "rules"}
"""Fields with texts, which name files as the user would."""


def facts(data):
    """An object without the texts for people."""
    if isinstance(data, list):
        return [facts(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {key: facts(value) for key, value in data.items() if key not in FOR_PEOPLE}


def test_paths_do_not_depend_on_the_working_directory(waddle, cli, monkeypatch):
    for name in ("production", "staging"):
        assert cli("encrypt", f"apps/spicedb/overlays/{name}/registry.json").exit_code == 0
    rules = (waddle / ".sops.yaml").read_text(encoding="utf-8")
    (waddle / ".sops.yaml").write_text(rules.replace("*alice", "*bob"), encoding="utf-8")
    for command in EVERYWHERE:
        found = []
        for folder, up in ((".", ""), ("apps/spicedb", "../../")):
            monkeypatch.chdir(waddle / folder)
            asked = [word.format(up) for word in command]
            found.append(json.loads(cli(*asked, "--format", "json").stdout))
        assert [each["root"] for each in found] == [".", "../.."], command
        assert facts(found[0]) == facts(found[1]), command
