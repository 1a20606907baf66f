"""What depends on processes: redirection, pipes, signals, kills, full disks, permissions, links."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fluxsecrets.marks import is_leftover_name
from starting import with_closed, with_default

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and modes are POSIX's")

MANY = 64
"""Files that are enough for several processes and a progress bar."""


@pytest.fixture
def many(folder):
    """A folder with many plain Secrets."""
    for number in range(MANY):
        folder.write(f"{number:03}.yaml")
    return folder


def start(cli, *args, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([cli.executable, *args], **options)


def wait_for(condition):
    """Wait for something that another process does; the limit only ends a test that hangs."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


def assert_whole(folder, cli):
    """Each file is plain or encrypted as a whole, opens, and nothing stands beside that is not ours."""
    names = [name for name in folder.files() if not name.startswith(".")]
    assert len(names) == MANY
    encrypted = [name for name in names if not folder.leaks(folder.read(name))]
    for name in encrypted[:: max(1, len(encrypted) // 5)]:
        assert cli("decrypt", name).stdout == folder.secret
    for name in set(names) - set(encrypted):
        assert folder.read(name) == folder.secret.encode()
    return len(encrypted)


def temporary_files(folder):
    return [path for path in folder.path.iterdir() if is_leftover_name(path.name)]


@pytest.mark.parametrize("replaced", [0, MANY // 2])
def test_killed_run_leaves_every_file_whole(replaced, many, cli):
    process = start(cli, "encrypt", ".")
    wait_for(lambda: process.poll() is not None or b"ENC[" in many.read(f"{replaced:03}.yaml"))
    process.kill()
    process.communicate(timeout=60)
    assert_whole(many, cli)
    for path in temporary_files(many):
        assert not many.leaks(path.read_bytes())
    again = cli("encrypt", ".")
    assert again.exit_code == 0, again.stderr
    assert temporary_files(many) == []
    assert assert_whole(many, cli) == MANY


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells which processes there are")
def test_killed_run_leaves_no_worker_behind(many, cli):
    process = start(cli, "encrypt", ".")
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    found = []

    def has_workers():
        if process.poll() is None:
            found[:] = Path(children).read_text(encoding="ascii").split()
        return process.poll() is not None or found

    wait_for(has_workers)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not any(is_worker(number, cli) for number in found))
    assert_whole(many, cli)


def is_worker(number, cli):
    try:
        return cli.executable.encode() in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_interrupted_run_cleans_up(many, cli, number, code):
    process = subprocess.Popen(
        with_default(number, cli.executable, "encrypt", "."),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: process.poll() is not None or b"ENC[" in many.read("000.yaml"))
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode in (code, 0)  # 0: it was faster than the signal
    assert b"Traceback" not in stderr
    if process.returncode:
        assert b"interrupted" in stderr
    assert temporary_files(many) == []
    assert_whole(many, cli)


def test_redirected_to_a_file_is_refused_before_anything_changes(folder, cli, tmp_path):
    folder.write("secret.yaml")
    before = folder.files()
    target = tmp_path / "out.yaml"
    with target.open("wb") as stream:
        result = cli.process("encrypt", "secret.yaml", stdout=stream)
    assert result.exit_code == 2
    assert "standard output goes to a file, but encrypt works in place" in result.stderr
    assert "--stdout" in result.stderr
    assert folder.files() == before
    assert target.read_bytes() == b""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--stdout", "secret.yaml"),
        ("-o", "out.yaml", "secret.yaml"),
        ("--check", "secret.yaml"),
        ("--dry-run", "secret.yaml"),
        ("--format", "json", "secret.yaml"),
        ("-i", "."),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_redirection_that_is_meant(folder, cli, git, tmp_path, arguments):
    folder.write("secret.yaml")
    git(folder.path, "init", "--quiet")
    target = tmp_path / "out.txt"
    with target.open("wb") as stream:
        result = cli.process("encrypt", *arguments, stdout=stream)
    assert result.exit_code == (1 if "--check" in arguments else 0), result.stderr
    assert not folder.leaks(target.read_bytes(), result.stderr)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_stops_reading(encrypted, cli, monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    encrypted.write("large.yaml", encrypted.secret + "".join(f"  k{n}: {'x' * 60}\n" for n in range(3_000)))
    assert cli("encrypt", "large.yaml").exit_code == 0
    process = start(cli, "decrypt", "large.yaml")
    process.stdout.read(1)
    process.stdout.close()
    with process.stderr:
        stderr = process.stderr.read()
    assert process.wait(timeout=60) == 2
    assert stderr == b""


@pytest.mark.parametrize(("closed", "code"), [(1, 2), (2, 0)])
def test_closed_streams(encrypted, cli, closed, code):
    before = encrypted.files()
    command = with_closed(closed, cli.executable, "decrypt", "secret.yaml")
    result = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    assert result.returncode in (2, code)
    assert b"Traceback" not in result.stderr
    assert encrypted.files() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_full_device_as_output(encrypted, cli):
    with Path("/dev/full").open("wb") as stream:
        result = cli.process("decrypt", "secret.yaml", stdout=stream)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == "error: the output could not be written: the disk is full"
    assert "git status" in result.stderr, "what was changed before that is not taken back"
    assert cli("decrypt", "secret.yaml", "-o", "/dev/full").exit_code == 2
    assert cli("decrypt", "secret.yaml", "-o", "/dev/null").exit_code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("main", ["entry", "dropin.entry"])
def test_the_version_on_a_full_device(main):
    run = f"from fluxsecrets.cli.{main} import main; main()"
    with Path("/dev/full").open("wb") as stream:
        result = subprocess.run(
            [sys.executable, "-c", run, "--version"], stdout=stream, stderr=subprocess.PIPE, check=False
        )
    assert result.returncode in (2, 3)
    assert result.stderr.startswith(b"error: the output could not be written: the disk is full\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_machine_that_refuses_in_the_middle_of_a_library(folder, cli, monkeypatch, number):
    """No traceback, no request for a report: it is not the fault of fluxsecrets."""

    def refuse(*_args, **_options):
        raise OSError(number, os.strerror(number), "/tmp/somewhere")

    folder.write("secret.yaml")
    monkeypatch.setattr("fluxsecrets.ops.files.status._looks", refuse)
    result = cli("status", "secret.yaml")
    assert result.exit_code == 2
    assert "/tmp/somewhere: the system refused to go on: " in result.stderr
    assert "hint: " in result.stderr
    assert "report" not in result.stderr


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize(
    "arguments", [("encrypt", "a.yaml", "b.yaml"), ("encrypt", "-o", "new.yaml", "a.yaml")]
)
def test_disk_that_takes_no_more(folder, cli, monkeypatch, number, arguments):
    folder.write("a.yaml")
    folder.write("b.yaml")
    before = folder.files()

    def write(descriptor, data):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", write)
    result = cli(*arguments)
    monkeypatch.undo()
    os.chdir(folder.path)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert "hint:" in result.stderr
    assert not folder.leaks(result.stdout, result.stderr)
    assert folder.files() == before


def test_read_only_file_stays_as_it_is(folder, cli):
    """Replacing it would work, since that takes the folder's permission only; it is refused all the same."""
    path = folder.write("secret.yaml")
    path.chmod(0o444)
    result = cli("encrypt", "secret.yaml")
    assert result.exit_code == 2
    assert "secret.yaml: the file is read-only, so it stays as it is" in result.stderr
    assert "`chmod u+w secret.yaml`" in result.stderr
    assert folder.leaks(path.read_bytes())
    assert cli("encrypt", "--check", "secret.yaml").exit_code == 1
    assert cli("encrypt", "-o", "new.yaml", "secret.yaml").exit_code == 0
    path.chmod(0o640)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(folder, cli):
    path = folder.write("sub/secret.yaml")
    path.parent.chmod(0o555)
    try:
        result = cli("encrypt", "sub/secret.yaml")
    finally:
        path.parent.chmod(0o755)
    assert result.exit_code == 2
    assert "permission denied" in result.stderr
    assert folder.leaks(path.read_bytes())


@pytest.fixture
def repository(folder, git):
    git(folder.path, "init", "--quiet")
    return folder


@pytest.mark.parametrize("kind", ["file", "folder", "absolute"])
@pytest.mark.parametrize("command", ["encrypt", "decrypt", "decrypt -i", "status", "explain"])
def test_link_that_leaves_the_repository(repository, cli, tmp_path, kind, command):
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret.yaml"
    secret.write_text(repository.secret)
    link = repository.path / "link"
    link.symlink_to(outside if kind == "folder" else secret)
    name = "link/secret.yaml" if kind == "folder" else str(link) if kind == "absolute" else "link"
    result = cli(*command.split(), name)
    assert result.exit_code == 2
    assert "leaves the repository" in result.stderr
    assert secret.read_text() == repository.secret
    assert link.is_symlink()


def test_linked_folder_that_leaves_the_repository(repository, cli, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret.yaml"
    secret.write_text(repository.secret)
    (repository.path / "link").symlink_to(outside)
    result = cli("encrypt", "link")
    assert result.exit_code == 2
    assert "leaves the repository" in result.stderr
    assert secret.read_text() == repository.secret


def test_link_inside_of_the_repository(repository, cli):
    secret = repository.write("real/secret.yaml")
    link = repository.path / "link.yaml"
    link.symlink_to("real/secret.yaml")
    result = cli("encrypt", "link.yaml")
    assert result.exit_code == 0, result.stderr
    assert link.is_symlink()
    assert not repository.leaks(secret.read_bytes())
    assert cli("decrypt", "link.yaml").stdout == repository.secret


def test_link_in_circles(repository, cli):
    (repository.path / "loop.yaml").symlink_to("loop.yaml")
    result = cli("encrypt", "loop.yaml")
    assert result.exit_code == 2
    assert "error: loop.yaml: " in result.stderr


@pytest.mark.parametrize("debug", [(), ("--debug",)])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_unexpected_exception(encrypted, cli, monkeypatch, capfd, debug, place):
    def fail(*args, **options):
        raise RuntimeError(f"something about {encrypted.marker}")

    monkeypatch.setattr("fluxsecrets.ops.files.decrypt.open_file", fail)
    arguments = ("decrypt", "secret.yaml")
    result = cli(*(debug + arguments if place == "before" else arguments + debug))
    assert result.exit_code == 2
    assert "error: unexpected RuntimeError" in result.stderr
    assert ("Traceback" in result.stderr) is bool(debug)
    assert encrypted.leaks(result.stderr) is bool(debug)
    assert re.search("--debug", result.stderr)


def test_debug_shows_where_an_expected_error_comes_from(folder, cli):
    assert "Traceback" not in cli("decrypt", "missing.yaml").stderr
    result = cli("decrypt", "missing.yaml", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "error: missing.yaml: there is no such file" in result.stderr


def test_file_named_like_an_option(folder, cli):
    folder.write("--debug")
    assert cli("encrypt", "--input-type", "yaml", "--", "--debug").exit_code == 0
    assert not folder.leaks(folder.read("--debug"))
