"""Folders that `pathPattern` of an ArtifactGenerator matches, and the templates that are filled for each.

Follows `buildArtifactRequests` of source-watcher's internal/controller/artifactgenerator_pathpattern.go, at
2.2, which is in Flux 2.9. One fault, such as two folders with one name, and the generator makes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from fluxsecrets.records import dataclass

_CAPTURE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BRACES = re.compile(r"[{}]")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_FORM = re.compile(r"@([a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)/(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Match:
    """A folder that a pattern matches.

    Attributes:
        folder: relative to the root of the source.
        values: of the captures, as they are in the path.
    """

    folder: str
    values: Mapping[str, str]

    def fill(self, template: str) -> str | None:
        """Fill a template of a path; None if it has braces that are not a capture of the pattern."""
        return _filled(template, self.values)

    def name(self, template: str) -> str | None:
        """Fill a template of a name, for which captures are in lower case."""
        return _filled(template, {key: value.lower() for key, value in self.values.items()})


def matches(pattern: str, folders: Iterable[str]) -> tuple[Match, ...]:
    """Return the folders that a pattern matches, in order; none if one of them stops the generator."""
    form = _FORM.fullmatch(pattern)
    names = _CAPTURE.findall(form[2]) if form is not None else []
    if form is None or len(set(names)) < len(names) or _BRACES.search(_CAPTURE.sub("", form[2])):
        return ()
    parts = _CAPTURE.split(form[2])
    texts = ["([^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
    matcher = re.compile("".join(texts))
    found = []
    for folder in sorted(folders):
        match = matcher.fullmatch(folder) if folder else None
        if match is not None:
            if not all(map(_LABEL.fullmatch, match.groups())):
                return ()
            found.append(Match(folder, dict(zip(names, match.groups(), strict=True))))
    return tuple(found)


def _filled(template: str, values: Mapping[str, str]) -> str | None:
    names = _CAPTURE.findall(template)
    if not values.keys() >= set(names) or _BRACES.search(_CAPTURE.sub("", template)):
        return None
    return _CAPTURE.sub(lambda match: values[match[1]], template)
