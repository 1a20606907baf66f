"""Every process pays for what it imports: decrypting one file, a commit and --version are the measure."""

import subprocess
import sys

import pytest


def modules_of(cli, *args):
    """What a process has imported when it ends."""
    command = [sys.executable, "-X", "importtime", cli.executable, *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


@pytest.mark.skipif(sys.platform == "win32", reason="the executable is no Python file there")
def test_decrypting_one_file_imports_what_that_takes(encrypted, cli):
    found = modules_of(cli, "decrypt", "secret.yaml")
    assert "fluxsecrets.sops.cipher" in found
    unneeded = {
        *("subprocess", "shutil", "tempfile", "multiprocessing", "json", "rich", "re2", "platformdirs"),
        *(
            "fluxsecrets.ops.run.targets",
            "fluxsecrets.report.text",
            "fluxsecrets.api",
            "fluxsecrets.keys.sshkeys",
            "fluxsecrets.keys.service",
            "fluxsecrets.clouds",
            "fluxsecrets.mcp",
            "mcp",
            "pydantic",
            "fluxsecrets.keys.keyservice.endpoints",
        ),
        *("fluxsecrets.repo", "fluxsecrets.audit", "fluxsecrets.scan", "fluxsecrets.sealed"),
    }
    assert not unneeded & found


@pytest.mark.skipif(sys.platform == "win32", reason="the executable is no Python file there")
def test_the_version_needs_no_command_line(cli, environment):
    found = modules_of(cli, "--version")
    assert "fluxsecrets.cli.entry" in found
    assert not {"click", "yaml", "cryptography", "fluxsecrets.cli.app"} & found


@pytest.mark.skipif(sys.platform == "win32", reason="the executable is no Python file there")
def test_completing_options_needs_no_command(cli, environment):
    found = modules_of(cli, "__complete", "bash", "2", "decrypt", "--out")
    assert "fluxsecrets.cli.completion.engine" in found
    assert not {"click", "yaml", "cryptography", "subprocess", "fluxsecrets.cli.app"} & found


@pytest.mark.skipif(sys.platform == "win32", reason="the executable is no Python file there")
def test_the_hook_reads_no_yaml_without_rules_and_settings(environment, tmp_path, monkeypatch, cli, git):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "values.yaml").write_text("replicas: 2\n", encoding="utf-8")
    git(tmp_path, "add", "values.yaml")
    monkeypatch.chdir(tmp_path)
    found = modules_of(cli, "hook", "run", "pre-commit")
    assert "fluxsecrets.scan.scanner" in found
    assert (
        not {
            "click",
            "yaml",
            "cryptography",
            "hashlib",
            "fluxsecrets.sops.document",
            "fluxsecrets.repo.manifests",
        }
        & found
    )


def test_reading_an_encrypted_file_needs_no_git(encrypted, cli, git, monkeypatch):
    git(encrypted.path, "init", "--quiet")
    monkeypatch.setenv("PATH", "")
    assert cli("decrypt", "secret.yaml").stdout == encrypted.secret
    assert cli("get", "secret.yaml", "stringData.password").stdout == encrypted.marker
