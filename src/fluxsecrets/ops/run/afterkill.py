"""Delete what killed runs of this user left; every command does this first.

It looks into few folders and imports nothing heavy before it finds something.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.deadfolders import DeadFolders, remove_dead_folders, usual_places
from fluxsecrets.files.statedirs import state_above, user_state_folder
from fluxsecrets.shell import file_word

TYPE_CHECKING = False
if TYPE_CHECKING:  # only when something is found
    from fluxsecrets.files.cameout import SavedMeanwhile

_REMAINS = ("journal.draft", "journal.done")
"""A journal that was not complete yet, and one whose operation has ended."""


def clean_up(environ: Mapping[str, str], cwd: str) -> DeadFolders:
    """Delete the private folders and the remains of journals that killed runs left.

    Args:
        environ: the environment, which names the places for temporary files.
        cwd: absolute path of the working directory.

    Returns:
        What was deleted, what has to be deleted by hand, and what other programs had saved, which is kept.
        Never the folders of a living run.
    """
    places = [*usual_places(environ)]
    with suppress(FileAccessError):
        places.append(user_state_folder(environ))
    state = state_above(cwd)
    if state is not None:
        places.append(state)
        if any(os.path.lexists(os.path.join(state, name)) for name in _REMAINS):  # noqa: PTH118
            from .journal import remove_remains

            remove_remains(Path(state))
    return remove_dead_folders(places, _keep)


def _keep(folder: Path, saved: SavedMeanwhile) -> Path | None:
    from .kept import keep_saved  # only when something is found

    return keep_saved(folder, saved)


def left_behind(environ: Mapping[str, str], cwd: Path) -> tuple[FileAccessError, ...]:
    """The folders of killed runs that can't be deleted, as errors: nothing is clean while they are there.

    Args:
        environ: the environment.
        cwd: absolute path of the working directory.
    """
    return tuple(
        FileAccessError(
            "a run that was killed may have left plain text in this folder, and it can't be deleted",
            hint=f"make sure that no fluxsecrets is running, then `rm -rf {file_word(str(folder))}`",
            path=str(folder),
        )
        for folder in clean_up(environ, str(cwd)).left
    )


def messages(found: DeadFolders) -> tuple[str, ...]:
    """Return what the user should know about the folders of killed runs."""
    said = [
        f"another program saved {file_word(shown)} just when a run replaced it and was killed; {_seen(path)}"
        for shown, path in found.kept
    ]
    if found.deleted:
        names = ", ".join(map(str, found.deleted))
        said.append(f"plain text of a run that was killed was still there, and is deleted: {names}")
    if found.left:
        names = ", ".join(map(str, found.left))
        said.append(
            f"a killed run may have left plain text; if no fluxsecrets is running, delete it: {names}"
        )
    return tuple(said)


def _seen(path: Path) -> str:
    from .kept import LOCKED  # only when something is found

    if path.name.endswith(LOCKED):
        return f"what it saved is kept, and `fluxsecrets recover --show {file_word(str(path))}` prints it"
    return f"what it saved is in {path}"
