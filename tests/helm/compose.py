"""How helm-controller composes the values of a HelmRelease: an oracle for tests.

Written from fluxcd/pkg/chartutil (ChartValuesFromReferences), and checked against it: see
tests/vectors/helm/README.md. Of src it uses only the reader of YAML, which has vectors of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.goyaml.read import read
from helm.strvals import StrvalsError, parse_into

Values: TypeAlias = dict[str, Any]
Objects: TypeAlias = Mapping[tuple[str, str], Mapping[str, str]]
"""The data of ConfigMaps and Secrets, decoded, by kind and name."""


class ComposeError(Exception):
    """helm-controller refuses to compose the values."""


def compose(values: Values | None, references: list[dict[str, Any]], objects: Objects) -> Values:
    """Return the values that helm-controller hands to Helm.

    Args:
        values: `spec.values`, as JSON.
        references: `spec.valuesFrom`.
        objects: what the references can name, all in the namespace of the HelmRelease.

    Raises:
        ComposeError: helm-controller refuses.
    """
    inline = as_json(values or {})
    result: Values = {}
    for reference in references:
        data = _data(reference, objects)
        if data is None:
            continue
        path = reference.get("targetPath")
        if path:
            result = merge_maps(result, inline)
            _replace(result, path, data, literal=reference.get("literal") is True)
        else:
            result = merge_maps(result, read_values(data))
    return merge_maps(result, inline)


def merge_maps(below: Values, above: Values) -> Values:
    """Merge two maps. As in Go, a map that only one has is shared with it, not copied."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge_maps(merged[key], value) if both else value
    return merged


def read_values(text: str) -> Values:
    """Return the values in a YAML text.

    Raises:
        ComposeError: the text is not a map in YAML.
    """
    try:
        found = read(text)
    except FluxsecretsError as error:
        raise ComposeError("failed to read values data") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ComposeError("failed to read values data")
    return as_json(found)


def as_json(data: Any) -> Any:
    """Return a copy in which each number is a float64, as Go's encoding/json decodes it."""
    if isinstance(data, dict):
        return {key: as_json(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_json(value) for value in data]
    return float(data) if isinstance(data, int) and not isinstance(data, bool) else data


def tagged(data: Any) -> Any:
    """Return values in a form that JSON compares by type: int64 and float64 are told apart."""
    if isinstance(data, dict):
        return {key: tagged(value) for key, value in data.items()}
    if isinstance(data, list):
        return [tagged(value) for value in data]
    if isinstance(data, bool) or data is None or isinstance(data, str):
        return data
    return {"$int64": data} if isinstance(data, int) else {"$float64": data}


def same(first: Values, second: Values) -> bool:
    """Whether two values are the same to a chart: types, nulls and empty maps included."""
    return json.dumps(tagged(first), sort_keys=True) == json.dumps(tagged(second), sort_keys=True)


def _data(reference: dict[str, Any], objects: Objects) -> str | None:
    """Return the data that a reference names, or None if it is optional and missing."""
    kind = reference.get("kind")
    if kind not in ("Secret", "ConfigMap"):
        raise ComposeError("unsupported values reference kind")
    found = objects.get((kind, reference["name"]), {}).get(reference.get("valuesKey") or "values.yaml")
    if found is None and reference.get("optional") is not True:
        raise ComposeError("resource or key not found")
    return found


_QUOTES = "'\""


def _replace(result: Values, path: str, data: str, *, literal: bool) -> None:
    quoted = any(data.startswith(quote) and data.endswith(quote) for quote in _QUOTES)
    if literal:
        value = "".join(f"\\{character}" if character in "\\,[]{}" else character for character in data)
    else:
        value = data.strip(_QUOTES) if quoted else data
    try:
        parse_into(f"{path}={value}", result, strings=literal or quoted)
    except StrvalsError as error:
        raise ComposeError("failed to merge value") from error
