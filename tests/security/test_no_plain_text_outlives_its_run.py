"""Plain text of a killed run goes with the next run, nothing else does, and crashes leave no memory."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fluxsecrets.files import private
from fluxsecrets.files.deadfolders import DeadFolders, remove_dead_folders
from fluxsecrets.files.private import private_directory
from starting import with_core_limit

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="folders have no locks there, and there are no core dumps"
)

NAME = "fluxsecrets-" + "0a" * 16
MARK = "hunter2-throwaway"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where private folders go in this test."""
    folder = tmp_path / "temporary"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(private, "_memory_folder", lambda: None)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return folder


def left_by_a_killed_run(place: Path) -> Path:
    """Make a process that has a private folder with plain text, and kill it."""
    program = textwrap.dedent(f"""
        import os, signal
        from fluxsecrets.files import private
        os.environ["TMPDIR"] = {str(place)!r}
        private._memory_folder = lambda: None
        with private.private_directory() as folder:
            (folder / "secret.yaml").write_text({MARK!r})
            (folder / "below").mkdir()
            (folder / "below" / ".secret.yaml.swp").write_text({MARK!r})
            print(folder, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = Path(done.stdout.strip())
    assert (folder / "below" / ".secret.yaml.swp").exists()
    return folder


def test_the_next_run_deletes_it(place):
    folder = left_by_a_killed_run(place)
    assert remove_dead_folders([str(place)]) == DeadFolders((folder,))
    assert remove_dead_folders([str(place)]) == DeadFolders()
    assert list(place.iterdir()) == []


def test_that_of_a_living_run_stays(place):
    with private_directory() as living:
        (living / "secret.yaml").write_text(MARK)
        assert remove_dead_folders([str(place)]) == DeadFolders()
        assert (living / "secret.yaml").exists()


@pytest.mark.parametrize("fault", ["no locks", "not deletable"])
def test_what_cannot_be_deleted_is_named(place, monkeypatch, fault):
    folder = left_by_a_killed_run(place)

    def fail(*args, **kwargs):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if fault == "no locks":
        monkeypatch.setattr("fluxsecrets.files.locks.try_lock", fail)
    else:
        monkeypatch.setattr("fluxsecrets.files.removal.remove_folder", fail)
    assert remove_dead_folders([str(place)]) == DeadFolders((), (folder,))
    assert folder.exists()


@pytest.mark.parametrize(
    "kind", ["link", "file", "open to others", "another's", "another name", "a user's own"]
)
def test_what_is_not_ours_stays(place, tmp_path, monkeypatch, kind):
    other = tmp_path / "precious"
    other.mkdir(mode=0o700)
    (other / "file").write_text("mine")
    folder = place / {"another name": f"{NAME}0", "a user's own": "fluxsecrets-projects"}.get(kind, NAME)
    if kind == "link":
        folder.symlink_to(other)
    elif kind == "file":
        folder.write_text("mine")
    else:
        folder.mkdir(mode=0o755 if kind == "open to others" else 0o700)
        (folder / "file").write_text("mine")
        if kind == "another's":
            monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert remove_dead_folders([str(place)]) == DeadFolders()
    assert os.path.lexists(folder)
    assert (other / "file").read_text() == "mine"


def test_links_in_it_are_not_followed(place, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    folder = left_by_a_killed_run(place)
    (folder / "link").symlink_to(precious)
    (folder / "below" / "file").symlink_to(precious / "file")
    assert remove_dead_folders([str(place)]).deleted == (folder,)
    assert (precious / "file").read_text() == "mine"


def test_one_that_another_run_takes_for_dead_is_made_anew(place, monkeypatch):
    real, calls = private.is_named, []

    def taken_once(descriptor, folder):
        calls.append(folder)
        if len(calls) == 1:
            folder.rmdir()
        return real(descriptor, folder)

    monkeypatch.setattr(private, "is_named", taken_once)
    with private_directory() as folder:
        assert folder != calls[0]
        assert folder.is_dir()


COMMANDS = {
    "decrypt": ("decrypt", "secret.yaml"),
    "status": ("status", "secret.yaml"),
    "edit": ("edit", "secret.yaml"),
    "hook": ("hook", "run", "pre-commit"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_cleans_up_and_tells(encrypted, cli, git, place, monkeypatch, command):
    git(encrypted.path, "init", "--quiet")
    folder = left_by_a_killed_run(place)
    monkeypatch.setenv("EDITOR", "true")
    result = cli(*command)
    assert result.exit_code == 0, result.stderr
    assert MARK not in result.stderr
    assert not folder.exists()
    assert result.stderr.count(str(folder)) == 1
    assert list(place.iterdir()) == []


LIMIT = "import resource; print(*resource.getrlimit(resource.RLIMIT_CORE))"


def with_limit(soft: int, *command: str, env=None) -> str:
    """What a command prints that is started with a limit for core dumps."""
    done = subprocess.run(
        with_core_limit(soft, *command),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hard_limit() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_CORE)[1]


@pytest.mark.skipif(hard_limit() == 0, reason="core dumps are off on this machine")
@pytest.mark.parametrize("how", [("exec-env",), ("exec-env", "--same-process"), ("exec-file",)])
def test_commands_get_the_users_own_limit_back(encrypted, cli, how):
    extra = ("{}",) if how[0] == "exec-file" else ()
    shown = with_limit(4096, cli.executable, *how, "secret.yaml", "--", sys.executable, "-c", LIMIT, *extra)
    assert shown.split()[0] == "4096"


@pytest.mark.skipif(hard_limit() == 0, reason="core dumps are off on this machine")
def test_every_command_has_them_off_and_so_has_what_gets_keys(encrypted, cli, identity, tmp_path):
    """A key command is started by any command that opens a file, and inherits the limit."""
    key, seen = tmp_path / "key.py", tmp_path / "seen"
    key.write_text(
        "import pathlib, resource\n"
        f"pathlib.Path({str(seen)!r}).write_text(str(resource.getrlimit(resource.RLIMIT_CORE)[0]))\n"
        f"print(pathlib.Path({str(identity.path)!r}).read_text())\n"
    )
    env = {"SOPS_AGE_KEY_CMD": f"{sys.executable} {key}", "SOPS_AGE_KEY_FILE": ""}
    drop_in = str(Path(cli.executable).with_name("fluxsecrets-sops"))
    for command in ((cli.executable, "decrypt"), (cli.executable, "status"), (drop_in, "decrypt")):
        seen.unlink(missing_ok=True)
        with_limit(4096, *command, "secret.yaml", env=env)
        assert seen.read_text() == "0"
