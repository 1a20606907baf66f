"""Agents for tests: started as users start them, in a runtime folder of their own, and stopped at the end."""

import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.cli.agent import wire
from fluxsecrets.cli.agent.state import state_of
from fluxsecrets.cli.agent.talk import tell

PROGRAMS = {
    name: shutil.which(name, path=sysconfig.get_path("scripts"))
    for name in ("fluxsecrets", "fluxsecrets-sops")
}


@dataclass(frozen=True)
class Done:
    """What a process printed, and its exit code."""

    code: int
    out: bytes
    err: bytes


def run(program, *args, env=None, **options):
    """Start an executable as users do."""
    done = subprocess.run(
        [PROGRAMS[program], *map(str, args)],
        **{"stdin": subprocess.DEVNULL, **options},
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


LIFETIME = "20m"
"""Of an agent in tests: one that is left behind when tests are killed ends soon."""

_LEFT_OUT = ("LANG", "LC_", "FLUXSECRETS_", "SOPS_")


def state_in(runtime: Path) -> dict[str, object]:
    """What `agent status` knows of the agent in a runtime folder, asked without a process of its own."""
    state = state_of(tell(wire.STATUS, environ=variables_of(runtime)))
    return {"running": state is not None, **({} if state is None else state._asdict())}


def variables_of(runtime: Path) -> dict[bytes, bytes]:
    return {b"XDG_RUNTIME_DIR": bytes(runtime)}


class RunningAgent:
    """An agent, and how to talk to it.

    Attributes:
        runtime: what XDG_RUNTIME_DIR names.
    """

    def __init__(self, executable: str, runtime: Path) -> None:
        self.executable, self.runtime = executable, runtime

    @property
    def socket(self) -> Path:
        return self.runtime / "fluxsecrets" / "agent.sock"

    def __call__(self, *args: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
        # As the fixture `environment` has it: the encoding has to be that of the clients.
        environ = {name: text for name, text in os.environ.items() if not name.startswith(_LEFT_OUT)}
        environ |= {"XDG_RUNTIME_DIR": str(self.runtime), **variables}
        command = [self.executable, "agent", *args]
        return subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)

    def status(self) -> dict[str, object]:
        return state_in(self.runtime)

    @property
    def pid(self) -> int:
        return self.status()["pid"]

    def children(self) -> list[int]:
        """The processes that wait and work, on Linux."""
        return [int(text) for text in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


@contextmanager
def running(executable: str, *options: str, runtime: Path | None = None, **variables: str):
    """Start an agent, with more variables of its own, and stop it at the end."""
    made = runtime or Path(tempfile.mkdtemp(prefix="fa-", dir="/tmp"))  # a socket's path has to be short
    agent = RunningAgent(executable, made)
    started = agent("--lifetime", LIFETIME, *options, **variables)
    assert started.returncode == 0, started.stderr
    pid = agent.pid
    try:
        yield agent
    finally:
        tell(wire.STOP, environ=variables_of(made))
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)  # it has ended, if all is well
        if runtime is None:
            shutil.rmtree(made, ignore_errors=True)


def until(condition, seconds=20.0):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.02)
