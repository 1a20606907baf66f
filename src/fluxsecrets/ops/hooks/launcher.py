"""How a hook starts this fluxsecrets."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import UsageError


@dataclass(frozen=True, slots=True)
class Launcher:
    """How a hook starts this fluxsecrets, whatever the environment says.

    Attributes:
        python: absolute path of the Python that has it, with `/`.
        isolation: the options that keep the environment and the working directory from putting other
            modules in the place of ours.
    """

    python: str
    isolation: str = "-I"


def own_launcher() -> Launcher:
    """The running Python, with the options under which it has this package and nothing else can be it.

    Raises:
        UsageError: it has not, such as where the package is run from its sources.
    """
    python = _running_python()
    # Without the user's own packages where that goes; in a plain `pip install --user` they are where it is.
    for isolation in ("-I", "-E -P") if python else ():
        if _starts(launcher := Launcher(python, isolation)):
            return launcher
    raise UsageError(
        "this fluxsecrets starts with the help of the environment only, so a hook could not rely on it",
        hint="install the package, such as with `pipx install`, and run `fluxsecrets hook install` again",
    )


def may_start(launcher: Launcher) -> bool:
    """Return whether a Python seems to have fluxsecrets: it is the running one, or has it beside itself.

    It is not started to find out: an archive may bring a configuration that names any program.
    """
    if launcher.python == _running_python():
        return True
    prefix = Path(launcher.python).parent.parent
    places = ("lib/python*/site-packages", "lib/python*/dist-packages", "Lib/site-packages")
    return any(next(prefix.glob(f"{place}/fluxsecrets*"), None) is not None for place in places)


def _running_python() -> str:
    return Path(sys.executable).absolute().as_posix() if sys.executable else ""


def _starts(launcher: Launcher) -> bool:
    """Whether a Python starts and has fluxsecrets."""
    import subprocess

    command = [launcher.python, *launcher.isolation.split(), "-c", "import fluxsecrets.cli.entry"]
    try:
        done = subprocess.run(  # noqa: S603 - a Python by its absolute path, without a shell
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0
