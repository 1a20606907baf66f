"""Hooks in git's own folder: a file of ours; one that was there is set aside, and runs first."""

from __future__ import annotations

import os
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.writing import write_atomic, write_new

from .block import UNSET
from .hookfile import MADE_BY, content_of, is_made, make_executable, quoted, read_hook
from .launcher import Launcher
from .model import HookOutcome, HookResult
from .order import CALLS, LEGACY, OLD

ASIDE = ".before-fluxsecrets"
"""The suffix of a hook that existed before ours."""


def own_script(hook: str, launcher: Launcher) -> str:
    """The hook as it stands in git's own folder.

    It refuses where it cannot check.
    """
    run_before = '"$before" "$@" || exit'
    run = 'run "$@"'
    if hook == "pre-push":  # what is pushed; both must be told
        run_before = "\n".join(
            (
                "refs=$(cat)",
                r"    printf '%s' "
                '"${refs:+$refs\n}" | "$before" "$@" || exit',
                r"    printf '%s' "
                '"${refs:+$refs\n}" | run "$@"',
                "    exit",
            )
        )
    return f"""\
#!/bin/sh
# Keeps secrets in plain text out of git; {MADE_BY}.
# `fluxsecrets hook uninstall` takes it away and puts back what was here before.
python={quoted(launcher.python)}
before=${{0%/*}}/{hook}{ASIDE}
start='
try:
    from fluxsecrets.cli.entry import main
except ImportError as error:
    raise SystemExit(f"error: nothing was checked, so this was refused: fluxsecrets is incomplete: {{error}}")
main()
'
run() {{
    # Isolated: nothing in the environment, or in the folder, takes the place of a module.
    if [ -f "$python" ] && [ -x "$python" ]; then
        exec "$python" {launcher.isolation} -c "$start" hook run {hook} "$@"
    fi
    found=$(command -v fluxsecrets)
    case $found in
    /* | [A-Za-z]:*)
        {UNSET}
        PYTHONSAFEPATH=1 exec "$found" hook run {hook} "$@"
        ;;
    esac
    echo "error: fluxsecrets is not installed any more, so nothing was checked and this was refused" >&2
    echo "  hint: install it, or delete the hook: rm '$0'" >&2
    exit 1
}}
if [ -x "$before" ]; then
    {run_before}
fi
{run}
"""


def install_own(hook: str, path: Path, launcher: Launcher) -> HookResult:
    """Write a hook into git's own folder, and set aside one that is there.

    Raises:
        FileAccessError: a file cannot be read or written, or a hook was set aside before.
    """
    script = own_script(hook, launcher).encode()
    aside = path.with_name(path.name + ASIDE)
    found = content_of(path)
    present = found.data if found is not None else None
    if present is not None and MADE_BY.encode() in present:
        make_executable(path)
        if present == script:
            return HookResult(hook, path, HookOutcome.UNCHANGED)
        write_atomic(path, script, mode=0o755, expected=found)
        return HookResult(hook, path, HookOutcome.UPDATED)
    if present is not None and CALLS.search(present.decode("utf-8", "replace")):
        return HookResult(hook, path, HookOutcome.UNCHANGED, "it runs fluxsecrets by itself")
    note = ""
    if present is not None or path.is_symlink():
        _make_room(path, aside)
        path.rename(aside)
        note = f"the hook that was there runs first; it is {aside.name} now"
        if present is not None and b"pre-commit.com" in present:
            note += ". With pre-commit there is another way: see docs/hooks.md"
    try:
        write_new(path, script, mode=0o755)
    except BaseException:
        if note:
            aside.rename(path)
        raise
    return HookResult(hook, path, HookOutcome.INSTALLED, note)


def _make_room(path: Path, aside: Path) -> None:
    """Remove our own hook where an installer put it aside, and free the name for the hook that was there.

    pre-commit runs what it found as `.legacy`: ours would run there, and again at the end. What ours ran
    first takes its place, so that pre-commit goes on running it.

    Raises:
        FileAccessError: there are two hooks to be kept, and room for one.
    """
    legacy = path.with_name(f"{path.name}{LEGACY}")
    if is_made(legacy):
        if os.path.lexists(aside):
            aside.replace(legacy)
        else:
            legacy.unlink()
    if os.path.lexists(aside):
        raise FileAccessError(
            f"there is both a hook and one from before it, {aside.name}",
            path=str(path),
            hint="keep one of them under the name of the hook, and remove the other",
        )
    old = path.with_name(f"{path.name}{OLD}")
    if is_made(old):
        old.unlink()


def uninstall_own(hook: str, path: Path) -> HookResult:
    """Remove a hook of ours, and put back the one from before.

    Raises:
        FileAccessError: the file cannot be read.
    """
    aside = path.with_name(path.name + ASIDE)
    present = read_hook(path)
    if present is None or MADE_BY.encode() not in present:
        return HookResult(hook, path, HookOutcome.NOT_INSTALLED)
    if not os.path.lexists(aside):
        path.unlink()
        return HookResult(hook, path, HookOutcome.REMOVED)
    aside.replace(path)
    return HookResult(hook, path, HookOutcome.REMOVED, "the hook from before is back")
