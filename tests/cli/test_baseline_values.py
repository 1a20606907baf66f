"""A baseline is of values: another value under a known finding is new, in every way to scan."""

import json

import pytest

BASELINE = ".fluxsecrets-baseline.json"
OLD, NEW, THIRD = "old-plain-one", "a-new-one-9f3K", "yet-another-7Lq2"


def secret(*values, key="password"):
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n"
    return head + "".join(f"  {key}{number or ''}: {value}\n" for number, value in enumerate(values))


@pytest.fixture
def repository(folder, git, cli):
    """A repository with a committed baseline that knows the password of s.yaml."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)

    def commit(**files):
        for name, content in files.items():
            folder.write(name.replace("_", "."), content)
        folder.git("add", "--all")
        folder.git("commit", "--quiet", "--no-verify", "--message", "x")

    def new(*arguments):
        """The new findings, as `path:line`, and whether each says that the baseline knows another value."""
        found = json.loads(cli("scan", "--format", "json", *arguments).stdout)
        return [
            (f"{each['path']}:{each['line']}", "the baseline knows" in each["message"])
            for each in found["findings"]
        ]

    folder.commit, folder.new = commit, new
    folder.write("s.yaml", secret(OLD))
    assert cli("scan", "--update-baseline").exit_code == 0
    commit()
    return folder


def test_another_value_is_new_in_the_index_the_work_tree_and_commits(repository, cli):
    assert repository.new() == []
    assert repository.new("--history") == []
    repository.write("s.yaml", "# moved\n" + secret(OLD))
    repository.git("add", "--all")
    assert repository.new() == repository.new("--staged") == []
    repository.commit(s_yaml="# moved\n" + secret(NEW))
    repository.git("reset", "--quiet", "--soft", "HEAD~")
    assert repository.new() == repository.new("--staged") == [("s.yaml:7", True)]
    assert cli("hook", "run", "pre-commit").exit_code == 1
    repository.commit()
    assert repository.new("--range", "HEAD~..HEAD") == repository.new("--unpushed") == [("s.yaml:7", True)]
    # Of the history, the value that HEAD does not have is new.
    assert repository.new("--history") == [("s.yaml:6", True)]


def test_nothing_of_a_value_is_in_the_baseline(repository, cli):
    before = repository.read(BASELINE)
    repository.write("s.yaml", secret(NEW))
    assert cli("scan", "--update-baseline").exit_code == 0
    after = repository.read(BASELINE)
    assert before.replace(b'"}', b'", "accepted": 2}') == after
    for value in ("", "x", OLD, THIRD):  # the file is the same for each value
        repository.git("checkout", "--quiet", BASELINE)
        repository.write("s.yaml", secret(value) if value != OLD else secret(NEW))
        cli("scan", "--update-baseline")
        assert not value or repository.read(BASELINE) == after


def test_a_changed_value_is_accepted_by_an_update_that_others_see(repository, cli):
    repository.write("s.yaml", secret(NEW))
    assert cli("scan", "--update-baseline").exit_code == 0
    assert cli("scan", "--update-baseline").exit_code == 0  # no further one
    assert repository.new() == []
    repository.git("add", "--all")
    result = cli("hook", "run", "pre-commit")
    assert result.exit_code == 0
    assert "brings its own excuse" in result.stderr + result.stdout
    repository.commit()
    assert repository.new() == []
    assert repository.new("--range", "HEAD~..HEAD") == []
    assert '"accepted": 2' in repository.read(BASELINE).decode()
    # The next one is new again, and so is the first.
    for value in (THIRD, OLD):
        repository.write("s.yaml", secret(value))
        assert repository.new() == [("s.yaml:6", True)]


def test_a_push_that_brings_the_baseline_is_judged_by_the_commit_that_does(repository, cli):
    """The first push of everything: there is no state before it."""
    repository.commit(s_yaml=secret(NEW))
    repository.commit(s_yaml=secret(NEW, THIRD))
    assert repository.new("--unpushed") == [("s.yaml:6", True), ("s.yaml:7", False)]


def test_a_stale_entry_does_not_let_a_later_value_pass(repository):
    repository.commit(s_yaml="nothing: here\n")
    repository.write("s.yaml", secret(NEW))
    assert repository.new() == [("s.yaml:6", True)]
    repository.commit()
    assert repository.new("--range", "HEAD~..HEAD") == [("s.yaml:6", True)]


@pytest.mark.parametrize(("text", "found"), [
    ("password=OLD\npassword=OTHER\n", []),
    ("password=FRESH\npassword=OLD\npassword=OTHER\n", [1]),
    ("password=OLD\npassword=FRESH\npassword=OTHER\n", [2]),
    ("password=OTHER\npassword=OLD\n", []),
    ("password=OLD\n\npassword=OTHER\npassword=FRESH\n", [4]),
    ("password=OTHER\n", []),
])  # fmt: skip
def test_values_under_one_fingerprint_are_told_apart(repository, cli, text, found):
    """Numbers shift when a value is inserted before others; the values tell which is new."""
    values = {"OLD": "Tr0ub4dor-one", "OTHER": "Tr0ub4dor-two", "FRESH": "Tr0ub4dor-three"}

    def filled(text):
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    repository.write("app.conf", filled("password=OLD\npassword=OTHER\n"))
    assert cli("scan", "--update-baseline").exit_code == 0
    repository.commit()
    repository.write("app.conf", filled(text))
    assert [place for place, _ in repository.new("app.conf")] == [f"app.conf:{line}" for line in found]
    repository.git("add", "--all")
    assert [place for place, _ in repository.new("--staged")] == [f"app.conf:{line}" for line in found]


def test_a_value_in_an_archive(repository, cli):
    import io
    import zipfile

    def packed(*values):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("s.yaml", secret(*values))
        return data.getvalue()

    repository.write("backup.zip", packed(OLD))
    assert cli("scan", "--update-baseline").exit_code == 0
    repository.commit()
    assert repository.new() == []
    repository.write("backup.zip", packed(OLD) + b"")
    assert repository.new() == []
    repository.write("backup.zip", packed(NEW))
    assert repository.new() == [("backup.zip!s.yaml:6", True)]


def test_an_old_baseline_keeps_working_and_a_value_that_was_accepted_stays(repository, cli):
    entries = json.loads(repository.read(BASELINE))["findings"]
    assert [sorted(each) for each in entries] == [["fingerprint", "path", "rule"]]
    repository.commit(other_yaml=secret(OLD))
    assert repository.new("--range", "HEAD~..HEAD") == [
        ("other.yaml:6", False)
    ]  # a moved value has a new place


def test_a_baseline_elsewhere(repository, cli, tmp_path):
    elsewhere = tmp_path / "known.json"
    elsewhere.write_bytes(repository.read(BASELINE))
    repository.git("rm", "--quiet", BASELINE)
    repository.commit()
    named = ("--baseline", str(elsewhere))
    assert repository.new(*named) == []
    assert repository.new(*named, "--history") == []
    repository.commit(s_yaml=secret(NEW))
    assert repository.new(*named, "--range", "HEAD~..HEAD") == [("s.yaml:6", True)]
    assert repository.new(*named) == []  # HEAD has it
    repository.write("s.yaml", secret(THIRD))
    assert repository.new(*named) == [("s.yaml:6", True)]


def test_a_named_baseline_of_the_repository(repository, cli):
    repository.git("mv", BASELINE, "known.json")
    repository.commit()
    repository.commit(s_yaml=secret(NEW))
    assert repository.new("--baseline", "known.json", "--range", "HEAD~..HEAD") == [("s.yaml:6", True)]


def test_values_of_a_history_are_accepted_by_their_commits(repository, cli):
    repository.commit(s_yaml=secret(NEW))
    repository.commit(s_yaml=secret(THIRD))
    assert len(repository.new("--history")) == 2
    assert cli("scan", "--history", "--update-baseline").exit_code == 0
    repository.commit()
    assert repository.new("--history") == []
    assert repository.new() == []
    commits = [each.get("commit") for each in json.loads(repository.read(BASELINE))["findings"]]
    assert sum(commit is not None for commit in commits) == 2
    repository.commit(s_yaml=secret("the-fourth-one-8Kd"))
    assert repository.new("--range", "HEAD~..HEAD") == [("s.yaml:6", True)]
    assert repository.new("--history") == [("s.yaml:6", True)]  # HEAD~ had THIRD, which is HEAD's no more


def test_findings_of_the_audit_in_the_same_baseline(repository, cli):
    assert cli("audit", "--update-baseline").exit_code == 0
    repository.commit(s_yaml=secret(NEW))
    assert repository.new("--range", "HEAD~..HEAD") == [("s.yaml:6", True)]
    assert cli("audit").exit_code == 0


def test_without_commits_or_without_git_any_value_is_known(folder, git, cli):
    folder.write("s.yaml", secret(OLD))
    assert cli("scan", "--update-baseline").exit_code == 0
    folder.write("s.yaml", secret(NEW))
    assert cli("scan").exit_code == 0
    git(folder.path, "init", "--quiet")
    assert cli("scan").exit_code == 0


def test_a_clone_knows_the_same(repository, git, cli, tmp_path, monkeypatch):
    """There is no salt that a clone lacks."""
    git(tmp_path, "clone", "--quiet", str(repository.path), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    assert repository.new() == []
    (tmp_path / "clone" / "s.yaml").write_text(secret(NEW), encoding="utf-8")
    assert repository.new() == [("s.yaml:6", True)]


@pytest.mark.parametrize(
    "more", ['"accepted": 0', '"accepted": "2"', '"accepted": true', '"commit": "HEAD"', '"commit": 1']
)
def test_damaged_entries(repository, cli, more):
    repository.write(BASELINE, repository.read(BASELINE).replace(b'"}', b'", %s}' % more.encode()))
    result = cli("scan")
    assert result.exit_code == 2
    assert "damaged" in result.stderr
