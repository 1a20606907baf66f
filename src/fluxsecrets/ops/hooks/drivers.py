"""The merge driver and the textconv in the configuration of a repository: git's way to call fluxsecrets.

git runs such a line with `sh`. Of a driver that is missing git says nothing: it merges and shows the file as
text. Of one that doesn't start it says so: a merge has a conflict and keeps our file, a diff is refused.
"""

from __future__ import annotations

import os
import re

from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.config import (
    read_own_setting,
    read_setting,
    remove_settings,
    write_setting,
)

from .attributes import DRIVER
from .block import UNSET
from .hookfile import quoted, unquoted
from .launcher import Launcher, may_start
from .model import HookOutcome, HookResult, HookState

MERGE, TEXTCONV = "merge driver", "textconv"

# %S, %X and %Y are labels since git 2.44; an older git passes them on as they are.
_MERGE_ARGUMENTS = "merge-driver %O %A %B %L %P %S %X %Y"
_NAME = f"merge.{DRIVER}.name"
_SETTINGS = {MERGE: f"merge.{DRIVER}.driver", TEXTCONV: f"diff.{DRIVER}.textconv"}
_LINE = re.compile(r"python=(?P<python>'(?:[^']|'\\'')*'); .*?\"\$python\" (?P<isolation>-I|-E -P) -c ")
# git starts the textconv for every version of every file that it shows: it has an entry of its own.
_STARTS = {
    MERGE: "from fluxsecrets.cli.entry import main; main()",
    TEXTCONV: "from fluxsecrets.cli.textconvrun import main; main()",
}
_GONE = "error: fluxsecrets is not installed any more: install it, and run its hook install again"
_AGAIN = "`fluxsecrets hook install drivers`"


def command_line(driver: str, launcher: Launcher) -> str:
    """Return what git runs for a driver: this fluxsecrets, else the one on PATH, else nothing.

    git replaces `%P` and the like in the one of a merge driver, and puts the file's name behind a textconv.
    """
    is_merge = driver == MERGE
    python = quoted(launcher.python.replace("%", "%%") if is_merge else launcher.python)
    arguments = _MERGE_ARGUMENTS if is_merge else 'textconv "$@"'
    start = f'exec "$python" {launcher.isolation} -c "{_STARTS[driver]}" {arguments}'
    line = (
        f'if [ -x "$python" ]; then {start}; fi; '
        f"found=$(command -v fluxsecrets); case $found in /* | [A-Za-z]:*) {UNSET}; "
        f'PYTHONSAFEPATH=1 exec "$found" {arguments};; esac; '
        f'echo "{_GONE}" >&2; exit 1'
    )
    return f"python={python}; {line}" if is_merge else f"python={python}; run() {{ {line}; }}; run"


def install_drivers(repository: Repository, launcher: Launcher) -> tuple[HookResult, ...]:
    """Set both drivers up in the repository's configuration; what is right already is not written.

    Raises:
        GitError: the configuration can't be written.
    """
    path = repository.common_dir / "config"
    write_setting(repository, _NAME, "fluxsecrets merges encrypted files by value")
    results = []
    for driver, setting in _SETTINGS.items():
        before = read_own_setting(repository, setting)
        changed = write_setting(repository, setting, command_line(driver, launcher))
        outcome = HookOutcome.UPDATED if before is not None else HookOutcome.INSTALLED
        results.append(HookResult(driver, path, outcome if changed else HookOutcome.UNCHANGED))
    return tuple(results)


def uninstall_drivers(repository: Repository) -> tuple[HookResult, ...]:
    """Remove both drivers from the repository's configuration; other settings of theirs stay.

    Raises:
        GitError: the configuration can't be written.
    """
    path = repository.common_dir / "config"
    results = []
    for driver, setting in _SETTINGS.items():
        removed = remove_settings(repository, [setting, *([_NAME] if driver == MERGE else ())])
        outcome = HookOutcome.REMOVED if removed else HookOutcome.NOT_INSTALLED
        results.append(HookResult(driver, path, outcome))
    return tuple(results)


def driver_states(repository: Repository) -> tuple[HookState, ...]:
    """Return for each driver whether git would start it."""
    return tuple(_state(repository, driver, setting) for driver, setting in _SETTINGS.items())


def _state(repository: Repository, driver: str, setting: str) -> HookState:
    path = repository.common_dir / "config"
    value, own = read_setting(repository, setting), read_own_setting(repository, setting)
    if value is None:
        instead = "merges encrypted files as text" if driver == MERGE else "shows their ciphertexts"
        return HookState(driver, path, False, f"it is not set up in this clone: git {instead}", _AGAIN)
    if value != own:
        hint = f"`git config --show-origin {setting}` names the file; remove it there"
        return HookState(driver, path, True, f"another configuration sets {setting}, too, and counts", hint)
    return HookState(driver, path, True, *_problem(driver, value))


def _problem(driver: str, value: str) -> tuple[str, str]:
    """What is wrong with the line of a driver, and a hint; both "" if nothing is."""
    found = _LINE.match(value)
    if found is None:
        return "its command is not the one of `fluxsecrets hook install`", _AGAIN
    python = unquoted(found["python"])
    launcher = Launcher(python.replace("%%", "%") if driver == MERGE else python, found["isolation"])
    if value != command_line(driver, launcher):
        return "its command is of an older fluxsecrets", _AGAIN
    if not os.access(launcher.python, os.X_OK):
        return "the Python that it starts is gone, so that it looks for fluxsecrets on PATH", _AGAIN
    if not may_start(launcher):
        return "the Python that it starts has no fluxsecrets", _AGAIN
    return "", ""
