"""An agent of a test's own, and clients made by hand: they send what a real client would, whole or not."""

import array
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from agents import LIFETIME, state_in

RUN, STATUS, LOCK = b"r", b"s", b"l"
READY, BEGUN, DONE, DECLINED, GO = b"A", b"W", b"=", b"D", b"\0"
_HEAD = 5


class Agent:
    """A running agent. Sockets have short paths only, so its folder is not in pytest's own."""

    def __init__(self, executable, folder, options, environ):
        self.executable = executable
        self.folder = folder
        self.process = subprocess.Popen(
            [executable, "agent", "--foreground", "--lifetime", LIFETIME, *options],
            # As in the tests' own environment: the locale decides on Python's mode.
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "XDG_RUNTIME_DIR": str(folder),
                **environ,
            },
            stdin=subprocess.DEVNULL,
        )
        self._wait()

    @property
    def socket(self):
        return self.folder / "fluxsecrets" / "agent.sock"

    @property
    def pid(self):
        return self.process.pid

    def _wait(self):
        for _ in range(600):
            with suppress(OSError):
                self.line().close()
                return
            assert self.process.poll() is None, "the agent ended"
            time.sleep(0.05)
        raise AssertionError("the agent does not listen")

    def run(self, *args, env=None, before=(), **options):
        """Run a command that may ask the agent."""
        return subprocess.run(
            [*before, self.executable, *map(str, args)],
            env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder), **(env or {})},
            timeout=60,
            check=False,
            **{"capture_output": True, "stdin": subprocess.DEVNULL, **options},
        )

    def both(self, *args, env=None, **options):
        """What a command gives with the agent, and without."""
        results = [
            self.run(*args, env={**(env or {}), **more}, **options)
            for more in ({}, {"FLUXSECRETS_NO_AGENT": "1"})
        ]
        return [(one.returncode, one.stdout, one.stderr) for one in results]

    def state(self):
        return state_in(self.folder)

    def line(self):
        """A connection."""
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(20)
        try:
            made.connect(str(self.socket))
        except OSError:
            made.close()
            raise
        return made

    def recorded(self, *args):
        """The request that a real client sends for a command line."""
        with listening() as (folder, listener):
            client = subprocess.Popen(
                [self.executable, *args],
                env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            line, _ = listener.accept()
            got = b""
            with line:
                while len(got) < _HEAD or len(got) < _HEAD + int.from_bytes(got[1:_HEAD], "big"):
                    got += line.recv(65536)
            client.wait(60)
        return got


def send(line, data, descriptors):
    """Send bytes with descriptors."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
    return line.sendmsg([data], [rights] if descriptors else [])


def begin(line, request, descriptors):
    """Send a request, and let it begin as a client does: only a process that answers gets descriptors."""
    line.sendall(request)
    assert line.recv(1) == READY
    send(line, GO, descriptors)


def rest_of(line):
    """All that comes before the end of the connection."""
    got = b""
    with suppress(OSError):
        while data := line.recv(65536):
            got += data
    return got


@contextmanager
def runtime_folder():
    folder = Path(tempfile.mkdtemp(prefix="fs-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def listening():
    """A runtime folder, and a listener in place of its agent."""
    with runtime_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        (folder / "fluxsecrets").mkdir(mode=0o700)
        path = folder / "fluxsecrets" / "agent.sock"
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        listener.settimeout(20)
        yield folder, listener


def _patient_client(executable, folder):
    """An executable like the installed one, but for the time that it gives an agent."""
    path = folder / "fluxsecrets-patient"
    path.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.argv[0], sys.path[0] = {executable!r}, {str(Path(executable).parent)!r}\n"
        "from fluxsecrets.cli.agent import client\n"
        "client._PATIENCE = 60.0\n"
        "from fluxsecrets.cli.entry import main\n"
        "sys.exit(main())\n"
    )
    path.chmod(0o700)
    return str(path)


@contextmanager
def running(*options, environ=MappingProxyType({}), patient=False):
    """An agent until the block ends.

    Args:
        options: of the agent.
        environ: more variables in its own environment.
        patient: clients wait for it for as long as a test may take, so that none does its work itself because
            the machine is busy.
    """
    executable = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    with runtime_folder() as folder:
        agent = Agent(executable, folder, options, environ)
        if patient:
            agent.executable = _patient_client(executable, folder)
        try:
            yield agent
        finally:
            agent.process.terminate()
            try:
                agent.process.wait(20)
            except subprocess.TimeoutExpired:
                agent.process.kill()
                agent.process.wait()
