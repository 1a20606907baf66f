"""`scan --repos`: one report over many repositories, in every format."""

import json
import xml.etree.ElementTree as ET

import pytest

from .conftest import MARKER, SECRET


@pytest.fixture
def clones(folder, git):
    for name in ("infra", "apps"):
        folder.write(f"{name}/secret.yaml", SECRET)
        git(folder.path / name, "init", "--quiet")
        git(folder.path / name, "add", "--all")
        git(folder.path / name, "commit", "--quiet", "--message", "one")
    return folder


def test_every_format_names_the_repository(clones, cli):
    paths = ["apps/secret.yaml", "infra/secret.yaml"]
    outputs = {}
    for form in ("text", "json", "sarif", "junit", "gitlab", "codequality", "github", "markdown"):
        result = cli("scan", "--repos", ".", "--format", form)
        assert result.exit_code == 1
        assert MARKER not in result.stdout + result.stderr
        outputs[form] = result.stdout
        assert "infra: 1 secret" in result.stderr
    data = json.loads(outputs["json"])
    assert [each["path"] for each in data["findings"]] == paths
    assert [each["repository"] for each in data["findings"]] == ["apps", "infra"]
    assert data["findings"][0]["hint"].endswith("`fluxsecrets encrypt apps/secret.yaml`")
    assert all(path in outputs["text"] for path in paths)
    results = json.loads(outputs["sarif"])["runs"][0]["results"]
    assert len({each["partialFingerprints"]["fluxsecrets/v1"] for each in results}) == 2
    assert [each.get("name") for each in ET.fromstring(outputs["junit"])] == paths
    vulnerabilities = json.loads(outputs["gitlab"])["vulnerabilities"]
    assert [each["location"]["file"] for each in vulnerabilities] == paths
    assert len({each["id"] for each in vulnerabilities}) == 2
    issues = json.loads(outputs["codequality"])
    assert len({each["fingerprint"] for each in issues}) == 2
    assert [line.split(" | ")[1] for line in outputs["markdown"].splitlines() if "| high" in line] == [
        f"`{path}:6:13`" for path in paths
    ]
    assert [line.split(",")[0] for line in outputs["github"].splitlines()] == [
        f"::error file={path}" for path in paths
    ]


def test_one_bad_repository_does_not_stop_the_others(clones, cli):
    clones.write("list", "infra\nabsent\n")
    result = cli("scan", "--repos", "list", "--format", "json")
    assert result.exit_code == 2
    data = json.loads(result.stdout)
    assert [each["path"] for each in data["findings"]] == ["infra/secret.yaml"]
    assert [each["path"] for each in data["errors"]] == ["absent"]


def test_histories(clones, cli, git):
    clones.write("infra/secret.yaml", "{}\n")
    git(clones.path / "infra", "commit", "--quiet", "--all", "--message", "two")
    assert len(json.loads(cli("scan", "--repos", ".", "--format", "json").stdout)["findings"]) == 1
    data = json.loads(cli("scan", "--repos", ".", "--history", "--format", "json").stdout)
    assert [each["path"] for each in data["findings"]] == ["apps/secret.yaml", "infra/secret.yaml"]


def test_a_configuration_counts_in_all(clones, cli):
    clones.write("team.toml", "[[rules]]\nid = 'names'\nregex = 'name: db'\n")
    data = json.loads(cli("scan", "--repos", ".", "--config", "team.toml", "--format", "json").stdout)
    assert [each["rule"] for each in data["findings"]] == ["names", "plain-secret"] * 2


@pytest.mark.parametrize(
    "options",
    [
        ("--repos", ".", "infra"),
        ("--repos", ".", "--staged"),
        ("--repos", ".", "--env", "a"),
        ("--repos", ".", "--update-baseline"),
        ("--repos", ".", "--dask", "tcp://10.0.0.1:8786"),
        ("--repos", ".", "--dask-ca", "infra/secret.yaml"),
        ("--dask", "localhost:8786"),
        ("--repos", "absent"),
    ],
)
def test_options_that_do_not_go_together(clones, cli, options):
    result = cli("scan", *options)
    assert result.exit_code == 2
    assert result.stderr
