"""`sops keyservice` and `--keyservice`: ours by ours, and with the real sops on either side."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

import keyservers
from awsserver import make_key

START = "from fluxsecrets.cli.dropin.entry import main; main()"
VECTORS = Path(__file__).parents[2] / "vectors"
OURS = [sys.executable, "-c", START]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses Unix sockets")


@contextmanager
def running(command, *arguments, environ, answers=None, address=None):
    """Start a key service; gives the process when it listens, which ours says."""
    process = subprocess.Popen(
        [*command, *arguments],
        env=environ,
        stdin=subprocess.DEVNULL if answers is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        if address is None:
            process.lines = [*_until(process, "listening on")]
        else:
            _until_reached(address)
        if answers is not None:
            process.stdin.write(answers)
            process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def _until(process, words):
    """The lines up to one with some words, which must come in time."""
    watch = threading.Timer(20, process.kill)
    watch.start()
    try:
        for line in process.stdout:
            yield line
            if words in line:
                return
    finally:
        watch.cancel()
    raise AssertionError(f"the service ended with {process.wait()}")


def _until_reached(address):
    """Wait for a service that does not say when it listens, as the real sops."""
    host, _, port = address.rpartition(":")
    for _ in range(500):
        with socket.socket(socket.AF_INET if host else socket.AF_UNIX) as probe:
            if probe.connect_ex((host, int(port)) if host else address) == 0:
                return
        threading.Event().wait(0.02)
    raise AssertionError(f"nothing listens at {address}")


@pytest.fixture
def run_folder(tmp_path):
    made = tmp_path / "run"
    made.mkdir(mode=0o700)
    return made


def as_user(name, act_as, **more):
    act_as(name)
    return {**os.environ, **more}


@pytest.fixture
def service_of_alice(folder, run_folder, secrets_of_alice):
    """Alice's keys at a Unix socket, and a plain file."""
    folder.write("f.yaml", "a: throwaway\n")
    with keyservers.own_service(f"unix://{run_folder}/sops.sock", secrets_of_alice) as uri:
        yield uri


def test_what_bob_cannot_open_a_key_service_opens(folder, sops, act_as, service_of_alice):
    assert sops("encrypt", "--output", "e.yaml", "f.yaml").code == 0
    act_as("bob")
    assert sops("decrypt", "e.yaml").code == 128
    for arguments in (
        ("decrypt", "--keyservice", service_of_alice, "e.yaml"),
        ("--keyservice", service_of_alice, "-d", "e.yaml"),
        ("decrypt", "--keyservice", service_of_alice, "--enable-local-keyservice=false", "e.yaml"),
        ("exec-env", "--keyservice", service_of_alice, "e.yaml", "true"),
    ):
        done = sops(*arguments)
        assert done.code == 0, done.err
    assert sops("decrypt", "--keyservice", service_of_alice, "e.yaml").out == b"a: throwaway\n"


def test_everything_that_changes_a_file_asks_it(folder, sops, act_as, service_of_alice, editor):
    assert sops("encrypt", "-i", "f.yaml").code == 0
    act_as("bob")
    only = ("--keyservice", service_of_alice, "--enable-local-keyservice=false")
    for arguments in (
        ("set", *only, "f.yaml", '["b"]', '"throwaway"'),
        ("unset", *only, "f.yaml", '["b"]'),
        ("rotate", "-i", *only, "f.yaml"),
        ("updatekeys", "--yes", *only, "f.yaml"),
        ("groups", "add", *only, "-i", "--file", "f.yaml", "--age", folder.recipient),
    ):
        done = sops(*arguments)
        assert done.code == 0, (arguments, done.err)
    editor("path.write_text(path.read_text().replace('throwaway', 'throwaway2'))")
    assert sops("edit", *only, "f.yaml").code == 0
    assert sops("decrypt", *only, "f.yaml").out == b"a: throwaway2\n"


def test_the_variables_count_in_both_programs(folder, sops, act_as, service_of_alice, cli, monkeypatch):
    assert sops("encrypt", "-i", "f.yaml").code == 0
    act_as("bob")
    monkeypatch.setenv("SOPS_KEYSERVICE", service_of_alice)
    assert sops("decrypt", "f.yaml").out == b"a: throwaway\n"
    assert cli("decrypt", "f.yaml").stdout == "a: throwaway\n"
    monkeypatch.setenv("SOPS_ENABLE_LOCAL_KEYSERVICE", "false")
    assert cli("rotate", "f.yaml").exit_code == 0
    assert cli("decrypt", "f.yaml").stdout == "a: throwaway\n"
    assert sops("decrypt", "--enable-local-keyservice", "f.yaml").code == 0
    monkeypatch.delenv("SOPS_KEYSERVICE")
    assert sops("decrypt", "f.yaml").code == 128
    assert sops("filestatus", "f.yaml").code == 0


def test_the_only_copy_may_be_for_a_service(folder, sops, act_as, service_of_alice, cli, monkeypatch):
    act_as("bob")
    folder.write("new.yaml", "a: throwaway\n")
    assert cli("encrypt", "new.yaml").exit_code == 2
    monkeypatch.setenv("SOPS_KEYSERVICE", service_of_alice)
    assert cli("encrypt", "new.yaml").exit_code == 0
    assert cli("decrypt", "new.yaml").stdout == "a: throwaway\n"


def test_keys_of_the_user_are_those_of_this_machine(folder, sops, act_as, service_of_alice, cli, monkeypatch):
    act_as("bob")
    before = cli("keys", "list").stdout
    monkeypatch.setenv("SOPS_KEYSERVICE", service_of_alice)
    assert cli("keys", "list").stdout == before


@pytest.mark.parametrize("variable", ["SOPS_KEYSERVICE", "SOPS_ENABLE_LOCAL_KEYSERVICE"])
def test_a_malformed_variable_is_an_error(folder, sops, cli, monkeypatch, variable):
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "-i", "f.yaml").code == 0
    monkeypatch.setenv(variable, "nonsense://a:throwaway@b")
    for run in (lambda: sops("decrypt", "f.yaml").code == 1, lambda: cli("decrypt", "f.yaml").exit_code == 2):
        assert run()


def test_a_service_that_is_not_there_is_named(folder, sops, act_as, run_folder):
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "-i", "f.yaml").code == 0
    act_as("bob")
    done = sops("decrypt", "--keyservice", f"unix://{run_folder}/none", "f.yaml")
    assert done.code == 128
    assert f"the key service unix://{run_folder}/none can't be reached" in done.err
    assert done.err.count("looked in") == 1
    assert "hint: start it with `sops keyservice`" in done.err
    assert done.err.replace("\n", " ").count(f"the key service unix://{run_folder}/none,") <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--network", "udp"), "tcp or unix"),
        (("--network", "unix"), "no path"),
        (("--address", "nowhere"), "not a host and a port"),
        (("--net", "unix", "--addr", "/nowhere/at/all"), "no socket can be made"),
        (("--address", "192.0.2.1:5000"), "can't listen there"),
    ],
)
def test_a_service_that_cannot_start_says_why(sops, arguments, message):
    done = sops("keyservice", *arguments)
    assert done.code == 1
    assert message in done.err


def test_it_serves_until_a_signal_and_removes_its_socket(folder, sops, act_as, run_folder):
    path = run_folder / "s.sock"
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "-i", "f.yaml").code == 0
    environ = as_user("alice", act_as)
    for number in (signal.SIGTERM, signal.SIGINT):
        arguments = ("--verbose", "keyservice", "--network", "unix", "--address", str(path))
        with running(OURS, *arguments, environ=environ) as process:
            assert process.lines == [f"listening on unix://{path}\n"]
            assert stat.S_IMODE(path.lstat().st_mode) == 0o600
            act_as("bob")
            done = sops("decrypt", "--keyservice", f"unix://{path}", "f.yaml")
            assert (done.code, done.out) == (0, b"a: throwaway\n")
            process.send_signal(number)
            said, _ = process.communicate(timeout=10)
            assert process.returncode == 0
            assert "decrypt with the age key age1" in said
            assert "shutting down" in said
            assert "AGE-SECRET-KEY" not in said
            assert "throwaway" not in said
            assert not path.exists()


def test_it_asks_before_it_answers(folder, sops, act_as, run_folder):
    path = run_folder / "s.sock"
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "-i", "f.yaml").code == 0
    environ = as_user("alice", act_as)
    arguments = ("keyservice", "--network", "unix", "--address", str(path), "--prompt")
    with running(OURS, *arguments, environ=environ, answers="n\nwhat\ny\n") as process:
        act_as("bob")
        refused = sops("decrypt", "--keyservice", f"unix://{path}", "f.yaml")
        assert refused.code == 128
        assert "rejected by the user" in refused.err
        assert sops("decrypt", "--keyservice", f"unix://{path}", "f.yaml").code == 0
        process.terminate()
        said, _ = process.communicate(timeout=10)
        assert said.count("Received decrypt request using the age key age1") == 3
        assert "(y/n)" in said


def test_whoever_may_use_the_keys_is_said(act_as):
    for address, words in (("127.0.0.1:0", "every user of this machine"), ("0.0.0.0:0", "unencrypted")):
        with running(OURS, "keyservice", "--address", address, environ=as_user("alice", act_as)) as process:
            assert words in process.lines[0]


@pytest.mark.parametrize("network", ["unix", "tcp"])
def test_the_real_sops_uses_ours(folder, sops, act_as, run_folder, real_sops, network, secrets_of_alice):
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "--output", "e.yaml", "f.yaml").code == 0
    recipient = folder.recipient
    uri = f"unix://{run_folder}/s.sock" if network == "unix" else "tcp://127.0.0.1:0"
    with keyservers.own_service(uri, secrets_of_alice) as bound:
        act_as("bob")
        only = ["--keyservice", bound, "--enable-local-keyservice=false"]
        assert _real(real_sops, "decrypt", *only, "e.yaml") == b"a: throwaway\n"
        encrypted = _real(real_sops, "--config", "/dev/null", "encrypt", "--age", recipient, *only, "f.yaml")
        Path("r.yaml").write_bytes(encrypted)
        assert _real(real_sops, "decrypt", *only, "r.yaml") == b"a: throwaway\n"
        act_as("alice")
        assert sops("decrypt", "r.yaml").out == b"a: throwaway\n"


@pytest.fixture
def secrets_of_alice(act_as):
    return {"SOPS_AGE_KEY": act_as("alice").secret}


@pytest.mark.parametrize("network", ["unix", "tcp"])
def test_ours_uses_the_real_sops(folder, sops, act_as, run_folder, real_sops, network):
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "--output", "e.yaml", "f.yaml").code == 0
    environ = as_user("alice", act_as)
    address = f"{run_folder}/s.sock" if network == "unix" else f"127.0.0.1:{_free_port()}"
    arguments = ("keyservice", "--network", network, "--address", address)
    with running([real_sops], *arguments, environ=environ, address=address):
        act_as("bob")
        only = ("--keyservice", f"{network}://{address}", "--enable-local-keyservice=false")
        assert sops("decrypt", *only, "e.yaml").out == b"a: throwaway\n"
        assert sops("encrypt", *only, "--output", "r.yaml", "f.yaml").code == 0
        assert sops("decrypt", *only, "r.yaml").out == b"a: throwaway\n"
        act_as("alice")
        assert _real(real_sops, "decrypt", "r.yaml") == b"a: throwaway\n"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _real(real_sops, *arguments):
    done = subprocess.run([real_sops, *arguments], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_process_that_was_refused_ends(folder, sops, act_as, run_folder, secrets_of_alice):
    """gRPC's threads must not be waited for at the end of the process."""
    folder.write("f.yaml", "a: throwaway\n")
    assert sops("encrypt", "-i", "f.yaml").code == 0
    act_as("bob")
    with keyservers.own_service(f"unix://{run_folder}/s", {}) as uri:
        command = [*OURS, "decrypt", "--keyservice", uri, "f.yaml"]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert done.returncode == 128, done.stderr


@pytest.fixture(scope="module")
def gnupg():
    """A keyring with the throw-away PGP key of the vectors; gives its environment and the fingerprint."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not on PATH")
    home = Path(tempfile.mkdtemp(prefix="fs-gpg-"))  # sockets of gpg-agent have short paths only
    environ = {"PATH": os.environ["PATH"], "GNUPGHOME": str(home), "HOME": str(home)}

    def gpg(program, *arguments):
        done = subprocess.run([program, *arguments], env=environ, capture_output=True, timeout=60, check=True)
        return done.stdout.decode()

    gpg("gpg", "--batch", "--import", str(VECTORS / "keys" / "pgp.asc"))
    listing = gpg("gpg", "--with-colons", "--list-keys")
    yield environ, next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    gpg("gpgconf", "--kill", "all")
    shutil.rmtree(home)


@pytest.fixture
def wide(folder):
    """Makes a rule for other recipients."""

    def write(text):
        Path(".sops.yaml").write_text(f"creation_rules:\n- {text}\n", encoding="utf-8")

    return write


def test_pgp(folder, sops, wide, run_folder, gnupg, real_sops, monkeypatch):
    environ, fingerprint = gnupg
    wide(f"pgp: {fingerprint}")
    folder.write("f.yaml", "a: throwaway\n")
    monkeypatch.setenv("GNUPGHOME", str(run_folder / "none"))
    with keyservers.own_service(f"unix://{run_folder}/s", environ) as uri:
        assert sops("encrypt", "--output", "refused.yaml", "f.yaml").code == 1
        assert sops("encrypt", "--keyservice", uri, "--output", "e.yaml", "f.yaml").code == 0
        assert sops("decrypt", "--keyservice", uri, "e.yaml").out == b"a: throwaway\n"
        only = ["--keyservice", uri, "--enable-local-keyservice=false"]
        assert _real(real_sops, "decrypt", *only, "e.yaml") == b"a: throwaway\n"
        Path("r.yaml").write_bytes(_real(real_sops, "encrypt", *only, "f.yaml"))
    with running(
        [real_sops],
        *("keyservice", "--network", "unix", "--address", f"{run_folder}/r"),
        environ={**os.environ, **environ},
        address=f"{run_folder}/r",
    ):
        for name in ("e.yaml", "r.yaml"):
            done = sops("decrypt", "--keyservice", f"unix://{run_folder}/r", name)
            assert (done.code, done.out) == (0, b"a: throwaway\n"), done.err


def test_a_cloud_key(folder, sops, wide, run_folder, aws, real_sops, monkeypatch):
    arn = make_key()
    wide(f"kms: {arn}")
    folder.write("f.yaml", "a: throwaway\n")
    environ = dict(os.environ)
    for name in environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    arguments = ("keyservice", "--network", "unix", "--address", f"{run_folder}/s")
    with running(OURS, *arguments, environ=environ):
        uri = f"unix://{run_folder}/s"
        only = ["--keyservice", uri, "--enable-local-keyservice=false"]
        context = ("--encryption-context", "team:a")
        assert sops("encrypt", *only, *context, "--kms", arn, "--output", "e.yaml", "f.yaml").code == 0
        assert sops("decrypt", *only, "e.yaml").out == b"a: throwaway\n"
        assert _real(real_sops, "decrypt", *only, "e.yaml") == b"a: throwaway\n"
        assert aws.calls[-1].body["EncryptionContext"] == {"team": "a"}
        Path("r.yaml").write_bytes(_real(real_sops, "encrypt", *only, "f.yaml"))
        assert sops("decrypt", "--keyservice", uri, "r.yaml").out == b"a: throwaway\n"


def test_many_files(folder, act_as, cli, run_folder, secrets_of_alice, monkeypatch):
    for number in range(80):
        folder.write(f"{number}.yaml", "a: throwaway\n")
    names = [f"{number}.yaml" for number in range(80)]
    assert cli("encrypt", "-i", *names).exit_code == 0
    act_as("bob")
    said = []
    uri = f"unix://{run_folder}/s"
    with keyservers.own_service(uri, secrets_of_alice, report=lambda *each: said.append(each)):
        monkeypatch.setenv("SOPS_KEYSERVICE", uri)
        done = cli.process("decrypt", "-i", *names)
        assert done.exit_code == 0, done.stderr
    assert {folder.read(name) for name in names} == {b"a: throwaway\n"}
    assert len(said) == 80
