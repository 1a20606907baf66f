"""Private keys in the repository: reported, never touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import KEYS_FOLDER, holds_private_key
from fluxsecrets.ops.init.model import Action, Item, StepPlan

from .ignored import KEY_FILES, matches
from .step import Situation, Step

_ID = "private-keys"
_LARGEST = 2**20


def _plan(situation: Situation) -> StepPlan:
    return StepPlan(tuple(_private(situation)))


def _private(situation: Situation) -> Iterator[Item]:
    survey = situation.survey
    folder = survey.tree.root / KEYS_FOLDER
    beside = (
        (path.relative_to(survey.tree.root).as_posix() for path in sorted(folder.rglob("*")))
        if folder.is_dir()
        else ()
    )
    named = (path for path in survey.tree.paths if matches(path, KEY_FILES))
    for path in dict.fromkeys((*beside, *named)):
        if not _holds_one(survey.tree.root / path):
            continue
        tracked = path in survey.tree.files
        yield Item(
            _ID,
            Action.YOURS,
            survey.shown(path),
            "holds a private key" + (", and git has it or would take it" if tracked else ""),
            "move it out of the repository; if it was ever committed, everyone with a clone has it: "
            "replace it with `fluxsecrets rotate --identity --env NAME`",
        )


def _holds_one(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    try:
        return holds_private_key(read_file(path, limit=_LARGEST).data.decode("utf-8", "replace"))
    except FluxsecretsError:
        return False


STEP = Step(_ID, _plan, skippable=False)
