"""`--report FORMAT=FILE`: one run writes several reports."""

import json
import sys
from pathlib import Path

import pytest

from fluxsecrets.cli import reportfile
from fluxsecrets.errors import FileAccessError

COMMANDS = [("scan",), ("audit",), ("verify",), ("review", "HEAD")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_one_run_writes_what_a_run_per_format_would(waddle, cli, tmp_path, command):
    files = {"codequality": tmp_path / "quality.json", "markdown": tmp_path / "summary.md"}
    shown = cli(*command, "--format", "github")
    options = [word for name, file in files.items() for word in ("--report", f"{name}={file}")]
    result = cli(*command, "--format", "github", *options)
    assert (result.exit_code, result.stdout) == (shown.exit_code, shown.stdout)
    # Each message is said once, whatever the number of reports.
    assert result.stderr == shown.stderr + "".join(f"the report is in {file}\n" for file in files.values())
    for name, file in files.items():
        assert file.read_text(encoding="utf-8") == cli(*command, "--format", name).stdout
        if sys.platform != "win32":
            assert file.stat().st_mode & 0o777 == 0o644


def test_an_existing_report_is_replaced_and_an_empty_file_filled(waddle, cli):
    Path("summary.md").write_text("", encoding="utf-8")  # as the summary of a job is there before
    for _ in range(2):
        assert cli("scan", "--quiet", "--report", "markdown=summary.md").exit_code == 1
        assert Path("summary.md").read_text(encoding="utf-8").startswith("### fluxsecrets scan\n")


def test_who_reads_what_has_reports_of_its_own_formats(waddle, cli):
    assert cli("audit", "--who", "--report", "json=who.json").exit_code == 0
    assert json.loads(Path("who.json").read_text(encoding="utf-8"))["command"] == "audit --who"
    refused = cli("audit", "--who", "--report", "sarif=who.sarif")
    assert refused.exit_code == 2
    assert "--who reports no findings, so it has no format sarif" in refused.stderr
    assert not Path("who.sarif").exists()


SLIPS = [
    (("--report", "sarif"), "--report 'sarif' does not name a file"),
    (("--report", "sarif=-"), "or --format sarif for standard output"),
    (("--report", "sarfi=x"), "did you mean --report sarif=FILE?"),
    (("--report", "x.sarif"), "does not start with the name of a format"),
    (("--report", "sarif=README.md"), "--report 'README.md' is a file that git tracks"),
    (("--report", "sarif=nowhere/x"), "--report 'nowhere/x' is in a folder that does not exist"),
    (("--report", "sarif=x", "--report", "junit=./x"), "two reports would be written to 'x'"),
    (("--report", "sarif=x", "--output", "x"), "two reports would be written to 'x'"),
]


def test_slips_are_refused_before_anything_is_written(waddle, cli, git):
    before = git(waddle, "status", "--porcelain")
    for options, message in SLIPS:
        result = cli("scan", *options)
        assert result.exit_code == 2
        assert message in result.stderr
        assert result.stdout == ""
    assert git(waddle, "status", "--porcelain") == before


def test_a_folder_that_is_a_link_of_a_commit_is_not_written_into(waddle, cli, git, tmp_path):
    target = tmp_path / "elsewhere"
    (target / "deep").mkdir(parents=True)
    (waddle / "reports").symlink_to(target)
    result = cli("scan", "--output", "reports/own.md")
    assert result.exit_code != 2  # the user's own link
    git(waddle, "add", "reports")
    for name in ("reports/new.md", "reports/deep/new.md"):
        result = cli("scan", "--output", name)
        assert result.exit_code == 2
        assert f"'{name}' is a file that git tracks, or behind a link that it does" in result.stderr
    assert sorted(each.name for each in target.rglob("*")) == ["deep", "own.md"]


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_a_link_that_came_with_a_commit_is_not_written_through(waddle, cli, git, tmp_path, option):
    target = tmp_path / "precious"
    target.write_text("as before", encoding="utf-8")
    (waddle / "report.md").symlink_to(target)
    git(waddle, "add", "report.md")
    name = "report.md" if option == "--output" else "markdown=report.md"
    result = cli("scan", option, name)
    assert result.exit_code == 2
    assert "'report.md' is a file that git tracks" in result.stderr
    assert target.read_text(encoding="utf-8") == "as before"


def test_a_report_that_cannot_be_written_costs_no_other(waddle, cli, monkeypatch):
    write = reportfile.write_output

    def fail(session, out, data, output, *, mode):
        if output.name == "first.json":
            raise FileAccessError("cannot be written: no space left", path=str(output))
        write(session, out, data, output, mode=mode)

    monkeypatch.setattr(reportfile, "write_output", fail)
    result = cli("scan", "--report", "json=first.json", "--report", "sarif=second.sarif")
    assert result.exit_code == 2
    assert "first.json: cannot be written" in result.stderr
    assert "plain-secret" in result.stdout
    assert json.loads(Path("second.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
