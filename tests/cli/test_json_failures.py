"""With --format json, whatever fails prints one object, and what it says is on standard error, too."""

import json
import os
import subprocess
from pathlib import Path

import pytest


def failed(result, code=2):
    """The error of a failure."""
    assert result.exit_code == code
    report = json.loads(result.stdout)
    assert report["version"] == 2
    assert report["error"]["message"] in result.stderr.replace("\n", " ")
    return report


@pytest.mark.parametrize(
    ("line", "command", "message"),
    [
        ("status --bogus --format json", "status", "no such option '--bogus'"),
        ("status --format=json --env", "status", "option '--env' requires an argument"),
        ("--format json status", None, "no such option '--format'"),
        ("sttus --format json", None, "there is no command 'sttus'"),
        ("keys lst --format json", "keys", "there is no command 'keys lst'"),
        ("recipients add --format json", "recipients add", ""),
        ("audit --who --format json --bogus", "audit --who", "no such option '--bogus'"),
        ("init --from-sops --format json --bogus", "init --from-sops", "no such option '--bogus'"),
        ("edit a.yaml --format json", "edit", "no such option '--format'"),
        ("rules show nothing --format json", "rules", ""),
        ("decrypt a.yaml --format json", "decrypt", "--format is for the report of -i"),
        ("verify --env nowhere --format json", "verify", "there is no environment 'nowhere'"),
    ],
)
def test_wrong_usage(waddle, cli, line, command, message):
    report = failed(cli(*line.split()))
    assert report["command"] == command
    assert report["root"] == "."
    assert report["error"]["message"].startswith(message)


def test_an_error_has_its_place_from_the_root(waddle, cli, monkeypatch):
    (waddle / ".sops.yaml").write_text("creation_rules:\n  - path_regex: '('\n", encoding="utf-8")
    monkeypatch.chdir(waddle / "apps")
    report = failed(cli("explain", "../README.md", "--format", "json"))
    assert report["root"] == ".."
    assert report["error"]["path"] == ".sops.yaml"
    assert report["error"]["line"] == 2


def test_outside_of_a_repository(tmp_path, environment, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = failed(cli("status", "--format", "json"))
    assert report["root"] is None
    assert "not a git repository" in report["error"]["message"]


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (KeyError("throwaway"), 2, "unexpected KeyError; no file was left half-written"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(24, "Too many open files", "a.yaml"), 2, "the system refused to go on"),
    ],
    ids=["bug", "interrupt", "machine"],
)
def test_what_nobody_expects(waddle, cli, monkeypatch, raised, code, message):
    def fail(*_args, **_options):
        raise raised

    monkeypatch.setattr("fluxsecrets.cli.commandline.open_session", fail)
    report = failed(cli("status", "--format", "json"), code)
    assert report["error"]["message"].startswith(message)
    assert "throwaway" not in json.dumps(report)


def test_a_result_is_never_followed_by_a_second_object(waddle, cli, monkeypatch):
    from fluxsecrets.cli.output import Output

    shown = Output.show

    def show(self, page):
        shown(self, page)
        raise KeyboardInterrupt

    monkeypatch.setattr(Output, "show", show)
    result = cli("rules", "list", "--format", "json")
    assert result.exit_code == 130
    assert "rules" in json.loads(result.stdout)


@pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes descriptors")
@pytest.mark.parametrize("target", ["&-", "/dev/full"])
def test_nowhere_to_write_to(waddle, cli, target):
    if target == "/dev/full" and not Path(target).exists():
        pytest.skip("this system has no such device")
    line = f'"$0" status --bogus --format json >{target}'
    done = subprocess.run(["sh", "-c", line, cli.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_reader_that_stops_gets_nothing_more(waddle, cli):
    read, write = os.pipe()
    os.close(read)
    try:
        result = cli.process("status", "--bogus", "--format", "json", stdout=write)
    finally:
        os.close(write)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


@pytest.mark.parametrize(
    "line", ["status --bogus", "status --bogus --format text", "exec-env no.yaml x --format json"]
)
def test_without_json_nothing_is_on_standard_output(waddle, cli, line):
    assert cli(*line.split()).stdout == ""
