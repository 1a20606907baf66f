"""What Flux would do with the Kustomizations of environments, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fluxsecrets.ops.checks.verifymodel import Told, Verification, Verifications, Verified

from . import findings
from .base import rooted
from .findings_json import note_data, remark_data
from .json import page
from .page import Page
from .release import release_data
from .verify_found import found_by_verify
from .verify_text import text_page

if TYPE_CHECKING:
    from fluxsecrets.ops.checks.needs import Need
    from fluxsecrets.repo.outcome import Outcome

    from .wire import flux as wire


def verdict_data(environment: Verification, told: Told) -> wire.KustomizationVerdict:
    """A Kustomization with its verdict, as data."""
    judged = told.judged
    item, decisive = judged.applied.kustomization, judged.decisive
    return {
        "environment": environment.environment,
        "name": item.name if item is not None else None,
        "namespace": item.namespace if item is not None else None,
        "path": judged.applied.folder if item is None else item.path,
        "file": item.file if item is not None else None,
        "line": item.line if item is not None else None,
        "verdict": judged.verdict.value,
        "reason": decisive.reason if decisive is not None else None,
        "outcomes": [_outcome(outcome, told) for outcome in judged.outcomes],
        "objects": [_item(environment, item) for item in told.items],
    }


def _outcome(outcome: Outcome, told: Told) -> wire.Outcome:
    return {
        "effect": outcome.effect.value,
        "behaviour": outcome.behaviour,
        "reason": outcome.reason,
        "path": outcome.path,
        "line": outcome.line,
        "hint": outcome.hint,
        "accepted": told.accepted[outcome].reason if outcome in told.accepted else None,
    }


def _item(environment: Verification, item: Verified) -> wire.VerifiedObject:
    return {
        "environment": environment.environment,
        "path": item.path,
        "line": item.line,
        "kustomization": item.kustomization,
        "kind": item.kind,
        "name": item.name,
        "namespace": item.namespace,
        "verdict": item.verdict.value,
        "format": item.format,
        "keys": list(item.keys),
        "substituted": item.substituted,
        "problem": item.problem,
        "behaviour": item.behaviour,
        "note": item.note,
    }


def _need(environment: Verification, need: Need) -> wire.Permission:
    return {
        "environment": environment.environment,
        "action": need.action,
        "key": need.key,
        "role": need.role,
        "by": need.by,
        "files": list(need.files),
    }


def _json_page(found: Verifications) -> Page:
    only = found.environments[0].environment if len(found.environments) == 1 else None
    items = [item for one in found.environments for item in one.items]
    verdicts = dict(sorted(Counter(str(item.verdict) for item in items).items()))
    data: wire.Verification = {
        "environment": only,
        "environments": [one.environment for one in found.environments],
        "flux": {one.environment: release_data(one.release, str) for one in found.environments},
        "strict": found.strict,
        "kustomizations": [verdict_data(one, told) for one, told in found.told],
        "items": [_item(one, item) for one in found.environments for item in one.items],
        "notes": [note_data(note) for one in found.environments for note in one.notes],
        "no_cluster_key": [
            {
                "environment": one.environment,
                "files": one.no_cluster_key.files,
                "recipients": list(one.no_cluster_key.recipients),
                "shared_rules": list(one.no_cluster_key.shared_rules),
            }
            for one in found.environments
            if one.no_cluster_key is not None
        ],
        "needs": [_need(one, each) for one in found.environments for each in one.needs],
        "remarks": [remark_data(remark) for remark in found.remarks],
        "summary": {
            **verdicts,
            "wrong": sum(one.wrong for one in found.environments),
            "unknown": sum(one.unknown for one in found.environments),
            "accepted": sum(one.accepted for one in found.environments),
            "unopened": sum(one.unopened for one in found.environments),
        },
        "verdicts": dict(sorted(Counter(str(told.judged.verdict) for _, told in found.told).items())),
    }
    return page("verify", data, rooted(found.root))


def _as_findings(name: str) -> Callable[[Verifications, bool, str], Page]:
    """A format of findings, which lists what is wrong or cannot be told."""
    return lambda found, _, version: findings.FORMATS[name](found_by_verify(found, version))


FORMATS: Mapping[str, Callable[[Verifications, bool, str], Page]] = {
    "text": lambda found, everything, _: text_page(found, everything=everything),
    "json": lambda found, _everything, _version: _json_page(found),
    **{name: _as_findings(name) for name in findings.FORMATS if name not in ("text", "json")},
}
"""Renderers, which also take whether text lists what is applied as it is, and the version of the program."""
