"""plain-secret where no manifest is expected: backups, notes, Markdown, scripts, Helm values, archives.

What a file is called says little of what is in it. Wherever `kind: Secret` stands, the lines around it, or
the braces, are read as the object that they may be. In a text that is about something else, such as a page or
code, a value has to look like one: examples are everywhere there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.errors import LimitError
from fluxsecrets.findings import Confidence
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.scan.assignments import Assignment, Surroundings, is_secret
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.valuekey import unpacked
from fluxsecrets.scan.values import is_literal, looks_random

from . import secret
from .page import Page
from .reader import List, Map, Node, Parsed, Scalar, parse_template

HINT = "take it out: a Secret belongs into a manifest of its own, and encrypted"
_PATCH_HINT = "put the value into the Secret itself, and encrypt that: Flux does not decrypt patches in place"
_KIND = re.compile(
    r"""^(?P<lead>[^\n]*?)(?P<quote>["']?)\bkind(?P=quote)[ \t]*:[ \t]*(?:![^ \t\n]*[ \t]+)?"""
    r"""["']?Secret(?:List)?["']?(?=[ \t]*(?:$|[#,}\r]))""",
    re.MULTILINE,
)
# What may stand before a line of a manifest: blanks, the sign of a comment, a quotation or a change.
_LEAD = r"(?P<mark>[ \t]*(?:(?:#+|//+|;+|\*|>+|\||\+|-- |REM )[ \t]*)?)(?P<dash>(?:- +)*)"
_KEY = re.compile(r"""["']?[\w.$/-]+["']?[ \t]*:(?:[ \t\r]|$)|#""")
_DASHES = re.compile(r"(?:- +)+")
_NEVER = re.compile(r"[ \t]*(?:```|~~~|---|\.\.\.[ \t]*$|----)")
_CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_BRACES = re.compile(r"[{}]")
_REACH = 16 * 2**10
"""Characters around a sign in which the braces that belong to it are looked for."""

_MOST = 1_000
"""Signs of Secrets in a file; judging more would take too long."""

_PATCH = (
    r"""path["']?[ \t]*:[ \t]*["']?/(?P<field>stringData|data)/(?P<key>[^"'\s,}]+)["']?[ \t]*,?\s*"""
    r"""["']?value["']?[ \t]*:[ \t]*(?P<quote>["']?)(?P<value>[^"'\s,}|>{\[][^"'\n,}]*)(?P=quote)"""
)


class Region(NamedTuple):
    """Text that may be an object, with everything else blanked out.

    Attributes:
        text: whole lines or braces, in which every character has its place.
        start: its offset in the text of the file.
        column: of its first key.
        alone: nothing but comments stands before it in the file.
        comment: it stands in a comment.
    """

    text: str
    start: int
    column: int
    alone: bool
    comment: bool


def judge_embedded(blob: Blob, *, manifest: bool) -> Iterator[Match]:
    """The values of Secrets inside of a text.

    In a `manifest`, the objects at the left margin are known already.
    """
    text = re.sub(_CONTROL, "\n", blob.text) if blob.binary else blob.text
    for region in _regions(text, manifest=manifest):
        strict = blob.binary or region.alone or (manifest and not region.comment)
        yield from _judge(blob, text, region, strict=strict)


def judge_patches(blob: Blob) -> Iterator[Match]:
    """The values that JSON patches put into Secrets."""
    text = blob.text
    for_secrets = re.search(r"kind[\"']?[ \t]*:[ \t]*[\"']?Secret\b", text) is not None
    for found in re.finditer(_PATCH, text):
        value = found["value"].strip()
        if found["field"] == "data" and not for_secrets:
            continue
        if is_literal(value) and (found["field"] != "data" or is_literal(secret.decoded(value))):
            path = f"/{found['field']}/{found['key']}"
            start = found.start("value")
            yield Match(
                secret.RULE,
                Rank.PLACE,
                start,
                start + len(value),
                f"a patch puts {ascii(path)[1:-1]} into a Secret in plain text",
                _PATCH_HINT,
                name=ascii(path)[1:-1],
                parts=("patch", path),
                value=unpacked(value) if found["field"] == "data" else value,
            )


def _regions(text: str, *, manifest: bool) -> Iterator[Region]:
    done = count = 0
    for found in _kinds(text):
        if found.end() <= done:
            continue
        lead = found["lead"]
        if manifest and not lead and text[found.end() : found.end() + 1] != ",":
            continue  # at the left margin: it was read with its document
        count += 1
        if count > _MOST:
            raise LimitError(
                f"has more than {_MOST:,} signs of a Secret inside of it",
                hint="split it, or allow unreadable-manifest for it in .fluxsecrets.yaml",
            )
        flow = "{" in lead or "," in lead or text[found.end() : found.end() + 1] == ","
        region = _braces(text, found.start("quote"), done) if flow else None
        if region is None:
            region = _lines(text, found, done)
        if region is None:
            continue
        done = max(found.end(), region.start + len(region.text))
        yield region


def _kinds(text: str) -> Iterator[re.Match[str]]:
    """The first `kind: Secret` of each line that has one. Looking for the word first is much faster."""
    at = 0
    while (at := text.find("Secret", at)) >= 0:
        found = _KIND.match(text, text.rfind("\n", 0, at) + 1)
        if found is not None:
            yield found
        at = text.find("\n", at)
        if at < 0:
            return


def _braces(text: str, at: int, done: int) -> Region | None:
    """What stands between the braces around a place; braces in texts may mislead, and then less is read."""
    depth, start = 0, -1
    for found in reversed(list(_BRACES.finditer(text, max(done, at - _REACH), at))):
        depth += 1 if found[0] == "}" else -1
        if depth < 0:
            start = found.start()
            break
    if start < 0:
        return None
    depth = 0
    for found in _BRACES.finditer(text, start, at + _REACH):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            inner = text[start : found.end()]
            return Region(inner, start, 1, not text[:start].strip(), comment=False)
    return None


def _lines(text: str, found: re.Match[str], done: int) -> Region | None:
    """The lines above and below that belong to the same map."""
    lead = re.fullmatch(_LEAD, found["lead"])
    if lead is None:
        return None
    mark, column = lead["mark"].rstrip(" \t"), len(found["lead"])
    start = found.start()
    first = _first(text, start, done, mark, column) if not lead["dash"] else start
    end = _end(text, found.end(), mark, column)
    body = text[first:end].split("\n")
    lines = [_without(line, mark, column) for line in body]
    alone = not mark and first < _REACH and not re.sub(_COMMENTS, "", text[:first]).strip()
    return Region("\n".join(lines), first, column, alone, comment=bool(mark))


_COMMENTS = r"(?m)^[ \t]*(?:#[^\n]*|---[ \t]*)$"


def _first(text: str, start: int, done: int, mark: str, column: int) -> int:
    while start > done:
        before = text.rfind("\n", done, start - 1) + 1 if start - 1 > done else done
        line = text[before : start - 1]
        if not line.startswith(mark) or _NEVER.match(line[len(mark) :]):
            return start
        content = " " * len(mark) + line[len(mark) :]
        stripped = content.lstrip(" \t")
        indent = len(content) - len(stripped)
        dashes = _DASHES.match(stripped)
        if dashes is not None and indent + dashes.end() == column:  # the first line of an item of a list
            return before if _KEY.match(stripped, dashes.end()) is not None else start
        if stripped.strip() and indent <= column and (indent < column or _KEY.match(stripped) is None):
            return start
        start = max(before, done)
        if before <= done:
            return start
    return start


def _end(text: str, at: int, mark: str, column: int) -> int:
    end = text.find("\n", at)
    while 0 <= end < len(text):
        after = text.find("\n", end + 1)
        line = text[end + 1 : after if after >= 0 else len(text)]
        if line.strip() and (not line.startswith(mark) or _NEVER.match(line[len(mark) :])):
            return end
        content = " " * len(mark) + line[len(mark) :]
        stripped = content.strip()
        if stripped and len(content) - len(content.lstrip(" \t")) < column:
            return end
        end = after
    return len(text)


def _without(line: str, mark: str, column: int) -> str:
    """A line without what stands before the object's own text."""
    return " " * min(column, len(line)) + line[column:] if line[:column].strip() else line


def _judge(blob: Blob, text: str, region: Region, *, strict: bool) -> Iterator[Match]:
    source = region.text
    parsed = parse_template(source)
    lines = text.count("\n", 0, region.start)
    for node in parsed.documents:
        _move(node, region.start, lines)
    page = Page(blob, Parsed(parsed.documents, None))
    for owner in page.objects:
        for match in secret.judge(page, owner):
            if strict:
                yield match._replace(hint=HINT)
            elif _looks_real(match.name, text[match.start : match.end]):
                yield match._replace(hint=HINT, confidence=Confidence.MEDIUM)


def _looks_real(path: str, source: str) -> bool:
    """Whether a value in a text that is about something else is more than an example."""
    field, _, name = path.partition(".")
    text = source.strip().strip("\"'")
    if text.endswith(("...", "…")):  # cut off, as pages do it
        return False
    value = secret.decoded(text) if field == "data" else text
    return looks_random(value) or is_secret(
        Assignment(name, value, 0, len(value), quoted=True), Surroundings.CODE
    )


def _move(node: Node, start: int, lines: int) -> None:
    """Put what was read of a region where it is in its file; what aliases share is moved once."""
    pending: list[Node] = [node]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if type(each) is Scalar:
            each.start, each.end, each.line = each.start + start, each.end + start, each.line + lines
        elif type(each) is Map:
            each.line += lines
            pending += [inner for pair in each.pairs for inner in pair]
        elif type(each) is List:
            each.line += lines
            pending += each.items
