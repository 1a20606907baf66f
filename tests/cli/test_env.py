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
    assert (report["command"], report["name"], report["folder"]) == (
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
    assert result.stderr.splitlines() == [
        "there is no environment: nothing of Flux was seen: no Kustomization, no FluxInstance, "
        "no folder under clusters/",
        "name the folder that the cluster syncs in .fluxsecrets.yaml, such as "
        "`environments: {production: {path: clusters/production}}`",
    ]


LEAD_TO_EACH_OTHER = {
    "a b/ks.yaml": flux("b", "./b"),
    "b/ks.yaml": flux("a", "'./a b'") + flux("charts", "./", source="charts", kind="OCIRepository"),
}


def test_what_was_seen_and_the_lines_that_solve_it(folder, cli):
    for path, content in LEAD_TO_EACH_OTHER.items():
        folder.write(path, content)
    listed = cli("env", "list")
    assert listed.stderr.splitlines() == [
        "there is no environment: 3 Kustomizations from GitRepository flux-system, OCIRepository charts: "
        "none shows a folder that a cluster syncs",
        "  a b/ks.yaml:2: Kustomization 'b': it applies 'b', and another Kustomization applies it",
        "  b/ks.yaml:2: Kustomization 'a': it applies 'a b', and another Kustomization applies it",
        "  b/ks.yaml:9: Kustomization 'charts': its path './' of the OCIRepository 'charts' "
        "is not a folder of this repository",
        "add `environments: {a-b: {path: a b}, b: {path: b}}` to .fluxsecrets.yaml",
    ]
    suggested = cli("env", "suggest")
    assert suggested.stdout.splitlines() == [
        "environments:",
        "  a-b: {path: a b}  # Kustomizations are in it",
        "  b: {path: b}  # Kustomizations are in it",
    ]
    for command in (("verify", "--env", "b"), ("audit", "--env", "b"), ("encrypt", "--env", "b")):
        refused = cli(*command)
        assert refused.exit_code == 2
        assert "there is no environment 'b', nor any other: 3 Kustomizations" in refused.stderr
        assert "add `environments: {a-b:" in refused.stderr
    folder.write(".fluxsecrets.yaml", f"secrets: []\n{suggested.stdout}")
    assert [line.split()[0] for line in cli("env", "list").stdout.splitlines()] == ["a-b", "b"]
    again = cli("env", "suggest")
    assert (again.stdout, again.stderr) == ("", ".fluxsecrets.yaml names all environments\n")


def test_environments_that_were_found_are_suggested_too(folder, cli):
    folder.write("clusters/eu/live/flux-system/gotk-sync.yaml", "")
    folder.write("clusters/us/live/flux-system/gotk-sync.yaml", "")
    folder.write(".fluxsecrets.yaml", "environments:\n  paris: {path: clusters/eu/live}\n")
    result = cli("env", "suggest")
    assert result.stdout == "  us-live: {path: clusters/us/live}\n"
    assert "below `environments`" in result.stderr
    assert json.loads(cli("env", "suggest", "--format", "json").stdout)["environments"] == [
        {"name": "us-live", "path": "clusters/us/live", "why": ""}
    ]


def test_the_audit_names_the_rules_that_had_nothing_to_look_at(folder, cli):
    folder.write("a.yaml", "a: b\n")
    result = cli("audit")
    assert "no environment was found, so 3" in result.stderr
    assert "decryption-missing" in result.stderr
    report = json.loads(cli("audit", "--rule", "mac-missing", "--format", "json").stdout)
    assert report["without_environments"] == []
    report = json.loads(cli("audit", "--rule", "secret-unused", "--format", "json").stdout)
    assert report["without_environments"] == ["secret-unused"]


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
