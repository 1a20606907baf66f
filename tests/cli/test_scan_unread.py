"""Histories that can't be read in full: exit 2, how much was not seen, and the rest is judged."""

import json
import zlib
from contextlib import contextmanager

import pytest

from fluxsecrets.errors import GitError

VALUE = "Tr0ub4dor-9x-throwaway"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: {VALUE}\n"
BROKEN = "apiVersion: v1\nkind: Secret\nmetadata: [\n"


@pytest.fixture
def origin(folder, git):
    """A repository whose third commit has a secret, and whose fourth removes it; five commits in all."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)
    folder.git("config", "uploadpack.allowFilter", "true")

    def commit(files):
        for name, content in files.items():
            if content is None:
                (folder.path / name).unlink()
            else:
                folder.write(name, content)
        folder.git("add", "--all")
        folder.git("commit", "--quiet", "--allow-empty", "--message", "more")
        return folder.git("rev-parse", "HEAD").strip()

    folder.commit = commit
    folder.commits = [
        commit({"base.yaml": "a: 1\n"}),
        commit({"apps/one.yaml": "b: 1\n"}),
        commit({"apps/db.yaml": SECRET}),
        commit({"apps/db.yaml": None}),
        commit({"apps/two.yaml": "c: 1\n"}),
    ]
    return folder


@pytest.fixture
def clone(origin, git, tmp_path, monkeypatch):
    """Clones the repository with some options, and makes the clone the working directory."""

    def clone(*options):
        target = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", *options, origin.path.as_uri(), str(target))
        monkeypatch.chdir(target)
        return target

    return clone


@pytest.fixture
def scan(cli):
    """The exit code, the rules that were found, and the errors of a scan."""

    def scan(*options):
        result = cli("scan", *options, "--format", "json")
        assert VALUE not in result.stdout + result.stderr
        data = json.loads(result.stdout)
        if "error" in data:
            return result.exit_code, [], [data["error"]]
        assert data["errors"] or result.exit_code != 2
        return result.exit_code, [each["rule"] for each in data["findings"]], data["errors"]

    return scan


def object_file(folder, name):
    """The file of an object that is in no pack."""
    return folder / ".git/objects" / name[:2] / name[2:]


@pytest.mark.parametrize(
    ("depth", "options", "code", "rules"),
    [
        (2, ("--history",), 2, []),
        (2, ("--range", "HEAD~1..HEAD"), 0, []),
        (3, ("--history",), 2, ["plain-secret"]),  # the commit at the border has it in its tree
        (4, ("--range", "HEAD~3..HEAD"), 1, ["plain-secret"]),
        (2, ("--history", "--partial-history"), 0, []),
        (9, ("--history",), 1, ["plain-secret"]),
    ],
)
def test_a_shallow_clone_is_an_error_where_it_cuts_the_range(clone, scan, depth, options, code, rules):
    clone(f"--depth={depth}", "--no-local")
    found = scan(*options)
    assert found[:2] == (code, rules)
    if code == 2:
        (error,) = found[2]
        assert "cut off at 1 commit of the" in error["message"]
        assert "git fetch --unshallow" in error["hint"]
        assert "fetch-depth: 0" in error["hint"]


def test_what_a_partial_clone_lacks_is_counted(clone, scan):
    clone("--filter=blob:none", "--no-local")
    code, rules, errors = scan("--history")
    assert (code, rules) == (2, [])
    assert errors[0]["message"].startswith("1 of 5 versions of files can't be read")
    assert "apps/db.yaml" in errors[0]["details"][0]
    assert "git fetch --refetch --no-filter" in errors[0]["hint"]


@pytest.mark.parametrize("can_tell", [True, False])
def test_a_second_scan_of_a_partial_clone_counts_the_same(clone, scan, monkeypatch, tmp_path, can_tell):
    """git ends at the first content that it lacks, also when it is asked which of them are there."""
    monkeypatch.setattr("fluxsecrets.ops.checks.scancommits._MANY", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clone("--filter=blob:none", "--no-local")
    found = scan("--history")
    assert found[2][0]["message"].startswith("1 of 5 versions of files can't be read")
    if not can_tell:

        def answer():
            raise GitError("git ended")

        missing = contextmanager(lambda *_: (each for each in [answer]))
        monkeypatch.setattr("fluxsecrets.ops.checks.scanhistory._missing", missing)
    assert scan("--history") == found


def test_a_clone_without_trees_is_an_error(clone, scan):
    clone("--filter=tree:0", "--no-local")
    code, _, errors = scan("--history")
    assert code == 2
    assert any("can't be read" in each["message"] for each in errors)


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_content_that_is_gone_does_not_hide_the_others(origin, scan, damage):
    origin.commit({"apps/other.yaml": SECRET.replace(VALUE, "another-throwaway-1")})
    spoil(origin.path, origin.git("rev-parse", "HEAD~5:base.yaml").strip(), damage)
    code, rules, errors = scan("--history")
    assert (code, rules) == (2, ["plain-secret", "plain-secret"])
    assert [each["message"][:7] for each in errors] == ["1 of 6 "]


@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_tree_that_is_gone_does_not_hide_the_others(origin, scan, damage, turn, monkeypatch):
    if turn:  # two gits list what commits changed
        monkeypatch.setattr("fluxsecrets.repo.git.history._SIDE_BY_SIDE", 2)
        monkeypatch.setattr("fluxsecrets.repo.git.history._TURN", turn)
    spoil(origin.path, origin.git("rev-parse", f"{origin.commits[1]}^{{tree}}").strip(), damage)
    code, rules, errors = scan("--history")
    assert (code, rules) == (2, ["plain-secret"])
    # The fourth commit goes back to that tree. Of those after, all files are taken for changed.
    assert "what changed in 2 of 5 commits can't be read" in errors[0]["message"]


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
@pytest.mark.parametrize("options", [("--history",), ("--unpushed",), ("--range", "HEAD~1..HEAD~0")])
def test_a_commit_that_is_gone_does_not_hide_the_others(origin, scan, damage, options):
    spoil(origin.path, origin.commits[1], damage)
    code, rules, errors = scan(*options)
    if options[0] == "--range":  # wholly inside of what is there, where git gets that far
        assert (code, rules) == (0 if damage == "missing" else 2, [])
        return
    assert (code, rules) == (2, ["plain-secret"])
    assert "1 commit can't be read" in errors[0]["message"]
    assert "3 commits could be read" in errors[0]["message"]


def spoil(folder, name, damage):
    path = object_file(folder, name)
    path.chmod(0o600)
    if damage == "missing":
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(data[:-6] + b"......")
        with pytest.raises(zlib.error):
            zlib.decompress(path.read_bytes())


def test_grafts_and_replaced_commits_hide_nothing(origin, scan):
    graft = origin.path / ".git/info/grafts"
    graft.parent.mkdir(exist_ok=True)
    graft.write_text(f"{origin.commits[4]} {origin.commits[0]}\n", encoding="ascii")
    assert scan("--history")[:2] == (1, ["plain-secret"])
    graft.unlink()
    origin.git("replace", origin.commits[2], origin.commits[1])
    assert scan("--history")[:2] == (1, ["plain-secret"])


def test_old_broken_yaml_is_a_remark_with_its_commit(origin, cli):
    first = origin.commit({"old.yaml": BROKEN})
    result = cli("scan", "--history")
    assert result.exit_code == 2
    assert "error: old.yaml:" in result.stderr
    origin.commit({"old.yaml": BROKEN + "# still\n"})
    origin.commit({"old.yaml": "a: 1\n"})
    result = cli("scan", "--history")
    assert result.exit_code == 1
    assert "error" not in result.stderr
    assert f"(in commit {first[:10]} and 1 more; no branch has this version now)" in result.stderr
    (remark,) = json.loads(cli("scan", "--history", "--format", "json").stdout)["remarks"]
    assert (remark["problem"], remark["commit"], remark["path"]) == ("unreadable", first, "old.yaml")
    origin.git("branch", "kept", first)
    assert cli("scan", "--history").exit_code == 2


def test_broken_yaml_at_the_end_of_a_range_is_an_error(origin, cli):
    start = origin.commits[4]
    broken = origin.commit({"old.yaml": BROKEN})
    origin.commit({"old.yaml": "a: 1\n"})
    assert cli("scan", "--range", f"{start}..HEAD").exit_code == 0
    assert cli("scan", "--range", f"{start}..{broken}").exit_code == 2


def test_an_unknown_revision_is_still_a_mistake(origin, scan):
    assert scan("--range", "nowhere..HEAD")[0] == 2
    code, rules, errors = scan("--range", f"{'1' * 40}..HEAD")
    assert (code, rules) == (2, [])
    assert "does not have a requested commit" in errors[0]["message"]
