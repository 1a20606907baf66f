"""What tests of commands need: the CLI, throw-away identities, a repository. And Hypothesis profiles."""

import functools
import gc
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import jsonform
from copies import Copies, take_over

PROJECT = Path(__file__).parents[1]
VECTORS = Path(__file__).parent / "vectors"
EXAMPLE = PROJECT / "examples" / "waddle-infra"

PLAIN = re.compile(rb"throwaway|dGhyb3dhd2F5|Rocm93YXdhe|aHJvd2F3YX")
"""Finds every made-up secret of the example: the word `throwaway`, as it is or in base64."""

# Where Python may not keep what it compiled, each process of the tests would compile all modules anew, which
# is most of what it takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Shared machines stall: a deadline would only make tests flaky, and so would "too slow".
# A run after a change tries few examples of each property, and others each time; thirty of each took a
# fourteenth of all tests. CI tries more, and always the same ones. `make fuzz` tries `deep`. A property whose
# rare cases matter has a number of its own, which holds in all profiles. One whose examples are costly has a
# number that grows and shrinks with the profile, see `examples`.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=10)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, max_examples=30)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=300)
settings.register_profile("thorough", settings.get_profile("dev"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def pytest_configure(config):
    """A collection runs no test, so that it can't tell which snapshots are unused; syrupy would fail it."""
    if config.option.collectonly:
        config.option.disable_unused_snapshots = True


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """The thousands of tests that are collected live to the end: the garbage collector need not walk them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


_LEAKING = (
    "SOPS_",
    "AZURE_",
    "GOOGLE_",
    "GCE_METADATA_",
    "CLOUDSDK_",
    "GIT_",
    "PRE_COMMIT",
    "AGE_",
    "FLUXSECRETS_",
    "XDG_",
    "LC_",
    "CLICOLOR",
    "VAULT_",
    "BAO_",
)
_LEAKING_NAMES = {
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "EDITOR",
    "VISUAL",
    "GNUPGHOME",
    "LANG",
    "NO_GCE_CHECK",
}


@dataclass(frozen=True)
class Identity:
    """A throw-away age identity, in a key file that SOPS_AGE_KEY_FILE names."""

    recipient: str
    path: Path
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Result:
    """What a run of the CLI printed, and its exit code."""

    exit_code: int
    stdout_bytes: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()


class Cli:
    """Runs fluxsecrets: `cli(...)` in this process, which is fast, or `cli.process(...)` in one of its own.

    What depends on file descriptors, signals or start-up needs a process of its own.
    """

    def __call__(self, *args: str | Path, stdin: bytes | io.TextIOBase = b"", merged: bool = False) -> Result:
        """Run it in this process.

        Args:
            args: the command line.
            stdin: what standard input holds, or a file that takes its place.
            merged: standard error goes to standard output.
        """
        # Not entry.main: that ends the process, which here is pytest's own.
        from fluxsecrets.cli.entry import run

        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
        err = out if merged else err
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setattr(sys, "argv", ["fluxsecrets", *map(str, args)])
            if isinstance(stdin, bytes):
                stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8", newline="")
            patch.setattr(sys, "stdin", stdin)
            code = run([*map(str, args)])
        out.flush()
        err.flush()
        assert isinstance(code, int), f"exited with {code!r}"
        if not merged:
            jsonform.check(args, out.buffer.getvalue())
        return Result(code, out.buffer.getvalue(), "" if merged else err.buffer.getvalue().decode())

    def process(
        self, *args: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None, **options: object
    ) -> Result:
        """Start the installed executable; `env` is added to the environment."""
        done = subprocess.run(
            [self.executable, *map(str, args)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
            input=stdin,
            env={**os.environ, **(env or {})},
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout or b"", (done.stderr or b"").decode())

    @property
    def executable(self) -> str:
        """The installed `fluxsecrets` of the Python that runs the tests."""
        found = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
        assert found is not None, "fluxsecrets is not installed: run `make test`, or pip install -e ."
        return found


@pytest.fixture(scope="session")
def caches(request, tmp_path_factory):
    """A cache folder for all tests, since compiling the scanner's patterns takes four seconds.

    The compiled patterns are kept for the next run, in pytest's own cache: their name is a hash of what they
    were made of. Nothing else is, so that each run begins without what an earlier one looked at.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    cache = getattr(request.config, "cache", None)  # not with `-p no:cacheprovider`
    if cache is None:
        yield folder
        return
    kept, used = cache.mkdir("patterns"), folder / "fluxsecrets"
    used.mkdir(mode=0o700, parents=True, exist_ok=True)
    take_over(kept, used, _COMPILED)
    yield folder
    take_over(used, kept, _COMPILED)


_COMPILED = {"patterns-*.hs": 2**20, "prepared-*.txt": 1}
"""Names, and the least bytes: those of rules that only a test has are small."""


@pytest.fixture
def environment(tmp_path_factory, caches, monkeypatch):
    """An environment without anything of the developer's, and an empty home folder, which it returns.

    Nothing in it waits for the disk: `tests/files` tests what is synced, and no other test depends on it.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr("fluxsecrets.files.durability._sync_disks", lambda disks: True)
    for name in list(os.environ):
        if name.startswith(_LEAKING) or name in _LEAKING_NAMES:
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("APPDATA", str(home / "AppData"))
    monkeypatch.setenv("LOCALAPPDATA", str(home / "AppData" / "Local"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture(scope="session")
def aws_descriptions():
    """Makes all clients of AWS in this process share one loader, as those of one session of botocore do.

    It reads megabytes of JSON about AWS's services, which is most of what a request on loopback takes.
    """
    session = pytest.importorskip("botocore.session")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", functools.cache(session.create_loader))
        yield


@pytest.fixture(scope="session")
def _aws_server(aws_descriptions):
    pytest.importorskip("moto.server", reason="moto is not installed: AWS is not tried")
    pytest.importorskip("botocore")
    from awsserver import aws_server

    with aws_server() as server:
        yield server


@pytest.fixture
def aws(_aws_server, environment, monkeypatch):
    """AWS on loopback, see `awsserver`, which the environment names with a user's throw-away keys."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, text in _aws_server.environment().items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("NO_PROXY", "*")
    _aws_server.clear()
    return _aws_server


@pytest.fixture(scope="session")
def _google_servers(tmp_path_factory):
    pytest.importorskip("google.cloud.kms_v1", reason="google-cloud-kms is not installed: it is not tried")
    pytest.importorskip("google_crc32c")
    from googleserver import google_servers

    with google_servers(tmp_path_factory.mktemp("google")) as google:
        yield google


@pytest.fixture
def google(_google_servers, environment, monkeypatch):
    """Google's APIs on loopback, see `googleserver`; the environment names them and a throw-away token."""
    _google_servers.reset()
    for name, text in _google_servers.variables().items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("NO_PROXY", "*")
    return _google_servers


@pytest.fixture
def act_as(environment, monkeypatch):
    """Makes the test be somebody of the example: alice, bob (staging only), or cluster (staging's own)."""
    recipients = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))

    def act_as(name: str) -> Identity:
        text = (VECTORS / "keys" / f"{name}.agekey").read_text(encoding="utf-8")
        path = environment / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(path))
        secret = next(line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-"))
        return Identity(recipients[name], path, secret)

    return act_as


@pytest.fixture(scope="session")
def azure_service(tmp_path_factory):
    """Azure on this machine, for all tests; `azure` is it in the environment of one."""
    pytest.importorskip("azure.identity", reason="azure-identity is not installed: Azure is not tried")
    pytest.importorskip("azure.keyvault.keys")
    from azureserver import azure_server

    with azure_server(tmp_path_factory.mktemp("azure")) as service:
        yield service


@pytest.fixture
def azure(azure_service, environment, monkeypatch):
    """Azure without any key, and an environment that leads there with a client's secret."""
    from azure.keyvault.keys._shared import http_challenge_cache

    http_challenge_cache.clear()
    azure_service.reset()
    for name, value in azure_service.environ.items():
        monkeypatch.setenv(name, value)
    return azure_service


@pytest.fixture(scope="session")
def rsa_keys():
    """Two RSA keys of services. sops wrapped the data keys of `vectors/sops-cloud/azure` for the first."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    known = (VECTORS / "sops-cloud" / "azure" / "key.pem").read_bytes()
    return load_pem_private_key(known, None), rsa.generate_private_key(65537, 2048)


@pytest.fixture
def identity(act_as):
    """Alice's throw-away identity, which SOPS_AGE_KEY_FILE names; it opens every file of the example."""
    return act_as("alice")


@pytest.fixture
def os_keyring():
    """A keyring in memory in place of the machine's: `passwords` is in it, `broken` is what it raises."""
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.errors import PasswordDeleteError

    class Fake(KeyringBackend):
        priority = 5

        def __init__(self):
            super().__init__()
            self.passwords: dict[tuple[str, str], str] = {}
            self.broken: Exception | None = None
            self.asked = 0

        def get_password(self, service, username):
            self.asked += 1
            if self.broken is not None:
                raise self.broken
            return self.passwords.get((service, username))

        def set_password(self, service, username, password):
            if self.broken is not None:
                raise self.broken
            self.passwords[service, username] = password

        def delete_password(self, service, username):
            if (service, username) not in self.passwords:
                raise PasswordDeleteError
            del self.passwords[service, username]

    before = keyring.get_keyring()
    fake = Fake()
    keyring.set_keyring(fake)
    yield fake
    keyring.set_keyring(before)


@pytest.fixture(scope="session")
def _transit():
    pytest.importorskip("hvac")
    from transitserver import transit_server

    with transit_server() as server:
        yield server


@pytest.fixture
def transit(_transit):
    """A server of Vault's transit engine on this machine, without keys and as new for each test."""
    _transit.reset()
    yield _transit
    if _transit.hang is not None:
        _transit.hang.set()


@pytest.fixture
def cli(environment):
    """Runs fluxsecrets in a clean environment; see `Cli`."""
    return Cli()


@pytest.fixture(scope="session")
def _waddle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("example") / "waddle-infra"
    shutil.copytree(EXAMPLE, folder)
    commit_all(folder, "waddle-infra, in plain text")
    for sample in (folder / ".git" / "hooks").glob("*.sample"):
        sample.unlink()
    return packed(folder)


@pytest.fixture
def waddle(_waddle, identity, tmp_path, monkeypatch):
    """A copy of examples/waddle-infra, committed in plain text, in which the test runs as alice."""
    folder = _waddle.copy(tmp_path / "waddle-infra")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def _encrypted_waddle():
    return []


@pytest.fixture
def encrypted_waddle(waddle, cli, git, _encrypted_waddle):
    """The example with everything encrypted, and committed so; done once a session, then copied."""
    if _encrypted_waddle:
        return _encrypted_waddle[0].copy(waddle)
    assert cli("encrypt").exit_code == 0
    git(waddle, "commit", "--quiet", "--all", "--message", "encrypted")
    _encrypted_waddle.append(packed(waddle))
    return waddle


@pytest.fixture
def shallow_stack():
    """A number of nested calls that Python refuses: its limit is lowered, so that few folders are enough."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    yield 200
    sys.setrecursionlimit(limit)


@pytest.fixture(scope="session")
def git():
    """Runs git in a folder, without any configuration of the developer's, and returns what it printed."""
    return run_git


QUICK = tuple(
    word
    for setting in (
        "core.fsync=none",
        "gc.auto=0",
        "maintenance.auto=false",
        f"init.templateDir={Path(__file__).parent / 'gittemplate'}",
    )
    for word in ("-c", setting)
)
"""Options with which git neither waits for the disk, nor looks for rubbish, nor copies samples of hooks."""


def run_git(folder: Path, *args: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment.update({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"})
    who = ("-c", "user.name=Test", "-c", "user.email=test@waddle.example", "-c", "init.defaultBranch=main")
    command = ["git", *who, *QUICK, *args]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"git {args[0]} failed: {done.stderr.decode()}"
    return done.stdout.decode()


def packed(folder: Path) -> Copies:
    """Copies of a repository, with one pack in place of a hundred objects."""
    run_git(folder, "repack", "--quiet", "-a", "-d")
    return Copies(folder)


def commit_all(folder: Path, message: str) -> None:
    """Make the folder a git repository where it is none, and commit everything in it."""
    if not (folder / ".git").exists():
        run_git(folder, "init", "--quiet")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", message)
