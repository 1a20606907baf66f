"""What history says of a secret depends on the commits alone, and an incomplete clone is an error."""

import shutil
import subprocess

import pytest
from tests.conftest import commit_all

VALUE = "hunter2-throwaway"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: {VALUE}
"""
FILE = "clusters/prod/db.yaml"

SETTINGS = (
    "color.diff=always", "color.ui=always", "core.abbrev=4", "core.pager=false", "core.quotePath=true",
    "diff.algorithm=patience", "diff.colorMoved=default", "diff.dirstat=lines", "diff.external=false",
    "diff.ignoreSubmodules=all", "diff.indentHeuristic=false", "diff.mnemonicPrefix=true",
    "diff.noprefix=true", "diff.orderFile=order", "diff.relative=true", "diff.renameLimit=1",
    "diff.renames=copies", "diff.statGraphWidth=1", "diff.submodule=log", "diff.suppressBlankEmpty=true",
    "diff.wordRegex=x", "diff.interHunkContext=9", "format.pretty=oneline", "format.notes=true",
    "gpg.program=false", "i18n.commitEncoding=ISO-8859-1", "i18n.logOutputEncoding=UTF-16",
    "log.abbrevCommit=true", "log.date=relative", "log.decorate=full", "log.diffMerges=off",
    "log.excludeDecoration=*", "log.follow=true", "log.graphColors=red", "log.mailmap=true",
    "log.showRoot=false", "log.showSignature=true", "mailmap.file=mailmap", "notes.displayRef=*",
    "core.alternateRefsCommand=false", "transfer.hideRefs=refs", "core.commitGraph=false",
    "core.useReplaceRefs=true", "alias.rev-list=!false", "alias.diff-tree=!false", "core.attributesFile=a",
)  # fmt: skip


@pytest.fixture
def repository(identity, tmp_path, monkeypatch, cli, git):
    """A repository whose Secret was committed in plain text, then encrypted; a merge is on top."""
    folder = tmp_path / "repository"
    (folder / "clusters/prod").mkdir(parents=True)
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - encrypted_regex: ^stringData$\n    age: {identity.recipient}\n"
    )
    (folder / FILE).write_text(SECRET)
    commit_all(folder, "plain text")
    monkeypatch.chdir(folder)
    assert cli("encrypt", FILE).exit_code == 0
    commit_all(folder, "encrypted")
    git(folder, "checkout", "--quiet", "-b", "side")
    (folder / "side").write_text("1")
    commit_all(folder, "side")
    git(folder, "checkout", "--quiet", "main")
    (folder / "main").write_text("1")
    commit_all(folder, "main")
    git(folder, "merge", "--quiet", "side", "--message", "merge")
    return folder


@pytest.fixture
def asked(cli, repository):
    """What `recipients exposure` says, as JSON, and its exit code."""

    def ask():
        result = cli("recipients", "exposure", FILE, "--format", "json")
        return result.exit_code, result.stdout, result.stderr

    return ask


def test_no_setting_changes_what_history_says(repository, asked, git):
    expected = asked()
    assert expected[0] == 0
    assert '"plain": true' in expected[1] or "everybody" in expected[1]
    for setting in SETTINGS:
        name, _, value = setting.partition("=")
        git(repository, "config", name, value)
        assert asked() == expected, setting
        git(repository, "config", "--unset-all", name)


def test_all_settings_at_once_and_signed_commits_change_nothing(repository, asked, git):
    commit = git(repository, "rev-parse", "HEAD").strip()
    tree = git(repository, "rev-parse", "HEAD^{tree}").strip()
    signed = repository / ".git/signed"
    signed.write_text(
        f"tree {tree}\nparent {commit}\nauthor t <t@example.invalid> 1700000000 +0000\n"
        "committer t <t@example.invalid> 1700000000 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n xx\n -----END PGP SIGNATURE-----\n\nsigned\n"
    )
    name = git(repository, "hash-object", "-t", "commit", "-w", str(signed)).strip()
    git(repository, "update-ref", "HEAD", name)
    expected = asked()
    for setting in SETTINGS:
        key, _, value = setting.partition("=")
        git(repository, "config", key, value)
    assert asked() == expected


def test_what_is_laid_over_commits_hides_nothing(repository, asked, git):
    """Replace refs and grafts make git show other commits than those that everybody has."""
    expected = asked()
    first = git(repository, "rev-list", "--max-parents=0", "HEAD").strip()
    second = git(repository, "rev-list", "--reverse", "HEAD").split()[1]
    git(repository, "replace", first, second)
    assert asked() == expected
    git(repository, "replace", "-d", first)
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/grafts").write_text(f"{second}\n")
    assert asked() == expected


COMMANDS = (
    ("recipients", "exposure", FILE),
    ("recipients", "report", "alice"),
    ("recipients", "remove", "alice", "--dry-run"),
    ("audit",),
    ("scan", "--history"),
)


@pytest.fixture
def second_reader(repository, cli, act_as):
    """A second recipient, so that one can be removed; both have names."""
    bob = act_as("bob").recipient
    alice = act_as("alice").recipient
    (repository / "keys").mkdir()
    (repository / "keys/alice.pub").write_text(f"{alice}\n")
    (repository / "keys/bob.pub").write_text(f"{bob}\n")
    rules = repository / ".sops.yaml"
    rules.write_text(rules.read_text().rstrip() + f",{bob}\n")
    assert cli("recipients", "sync", "--all").exit_code == 0
    commit_all(repository, "bob comes")
    return repository


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_shallow_clone_is_an_error_that_says_how_to_mend_it(
    second_reader, cli, git, tmp_path, monkeypatch, command
):
    git(tmp_path, "clone", "--quiet", "--depth=1", second_reader.as_uri(), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    refused = cli(*command)
    assert refused.exit_code == 2
    assert "git fetch --unshallow" in refused.stderr
    assert "never in plain text" not in refused.stdout + refused.stderr
    partial = cli(*command, "--partial-history")
    assert "--unshallow" not in partial.stderr
    assert partial.exit_code in (0, 1)
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")
    assert cli(*command).exit_code in (0, 1)


def test_a_range_that_is_cut_off_is_an_error_and_one_that_is_not_is_fine(
    repository, cli, git, tmp_path, monkeypatch
):
    """What was committed and removed before the clone's first commit would be missed."""
    git(repository, "checkout", "--quiet", "-b", "request", "HEAD~1")
    (repository / "leak.yaml").write_text(SECRET)
    commit_all(repository, "leak")
    (repository / "leak.yaml").unlink()
    commit_all(repository, "removed")
    for number in "12":
        (repository / "a").write_text(number)
        commit_all(repository, number)
    git(tmp_path, "clone", "--quiet", "--depth=2", "--branch=request", repository.as_uri(), "clone")
    git(tmp_path / "clone", "fetch", "--quiet", "--depth=1", "origin", "main:main")
    monkeypatch.chdir(tmp_path / "clone")
    refused = cli("scan", "--range", "main..HEAD")
    assert refused.exit_code == 2
    assert "git fetch --unshallow" in refused.stderr
    assert cli("scan", "--range", "main..HEAD", "--partial-history").exit_code == 0
    assert cli("scan", "--range", "HEAD~1..HEAD").exit_code == 0, "all of it is there"
    assert cli("scan", "--unpushed").exit_code == 0
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")
    assert cli("scan", "--range", "main..HEAD").exit_code == 1


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone_is_an_error_and_fetches_nothing(repository, cli, git, tmp_path, monkeypatch, kind):
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "--quiet", f"--filter={kind}", repository.as_uri(), "clone")
    clone = tmp_path / "clone"
    before = sorted(path.name for path in (clone / ".git/objects/pack").iterdir())
    monkeypatch.chdir(clone)
    refused = cli("recipients", "exposure", FILE)
    assert refused.exit_code == 2, refused.stdout
    assert "git fetch --refetch --no-filter" in refused.stderr
    assert sorted(path.name for path in (clone / ".git/objects/pack").iterdir()) == before
    git(clone, "fetch", "--quiet", "--refetch", "--no-filter")
    mended = cli("recipients", "exposure", FILE)
    assert (mended.exit_code, VALUE in mended.stdout) == (0, False)
    assert "everybody who has the repository" in mended.stdout


def test_a_missing_object_is_an_error(repository, cli, git):
    blob = git(
        repository, "rev-parse", f"{git(repository, 'rev-list', '--max-parents=0', 'HEAD').strip()}:{FILE}"
    )
    path = repository / ".git/objects" / blob[:2] / blob[2:].strip()
    path.chmod(0o600)
    path.unlink()
    result = cli("recipients", "exposure", FILE)
    assert result.exit_code == 2
    assert "missing" in result.stderr


def test_a_history_of_thousands_of_commits_is_read_to_its_end(repository, asked, git, tmp_path):
    """More commits than a pipe holds, each with output: writing them all before reading would never end."""
    expected = asked()
    head = git(repository, "rev-parse", "HEAD").strip()
    stream = [f"commit refs/heads/many\ncommitter t <t@example.invalid> {1700000000 + number} +0000\n"
              f"data 1\nx\n{f'from {head}' + chr(10) if number == 0 else ''}"
              f"M 100644 inline many/{number % 50}\ndata {len(str(number))}\n{number}\n"
              for number in range(6000)]  # fmt: skip
    source = tmp_path / "stream"
    source.write_text("".join(stream))
    with source.open("rb") as data:
        subprocess.run(
            [shutil.which("git"), "fast-import", "--quiet"], stdin=data, cwd=repository, check=True
        )
    assert asked() == expected
