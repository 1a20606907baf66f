"""`exec-env` and `exec-file`: values reach the command, nothing stays on disk, signals and codes pass."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands in here are POSIX's")

SHOW = (
    "import json, os; print(json.dumps({k: os.environb[k.encode()].decode('latin-1') for k in os.environ}))"
)
FLAT = """\
PASSWORD: hunter2-throwaway
NUMBER: 8080
RATIO: 1.0
ON: true
NOTHING: null
lower.case-name: x
# a comment
"""


@pytest.fixture
def memory(folder, monkeypatch, tmp_path):
    """Where private folders go, in place of the machine's memory; nothing may stay in it."""
    monkeypatch.setattr("fluxsecrets.files.private._memory_folder", lambda: None)
    return folder


@pytest.fixture
def run(cli, capfdbinary):
    """Runs fluxsecrets in this process, and gives what its command printed as standard output."""

    def run(*args):
        result = cli(*args)
        return replace(result, stdout_bytes=result.stdout_bytes + capfdbinary.readouterr().out)

    return run


def shown_env(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def encrypt(cli, folder, name, text):
    folder.write(name, text)
    result = cli("encrypt", "--allow-invalid", name)
    assert result.exit_code == 0, result.stderr


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


# --- exec-env


def test_flat_values_become_variables(folder, cli):
    encrypt(cli, folder, "flat.yaml", FLAT)
    found = shown_env(cli.process("exec-env", "flat.yaml", "--", sys.executable, "-c", SHOW))
    wanted = {
        "PASSWORD": folder.marker,
        "NUMBER": "8080",
        "RATIO": "1.0",
        "ON": "true",
        "NOTHING": "",
        "lower.case-name": "x",
    }
    assert found | wanted == found
    assert found["HOME"] == os.environ["HOME"]


def test_secret_manifest_gives_its_data_decoded(folder, cli, run, monkeypatch):
    raw = bytes(range(1, 256))
    data = {
        "password": base64.b64encode(folder.marker.encode()).decode(),
        "raw": base64.b64encode(raw).decode(),
        "both": base64.b64encode(b"data").decode(),
    }
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db"},
        "data": data,
        "stringData": {"both": "stringData"},
    }
    encrypt(cli, folder, "secret.json", json.dumps(manifest))
    monkeypatch.setenv("X", "1")
    found = shown_env(run("exec-env", "secret.json", "--pristine", "--", sys.executable, "-c", SHOW))
    found.pop("LC_CTYPE", None)  # Python's own
    assert found == {"password": folder.marker, "raw": raw.decode("latin-1"), "both": "stringData"}


def test_same_process_is_replaced(folder, cli):
    encrypt(cli, folder, "flat.env", f"PASSWORD={folder.marker}\n")
    script = (
        "import os, signal; print(os.environ['PASSWORD'], signal.getsignal(signal.SIGTERM).name, os.getpid())"
    )
    process = subprocess.Popen(
        [cli.executable, "exec-env", "--same-process", "flat.env", sys.executable, "-c", script],
        stdout=subprocess.PIPE,
    )
    out, _ = process.communicate(timeout=60)
    assert out.decode().split() == [folder.marker, "SIG_DFL", str(process.pid)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nested.yaml", "A: {b: x}\n", "'A' is a map"),
        ("list.yaml", "A: [x]\n", "'A' is a list"),
        ("equals.yaml", "A=B: x\n", "cannot be the name"),
        ("null.yaml", 'A: "x\\0y"\n', "null byte"),
        ("file.bin", "anything", "one value without a name"),
        ("bad.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: '%%'}\n", "not base64"),
    ],
)
def test_what_no_variable_can_hold_is_an_error(folder, cli, name, text, said):
    encrypt(cli, folder, name, text)
    result = cli("exec-env", name, "--", "true")
    assert result.exit_code == 2
    assert said in result.stderr
    assert name in result.stderr


@pytest.mark.parametrize("command", ["exec-env", "exec-file"])
def test_changed_file_never_starts_the_command(encrypted, cli, command):
    encrypted.write("secret.yaml", encrypted.read("secret.yaml").replace(b"name: db", b"name: x"))
    result = cli(command, "secret.yaml", "--", "touch", "started{}")
    assert result.exit_code == 2
    assert "MAC" in result.stderr
    assert list(encrypted.path.glob("started*")) == []


# --- the command


@pytest.mark.parametrize("command", ["exec-env", "exec-file"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--", "sh", "-c", "exit 7 # {}"), 7),
        (("sh", "-c", "exit 1 # {}"), 1),
        (("--", "sh", "-c", "kill -TERM $$ # {}"), 143),
        (("--shell", "--", "exit 5; echo {}"), 5),
    ],
)
def test_exit_code_is_the_commands(encrypted, cli, command, arguments, code):
    assert cli(command, "secret.yaml", *arguments).exit_code == code


@pytest.mark.parametrize("command", ["exec-env", "exec-file"])
def test_exit_code_is_that_of_the_process(encrypted, cli, command):
    assert cli.process(command, "secret.yaml", "--", "sh", "-c", "exit 7 # {}").exit_code == 7


@pytest.mark.parametrize("command", ["exec-env", "exec-file"])
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--", "no-such-program", "{}"), 127, "no-such-program"),
        (("--", "./no-such-program", "{}"), 127, "no-such-program"),
        (("--", "echo {}"), 127, "--shell"),
        (("--", "./secret.yaml", "{}"), 126, "cannot be started"),
        ((), 2, "no command"),
        (("--shell", "--", "echo", "{}"), 2, "one text"),
        (("--user", "no-such-user", "--", "echo", "{}"), 2, "no user 'no-such-user'"),
    ],
)
def test_command_that_cannot_be_run(encrypted, cli, memory, command, arguments, code, said):
    result = cli(command, "secret.yaml", *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_program_is_looked_up_by_our_own_path(folder, cli):
    encrypt(cli, folder, "flat.yaml", f"PATH: {folder.path}\n")
    program = folder.write("true", "#!/bin/sh\nexit 66\n")
    program.chmod(0o755)
    assert cli("exec-env", "--allow-variable", "PATH", "flat.yaml", "--", "true").exit_code == 0


def test_its_options_are_not_ours(folder, cli, run):
    encrypt(cli, folder, "flat.yaml", "A: x\n")
    result = run("exec-env", "flat.yaml", "echo", "--pristine", "--", "--shell", "-h")
    assert result.stdout == "--pristine -- --shell -h\n"
    result = run("exec-env", "flat.yaml", "--", "echo", "--debug")
    assert result.stdout == "--debug\n"


@pytest.mark.parametrize("command", ["exec-env", "exec-file"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_command_which_decides(folder, cli, command, number, tmp_path):
    encrypt(cli, folder, "flat.yaml", "A: x\n")
    ready = tmp_path / "ready"
    script = f"""
import pathlib, signal, sys, time
def end(number, frame):
    print(number, flush=True)
    sys.exit(9)
signal.signal({int(number)}, end)
pathlib.Path({str(ready)!r}).write_text(sys.argv[1])
time.sleep(60)
"""
    process = subprocess.Popen(
        [cli.executable, command, "flat.yaml", "--", sys.executable, "-c", script, "{}"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: ready.exists() and ready.read_text(encoding="utf-8"))
    given = Path(ready.read_text(encoding="utf-8"))
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (out.decode(), process.returncode) == (f"{int(number)}\n", 9)
    assert not given.parent.exists() or command == "exec-env"


def test_a_signal_that_arrives_in_another_thread_reaches_the_command(tmp_path):
    # The main thread waits for the command then, and nothing interrupts that.
    script = tmp_path / "runs.py"
    script.write_text(
        """\
import os, signal, sys, threading, time
from fluxsecrets.ops.exec.child import Command, passing_signals

def send():
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    time.sleep(0.1)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

with passing_signals(os.environ) as child:
    threading.Thread(target=send, daemon=True).start()
    command = f"import time; open({sys.argv[1]!r}, 'w').close(); time.sleep(60)"
    sys.exit(child.run(Command((sys.executable, "-c", command)), dict(os.environ)))
""",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script, tmp_path / "ready"], timeout=50, check=False)
    assert done.returncode == 128 + signal.SIGTERM


# --- exec-file


@pytest.mark.parametrize("options", [(), ("--no-fifo",)])
def test_command_reads_the_file(encrypted, cli, options):
    result = cli.process("exec-file", *options, "secret.yaml", "--", "cat", "{}")
    assert (result.exit_code, result.stdout) == (0, encrypted.secret)


def test_pipe_can_be_read_again(encrypted, run):
    result = run("exec-file", "secret.yaml", "--", "sh", "-c", 'cat "$0"; cat "$0"; head -c 3 "$0"', "{}")
    assert result.stdout == encrypted.secret * 2 + "api"


def test_more_than_a_pipe_holds(folder, cli, run):
    text = "".join(f"KEY{number}={'x' * 1000}\n" for number in range(300))
    encrypt(cli, folder, "large.env", text)
    assert run("exec-file", "large.env", "--", "cat", "{}").stdout == text
    assert run("exec-file", "large.env", "--", "head", "-c", "4", "{}").stdout == "KEY0"


def test_nobody_needs_to_read_it(encrypted, cli):
    assert cli("exec-file", "secret.yaml", "--", "true", "{}").exit_code == 0


@pytest.mark.parametrize(("options", "kind"), [((), "p"), (("--no-fifo",), "f")])
def test_path_is_private_and_goes_away(encrypted, run, options, kind):
    mode = 'ls -ld "$each" | cut -c 2-10'
    script = f'test -{kind} "$0" && echo "$0" && for each in "$0" "$(dirname "$0")"; do {mode}; done'
    result = run("exec-file", *options, "secret.yaml", "--", "sh", "-c", script, "{}")
    path, *modes = result.stdout.split()
    assert Path(path).name == "secret.yaml"
    assert modes == ["rw-------", "rwx------"]
    assert not Path(path).parent.exists()


def test_name_and_format(encrypted, run):
    result = run(
        "exec-file", "secret.yaml", "--filename", "c.json", "--output-type", "json", "--", "sh", "-c",
        'basename "$0"; cat "$0"', "{}",
    )  # fmt: skip
    name, _, text = result.stdout.partition("\n")
    assert name == "c.json"
    assert json.loads(text)["stringData"]["password"] == encrypted.marker


@pytest.mark.parametrize("name", ["../up", "a/b", "/abs", "", "..", "a\\b"])
def test_name_with_a_folder_is_refused(encrypted, cli, name):
    result = cli("exec-file", "--filename", name, "secret.yaml", "--", "cat", "{}")
    assert result.exit_code == 2
    assert "not a file name" in result.stderr


@pytest.mark.parametrize("command", ["exec-env", "exec-file"])
def test_standard_input_is_the_commands(encrypted, cli, command):
    assert "belongs to the command" in cli(command, "-", "--", "cat", "{}").stderr
    result = cli.process(command, "secret.yaml", "--", "sh", "-c", "cat # {}", stdin=b"hello")
    assert result.stdout == "hello"


def test_placeholder_is_needed(encrypted, cli):
    result = cli("exec-file", "secret.yaml", "--", "cat")
    assert result.exit_code == 2
    assert "the command has no {}" in result.stderr


def test_without_named_pipes_a_file_is_given(encrypted, cli, memory, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.exec.fifo.has_fifos", lambda: False)
    result = cli("exec-file", "secret.yaml", "--", "test", "-f", "{}")
    assert result.exit_code == 0
    assert "temporary file" in result.stderr


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
@pytest.mark.parametrize("options", [(), ("--no-fifo",)])
def test_another_user_can_read_it(folder, cli, run, options, monkeypatch):
    import pwd

    nobody = next((user for user in pwd.getpwall() if user.pw_name == "nobody"), None)
    if nobody is None:
        pytest.skip("there is no user nobody")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/tmp")
    encrypt(cli, folder, "flat.env", f"PASSWORD={folder.marker}\n")
    command = ("--user", "nobody", "flat.env", "--", "sh", "-c", 'cd /; id -u; echo $HOME; cat "$0"', "{}")
    result = run("exec-file", *options, *command)
    assert result.stdout.split("\n")[:2] == [str(nobody.pw_uid), nobody.pw_dir], result.stderr
    assert folder.marker in result.stdout
    result = run("exec-env", "--user", "nobody", "flat.env", "--", "sh", "-c", "id -u; echo $PASSWORD")
    assert result.stdout.split() == [str(nobody.pw_uid), folder.marker]
