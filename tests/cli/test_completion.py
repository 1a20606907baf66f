"""Completion: what is suggested, how shells get it, and that nothing can go wrong in the middle of a line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fluxsecrets.cli.completion.answer import answer
from fluxsecrets.cli.completion.engine import complete, load_table
from fluxsecrets.cli.completion.scripts import SCRIPTS

TABLE = load_table()


def suggested(*words):
    """The values for the last word."""
    return [each.value for each in complete(TABLE, words[:-1], words[-1]).found]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("decr",), ["decrypt"]),
        (("--debug", "decr"), ["decrypt"]),
        (("recipients", "re"), ["remove", "report"]),
        (("scan", "--format", "s"), ["sarif"]),
        (("scan", "--format=s"), ["--format=sarif"]),
        (("decrypt", "--in"), ["--in-place", "--input-type"]),
        (("decrypt", "--in-place", "--in"), ["--input-type"]),
        (("decrypt", "-i"), ["-i"]),
        (("decrypt", "--hel"), ["--help"]),
        (("rules", "show", "plain-secret-"), ["plain-secret-file"]),
        (("audit", "--rule", "mac-mis"), ["mac-missing"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("help", "recipients", "a"), ["add"]),
        (("help", "encrypt", ""), []),
        (("get", "file", "key", ""), []),
        (("encrypt", "--", "--en"), []),
        (("nothing", "x"), []),
    ],
    ids=str,
)
def test_commands_options_and_choices(words, values, environment):
    assert suggested(*words) == values


def test_commands_that_git_runs_are_not_suggested():
    assert suggested("merge-") == []


def test_values_are_those_of_the_repository(encrypted_waddle):
    assert suggested("verify", "--env", "") == ["production", "staging"]
    assert suggested("verify", "--env=st") == ["--env=staging"]
    assert suggested("env", "add", "new", "--from", "p") == ["production"]
    assert suggested("recipients", "remove", "a") == ["alice"]
    assert "keys/bob.pub" in suggested("recipients", "add", "")
    file = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    assert "stringData.password" in suggested("get", file, "string")
    release = "clusters/staging/infrastructure/cilium-helmrelease.yaml"
    assert "spec.values.operator.replicas" in suggested("extract", release, "spec.values.operator.")
    assert suggested("extract", release, "metadata") == []
    assert suggested("get", file, "kind") == []  # what is not encrypted is no secret
    assert suggested("decrypt", file, "--extract", "data.u") == ["data.username"]


def test_paths_are_those_of_fitting_files(encrypted_waddle):
    folder = "apps/cloudnative-pg/overlays/staging/"
    assert suggested("decrypt", folder) == [f"{folder}secrets.yaml"]
    assert complete(TABLE, ("encrypt",), folder).files  # nothing fits: the shell shows all
    Path(folder, "new.yaml").write_text("kind: Secret\napiVersion: v1\n", encoding="utf-8")
    Path(folder, "map.yaml").write_text("kind: ConfigMap\napiVersion: v1\n", encoding="utf-8")
    assert suggested("encrypt", folder) == [f"{folder}new.yaml"]
    assert suggested("unseal", "apps/observability/overlays/staging/") == [
        "apps/observability/overlays/staging/grafana-oauth-sealed.yaml"
    ]
    assert [(each.value, each.kind) for each in complete(TABLE, ("edit",), "apps/cl").found] == [
        ("apps/cloudnative-pg", "folder")
    ]
    assert complete(TABLE, ("scan", "--config"), "").files


def test_hidden_files_and_folders_of_git_are_not_in_the_way(folder):
    folder.write(".git/config", "")
    folder.write(".hidden/x", "")
    folder.write("shown/x", "")
    assert suggested("decrypt", "") == ["shown"]
    assert suggested("decrypt", ".") == [".hidden"]


HOSTILE = ["a\tb", "a\nb", "-rf", "a b", "$(touch x)", "\x1b[31m", "\x9b", "\u202e", "é", "'"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_hostile_names_stay_one_line_each(folder, capsys):
    for name in HOSTILE:
        folder.write(name, "sops ENC[AES256_GCM,")
    assert answer(["zsh", "2", "decrypt", ""]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"file\t{name}\t" for name in sorted(HOSTILE) if name.isprintable()]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("", r"\$\(touch\ x\)\;\`y\`"),
        (r"\$", r"\$\(touch\ x\)\;\`y\`"),
        ("'", "$(touch x);`y`"),
        ('"', None),
    ],
)
def test_bash_runs_no_name_that_a_repository_chose(folder, word, shown, capsys):
    folder.write("keys/$(touch x);`y`.pub", folder.recipient)
    answer(["bash", "3", "recipients", "remove", word])
    assert capsys.readouterr().out == ("" if shown is None else f"word\t{shown}\t\n")


def test_bash_gets_what_is_behind_an_equals_sign_quoted(folder, capsys):
    folder.write("clusters/a;b/flux-system/gotk-sync.yaml", "")
    answer(["bash", "4", "verify", "--env", "=", "a"])
    assert capsys.readouterr().out == "word\ta\\;b\t\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["bash"],
        ["bash", "x"],
        ["bash", "-1"],
        ["bash", "99", "decrypt"],
        ["zsh", "2", "get", "missing.yaml", ""],
        ["zsh", "3", "get", "broken.yaml", ""],
        ["zsh", "3", "verify", "--env", ""],
        ["zsh", "3", "recipients", "remove", ""],
        ["zsh", "2", "decrypt", "\udcff/\0"],
        ["tcsh", "1", ""],
    ],
    ids=str,
)
def test_nothing_is_said_where_something_is_wrong(arguments, folder, capsys):
    folder.rules("creation_rules: [")
    folder.write("broken.yaml", "a: [")
    folder.write("clusters/x/flux-system/gotk-sync.yaml", "kind: [")
    assert answer(arguments) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "number", "line"),
    [
        (["scan", "--format", "=", "sa"], 4, "word\tsarif\t"),
        (["scan", "--format", "="], 3, "word\ttext\t"),
        (["decrypt", '"sec'], 2, "file\tsecret.yaml\t"),
        (["decrypt", "sec", "more"], 2, "file\tsecret.yaml\t"),
        (["decrypt", "a\\ "], 2, "file\ta b.yaml\t"),
    ],
)
def test_bash_splits_words_its_own_way(encrypted, words, number, line, capsys):
    encrypted.write("a b.yaml", encrypted.read("secret.yaml"))
    answer(["bash", str(number), *words])
    assert line in capsys.readouterr().out.splitlines()


SHELLS = {
    "bash": (
        "COMP_WORDS=(fluxsecrets scan --format = sa); COMP_CWORD=4; "
        '_fluxsecrets_completion; echo "${COMPREPLY[@]}"',
        "__complete bash 4 scan --format = sa",
    ),
    "fish": ("complete -C 'fluxsecrets scan --format sa'", "__complete fish 3 scan --format sa"),
    "zsh": (
        'compadd() { shift; echo "$@"; }; words=(fluxsecrets scan --format sa); CURRENT=4; _fluxsecrets',
        "__complete zsh 3 scan --format sa",
    ),
}
"""What completes a word in a shell, and what the program is asked for that."""


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_and_shows_the_answer(tmp_path, shell, monkeypatch):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    program, script = tmp_path / "fluxsecrets", tmp_path / "script"
    program.write_text('#!/bin/sh\necho "$@" >"$0.asked"\nprintf \'word\\tsarif\\t\\n\'\n', encoding="utf-8")
    program.chmod(0o700)
    completing, asked = SHELLS[shell]
    script.write_text(f"{SCRIPTS[shell]}\n{completing}\n", encoding="utf-8")
    if shell == "zsh":
        script.write_text(f"compdef() {{ :; }}\n{script.read_text(encoding='utf-8')}", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    done = subprocess.run([shell, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("sarif\n", "")
    assert (tmp_path / "fluxsecrets.asked").read_text(encoding="utf-8") == f"{asked}\n"


def test_the_scripts_are_printed(cli):
    for shell, script in SCRIPTS.items():
        assert cli("completion", shell).stdout == script
    assert cli("completion", "tcsh").exit_code == 2
