"""`fluxsecrets recover`: what an interrupted command left, and the ways to end it."""

import json
import os
import re
import subprocess
import sys

import pytest
from tests.report.test_json import problems

from fluxsecrets.ops.run import settling
from fluxsecrets.ops.run.runlock import only_run
from fluxsecrets.ops.run.statefolder import place_in_git
from sealing import make_certificate

NAMES = ("a.yaml", "b.yaml", "c.yaml")


@pytest.fixture
def stopped(folder, cli, git, monkeypatch):
    """A repository with three files, in which `rotate` was ended after the first."""
    git(folder.path, "init", "--quiet")
    for name in NAMES:
        folder.write(name)
    assert cli("encrypt", ".").exit_code == 0
    real, calls = settling.write_batch, []

    def stop(writes):
        calls.append(writes)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(writes)

    folder.before = folder.files()
    with monkeypatch.context() as patch:
        patch.setattr(settling, "BATCH", 1)
        patch.setattr(settling, "write_batch", stop)
        assert cli("rotate", ".").exit_code == 130
    return folder


def scrubbed(folder, text):
    text = folder.scrub(text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", text)
    text = re.sub(r"by \S+@\S+ \(process \d+", "by USER@HOST (process PID", text)
    return re.sub(r"rotate-\d+", "rotate-TIME", text)


def edit(folder, name):
    folder.write(name, b"# reviewed\n" + folder.read(name))


def test_the_state_and_the_ways_are_shown(stopped, cli, snapshot):
    edit(stopped, "b.yaml")
    result = cli("recover")
    assert result.exit_code == 1
    assert scrubbed(stopped, result.stdout) == snapshot


def test_every_refusal_names_it(stopped, cli):
    for command in (("rotate", "."), ("encrypt", "."), ("decrypt", "-i", "c.yaml"), ("unset", "c.yaml", "x")):
        result = cli(*command)
        assert result.exit_code == 2
        assert "`fluxsecrets rotate` was interrupted here, and 3 files wait for it" in result.stderr
        assert "`fluxsecrets recover` shows its state" in result.stderr
    assert cli("decrypt", "a.yaml").stdout == stopped.secret, "reading goes on"


@pytest.mark.parametrize("command", ["rotate", "recover"])
@pytest.mark.parametrize("way", ["--resume", "--abort"])
@pytest.mark.parametrize("name", NAMES)
def test_one_changed_file_stays_and_holds_nobody_up(stopped, cli, command, way, name):
    edit(stopped, name)
    mine = stopped.read(name)
    result = cli(command, way)
    assert result.exit_code == 1, result.stderr
    assert f"2 files: {'completed' if way == '--resume' else 'taken back'}" in result.stderr
    assert f"{name} was changed meanwhile, and stays as it is" in result.stderr
    assert stopped.read(name) == mine
    for other in {*NAMES} - {name}:
        assert (stopped.read(other) == stopped.before[other]) is (way == "--abort")
    folder = next((stopped.path / ".git/fluxsecrets/kept").iterdir())
    assert (folder / "before" / name).read_bytes() == stopped.before[name]
    for version in ("before", "after"):
        assert cli("decrypt", folder / version / name).stdout == stopped.secret
        assert f".git/fluxsecrets/kept/{folder.name}/{version}" in result.stderr
    assert cli("rotate", ".").exit_code == 0, "nothing is blocked any more"
    assert f"kept in .git/fluxsecrets/kept/{folder.name}" in cli("recover").stderr


def test_all_can_be_left_as_it_is(stopped, cli, snapshot):
    before = stopped.files()
    result = cli("recover", "--leave")
    assert result.exit_code == 1
    assert stopped.files() == before
    assert scrubbed(stopped, result.stderr) == snapshot
    assert cli("recover").exit_code == 0


def test_plain_text_is_kept_locked_and_can_be_shown(folder, cli, git, monkeypatch):
    git(folder.path, "init", "--quiet")
    for name in NAMES:
        folder.write(name, folder.secret.replace("name: db", f"name: {name[0]}\n  namespace: x"))
    folder.write("sealing.crt", make_certificate(-1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(settling, "write_batch", lambda _writes: (_ for _ in ()).throw(KeyboardInterrupt))
        done = cli("convert", ".", "--to", "sealed", "--cert", "sealing.crt", "--for-others")
        assert done.exit_code == 130, done.stderr
    edit(folder, "b.yaml")
    mine = folder.files()
    assert cli("recover", "--abort").exit_code == 1
    assert folder.files() == mine
    kept = next((folder.path / ".git/fluxsecrets/kept").iterdir())
    assert (kept / "after/b.yaml").exists()
    locked = kept / "before/b.yaml.locked"
    assert not folder.leaks(*(path.read_bytes() for path in kept.rglob("*") if path.is_file()))
    assert cli("recover", "--show", locked).stdout == mine["b.yaml"].decode().removeprefix("# reviewed\n")
    assert "nothing has to open it" in cli("recover", "--show", kept / "after/b.yaml").stderr
    locked.write_bytes(locked.read_bytes()[:-1])
    assert "can't be opened" in cli("recover", "--show", locked).stderr


def test_a_damaged_journal_can_be_put_aside(stopped, cli):
    (stopped.path / ".git/fluxsecrets/journal/plan.json").write_text("{}")
    before = stopped.files()
    shown = cli("recover")
    assert shown.exit_code == 1
    assert "fluxsecrets recover --leave" in shown.stdout
    assert "--resume" not in shown.stdout
    assert cli("recover", "--abort").exit_code == 2
    assert cli("recover", "--leave").exit_code == 0
    assert stopped.files() == before
    assert cli("rotate", ".").exit_code == 0


def test_the_command_itself_ends_it_and_prints_the_same_object(stopped, cli):
    ended = json.loads(cli("rotate", "--abort", "--format", "json").stdout)
    assert (ended["command"], ended["ended"]["way"]) == ("recover", "abort")


def test_json_follows_the_schema(stopped, cli):
    edit(stopped, "b.yaml")
    outputs = [
        cli("recover", "--format", "json"),
        cli("recover", "--abort", "--format", "json"),
        cli("recover", "--format", "json"),
    ]
    shown, ended, after = (json.loads(each.stdout) for each in outputs)
    assert [problems(each) for each in (shown, ended, after)] == [[], [], []]
    assert shown["summary"] == {"done": 1, "pending": 1, "changed": 1}
    assert shown["interrupted"]["command"] == "rotate"
    assert shown["ways"] == ["resume", "abort", "leave"]
    assert [each["path"] for each in ended["ended"]["kept"]] == ["b.yaml"]
    assert after["interrupted"] is None
    assert after["kept"]


def test_at_a_terminal_it_asks(stopped, cli, monkeypatch):
    from fluxsecrets.cli import recover

    answers = iter(["nothing", "abort"])
    monkeypatch.setattr(recover, "_somebody_looks", lambda: True)
    monkeypatch.setattr(recover.click, "prompt", lambda *_args, **_more: next(answers))
    assert cli("recover").exit_code == 1
    assert stopped.files() != stopped.before
    assert cli("recover").exit_code == 0
    assert stopped.files() == stopped.before


def test_options_that_exclude_each_other(stopped, cli):
    assert "exclude each other" in cli("recover", "--abort", "--leave").stderr
    assert "stands alone" in cli("recover", "--abort", "--show", "x").stderr


# --- runs that are alive ---------------------------------------------------------------------------------

HOLDS = """
import sys
from pathlib import Path
from fluxsecrets.ops.run.runlock import only_run
from fluxsecrets.ops.run.statefolder import place_in_git
root = Path(sys.argv[1])
with only_run(place_in_git(root, root / ".git"), "convert"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(folder, stopped):
    """Another process that is changing files."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.stdin.close()


def test_a_run_that_is_alive_is_not_called_interrupted(stopped, cli, holder):
    for command in (("rotate", "."), ("encrypt", "."), ("rotate", "--abort"), ("recover", "--leave")):
        result = cli(*command)
        assert result.exit_code == 2
        assert "interrupted" not in result.stderr
        assert re.search(
            rf"another fluxsecrets is running in this work tree: `fluxsecrets convert` \(process {holder.pid}"
            r", since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)",
            result.stderr,
        )
    shown = cli("recover")
    assert shown.exit_code == 0
    assert f"`fluxsecrets convert` is running (process {holder.pid} on " in shown.stdout
    assert problems(json.loads(cli("recover", "--format", "json").stdout)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a process inherits no locks there")
def test_a_lock_that_a_child_of_a_dead_process_holds_does_not_count(stopped, cli):
    import fcntl

    with subprocess.Popen([sys.executable, "-c", "pass"]) as dead:
        dead.wait()
    lock = stopped.path / ".git/fluxsecrets/lock"
    with lock.open("r+") as child:
        fcntl.flock(child, fcntl.LOCK_EX)
        data = json.loads(lock.read_text())
        lock.write_text(json.dumps({**data, "pid": dead.pid, "start": None}))
        assert cli("recover").exit_code == 1
        result = cli("recover", "--abort")
    assert result.exit_code == 0, result.stderr
    assert stopped.files() == stopped.before


def test_of_a_run_on_another_machine_it_is_not_known_that_it_is_dead(stopped, cli, monkeypatch):
    from fluxsecrets.ops.run import runlock

    lock = stopped.path / ".git/fluxsecrets/lock"
    data = json.loads(lock.read_text())
    lock.write_text(json.dumps({**data, "machine": "00000000", "host": "laptop"}))
    monkeypatch.setattr(runlock, "try_lock", no_locks)
    result = cli("recover", "--abort")
    assert result.exit_code == 2
    assert "on laptop" in result.stderr


def test_where_there_are_no_locks_the_note_decides(stopped, cli, monkeypatch):
    from fluxsecrets.ops.run import runlock

    monkeypatch.setattr(runlock, "try_lock", no_locks)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        lock = stopped.path / ".git/fluxsecrets/lock"
        data = json.loads(lock.read_text())
        lock.write_text(json.dumps({**data, "pid": alive.pid, "start": None}))
        assert f"process {alive.pid}" in cli("recover", "--abort").stderr
        alive.stdin.close()
    assert cli("recover", "--abort").exit_code == 0


def no_locks(_descriptor):
    raise OSError(95, os.strerror(95))


def test_the_lock_ends_with_the_block(folder, git):
    git(folder.path, "init", "--quiet")
    place = place_in_git(folder.path, folder.path / ".git")
    for _ in range(2):
        with only_run(place, "rotate"):
            pass
