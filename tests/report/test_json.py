"""Results as JSON follow docs/schema/results.schema.json."""

import json
from pathlib import Path

import pytest

from sealing import key_file

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/schema/results.schema.json").read_text(encoding="utf-8")
)
TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}


def problems(value, schema, place="$"):
    """What is wrong with a value, for the keywords that our schema uses."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        integer = "integer" in names and isinstance(value, int) and not isinstance(value, bool)
        if not integer and not any(isinstance(value, TYPES[name]) for name in names if name in TYPES):
            yield f"{place} is no {names}"
            return
    if "const" in schema and value != schema["const"]:
        yield f"{place} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is none of {schema['enum']}"
    if "oneOf" in schema:
        fitting = [each for each in schema["oneOf"] if not list(problems(value, each, place))]
        if len(fitting) != 1:
            yield f"{place} fits {len(fitting)} of the forms"
    if isinstance(value, dict):
        yield from (f"{place}.{key} is missing" for key in schema.get("required", ()) if key not in value)
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for key, item in value.items():
            if key in known or isinstance(others, dict):
                yield from problems(item, known.get(key, others), f"{place}.{key}")
            elif others is False:
                yield f"{place}.{key} is unknown"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from problems(item, schema["items"], f"{place}[{index}]")


@pytest.mark.parametrize(
    "command",
    [
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
        ("status",),
        ("status", "--env", "staging"),
        ("status", "missing.yaml"),
        ("explain", "apps/spicedb/overlays/staging/registry.json"),
        ("explain", "README.md"),
        ("audit",),
        ("audit", "--who"),
        ("verify", "--env", "production"),
        ("audit", "--env", "staging", "--no-keys"),
        ("keys", "list"),
        ("env", "list"),
        ("env", "show", "production"),
        ("env", "add", "dr", "--from", "production", "--generate", "password"),
    ],
    ids=" ".join,
)
def test_output_follows_the_schema(waddle, cli, command):
    assert cli("encrypt", "apps/spicedb/overlays/production").exit_code == 0
    for name in ("sealing.crt", "sealing.key"):
        (waddle / name).write_bytes(key_file(name))
    result = cli(*command, "--format", "json")
    report = json.loads(result.stdout)
    assert report["version"] == 1
    assert list(problems(report, SCHEMA)) == []
    assert result.stdout.isascii()
    assert "throwaway" not in result.stdout


def test_the_log_follows_the_schema(waddle, cli):
    (waddle / ".fluxsecrets.yaml").write_text("log: {required: true}\n", encoding="utf-8")
    cli("encrypt", "apps/spicedb", "missing.yaml")
    log = waddle / ".git/fluxsecrets/log.jsonl"
    for expected in (0, 1):
        checked = cli("log", "verify", "--format", "json")
        assert checked.exit_code == expected
        for text in (checked.stdout, cli("log", "--format", "json").stdout):
            assert list(problems(json.loads(text), SCHEMA)) == []
        log.write_bytes(log.read_bytes()[:-20] + b"\n\xff\n")


def test_the_check_finds_what_is_wrong(waddle, cli):
    report = json.loads(cli("status", "--format", "json").stdout)
    assert list(problems({**report, "version": 2}, SCHEMA)) != []
    assert list(problems({**report, "more": 1}, SCHEMA)) != []
    report["files"][0]["values"] = "3"
    assert list(problems(report, SCHEMA)) != []


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
