"""What a scan found, for the formats of findings."""

from __future__ import annotations

from fluxsecrets.ops.checks.scanmodel import ScanResult

from .found import Found
from .text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.findings import RuleInfo


def found_by_scan(result: ScanResult, version: str, brought_by: str = "what is scanned brings") -> Found:
    """The findings of a scan.

    `brought_by` names what brought the excuses, with its verb.
    """
    return Found(
        "scan",
        version,
        result.root,
        result.files,
        result.findings,
        result.known,
        result.allowed,
        result.remarks,
        result.gone,
        _summary(result),
        lambda: (*_built_in(), *result.rules),
        listed=result.findings,
        errors=result.errors,
        excuses=result.excuses,
        brought_by=brought_by,
        baseline=result.baseline,
        written=result.written,
        notes=result.notes,
        remaining=[
            f"{name} has no effect: `scan: {{{key}: {name}}}` in .fluxsecrets.yaml makes it count"
            for key, name in result.unnamed
        ],
        advice=_advice(result),
    )


def _built_in() -> tuple[RuleInfo, ...]:
    from fluxsecrets.scan.registry import all_rules  # reports for people do without

    return all_rules()


def _advice(result: ScanResult) -> list[str]:
    """Return the command for values that `extract` may move, if there are several."""
    if not result.findings:
        return []
    from fluxsecrets.scan.structure.places import EXTRACTED

    movable = [item for item in result.findings if item.rule in EXTRACTED and item.history is None]
    if len(movable) < 2 or result.repositories is not None:
        return []
    return ["`fluxsecrets extract --all --dry-run` shows which of them can move to encrypted Secrets at once"]


def _summary(result: ScanResult) -> str:
    looked = f"{counted(result.files, 'file')} scanned"
    if result.repositories is not None:
        many = "repository" if result.repositories == 1 else "repositories"
        looked += f" in {result.repositories} {many}"
    if result.findings:
        places = {item.location.path for item in result.findings}
        found = counted(len(result.findings), "secret")
        tips = [item for item in result.findings if item.history is not None and item.history.tips]
        still = f", {len(tips)} of them still at the tip of a branch" if tips else ""
        return f"{found} in plain text in {counted(len(places), 'file')}{still}; {looked}"
    if result.errors:
        return f"nothing found, but not everything could be judged; {looked}"
    return result.nothing or f"no secret in plain text; {looked}"
