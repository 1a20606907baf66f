"""Which rule applies to a file, and what it encrypts, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .base import here
from .json import error_or_null, page, term
from .page import Errors, Lines, Page, Warn
from .text import printable

if TYPE_CHECKING:
    from fluxsecrets.ops.files.explain import Explanation

    from .wire import state as wire


def _text_page(explanation: Explanation) -> Page:
    yield Lines(_lines(explanation))
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


def _lines(explanation: Explanation) -> list[str]:
    lines = [explanation.path]
    state = "encrypted" if explanation.encrypted else "plain"
    lines.append(f"  state       {state}, {explanation.format}")
    lines.append(f"  config      {explanation.config or 'none found'}")
    if explanation.relative_path is not None:
        lines.append(f"  matched as  {explanation.relative_path}")
    for index, rule in enumerate(explanation.rules):
        mark = "applies" if rule.matched else "no     "
        head = "rules" if index == 0 else ""
        pattern = (
            "no path_regex, so every path" if rule.path_regex is None else f"path_regex {rule.path_regex}"
        )
        lines.append(f"  {head:10}  {rule.number}. line {rule.line}: {mark}  {pattern}")
    if explanation.narrow is not None:
        what = (
            "yes, this rule is narrow: what it names is a secret"
            if explanation.narrow
            else "not by this rule: it says how a secret is encrypted, not whether a file is one"
        )
        lines.append(f"  secret      {what} ({explanation.narrow_why})")
    if len(explanation.groups) > 1:
        lines.append(f"  groups      any {explanation.threshold} of these {len(explanation.groups)}")
    for index, group in enumerate(explanation.groups):
        head = "recipients" if index == 0 else ""
        lines.append(f"  {head:10}  {', '.join(group)}")
    for index, need in enumerate(explanation.needs):
        lines.append(f"  {'' if index else 'permission':10}  {need}")
    if explanation.selector is not None:
        lines.append(f"  selector    {explanation.selector} ({explanation.selector_origin})")
    if explanation.values:
        encrypted = sum(value.encrypted for value in explanation.values)
        lines.append(f"  values      {encrypted} encrypted, {len(explanation.values) - encrypted} plain")
        width = max(len(value.key) for value in explanation.values)
        lines += [
            f"    {value.line:4}  {value.key:{width}}  {'encrypted' if value.encrypted else 'plain'}"
            for value in explanation.values
        ]
    return [printable(line) for line in lines]
