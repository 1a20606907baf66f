"""Comments with which other tools allow a finding. They name no rule of ours, and give no reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .allow import InlineAllowance, covered_line


class _Form(NamedTuple):
    """A comment of a tool.

    Attributes:
        mark: what it has.
        next_line: it is about the line below, always.
        above: it is about the line below if it has a line for itself.
        suffixes: of the files in which it counts; none means all.
    """

    mark: str
    next_line: bool = False
    above: bool = False
    suffixes: tuple[str, ...] = ()

    @property
    def literal(self) -> str:
        """A part of it that is spelled in one way."""
        return next(word for word in self.mark.split(" ") if len(word) > 1)


_FORMS: Mapping[str, tuple[_Form, ...]] = {
    "gitleaks": (_Form("gitleaks:allow"),),
    "betterleaks": (_Form("betterleaks:allow"), _Form("gitleaks:allow")),
    "detect-secrets": (
        _Form("pragma: allowlist nextline secret", next_line=True),
        _Form("pragma: whitelist nextline secret", next_line=True),
        _Form("pragma: allowlist secret"),
        _Form("pragma: whitelist secret"),
    ),
    "kingfisher": (_Form("kingfisher:ignore", above=True), _Form("kingfisher:allow", above=True)),
    "trufflehog": (_Form("trufflehog:ignore"),),
    "bandit": (_Form("# nosec", suffixes=(".py", ".pyi")),),
}

MARKS: Mapping[str, tuple[str, ...]] = {
    tool: tuple(dict.fromkeys(form.literal for form in forms)) for tool, forms in _FORMS.items()
}
"""What the comments of each tool have in them, as literals."""


def find_foreign(data: bytes, path: str, tools: Sequence[str]) -> tuple[InlineAllowance, ...]:
    """Return the comments of some tools in a file."""
    found: dict[tuple[int, int], InlineAllowance] = {}
    for tool in tools:
        for form in _FORMS[tool]:
            if form.suffixes and not path.endswith(form.suffixes):
                continue
            for item in _find(data, path, tool, form):
                found.setdefault((item.line, item.covers), item)
    return tuple(sorted(found.values(), key=lambda item: item.line))


def _find(data: bytes, path: str, tool: str, form: _Form) -> Iterator[InlineAllowance]:
    expression = re.escape(form.mark.encode()).replace(rb"\ ", rb"[ \t-]*")
    for match in re.finditer(expression, data, re.IGNORECASE):
        line = data.count(b"\n", 0, match.start()) + 1
        covers = line + 1 if form.next_line else line
        if form.above:
            covers = covered_line(data, match.start(), match.end(), line)
        yield InlineAllowance(path, line, covers, (), f"`{form.mark}`, without a reason", tool=tool)
