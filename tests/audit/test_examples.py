"""The examples: in the one everything is wrong, in the other nothing is."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from audit_tree import ALICE, assert_place
from fluxsecrets.audit.rules import RULES

EXAMPLE = Path(__file__).parents[2] / "examples" / "broken"


@pytest.fixture
def broken(tmp_path, act_as, monkeypatch):
    """examples/broken as its script builds it, in which the test is alice."""
    if shutil.which("sh") is None:
        pytest.skip("there is no sh, which builds the example")
    folder = tmp_path / "broken"
    subprocess.run(["sh", EXAMPLE / "build.sh", folder], check=True, timeout=60, capture_output=True)
    act_as("alice")
    monkeypatch.chdir(folder)
    return folder


def test_every_rule_finds_something_in_the_broken_example(broken, cli):
    result = cli("audit", "--format", "json")
    assert result.exit_code == 1
    found = {finding["rule"] for finding in json.loads(result.stdout)["findings"]}
    assert {rule.info.id for rule in RULES} - found == set()
    assert "throwaway" not in result.stdout


@pytest.mark.parametrize("command", ["audit", "scan"])
def test_paths_and_lines_belong_together(broken, cli, command):
    report = json.loads(cli(command, "--format", "json", "--no-baseline").stdout)
    places = [place for item in report["findings"] for place in (item, *item["related"])]
    assert len({place["path"] for place in places}) > 10
    for place in places:
        assert_place(broken, place["path"], place["line"])


def test_a_file_without_a_rule_is_told_with_the_generator_that_reads_it(waddle, cli, monkeypatch):
    monkeypatch.chdir(waddle)
    (waddle / ".sops.yaml").write_text("creation_rules:\n  - path_regex: nothing\n    age: " + ALICE + "\n")
    report = json.loads(cli("audit", "--rule", "secret-uncovered", "--format", "json").stdout)
    found = {item["path"]: item for item in report["findings"]}
    generated = found["apps/spicedb/overlays/staging/files/pgpass.conf"]
    assert generated["line"] is None
    (by,) = generated["related"]
    assert by["path"] == "apps/spicedb/overlays/staging/kustomization.yaml"
    text = (waddle / by["path"]).read_text(encoding="utf-8").splitlines()
    assert "pgpass.conf" in text[by["line"] - 1]
    manifest = found["apps/spicedb/overlays/staging/registry.json"]
    assert manifest["line"] == 2
    for item in report["findings"]:
        assert_place(waddle, item["path"], item["line"])


def test_flux_would_stumble_over_it(broken, cli):
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 1
    assert "throwaway" not in result.stdout


def test_what_is_made_up_says_so():
    for path in EXAMPLE.rglob("*"):
        if path.is_file() and path.suffix in {".yaml", ".env"}:
            text = path.read_text(encoding="utf-8")
            assert "stringData:" not in text or "throwaway" in text or "sops:" in text, path
    assert "throw-away" in (EXAMPLE / "README.md").read_text(encoding="utf-8")
