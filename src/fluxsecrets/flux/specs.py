"""What the API server takes of a Flux Kustomization, by the schema of its kind.

`kustomization-crd.json` is made of config/crd/bases of kustomize-controller 1.9: names, types, enumerations,
patterns and lengths of the fields, and with `since` the minor version of Flux 2 in which a field came, with
`came` the one in which a value did. Flux applies objects on the server's side, which refuses fields and types
that the schema does not have before it validates the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fluxsecrets.repo.flux import KUSTOMIZE_GROUP, SOURCE_GROUP
from fluxsecrets.repo.manifests import Plain, Steps
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome

from .model import Cluster
from .since import REMOVED, SUPPORTED, minor_of
from .unknown import is_unknown
from .wording import formatted

_SOURCES = frozenset({"GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket"})
"""Kinds of source-controller that had `v1beta1` and `v1beta2`."""

_TYPES = {"string": (str,), "boolean": (bool,), "object": (dict,), "array": (list,)}
_EXPECTED = {"object": "map", "array": "list"}
_LENGTHS = (("minLength", "at least", -1), ("maxLength", "at most", 1))


class _Wrong(NamedTuple):
    """What is wrong with a field.

    Attributes:
        steps: where.
        reason: in the words of the API server, without the value.
        typed: its type is wrong or it is unknown, which the server sees first.
        since: the minor version of Flux 2 that has the field or value, if an older one does not; or 0.
    """

    steps: Steps
    reason: str
    typed: bool
    since: int = 0


def check_spec(item: Object, data: Plain, cluster: Cluster) -> Iterator[Outcome]:
    """Why the API server refuses a Flux Kustomization, or the version of a source."""
    if item.group == SOURCE_GROUP and item.kind in _SOURCES:
        yield from _check_removed(item, cluster)
        return
    if item.group != KUSTOMIZE_GROUP or item.kind != "Kustomization":
        return
    version = item.api_version.rpartition("/")[2]
    minor = minor_of(cluster.controller.version)
    if version != "v1":
        yield from _check_version(item, version, minor)
        return
    if cluster.controller.version is None:
        yield from _check_fields(item, data)
    spec = data.get("spec")
    wrong = list(_check(spec if spec is not None else {}, _schema(), ("spec",), minor))
    seen_first = [each for each in wrong if each.typed] or wrong
    for each in seen_first:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in each.steps)
        if each.typed:
            key = "/".join(part for part in (item.namespace, item.name) if part)
            reason = (
                f"{formatted(item)} dry-run failed: failed to create typed patch object "
                f"({key}; {item.api_version}, Kind={item.kind}): {place}: {each.reason}"
            )
        else:
            kind = f"{item.kind}.{item.group}"
            reason = (
                f'{formatted(item)} dry-run failed (Invalid): {kind} "{item.name}" is invalid: '
                f"{place[1:]}: {each.reason}"
            )
        yield Outcome(Effect.FAILS, "kustomization-refused", reason, item.file, item.line_at(each.steps))


def _check_fields(item: Object, data: Plain) -> Iterator[Outcome]:
    """Fields that came after the oldest version of Flux that is maintained, if nothing says the version."""
    newer = [each for each in _check(data.get("spec") or {}, _schema(), ("spec",), SUPPORTED) if each.since]
    for each in newer:
        reason = (
            f"{formatted(item)}: Flux has {'.'.join(map(str, each.steps))} since 2.{each.since}, and "
            "nothing says which version the cluster has"
        )
        hint = "set `flux_version` in .fluxsecrets.yaml"
        line = item.line_at(each.steps)
        yield Outcome(Effect.UNKNOWN, "flux-version-not-known", reason, item.file, line, hint)


def _check_removed(item: Object, cluster: Cluster) -> Iterator[Outcome]:
    version = item.api_version.rpartition("/")[2]
    if version in REMOVED:
        for outcome in _check_version(item, version, minor_of(cluster.controller.version)):
            yield replace(outcome, behaviour="source-version")


def _check_version(item: Object, version: str, minor: int | None) -> Iterator[Outcome]:
    removed = REMOVED.get(version)
    if removed is not None and minor is not None and minor < removed.minor:
        return
    reason = (
        f'{formatted(item)} dry-run failed: no matches for kind "{item.kind}" in version "{item.api_version}"'
    )
    effect = Effect.FAILS
    if removed is not None and minor is None:
        effect, reason = Effect.UNKNOWN, f"{reason}, since Flux {removed.shown}"
    hint = f"write `apiVersion: {item.group}/v1`"
    yield Outcome(effect, "kustomization-version", reason, item.file, item.line_at(("apiVersion",)), hint)


@cache
def _schema() -> Plain:
    schema: Plain = json.loads(Path(__file__).with_name("kustomization-crd.json").read_text("utf-8"))
    return schema


def newer_fields() -> Iterator[tuple[int, str]]:
    """Fields of a Kustomization, and values, with the minor version of Flux 2 that has them first."""
    yield from sorted(_newer(_schema(), "spec"))


def _newer(schema: Plain, place: str) -> Iterator[tuple[int, str]]:
    if "since" in schema:
        yield schema["since"], place
    for value, minor in schema.get("came", {}).items():
        yield minor, f"{place}: {value}"
    for name, field in schema.get("properties", {}).items():
        yield from _newer(field, f"{place}.{name}")
    if "items" in schema:
        yield from _newer(schema["items"], f"{place}[]")


def _check(value: Any, schema: Plain, steps: Steps, minor: int | None) -> Iterator[_Wrong]:
    if value is None or is_unknown(value):  # null counts as if the field were not there
        return
    kind = schema["type"]
    if not isinstance(value, _TYPES[kind]):
        yield _Wrong(steps, f"expected {_EXPECTED.get(kind, kind)}", typed=True)
    elif isinstance(value, dict):
        yield from _check_map(value, schema, steps, minor)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _check(each, schema["items"], (*steps, number), minor)
    elif isinstance(value, str):
        yield from _check_text(value, schema, steps, minor)


def _check_map(value: Plain, schema: Plain, steps: Steps, minor: int | None) -> Iterator[_Wrong]:
    fields = schema.get("properties", {})
    for name, each in value.items():
        field = schema.get("values") or fields.get(name)
        if field is None or (minor is not None and field.get("since", 0) > minor):
            since = 0 if field is None else field["since"]
            before = f" before Flux 2.{since}" if since else ""
            yield _Wrong((*steps, name), f"field not declared in schema{before}", typed=True, since=since)
        else:
            yield from _check(each, field, (*steps, name), minor)
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield _Wrong((*steps, name), "Required value", typed=False)


def _check_text(value: str, schema: Plain, steps: Steps, minor: int | None) -> Iterator[_Wrong]:
    known = schema.get("enum")
    if known is not None:
        came = schema.get("came", {})
        known = [each for each in known if minor is None or came.get(each, 0) <= minor]
        if value not in known:
            shown = ", ".join(f'"{each}"' for each in known)
            yield _Wrong(
                steps,
                f"Unsupported value: supported values: {shown}",
                typed=False,
                since=came.get(value, 0) if minor is not None else 0,
            )
    path = ".".join(str(step) for step in steps)
    pattern = schema.get("pattern")
    if pattern is not None and re.search(pattern.replace("$", r"\Z"), value) is None:
        yield _Wrong(steps, f"Invalid value: {path} in body should match '{pattern}'", typed=False)
    for name, words, sign in _LENGTHS:
        limit = schema.get(name)
        if limit is not None and (len(value) - limit) * sign > 0:
            yield _Wrong(
                steps, f"Invalid value: {path} in body should be {words} {limit} chars long", typed=False
            )
