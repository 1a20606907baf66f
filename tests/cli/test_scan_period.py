"""--since, --until and --branch choose commits; --output takes the report."""

import json
import sys
from datetime import UTC, datetime

import pytest
from tests.histories import fast_import

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: {}\n"


def versions(*years):
    """Commits with a secret each, and when they were made."""
    commits = [{"db.yaml": SECRET.format(f"throwaway-of-{year}")} for year in years]
    return commits, [datetime(year, 6, 15, 12, tzinfo=UTC).timestamp() for year in years]


@pytest.fixture
def repository(folder, git):
    """A repository with a secret in each of some years, the last one only on a branch of a remote."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)
    commits, times = versions(2021, 2023, 2022)  # a wrong clock
    fast_import(folder.path, commits, times=map(int, times))
    commits, times = versions(2024)
    fast_import(folder.path, commits, "side", times=map(int, times), start="main")
    folder.git("reset", "--quiet", "--hard", "main")
    folder.git("update-ref", "refs/remotes/origin/feature", "side")
    folder.git("branch", "--quiet", "-D", "side")
    return folder


@pytest.fixture
def found(cli, repository):
    """How many secrets are found, by year of their first commit."""
    log = repository.git("log", "--all", "--format=%H %cs").splitlines()
    of = {line.split()[0]: line.split()[1][:4] for line in log}

    def found(*options):
        result = cli("scan", *options, "--format", "json")
        return sorted(
            of[each["history"]["first"]["commit"]] for each in json.loads(result.stdout)["findings"]
        )

    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--history",), ["2021", "2022", "2023", "2024"]),
        (("--since", "2022-06-15"), ["2022", "2023", "2024"]),
        (("--since", "2022-12-31"), ["2023", "2024"]),  # behind the commit with the wrong clock, too
        (("--until", "2022-06-15", "--history"), ["2021", "2022"]),
        (("--until", "2022-06-14"), ["2021"]),
        (("--since", "2022-01-01", "--until", "2023-12-31"), ["2022", "2023"]),
        (("--range", "HEAD~2..HEAD", "--since", "2023-01-01"), ["2023"]),
        (("--branch", "main"), ["2021", "2022", "2023"]),
        (("--branch", "origin/feature"), ["2021", "2022", "2023", "2024"]),
        (("--branch", "feature", "--branch", "main", "--since", "2024-01-01"), ["2024"]),
        (("--since", "2022-06-16", "--until", "2022-06-20"), []),
    ],
)
def test_which_commits_count(found, options, expected):
    assert found(*options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--branch", "mian"), "there is no branch 'mian'"),
        (("--branch", "--all"), "there is no branch '--all'"),
        (("--branch", "main", "--history"), "can't be combined"),
        (("--since", "yesteday"), "'yesteday' is not a date"),
        (("--since", "2023-01-01", "--until", "2022-01-01"), "--since is after --until"),
        (("--since", "2099-01-01"), "in the future"),
        (("--staged", "--since", "2023-01-01"), "--staged is not"),
        (("--env", "staging", "--since", "2023-01-01"), "--env can't be combined"),
        (("-", "--since", "2023-01-01"), "standard input can't be combined"),
    ],
)
def test_slips_are_errors(repository, cli, options, message):
    result = cli("scan", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_branch_that_several_remotes_have(repository, cli):
    repository.git("update-ref", "refs/remotes/fork/feature", "HEAD")
    result = cli("scan", "--branch", "feature")
    assert result.exit_code == 2
    assert "fork/feature or origin/feature" in result.stderr


@pytest.mark.parametrize("command", ["scan", "audit"])
@pytest.mark.parametrize("report", ["text", "json", "sarif"])
def test_the_report_goes_to_a_file(repository, cli, command, report):
    shown = cli(command, "--format", report)
    result = cli(command, "--format", report, "--output", "report.out")
    assert (result.exit_code, result.stdout) == (shown.exit_code, "")
    assert result.stderr == shown.stderr + "the report is in report.out\n"
    assert repository.read("report.out").decode() == shown.stdout
    again = cli(command, "--format", report, "--output", "report.out", "--quiet")
    assert (again.exit_code, again.stderr) == (shown.exit_code, "")
    if sys.platform != "win32":
        assert (repository.path / "report.out").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("command", ["scan", "audit"])
def test_a_report_never_replaces_a_file_of_the_repository(repository, cli, command):
    before = repository.read("db.yaml")
    for name in ("db.yaml", "./db.yaml", str(repository.path / "db.yaml")):
        result = cli(command, "--output", name)
        assert result.exit_code == 2
        assert "is a file that git tracks" in result.stderr
    assert repository.read("db.yaml") == before
    assert "is a folder" in cli(command, "--output", ".").stderr
    assert "in a folder that does not exist" in cli(command, "--output", "nowhere/report.json").stderr


def test_no_progress_is_shown_where_nobody_looks(repository, cli):
    for number in range(60):
        repository.write(f"many/{number}.yaml", f"a: {number}\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "many")
    for options in (("--history",), ()):
        lines = cli("scan", *options).stderr.splitlines()
        assert [line for line in lines if "in plain text" not in line] == []
