"""The log of what was done with secrets: what gets into it, what it stops, and `fluxsecrets log`."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fluxsecrets
from fluxsecrets.ops.log.logfile import head_path, verify
from fluxsecrets.ops.run.statefolder import place_without_git

LOG = ".git/fluxsecrets/log.jsonl"
REQUIRED = "log: {required: true}\n"


@pytest.fixture
def log(folder, git):
    """A repository whose settings want a log; returns the log's path."""
    git(folder.path, "init", "--quiet")
    folder.write(".fluxsecrets.yaml", REQUIRED)
    return folder.path / LOG


def events(path):
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_who_when_what_and_what_came_of_it(log, folder, cli):
    folder.write("secret.yaml")
    assert cli("encrypt", "secret.yaml").exit_code == 0
    assert cli("get", "secret.yaml", "stringData.password").exit_code == 0
    encrypt, encrypted, done, get, got, _ = events(log)
    assert encrypt["event"] == "start"
    assert (encrypt["command"], encrypt["paths"]) == ("encrypt", ["secret.yaml"])
    assert encrypt["program"] == f"fluxsecrets {fluxsecrets.__version__}"
    assert encrypt["folder"] == str(folder.path)
    assert encrypt["user"]
    assert encrypt["time"].endswith("Z")
    assert (encrypted["path"], encrypted["outcome"]) == ("secret.yaml", "encrypted")
    assert encrypted["recipients"] == ["age1a454ldt5…s5m7la"]
    assert (done["result"], done["exit_code"]) == ("done", 0)
    assert len({event["run"] for event in (encrypt, encrypted, done)}) == 1
    assert (get["command"], get["key"]) == ("get", "stringData.password")
    assert got["keys"] == [folder.recipient], "whose key opened it"
    assert verify(log).problems == ()


EVERYTHING = [
    ("encrypt", "secret.yaml"),
    ("encrypt", "--check"),
    ("decrypt", "secret.yaml"),
    ("decrypt", "-i", "secret.yaml"),
    ("encrypt", "-q", "secret.yaml"),
    ("get", "secret.yaml", "stringData.password"),
    ("set", "secret.yaml", "stringData.other", "hunter2-throwaway-argument"),
    ("set", "secret.yaml", "stringData.third", "--generate", "hex:40"),
    ("unset", "secret.yaml", "stringData.third"),
    ("rotate", "secret.yaml"),
    ("rotate", "--all"),
    ("exec-env", "secret.yaml", "git", "--version", "hunter2-throwaway-argument"),
    ("exec-file", "secret.yaml", "--", "git", "-c", "x.y={}", "--version"),
    ("recipients", "sync", "--all"),
    ("decrypt", "absent.yaml"),
    ("keys", "generate", "-o", "new.agekey"),
    ("convert", "secret.yaml", "--to", "plain"),
    ("convert", "secret.yaml", "--to", "sops"),
]


def test_every_command_is_logged_and_no_value_is(log, folder, cli, monkeypatch):
    folder.write("secret.yaml")
    for arguments in EVERYTHING:
        before = log.stat().st_size if log.exists() else 0
        result = cli(*arguments)
        assert result.exit_code in (0, 1, 2), result.stderr
        found = events(log)
        assert log.stat().st_size > before, arguments
        assert found[-1]["event"] == "end"
        assert found[-1]["exit_code"] == result.exit_code
        assert (found[-1]["result"] == "done") == (result.exit_code < 2)
    for path in (log, head_path(log)):
        assert b"hunter2" not in path.read_bytes()
        assert not folder.leaks(path.read_bytes())
        assert b"AGE-SECRET-KEY" not in path.read_bytes()
    assert verify(log).problems == ()
    failed = [event for event in found if event.get("error")]
    assert {event["error"] for event in failed} >= {"FileAccessError"}
    converted = [
        event["outcome"] for event in found if event["event"] == "file" and event["command"] == "convert"
    ]
    assert converted == ["converted", "converted"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("explain", "secret.yaml"),
        ("recipients", "list"),
        ("keys", "list"),
        ("log",),
        ("--help",),
    ],
)
def test_what_neither_reads_values_nor_changes_them_is_not_logged(log, encrypted, cli, arguments):
    before = log.exists()
    cli(*arguments)
    assert log.exists() == before


def test_each_file_of_many_is_in_it_with_the_keys_that_opened_it(waddle, cli, identity):
    (waddle / ".fluxsecrets.yaml").write_text(REQUIRED)
    cli("encrypt")
    count = len(events(waddle / LOG))
    assert cli("rotate", "--env", "staging").exit_code == 0
    start, *files, end = events(waddle / LOG)[count:]
    assert start["environment"] == "staging"
    assert [event["outcome"] for event in files] == ["rotated"] * 10
    assert {tuple(event["keys"]) for event in files} == {(identity.recipient,)}
    assert end["result"] == "done"


def test_the_drop_in_and_the_library_are_logged_too(log, encrypted, monkeypatch):
    from fluxsecrets.cli.dropin.entry import run

    assert run(["--decrypt", "--output", "plain.yaml", "secret.yaml"]) == 0
    assert run(["set", "secret.yaml", '["stringData"]["x"]', '"hunter2-throwaway"']) == 0
    assert run(["decrypt", "absent.yaml"]) == 100
    assert run(["filestatus", "secret.yaml"]) == 0
    fluxsecrets.load("secret.yaml")
    with pytest.raises(fluxsecrets.FluxsecretsError):
        fluxsecrets.loads("a: 1")
    starts = [event for event in events(log) if event["event"] == "start"]
    assert [(event["program"].partition(" ")[0], event["command"]) for event in starts[1:]] == [
        ("fluxsecrets-sops", "decrypt"),
        ("fluxsecrets-sops", "set"),
        ("fluxsecrets-sops", "decrypt"),
        ("python", "load"),
        ("python", "loads"),
    ]
    ends = [event for event in events(log) if event["event"] == "end"]
    assert [event["result"] for event in ends[1:]] == ["done", "done", "failed", "done", "failed"]
    assert b"hunter2" not in log.read_bytes()


# --- where it is written --------------------------------------------------------------------------------


def test_of_a_machine(encrypted, cli, environment, monkeypatch):
    path = environment / "made" / "log.jsonl"
    monkeypatch.setenv("FLUXSECRETS_LOG", str(path))
    cli("decrypt", "secret.yaml")
    assert [event["event"] for event in events(path)] == ["start", "file", "end"]
    monkeypatch.setenv("FLUXSECRETS_LOG", "relative.jsonl")
    refused = cli("decrypt", "secret.yaml")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "FLUXSECRETS_LOG is not an absolute path" in refused.stderr
    monkeypatch.delenv("FLUXSECRETS_LOG")
    monkeypatch.setenv("FLUXSECRETS_LOG_REQUIRED", "1")
    assert "FLUXSECRETS_LOG is not" in cli("decrypt", "secret.yaml").stderr
    monkeypatch.setenv("FLUXSECRETS_LOG_REQUIRED", "please")
    assert "neither 1 nor 0" in cli("decrypt", "secret.yaml").stderr


def test_of_machine_and_repository_both(log, encrypted, cli, environment, monkeypatch):
    path = environment / "log.jsonl"
    monkeypatch.setenv("FLUXSECRETS_LOG", str(path))
    before = len(events(log)) if log.exists() else 0
    cli("decrypt", "secret.yaml")
    assert events(log)[before:][0]["run"] == events(path)[0]["run"]


def test_the_repository_of_a_named_file_counts_not_the_working_directory(
    log, encrypted, cli, tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    cli("decrypt", encrypted.path / "secret.yaml")
    cli("decrypt", Path("..", "folder", "secret.yaml"))
    named = [event["paths"] for event in events(log) if event["event"] == "start"]
    assert named[1:] == [
        [str(encrypted.path / "secret.yaml")],
        ["../folder/secret.yaml"],
    ]
    assert list(elsewhere.iterdir()) == []


def test_all_worktrees_of_a_clone_have_one(log, encrypted, cli, git, tmp_path, monkeypatch):
    git(encrypted.path, "add", "--all")
    git(encrypted.path, "commit", "--quiet", "--message", "all")
    git(encrypted.path, "worktree", "add", "--quiet", "../tree")
    monkeypatch.chdir(tmp_path / "tree")
    assert cli("decrypt", "secret.yaml").exit_code == 0
    assert events(log)[-3]["folder"] == str(tmp_path / "tree")
    shown = cli("log", "-n", "1")
    assert "decrypt" in shown.stdout
    assert str(log) in shown.stderr
    git(encrypted.path, "worktree", "remove", "--force", "../tree")
    assert verify(log).problems == ()


def test_without_git_it_is_in_the_users_own_folder(encrypted, cli, tmp_path, monkeypatch):
    plain = tmp_path / "plain"
    (plain / "deep").mkdir(parents=True)
    (plain / ".fluxsecrets.yaml").write_text(REQUIRED)
    monkeypatch.chdir(plain / "deep")
    assert cli("decrypt", "absent.yaml").exit_code == 2
    assert events(place_without_git(plain).state / "log.jsonl")[0]["paths"] == ["absent.yaml"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("log: {file: .git/config, required: true}", "belongs to git"),
        ("log: {file: ../log.jsonl, required: true}", "is not a path in the repository"),
        ("log: {file: .git/fluxsecrets/../config, required: true}", "belongs to git"),
        ("log: {file: .sops.yaml, required: true}", "not a log of fluxsecrets"),
        ("log: {fil: x}", ".fluxsecrets.yaml:1:7"),
        ("log: {required: [", ".fluxsecrets.yaml:"),
    ],
)
def test_settings_that_make_no_sense_stop_it(log, encrypted, cli, setting, message):
    encrypted.write(".fluxsecrets.yaml", setting + "\n")
    before = encrypted.files(), (encrypted.path / ".git/config").read_bytes()
    result = cli("decrypt", "secret.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert (encrypted.files(), (encrypted.path / ".git/config").read_bytes()) == before


def test_a_log_in_the_repository_is_never_written_through_a_link(log, encrypted, cli, tmp_path):
    (encrypted.path / "logs").symlink_to(tmp_path)
    encrypted.write(".fluxsecrets.yaml", "log: {file: logs/log.jsonl, required: true}\n")
    assert cli("decrypt", "secret.yaml").exit_code == 2
    assert not (tmp_path / "log.jsonl").exists()


# --- a log that cannot be written -----------------------------------------------------------------------


def unwritable(path, how, monkeypatch):
    """Make a log one that nothing can be added to; root may write everywhere, so the system refuses."""
    real = os.open if how == "read-only" else os.write

    def refuse_open(name, flags, *args, **kwargs):
        if flags & (os.O_WRONLY | os.O_RDWR) and str(name).startswith(str(path.parent)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(name))
        return real(name, flags, *args, **kwargs)

    def refuse_write(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if how == "read-only":
        monkeypatch.setattr(os, "open", refuse_open)
    else:
        monkeypatch.setattr(os, "write", refuse_write)


STOPPED = [
    ("decrypt", "secret.yaml"),
    ("decrypt", "-i", "secret.yaml"),
    ("get", "secret.yaml", "stringData.password"),
    ("set", "secret.yaml", "stringData.password", "other"),
    ("rotate", "secret.yaml"),
    ("exec-env", "secret.yaml", "touch", "ran"),
    ("keys", "generate", "-o", "new.agekey"),
    ("keys", "export", "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la", "--plain"),
]


@pytest.mark.parametrize("how", ["read-only", "full"])
def test_a_required_log_that_cannot_be_written_stops_everything(log, encrypted, cli, how, monkeypatch):
    log.parent.mkdir(exist_ok=True)
    before = encrypted.files()
    for arguments in STOPPED:
        with monkeypatch.context() as patch:
            unwritable(log, how, patch)
            result = cli(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert "nothing was done: it cannot be logged, which .fluxsecrets.yaml requires" in result.stderr
        assert "hint: " in result.stderr
        assert encrypted.files() == before, arguments


def test_it_stops_the_drop_in_and_the_library(log, encrypted, monkeypatch, capsys):
    from fluxsecrets.cli.dropin.entry import run

    log.parent.mkdir(exist_ok=True)
    before = encrypted.files()
    with monkeypatch.context() as patch:
        unwritable(log, "read-only", patch)
        assert run(["decrypt", "secret.yaml"]) != 0
        assert run(["rotate", "-i", "secret.yaml"]) != 0
        with pytest.raises(fluxsecrets.FluxsecretsError, match="nothing was done"):
            fluxsecrets.load("secret.yaml")
    assert capsys.readouterr().out == ""
    assert encrypted.files() == before


def test_without_required_it_is_a_warning(log, encrypted, cli, monkeypatch):
    encrypted.write(".fluxsecrets.yaml", "log: {file: secrets.jsonl}\n")
    with monkeypatch.context() as patch:
        unwritable(encrypted.path / "secrets.jsonl", "read-only", patch)
        result = cli("get", "secret.yaml", "stringData.password")
    assert (result.exit_code, result.stdout.strip()) == (0, encrypted.marker)
    assert result.stderr.count("warning: ") == 1
    assert "secrets.jsonl: this is not logged: " in result.stderr


def test_what_was_done_and_cannot_be_noted_any_more_is_an_error(log, encrypted, cli, monkeypatch):
    from fluxsecrets.ops.log import logfile

    real = logfile.append

    def append_once(path, events):
        if events[0]["event"] != "start":
            raise fluxsecrets.FluxsecretsError("the disk is full")
        real(path, events)

    monkeypatch.setattr(logfile, "append", append_once)
    result = cli("get", "secret.yaml", "stringData.password")
    assert result.exit_code == 2
    assert "what was done cannot be logged" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no process takes the place of another on Windows")
def test_before_another_program_takes_over_the_end_is_written(log, encrypted, cli):
    result = cli.process("exec-env", "--same-process", "secret.yaml", "echo", "done")
    assert result.stdout == "done\n", result.stderr
    assert events(log)[-1]["result"] == "replaced"
    encrypted.write(".fluxsecrets.yaml", "log: {file: .sops.yaml, required: true}\n")
    assert cli.process("exec-env", "--same-process", "secret.yaml", "echo", "done").stdout == ""


def test_what_was_interrupted_and_what_went_wrong_unexpectedly(log, encrypted, cli, monkeypatch):
    for error, code, result in ((KeyboardInterrupt, 130, "interrupted"), (ZeroDivisionError, 2, "failed")):

        def fail(*_args, error=error, **_options):
            raise error(encrypted.marker)

        monkeypatch.setattr("fluxsecrets.ops.files.content.open_data_key", fail)
        assert cli("decrypt", "secret.yaml").exit_code == code
        end = events(log)[-1]
        assert (end["result"], end["exit_code"]) == (result, code)
        assert end.get("error") == (error.__name__ if result == "failed" else None)
    assert not encrypted.leaks(log.read_bytes())


def test_a_run_that_was_killed_stands_there_as_unfinished(log, encrypted, cli):
    cli("decrypt", "secret.yaml")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0])
    head_path(log).unlink()
    shown = cli("log")
    assert "unfinished" in shown.stdout
    assert "secret.yaml" in shown.stdout


def test_without_a_log_nothing_of_it_is_imported(encrypted, cli):
    code = (
        "import sys; from fluxsecrets.cli.entry import run; assert run(['decrypt', 'secret.yaml']) == 0; "
        "unneeded = {'pwd', *(f'fluxsecrets.{name}' for name in "
        "('ops.log.logfile', 'ops.log.logview', 'repo.settings', 'keys.oskeyring'))}; "
        "sys.exit(bool(unneeded & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# --- fluxsecrets log ------------------------------------------------------------------------------------


@pytest.fixture
def story(log, encrypted, cli):
    """A log with some entries, of which nothing differs from run to run but times, users and places."""
    (encrypted.path / ".fluxsecrets.yaml").write_text(REQUIRED)
    cli("decrypt", "secret.yaml")
    cli("get", "secret.yaml", "stringData.password")
    cli("decrypt", "absent\x1b[31m.yaml")
    cli("keys", "generate", "-o", "new.agekey")
    return log


def scrubbed(folder, text):
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?", "TIME", folder.scrub(text))
    text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
    text = re.sub(r"age1\w+…\w+", "KEY", text)
    user = events(folder.path / LOG)[0]["user"] if (folder.path / LOG).exists() else "?"
    return re.sub(rf"^(TIME +){re.escape(user)} +", r"\1USER ", text, flags=re.MULTILINE)


def test_what_log_shows(story, encrypted, cli, snapshot):
    shown = cli("log")
    assert shown.exit_code == 0
    assert scrubbed(encrypted, shown.stdout + shown.stderr) == snapshot
    assert "\x1b" not in shown.stdout
    assert len(cli("log", "-n", "1").stdout.splitlines()) == 1
    assert "absent" not in cli("log", "--path", "secret.yaml").stdout
    assert cli("log", "--user", "nobody-of-that-name").stdout == ""
    assert len(cli("log", "--all").stdout.splitlines()) == 5
    data = json.loads(cli("log", "--format", "json").stdout)
    (one,) = data["logs"]
    assert (one["damaged"], len(one["entries"])) == (False, 5)
    assert one["entries"][1]["keys"] == [encrypted.recipient]


def test_at_a_narrow_terminal_a_row_breaks_before_the_file(story, cli, monkeypatch):
    from fluxsecrets.ops.log.logview import read_entries
    from fluxsecrets.report.log import entry_rows
    from fluxsecrets.report.text import laid_out

    entries, _ = read_entries(story)
    lines = laid_out(entry_rows(entries), 60, lambda cell: cell.text)
    assert [line.split()[-1] for line in lines[::2]] == ["encrypt", "decrypt", "get", "decrypt", "generate"]
    assert lines[5].split() == ["secret.yaml", "stringData.password", "done", "age1a454ldt5…s5m7la"]


def test_what_verify_says(story, encrypted, cli, snapshot):
    fine = cli("log", "verify")
    assert fine.exit_code == 0
    anchor = fine.stdout.splitlines()[1].removeprefix("anchor: ")
    assert cli("log", "verify", "--anchor", anchor).exit_code == 0
    lines = story.read_bytes().splitlines(keepends=True)
    story.write_bytes(b"".join([*lines[:3], *lines[4:-1]]))
    cut = cli("log", "verify", "--anchor", anchor)
    assert cut.exit_code == 1
    assert scrubbed(encrypted, fine.stdout + fine.stderr + cut.stdout + cut.stderr) == snapshot
    data = json.loads(cli("log", "verify", "--format", "json").stdout)
    (one,) = data["logs"]
    assert one["problems"][0]["line"] == 4
    assert "run `fluxsecrets log verify`" not in cli("log").stderr, "what is left can be read"
    story.write_bytes(lines[0] + b"rubbish\n")
    assert "run `fluxsecrets log verify`" in cli("log").stderr


def test_a_log_that_is_not_there(folder, cli, git):
    none = cli("log")
    assert (none.exit_code, none.stdout) == (2, "")
    assert "no log is set up here" in none.stderr
    assert "FLUXSECRETS_LOG" in none.stderr
    assert "there is no such log" in cli("log", "verify", "--file", "absent.jsonl").stderr
    git(folder.path, "init", "--quiet")
    folder.write(".fluxsecrets.yaml", REQUIRED)
    empty = cli("log", "verify")
    assert empty.exit_code == 0
    assert "nothing was logged yet, or the log was deleted" in empty.stderr
    folder.write("mine.txt", "mine\n")
    assert cli("log", "verify", "--file", "mine.txt").exit_code == 1
    assert cli("log", "verify", "--file", ".").exit_code == 2
    assert cli("log", "verify", "--anchor", "5:x", "--file", "mine.txt").exit_code == 2
