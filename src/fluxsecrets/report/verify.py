"""What Flux would do with the Kustomizations of environments, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict

from fluxsecrets.ops.checks.verifymodel import Told, Verification, Verifications, Verified

from . import findings
from .findings_json import note_data
from .json import page
from .page import Page
from .verify_found import found_by_verify
from .verify_text import text_page


def verdict_data(environment: Verification, told: Told) -> dict[str, object]:
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
        "verdict": str(judged.verdict),
        "reason": decisive.reason if decisive is not None else None,
        "outcomes": [
            {
                **asdict(outcome),
                "accepted": told.accepted[outcome].reason if outcome in told.accepted else None,
            }
            for outcome in judged.outcomes
        ],
        "objects": [_item(environment, item) for item in told.items],
    }


def _item(environment: Verification, item: Verified) -> dict[str, object]:
    return {"environment": environment.environment, **asdict(item)}


def _json_page(found: Verifications) -> Page:
    only = found.environments[0].environment if len(found.environments) == 1 else None
    items = [item for one in found.environments for item in one.items]
    verdicts = dict(sorted(Counter(str(item.verdict) for item in items).items()))
    return page(
        "verify",
        {
            "environment": only,
            "environments": [one.environment for one in found.environments],
            "strict": found.strict,
            "kustomizations": [verdict_data(one, told) for one, told in found.told],
            "items": [_item(one, item) for one in found.environments for item in one.items],
            "notes": [note_data(note) for one in found.environments for note in one.notes],
            "no_cluster_key": [
                {"environment": one.environment, **asdict(one.no_cluster_key)}
                for one in found.environments
                if one.no_cluster_key is not None
            ],
            "needs": [
                {"environment": one.environment, **asdict(each)}
                for one in found.environments
                for each in one.needs
            ],
            "remarks": [asdict(remark) for remark in found.remarks],
            "summary": {
                **verdicts,
                "wrong": sum(one.wrong for one in found.environments),
                "unknown": sum(one.unknown for one in found.environments),
                "accepted": sum(one.accepted for one in found.environments),
                "unopened": sum(one.unopened for one in found.environments),
            },
            "verdicts": dict(sorted(Counter(str(told.judged.verdict) for _, told in found.told).items())),
        },
    )


def _as_findings(name: str) -> Callable[[Verifications, bool, str], Page]:
    """A format of findings, which lists what is wrong or cannot be told."""
    return lambda found, _, version: findings.FORMATS[name](found_by_verify(found, version))


FORMATS: Mapping[str, Callable[[Verifications, bool, str], Page]] = {
    "text": lambda found, everything, _: text_page(found, everything=everything),
    "json": lambda found, _everything, _version: _json_page(found),
    **{name: _as_findings(name) for name in findings.FORMATS if name not in ("text", "json")},
}
"""Renderers, which also take whether text lists what is applied as it is, and the version of the program."""
