"""Files that programs read as they are cannot be encrypted by accident, whatever a rule or a glob says."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.configfiles import why_plain

FILES = {
    ".sops.yaml": "creation rules",
    ".sops.yml": "creation rules",
    ".fluxsecrets.yaml": "settings",
    ".fluxsecrets-baseline.json": "baseline",
    "keys/alice.pub": "public key",
    "apps/keys/bob.pub": "public key",
    "offboarding/bob.json": "record",
    "kustomization.yaml": "kustomize",
    "apps/secrets/kustomization.yml": "kustomize",
    "apps/Kustomization": "kustomize",
    ".gitattributes": "git reads it",
    "secrets/.gitignore": "git reads it",
    ".gitmodules": "git reads it",
    ".sourceignore": "Flux reads it",
    ".pre-commit-config.yaml": "pre-commit",
    ".gitlab-ci.yml": "pipeline",
    ".github/workflows/deploy.yaml": "pipeline",
    "charts/app/Chart.yaml": "helm",
}


@pytest.fixture
def repository(tmp_path, identity, git, monkeypatch):
    """A repository with a wide rule, and one of each of these files."""
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("data: {password: x}\n")
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n- age: {identity.recipient}\n")
    (tmp_path / ".fluxsecrets.yaml").write_text("secrets: ['**']\n")
    git(tmp_path, "init", "--quiet")
    return tmp_path


def contents(path):
    return {
        each.relative_to(path).as_posix(): each.read_bytes()
        for each in path.rglob("*")
        if each.is_file() and ".git" not in each.relative_to(path).parts
    }


@pytest.mark.parametrize(("name", "reason"), FILES.items(), ids=FILES)
def test_named_it_is_refused_with_the_reason(repository, cli, name, reason):
    before = contents(repository)
    for options in ((), ("-i",), ("--stdout",), ("-o", "new.yaml"), ("--check",), ("--input-type", "binary")):
        result = cli("encrypt", *options, name)
        assert result.exit_code == 2, options
        assert "it is not encrypted: " in result.stderr
        assert reason in result.stderr
        assert name in result.stderr
    piped = cli("encrypt", "-", "--filename", name, stdin=b"data: {password: x}\n")
    assert (piped.exit_code, piped.stdout) == (2, "")
    assert contents(repository) == before


@pytest.mark.parametrize(
    "where", [(), (".",), ("keys", "apps", "secrets", "charts", "offboarding", ".github")]
)
def test_folders_and_the_repository_pass_them_over(repository, cli, where):
    """Although `.fluxsecrets.yaml` lists every file as a secret."""
    before = contents(repository)
    result = cli("encrypt", *where)
    assert result.exit_code == 0, result.stderr
    assert contents(repository) == before


@pytest.mark.parametrize("name", [".sops.yaml", "kustomization.yaml", "keys/alice.pub"])
def test_nothing_else_advises_it(repository, cli, name):
    for command in (("decrypt", name), ("set", name, "data.a", "x"), ("edit", name)):
        result = cli(*command)
        assert result.exit_code == 2
        assert "fluxsecrets encrypt" not in result.stderr, command


def test_edit_makes_none(repository, cli, monkeypatch):
    monkeypatch.setenv("SOPS_EDITOR", "false")
    (repository / "kustomization.yaml").unlink()
    result = cli("edit", "kustomization.yaml")
    assert result.exit_code == 2
    assert "kustomize reads it as it is" in result.stderr


@given(
    st.sampled_from(sorted(FILES)), st.lists(st.sampled_from(["a", "clusters", "secrets", "b.c"]), max_size=3)
)
def test_in_whatever_folder(name, folders):
    assert why_plain(PurePosixPath(*folders, name)) is not None


@pytest.mark.parametrize(
    "name",
    [
        "secret.yaml",
        "keys/alice.agekey",
        "alice.pub",
        "db.sops.yaml",
        "values.yaml",
        "my.sops.yml",
        "a/key.pub",
    ],
)
def test_what_may_be_a_secret_is_none_of_them(name):
    assert why_plain(PurePosixPath(name)) is None


@pytest.mark.parametrize("forge", [".github", ".forgejo", ".gitea"])
def test_the_workflows_of_a_forge_are_among_them(forge):
    assert why_plain(PurePosixPath(forge, "workflows", "secrets.yml")) is not None
    assert why_plain(PurePosixPath(forge, "secrets.yml")) is None
