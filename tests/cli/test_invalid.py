"""Secrets that Kubernetes would refuse, in every command that hides values."""

import json

import pytest

HEAD = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: apps\n"
WRONG = f"{HEAD}stringData:\n  port: 8080\n  a: b\n"


def test_encrypt_refuses_it_and_leaves_the_file(folder, cli):
    path = folder.write("a.yaml", WRONG)
    result = cli("encrypt", "a.yaml")
    assert result.exit_code == 2
    assert "a.yaml:7: Kubernetes would refuse the Secret 'a': stringData[port] is a number" in result.stderr
    assert "hint: put quotes around it, or add --allow-invalid" in result.stderr
    assert path.read_text() == WRONG


def test_encrypt_takes_it_if_told_and_check_finds_it_then(folder, cli, git):
    git(folder.path, "init", "--quiet")
    folder.write("a.yaml", WRONG)
    assert cli("encrypt", "--allow-invalid", "a.yaml").exit_code == 0
    result = cli("encrypt", "a.yaml")
    assert (result.exit_code, "unchanged" in result.stdout) == (0, True)
    result = cli("encrypt", "--check", "a.yaml")
    assert (result.exit_code, "invalid in Kubernetes" in result.stdout) == (1, True)
    assert "line 7: Kubernetes would refuse the Secret 'a': stringData[port] is a number" in result.stderr
    result = cli("encrypt", "--check", "--format", "json", "a.yaml")
    assert json.loads(result.stdout)["files"][0]["outcome"] == "invalid in Kubernetes"
    assert cli("encrypt", "--check", "--allow-invalid", "a.yaml").exit_code == 0


def test_standard_output_is_no_way_around(folder, cli):
    folder.write("a.yaml", WRONG)
    result = cli("encrypt", "--stdout", "a.yaml")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize(("command", "more"), [("set", ["5"]), ("set", ['{"a": 5}'])])
def test_set_refuses_what_was_not_wrong_before(folder, cli, command, more):
    folder.write("a.yaml", WRONG)
    assert cli("encrypt", "--allow-invalid", "a.yaml").exit_code == 0
    assert cli("set", "a.yaml", "stringData.a", "c").exit_code == 0
    result = cli(command, "a.yaml", '["stringData"]["b"]["c"]', *more)
    assert result.exit_code == 2
    assert cli(command, "--allow-invalid", "a.yaml", '["stringData"]["b"]["c"]', *more).exit_code == 0


def test_unset_keeps_what_a_type_requires(folder, cli):
    folder.write(
        "a.yaml",
        f"{HEAD}type: kubernetes.io/tls\nstringData:\n  tls.crt: a\n  tls.key: b\n",
    )
    assert cli("encrypt", "a.yaml").exit_code == 0
    result = cli("unset", "a.yaml", '["stringData"]["tls.key"]')
    assert (result.exit_code, "stringData[tls.key]: Required value" in result.stderr) == (2, True)
    assert cli("unset", "--allow-invalid", "a.yaml", '["stringData"]["tls.key"]').exit_code == 0
