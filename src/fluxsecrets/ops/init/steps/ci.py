"""A CI job, for the forge that the repository is on."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.errors import FileAccessError
from fluxsecrets.ops.init.jobs import read_job
from fluxsecrets.ops.init.model import Action, Item, StepPlan
from fluxsecrets.ops.init.survey import Survey
from fluxsecrets.repo.git.config import read_settings

from .step import Situation, Step

_ID = "ci"


@dataclass(frozen=True, slots=True)
class Forge:
    """Where CI jobs are.

    Attributes:
        signs: in an address of a remote.
        files: paths, or folders with `/` at the end, that show it.
        path: where the job goes.
        job: the file that we have for it.
        included: the file that must name it, or "".
    """

    id: str
    signs: tuple[str, ...]
    files: tuple[str, ...]
    path: str
    job: str
    included: str = ""


FORGES = (
    Forge("github", ("github",), (".github/",), ".github/workflows/secrets.yml", "github-actions.yml"),
    Forge(
        id="gitlab",
        signs=("gitlab",),
        files=(".gitlab-ci.yml", ".gitlab/"),
        path=".gitlab/secrets.yml",
        job="gitlab-ci.yml",
        included=".gitlab-ci.yml",
    ),
    Forge(
        id="forgejo",
        signs=("codeberg.org", "forgejo", "gitea"),
        files=(".forgejo/", ".gitea/"),
        path=".forgejo/workflows/secrets.yml",
        job="forgejo-actions.yml",
    ),
)

_WORDS = (b"fluxsecrets scan", b"fluxsecrets encrypt --check", b"fluxsecrets verify")
"""What shows that a job runs fluxsecrets already."""


def find_forge(survey: Survey) -> Forge | None:
    """Return the forge that was asked for, that of the origin, or the only one that files show."""
    if survey.request.ci is not None:
        return next(each for each in FORGES if each.id == survey.request.ci)
    remotes = dict(read_settings(survey.repository, r"^remote\..*\.url$"))
    addresses = [remotes.get("remote.origin.url", ""), *remotes.values()]
    for address in addresses:
        for forge in FORGES:
            if any(sign in address.lower() for sign in forge.signs):
                return forge
    seen = [
        forge
        for forge in FORGES
        if any(path.startswith(file) for file in forge.files for path in survey.tree.paths)
    ]
    return seen[0] if len(seen) == 1 else None


def _plan(situation: Situation) -> StepPlan:
    survey = situation.survey
    existing = _existing(survey)
    if existing is not None:
        return StepPlan((Item(_ID, Action.KEEP, survey.shown(existing), "runs fluxsecrets already"),))
    forge = find_forge(survey)
    if forge is None:
        names = " or ".join(f"--ci {each.id}" for each in FORGES)
        item = Item(_ID, Action.SKIP, "CI", "no remote says which forge it is for", f"add {names}")
        return StepPlan((item,))
    try:
        if survey.content(forge.path) is not None:
            shown = survey.shown(forge.path)
            return StepPlan((Item(_ID, Action.SKIP, shown, "is there, and does something else"),))
        items = [situation.write(_ID, forge.path, read_job(forge.job), "scans, reviews and verifies changes")]
        if forge.included:
            items.append(_include(situation, forge))
    except FileAccessError as error:
        return StepPlan((Item(_ID, Action.YOURS, forge.path, error.message, error.hint or ""),))
    return StepPlan(tuple(items))


def _include(situation: Situation, forge: Forge) -> Item:
    """Make the forge read the job; a file that is there is the team's, and says it by itself."""
    line = f"include: [{{local: {forge.path}}}]"
    if situation.survey.content(forge.included) is None:
        return situation.write(_ID, forge.included, f"{line}\n".encode(), f"includes {forge.path}")
    return Item(
        _ID, Action.YOURS, situation.survey.shown(forge.included), "must include the job", f"add `{line}`"
    )


def _existing(survey: Survey) -> str | None:
    for path in survey.tree.paths:
        if any(path.startswith(file) for forge in FORGES for file in forge.files) and survey.tree.size(path):
            data = survey.tree.read(path)
            if any(word in data for word in _WORDS):
                return path
    return None


STEP = Step(_ID, _plan)
