"""`fluxsecrets env list` and `env show`."""

import json
import re

import pytest

from layouts import SECRET_AGE, flux, git_repository, secret


def test_list(waddle, cli):
    assert cli("encrypt", "--env", "staging").exit_code == 0
    result = cli("env", "list")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "production   clusters/production   12 Kustomizations   13 Secrets: 2 sops, 1 external, 10 plain",
        "staging      clusters/staging      12 Kustomizations   13 Secrets: 12 sops, 1 sealed",
    ]


def test_show(waddle, cli, snapshot):
    assert cli("encrypt", "--env", "staging").exit_code == 0
    result = cli("env", "show", "staging")
    assert result.exit_code == 0
    # How long an age stanza is, and so on which line the next document begins, differs from run to run.
    assert re.sub(r"(?m):\d+$", ":LINE", result.stdout) == snapshot
    assert result.stderr == "staging: 13 Secrets: 12 sops, 1 sealed\n"
    assert "throwaway" not in result.stdout


def test_show_as_a_chart(waddle, cli, snapshot):
    result = cli("env", "show", "production", "--format", "mermaid")
    assert result.exit_code == 0
    assert result.stdout == snapshot
    assert result.stderr == ""


def test_show_as_json(waddle, cli):
    report = json.loads(cli("env", "show", "production", "--format", "json").stdout)
    assert (report["command"], report["name"], report["root"]) == (
        "env show",
        "production",
        "clusters/production",
    )
    order = [item["name"] for item in report["kustomizations"]]
    for item in report["kustomizations"]:
        assert all(order.index(name) < order.index(item["name"]) for name in item["depends_on"])
        assert item["parent"] is None or item["parent"] < order.index(item["name"])
    assert report["secrets"] == {"external": 1, "plain": 12}


def test_what_is_broken_is_said_and_told_of_in_the_list(waddle, cli):
    (waddle / "clusters/staging/infrastructure/cilium.yaml").write_text("a: [\n")
    listed = cli("env", "list")
    assert listed.exit_code == 0
    assert "1 warning" in listed.stdout.splitlines()[1]
    assert listed.stderr == "to see what is wrong: fluxsecrets env show staging\n"
    shown = cli("env", "show", "staging")
    assert shown.exit_code == 0
    place = "clusters/staging/infrastructure/cilium.yaml:2"
    assert f"warning: {place}: not analysed, it cannot be read: " in shown.stderr


def test_an_unknown_environment(waddle, cli):
    result = cli("env", "show", "prodution")
    assert result.exit_code == 2
    assert "did you mean production?" in result.stderr


def test_no_environment_at_all(folder, cli):
    folder.write("clusters.yaml", "a: b\n")
    result = cli("env", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "there is no environment; environments are the folders under clusters/" in result.stderr


@pytest.mark.parametrize("report", ["text", "json", "mermaid"])
def test_names_that_mean_something_to_a_terminal_or_a_chart(folder, cli, report):
    hostile = 'a"]:::x<script>&#\x1b[31m`'
    folder.write(
        "clusters/lab/flux-system/gotk-sync.yaml",
        git_repository() + flux("flux-system", "./clusters/lab", SECRET_AGE),
    )
    folder.write(
        "clusters/lab/s.yaml", secret("name").replace("{name: name}", f"{{name: {json.dumps(hostile)}}}")
    )
    folder.write(
        "clusters/lab/k.yaml",
        flux("name", "./gone").replace("{name: name}", f"{{name: {json.dumps(hostile)}}}"),
    )
    result = cli("env", "show", "lab", "--format", report)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout + result.stderr
    if report == "mermaid":
        assert "<script>" not in result.stdout
        assert '"]:::x' not in result.stdout
