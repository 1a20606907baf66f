"""What Flux would apply, as YAML documents or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.ops.checks.render import Rendered, RenderedObject, Rendering
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.unknown import is_unknown
from fluxsecrets.sops.formats.yaml.block import render_block

from .alike import few_lines
from .base import rooted
from .json import page, term
from .page import Errors, Lines, Note, Page, Warn
from .text import counted, path_shower, printable

if TYPE_CHECKING:
    from .wire import flux as wire

# What would move a terminal's cursor or turn its direction around, and may be in a plain YAML scalar.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNKNOWN = "null # not known here"


def _text_page(found: Rendering) -> Page:
    show_path = path_shower(found.root)
    for each in found.kustomizations:
        lines = [line for item in each.objects for line in _document(each, item, show_path)]
        if lines:
            yield Lines(lines)
    for each in found.kustomizations:
        yield Errors([_error(each, one, show_path) for one in each.problems if one.effect is Effect.FAILS])
        unknown = [one for one in each.problems if one.effect is not Effect.FAILS]
        told = [printable(f"warning: {each.name}: {_told(one, show_path)}") for one in unknown]
        for line in few_lines(told, "warning"):
            yield Warn(line)
    yield Note(_summary(found))


def _json_page(found: Rendering) -> Page:
    data: wire.Rendering = {
        "environment": found.environment,
        "with_values": found.with_values,
        "kustomizations": [
            {
                "name": each.name,
                "verdict": each.verdict.value,
                "problems": [_problem_data(one) for one in each.problems],
                "objects": [_object_data(item) for item in each.objects],
            }
            for each in found.kustomizations
        ],
    }
    return page("render", data, rooted(found.root))


def _problem_data(problem: Outcome) -> wire.RenderProblem:
    return {
        "effect": term(problem.effect),
        "behaviour": problem.behaviour,
        "reason": problem.reason,
        "path": problem.path,
        "line": problem.line,
    }


def _object_data(item: RenderedObject) -> wire.RenderedObject:
    return {
        "path": item.item.file,
        "line": item.item.line,
        "through": list(item.item.through),
        "patched_by": list(item.item.patched_by),
        "unknown": [".".join(map(str, steps)) for steps in _unknown(item.data)],
        "object": _without_unknown(item.data),
    }


FORMATS: Mapping[str, Callable[[Rendering], Page]] = {"text": _text_page, "json": _json_page}


def _error(each: Rendered, outcome: Outcome, show_path: Callable[[str], str]) -> FluxsecretsError:
    path = show_path(outcome.path) if outcome.path is not None else None
    message = f"{each.name}: {outcome.reason}"
    return ConfigError(message, path=path, line=outcome.line if path else None, hint=outcome.hint or None)


def _told(outcome: Outcome, show_path: Callable[[str], str]) -> str:
    if outcome.path is None:
        return outcome.reason
    line = f":{outcome.line}" if outcome.line else ""
    return f"{show_path(outcome.path)}{line}: {outcome.reason}"


def _summary(found: Rendering) -> str:
    objects = sum(len(each.objects) for each in found.kustomizations)
    fail = sum(each.fails for each in found.kustomizations)
    hidden = "" if found.with_values else "; the values of Secrets are hidden, --show-values shows them"
    refused = f", {counted(fail, 'Kustomization')} not applied" if fail else ""
    return f"{found.environment}: {counted(objects, 'object')}{refused}{hidden}"


def _document(each: Rendered, item: RenderedObject, show_path: Callable[[str], str]) -> Iterator[str]:
    origin = item.item
    via = ", ".join(show_path(path) for path in origin.through)
    yield "---"
    yield printable(f"# Kustomization {each.name}")
    yield printable(f"# from {show_path(origin.file)}:{origin.line}{f' via {via}' if via else ''}")
    for patch in origin.patched_by:
        path, _, line = patch.rpartition(":")
        yield printable(f"# patched by {show_path(path)}:{line}")
    yield from yaml_lines(item.data)


def yaml_lines(data: Mapping[str, Any]) -> list[str]:
    """Data as YAML that is safe to print; what is not known is null with a comment."""
    mark = f"x{token_hex(16)}x"
    special: list[str] = []

    def kept(value: Any) -> Any:
        if is_unknown(value):
            special.append(_UNKNOWN)
        elif isinstance(value, str) and _UNSAFE.search(value):
            special.append(_quoted(value))
        elif isinstance(value, Mapping):
            return {kept(key): kept(item) for key, item in _with_known_keys(value)}
        elif isinstance(value, list):
            return [kept(item) for item in value]
        else:
            return value
        return f"{mark}{len(special) - 1}x"

    found = re.compile(rf"{mark}(\d+)x")
    lines = render_block(kept(data), 2)
    return [found.sub(lambda match: special[int(match[1])], line) for line in lines]


def _with_known_keys(data: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The items of a map; a key that is not known becomes a text that says so."""
    for at, (key, item) in enumerate(data.items(), 1):
        yield (f"(key {at} is not known here)" if is_unknown(key) else key), item


def _quoted(text: str) -> str:
    """A text in double quotes, in which everything but ASCII is escaped as YAML reads it."""

    def escaped(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"

    # JSON would write a pair of surrogates for a character beyond 16 bits.
    return re.sub(r"[^\x20-\x7e]", escaped, json.dumps(text, ensure_ascii=False))


def _unknown(value: Any, steps: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    if is_unknown(value):
        yield steps
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unknown(item, (*steps, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _unknown(item, (*steps, at))


def _without_unknown(value: Any) -> Any:
    if is_unknown(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _without_unknown(item) for key, item in _with_known_keys(value)}
    if isinstance(value, list):
        return [_without_unknown(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
