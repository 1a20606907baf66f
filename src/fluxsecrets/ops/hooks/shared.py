"""Hooks in the work tree, which the team shares: a few marked lines in a file that is theirs."""

from __future__ import annotations

import re
from pathlib import Path

from fluxsecrets.errors import ConfigError
from fluxsecrets.files.writing import write_atomic, write_new

from .block import BLOCK, shared_block, with_block
from .hookfile import content_of, make_executable
from .model import HookOutcome, HookResult
from .order import CALLS

_SHELL = re.compile(r"#!.*\b(?:ba|da|k|z|a)?sh\b")


def install_shared(hook: str, path: Path, *, husky: bool) -> HookResult:
    """Put our lines into a hook of the work tree; a missing one is made.

    Raises:
        ConfigError: the hook is not a shell script.
        FileAccessError: the file cannot be read or written.
    """
    block = shared_block(hook, husky=husky)
    found = content_of(path)
    present = found.data if found is not None else None
    if present is None:
        write_new(path, f"#!/bin/sh\n{block}".encode(), mode=0o755)
        return HookResult(
            hook, path, HookOutcome.INSTALLED, "it is in the work tree: commit it for the others"
        )
    text = present.decode("utf-8", "surrogateescape")
    if text.startswith("#!") and _SHELL.match(text) is None:
        raise ConfigError(
            "this hook is not a shell script, so nothing was added to it",
            path=str(path),
            hint=f"let it run `fluxsecrets hook run {hook}`, and fail where that fails",
        )
    outcome = HookOutcome.INSTALLED
    if BLOCK.search(text) is not None:
        outcome = HookOutcome.UPDATED
    elif CALLS.search(text):
        return HookResult(hook, path, HookOutcome.UNCHANGED, "it runs fluxsecrets by itself")
    new = with_block(text, block)
    make_executable(path)
    if new == text:
        return HookResult(hook, path, HookOutcome.UNCHANGED)
    note = write_atomic(path, new.encode("utf-8", "surrogateescape"), expected=found)
    said = ("it is in the work tree: commit it for the others", note)
    return HookResult(hook, path, outcome, "; ".join(filter(None, said)))


def uninstall_shared(hook: str, path: Path) -> HookResult:
    """Remove our lines from a hook of the work tree, and the file if nothing else is in it.

    Raises:
        FileAccessError: the file cannot be read or written.
    """
    found = content_of(path)
    present = found.data if found is not None else None
    text = "" if present is None else present.decode("utf-8", "surrogateescape")
    rest = BLOCK.sub("", text)
    if rest == text:
        return HookResult(hook, path, HookOutcome.NOT_INSTALLED)
    note = None
    if rest.strip() in ("", "#!/bin/sh"):
        path.unlink()
    else:
        note = write_atomic(path, rest.encode("utf-8", "surrogateescape"), expected=found)
    return HookResult(hook, path, HookOutcome.REMOVED, note or "")
