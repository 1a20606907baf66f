"""A new user's first moves, most of them wrong: each says what, where and what to do, and loses nothing."""

import os
import re
import shutil

import pytest

from commandlines import check

COMMAND = re.compile(r"`(fluxsecrets [^`]+)`")
RULES = "creation_rules:\n  - path_regex: \\.yaml$\n    age: {}\n"
BOB = "age1wxj77awlfm7gpnmyywgm75qdqyqxkrpqzddwacflkp3lrmftvfxqk67y8k"
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
stringData:
  password: hunter2-throwaway
"""


def rules(text):
    def prepare(repository):
        repository.rules(text)

    return prepare


def removed(repository):
    (repository.path / ".sops.yaml").unlink()


def encrypted(repository):
    assert repository.cli("encrypt", "secret.yaml").exit_code == 0


def for_bob(repository):
    repository.rules(RULES.format(BOB))


def without_a_key(repository):
    encrypted(repository)
    repository.monkeypatch.delenv("SOPS_AGE_KEY_FILE")


def with_another_key(repository):
    encrypted(repository)
    repository.act_as("bob")


def outside_git(repository):
    shutil.rmtree(repository.path / ".git")


def written(text):
    def prepare(repository):
        repository.write("secret.yaml", text)

    return prepare


def below(repository):
    repository.write("apps/db.yaml")
    repository.monkeypatch.chdir(repository.path / "apps")


def committed(repository):
    repository.git(repository.path, "add", "--all")
    repository.git(repository.path, "commit", "--quiet", "--message", "oops")


MOVES = {
    "no rules": (removed, "encrypt secret.yaml"),
    "rules under a wrong key": (rules("creation_rule:\n  - age: x\n"), "encrypt secret.yaml"),
    "no rule matches": (
        rules("creation_rules:\n  - path_regex: ^apps/\n    age: x\n"),
        "encrypt secret.yaml",
    ),
    "no key": (without_a_key, "decrypt secret.yaml"),
    "a wrong key": (with_another_key, "decrypt secret.yaml"),
    "for others only": (for_bob, "encrypt secret.yaml"),
    "a plain Secret was committed": (committed, "encrypt --check"),
    "decrypt what is plain": (None, "decrypt secret.yaml"),
    "edit what is plain": (None, "edit secret.yaml"),
    "set in what is plain": (None, "set secret.yaml stringData.password --generate password:20"),
    "sops -e -i": (None, "-e -i secret.yaml"),
    "sops --encrypt": (None, "--encrypt secret.yaml"),
    "sops -d": (encrypted, "-d secret.yaml"),
    "sops --in-place": (None, "--in-place --encrypt secret.yaml"),
    "outside git": (outside_git, "encrypt"),
    "in a subfolder": (below, "encrypt secret.yaml"),
    "an unknown environment": (None, "encrypt --env stagin"),
    "an environment as a path": (None, "encrypt staging"),
    "a missing file": (None, "encrypt secrte.yaml"),
    "a folder": (None, "decrypt ."),
    "encrypted again": (encrypted, "encrypt secret.yaml"),
    "broken YAML": (written("stringData:\n  password: hunter2-throwaway\n bad: [\n"), "encrypt secret.yaml"),
    "a template": (written(TEMPLATE), "encrypt secret.yaml"),
    "a bad recipient": (rules("creation_rules:\n  - age: alice\n"), "encrypt secret.yaml"),
    "a private key as recipient": (
        lambda repository: repository.rules(f"creation_rules:\n  - age: {repository.identity.secret}\n"),
        "encrypt secret.yaml",
    ),
    "-o json": (encrypted, "decrypt secret.yaml -o json"),
    "the configuration": (None, "encrypt .sops.yaml"),
    "seal without a path": (None, "seal"),
    "rotate without a path": (encrypted, "rotate"),
    "a key that is not there": (encrypted, "get secret.yaml stringData.pasword"),
    "a mistyped command": (None, "encypt secret.yaml"),
    "a mistyped option": (None, "encrypt --chek secret.yaml"),
    "a mistyped subcommand": (None, "recipients lst"),
    "a command without its file": (None, "explain"),
}


@pytest.fixture
def repository(folder, cli, git, act_as, identity, monkeypatch):
    """A repository with an environment, a rule for alice, and a Secret in it that is not committed."""
    folder.rules(RULES.format(identity.recipient))
    folder.write("clusters/staging/flux-system/gotk-sync.yaml", SYNC)
    git(folder.path, "init", "--quiet")
    git(folder.path, "add", "--all")
    git(folder.path, "commit", "--quiet", "--message", "rules")
    folder.write("secret.yaml")
    folder.cli, folder.git, folder.act_as, folder.identity = cli, git, act_as, identity
    folder.monkeypatch = monkeypatch
    return folder


SYNC = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {url: "https://git.example/fleet"}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  path: ./clusters/staging
  sourceRef: {kind: GitRepository, name: flux-system}
"""


@pytest.mark.parametrize(("prepare", "command"), MOVES.values(), ids=MOVES)
def test_a_first_move(repository, cli, environment, snapshot, prepare, command):
    if prepare is not None:
        prepare(repository)
    before = repository.files()
    result = cli(*command.split())
    said = repository.scrub(result.stdout + result.stderr).replace(str(environment), "HOME")
    assert repository.files() == before
    assert not repository.leaks(result.stdout_bytes, result.stderr)
    assert result.exit_code in (0, 1, 2)
    for named in COMMAND.findall(result.stderr):
        check(named.partition(" | ")[0])
    assert f"$ fluxsecrets {command}\n{said}= {result.exit_code}\n" == snapshot


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such pipes")
def test_piped_input(repository, cli, snapshot):
    before = repository.files()
    result = cli.process("encrypt", stdin=repository.secret.encode())
    assert repository.files() == before
    assert f"{result.stderr}= {result.exit_code}\n" == snapshot


def test_what_the_moves_advise_can_be_done(repository, cli):
    """The advice for the most usual ones, followed to the end."""
    (repository.path / ".sops.yaml").unlink()
    advised = COMMAND.search(cli("encrypt", "secret.yaml").stderr)[1]
    assert cli(*advised.split()[1:], "--yes", "--name", "alice").exit_code == 0
    advised = COMMAND.search(cli("decrypt", "secret.yaml").stderr)[1]
    assert cli(*advised.split()[1:]).exit_code == 0
    advised = COMMAND.search(cli("-d", "secret.yaml").stderr)[1].replace("PATH", "secret.yaml")
    assert cli(*advised.split()[1:]).stdout == repository.secret


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a working directory from being deleted")
@pytest.mark.parametrize("words", [("status",), ("doctor",), ("decrypt", "a.yaml")])
def test_a_working_directory_that_was_deleted(folder, cli, monkeypatch, words):
    folder.path.joinpath("gone").mkdir()
    monkeypatch.chdir(folder.path / "gone")
    (folder.path / "gone").rmdir()
    result = cli(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: the working directory no longer exists\n")
