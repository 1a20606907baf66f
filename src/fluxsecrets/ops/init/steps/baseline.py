"""A baseline of what is there already and encrypting does not fix, if the user wants one."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.findings.baseline import BaselineEntry, update_baseline
from fluxsecrets.marks import BASELINE_NAME
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest
from fluxsecrets.ops.init.model import Action, Item, StepPlan
from fluxsecrets.ops.init.survey import Survey

from .step import Situation, Step

_ID = "baseline"


def _plan(situation: Situation) -> StepPlan:
    survey = situation.survey
    shown = survey.shown(BASELINE_NAME)
    try:
        found = left_findings(survey)
    except FluxsecretsError as error:
        return StepPlan((Item(_ID, Action.SKIP, shown, error.message, error.hint or ""),))
    if not found:
        return StepPlan()
    what = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    if not survey.request.baseline:
        hint = "see them with `fluxsecrets scan`; `fluxsecrets init --baseline` accepts them"
        item = Item(_ID, Action.YOURS, shown, f"{what} of `scan` that encrypting does not fix", hint)
        return StepPlan((item,))
    there = survey.content(BASELINE_NAME) is not None
    item = Item(_ID, Action.CHANGE if there else Action.CREATE, shown, f"accepts {what}")

    def finish() -> tuple[str, ...]:
        now = left_findings(survey)  # the work tree may have changed while the user read the plan
        written = update_baseline(survey.tree.root / BASELINE_NAME, now, _keep_all)
        return (written.note,) if written.note is not None else ()

    return StepPlan((item,), finish)


def left_findings(survey: Survey) -> tuple[Finding, ...]:
    """Return what a scan finds besides the secrets that get encrypted.

    Raises:
        ConfigError: settings or baseline are invalid.
        GitError: git failed.
    """
    fixed = {each.path for each in survey.secrets if each.error is None}
    result = scan(ScanRequest(survey.tree.root))
    return tuple(each for each in result.findings if each.location.path not in fixed)


def _keep_all(_entry: BaselineEntry) -> bool:
    """Whether an entry may go: only `--update-baseline` removes any."""
    return False


STEP = Step(_ID, _plan)
