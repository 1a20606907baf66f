"""Which rule applies to a file, and what it encrypts, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from .base import here
from .json import error_or_null, page, term
from .page import Errors, Heading, Lines, Page, Warn
from .text import Cell, printable

if TYPE_CHECKING:
    from fluxsecrets.ops.files.explain import Explanation

    from .wire import state as wire


_INDENT = " " * 14


def _text_page(explanation: Explanation) -> Page:
    yield Lines([printable(explanation.path)])
    for word, *texts in _rows(explanation):
        yield Heading([Cell(printable(text)) for text in texts], indent=_INDENT, first=f"  {word:10}  ")
    yield Lines(_values(explanation))
    for warning in explanation.warnings:
        yield Warn(f"warning: {warning}")
    if explanation.problem is not None:
        yield Errors([explanation.problem])


def _json_page(explanation: Explanation) -> Page:
    base = here()
    data: wire.Explanation = {
        "path": base.path(explanation.path),
        "format": term(explanation.format),
        "encrypted": explanation.encrypted,
        "config": None if explanation.config is None else base.path(explanation.config),
        "relative_path": explanation.relative_path,
        "rules": [
            {"number": each.number, "line": each.line, "matched": each.matched, "path_regex": each.path_regex}
            for each in explanation.rules
        ],
        "narrow": explanation.narrow,
        "narrow_why": explanation.narrow_why,
        "groups": [list(group) for group in explanation.groups],
        "threshold": explanation.threshold,
        "needs": list(explanation.needs),
        "selector": explanation.selector,
        "selector_origin": explanation.selector_origin,
        "values": [
            {"key": each.key, "line": each.line, "encrypted": each.encrypted} for each in explanation.values
        ],
        "warnings": list(explanation.warnings),
        "problem": error_or_null(explanation.problem, base),
    }
    return page("explain", data, base)


FORMATS: Mapping[str, Callable[[Explanation], Page]] = {"text": _text_page, "json": _json_page}


def _rows(explanation: Explanation) -> Iterator[tuple[str, ...]]:
    """What is said, each with the word before it, in one column or two."""
    state = "encrypted" if explanation.encrypted else "plain"
    yield "state", f"{state}, {explanation.format}"
    yield "config", explanation.config or "none found"
    if explanation.relative_path is not None:
        yield "matched as", explanation.relative_path
    for index, rule in enumerate(explanation.rules):
        mark = "applies" if rule.matched else "no     "
        pattern = (
            "no path_regex, so every path" if rule.path_regex is None else f"path_regex {rule.path_regex}"
        )
        yield "" if index else "rules", f"{rule.number}. line {rule.line}: {mark}", pattern
    if explanation.narrow is not None:
        what = (
            "yes, this rule is narrow: what it names is a secret"
            if explanation.narrow
            else "not by this rule: it says how a secret is encrypted, not whether a file is one"
        )
        yield "secret", f"{what} ({explanation.narrow_why})"
    if len(explanation.groups) > 1:
        yield "groups", f"any {explanation.threshold} of these {len(explanation.groups)}"
    for index, group in enumerate(explanation.groups):
        yield "" if index else "recipients", ", ".join(group)
    for index, need in enumerate(explanation.needs):
        yield "" if index else "permission", need
    if explanation.selector is not None:
        yield "selector", f"{explanation.selector} ({explanation.selector_origin})"
    if explanation.values:
        encrypted = sum(value.encrypted for value in explanation.values)
        yield "values", f"{encrypted} encrypted, {len(explanation.values) - encrypted} plain"


def _values(explanation: Explanation) -> Iterator[str]:
    width = max((len(value.key) for value in explanation.values), default=0)
    for value in explanation.values:
        state = "encrypted" if value.encrypted else "plain"
        yield printable(f"    {value.line:4}  {value.key:{width}}  {state}")
