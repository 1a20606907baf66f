"""How Helm puts values over the defaults of a chart and its dependencies: an oracle for tests.

Written from Helm's pkg/chart/common/util/coalesce.go (CoalesceValues), and checked against it: see
tests/vectors/helm/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from helm.compose import as_json

Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """A chart's name, the defaults in its values.yaml, and the charts that it depends on."""

    name: str
    values: Values
    dependencies: tuple[Chart, ...] = ()
    defaults: Values = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "defaults", as_json(self.values))


class CoalesceError(Exception):
    """Helm refuses the values."""


def chart_from(data: Mapping[str, Any]) -> Chart:
    """Return the chart that a vector describes."""
    dependencies = tuple(chart_from(each) for each in data.get("dependencies", ()))
    return Chart(data["name"], dict(data.get("values") or {}), dependencies)


def coalesce(chart: Chart, values: Values) -> Values:
    """Return what `.Values` is in the templates of a chart.

    Raises:
        CoalesceError: a dependency's values are not a map.
    """
    return _coalesce(chart, deepcopy(values), merge=False)


def _coalesce(chart: Chart, dest: Values, *, merge: bool) -> Values:
    _coalesce_values(chart, dest, merge=merge)
    for sub in chart.dependencies:
        inner = dest.setdefault(sub.name, {})
        if not isinstance(inner, dict):
            raise CoalesceError(sub.name)
        _coalesce_globals(inner, dest)
        dest[sub.name] = _coalesce(sub, inner, merge=merge)
    return dest


def _coalesce_globals(dest: Values, source: Values) -> None:
    above, below = dest.get("global", {}), source.get("global", {})
    if not isinstance(above, dict) or not isinstance(below, dict):
        return
    for key, value in below.items():
        if isinstance(value, dict):
            copied = dict(value)
            if key not in above:
                above[key] = copied
            elif isinstance(above[key], dict):
                _coalesce_tables(copied, above[key], merge=True)
                above[key] = copied
        elif not isinstance(above.get(key), dict):
            above[key] = value
    dest["global"] = above


def _coalesce_values(chart: Chart, values: Values, *, merge: bool) -> None:
    for key, default in deepcopy(chart.defaults).items():
        if key not in values:
            if merge or default is not None:
                values[key] = default if merge else _without_nulls(default)
        elif values[key] is None and not merge:
            del values[key]
        elif isinstance(values[key], dict) and isinstance(default, dict):
            merges = merge or any(sub.name == key for sub in chart.dependencies)
            _coalesce_tables(values[key], default if merges else _without_nulls(default), merge=merges)


def _coalesce_tables(dest: Values, source: Values, *, merge: bool) -> Values:
    had = {key for key, value in source.items() if value is not None}
    source = source | {key: None for key, value in dest.items() if value is None}
    for key, value in source.items():
        if key not in dest:
            dest[key] = value
        elif dest[key] is None and not merge and key in had:
            del dest[key]
        elif isinstance(value, dict) and isinstance(dest[key], dict):
            _coalesce_tables(dest[key], value, merge=merge)
    return dest


def _without_nulls(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {key: _without_nulls(value) for key, value in data.items() if value is not None}
