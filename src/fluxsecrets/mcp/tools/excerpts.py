"""Findings without the lines that they are in: only the value that was found is masked there."""

from __future__ import annotations

from typing import Any


def without_excerpts(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of `scan` or `audit` without excerpts."""
    allowed = [{**each, "finding": _without([each["finding"]])[0]} for each in data["allowed"]]
    lists: dict[str, Any] = {name: _without(data[name]) for name in ("findings", "known")}
    return {**data, **lists, "allowed": allowed}


def _without(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "excerpt": None} for each in findings]
