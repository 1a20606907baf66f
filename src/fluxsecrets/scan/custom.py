"""Rules of the team at work, and what of a value its allowlists go by.

The rules have a database of their own beside that of the built-in ones. A pattern goes into it as it is if
hyperscan means the same by it; else its keywords do, or the rule is tried on every file. What the database
says is then searched for with RE2, so no pattern takes more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.findings.foreign import MARKS, find_foreign
from fluxsecrets.repo.leakrules import Allowlist, LeakRule, LeakRules
from fluxsecrets.sops.selectors import compile_regex

from .blob import Blob
from .dialect import for_hyperscan
from .expressions import compiled
from .match import Match, Rank
from .matcher import Matcher, Pattern, make_matcher
from .nearby import Places, near_ones
from .values import entropy

if TYPE_CHECKING:
    from fluxsecrets.findings.allow import InlineAllowance

    from .decode import Decoded

MOST = 10_001
"""Matches of one rule in one file; a file with more has too many findings to be reported anyway."""

_EVERYTHING = "(?s)."
_LARGEST = 3000  # instructions of RE2 beyond which hyperscan would take seconds to compile a pattern
_FIX = "take the value out of the repository, and change it"


class Span(NamedTuple):
    """A match of a rule in some bytes: all of it, and the secret in it."""

    start: int
    end: int
    first: int
    last: int


class CustomRules:
    """The team's rules, compiled. A copy of it in another process compiles them again."""

    def __init__(
        self,
        leaks: LeakRules = LeakRules(),  # noqa: B008 - immutable
        hashes: tuple[str, ...] = (),
        tools: tuple[str, ...] = (),
        cache: Path | None = None,
    ) -> None:
        """Take what there is.

        Args:
            leaks: rules and allowlists.
            hashes: SHA-1 digests of values that detect-secrets knows, in hexadecimal.
            tools: those whose comments count.
            cache: the folder for compiled patterns, or None.
        """
        self._arguments = (leaks, hashes, tools, cache)
        self.rules = leaks.rules
        self._allowlists = leaks.allowlists
        self._numbers = {digest: number for number, digest in enumerate(hashes)}
        self._tools = tools
        self._by_id = {rule.id: rule for rule in leaks.rules}
        self._by_path = tuple(rule for rule in leaks.rules if not rule.regex)
        self._by_content = tuple(rule for rule in leaks.rules if rule.regex)
        self._origins = frozenset(rule.origin for rule in leaks.rules)
        self._judges_values = bool(hashes) or any(each.regexes or each.stopwords for each in leaks.allowlists)
        self._matcher: Matcher | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Compiled patterns do not travel."""
        return (CustomRules, self._arguments)

    def __repr__(self) -> str:
        """How many rules there are."""
        return f"CustomRules({len(self.rules)})"

    @property
    def identity(self) -> str:
        """What the rules are known by in a cache of files without findings."""
        from hashlib import blake2b

        return blake2b(repr((self.rules, self._tools)).encode(), digest_size=16).hexdigest()

    @property
    def goes_by_path(self) -> bool:
        """Whether a path may decide what the rules find in a content."""
        return any(rule.path for rule in self.rules) or "bandit" in self._tools

    # --- searching ---------------------------------------------------------------------------------------

    def hits(self, data: bytes) -> frozenset[int]:
        """Return numbers of the rules and comments that may occur in some bytes."""
        if self._matcher is None:
            marks = (Pattern(f"(?i){re.escape(mark)}", (mark.encode(),)) for mark in self._marks())
            rules = (
                Pattern(prefilter(rule), rule.keywords_bytes()) for rule in map(_Keyed, self._by_content)
            )
            patterns = (*rules, *marks)
            self._matcher = make_matcher(patterns, self._arguments[3], lenient=True) if patterns else None
            if self._matcher is None:
                return frozenset()
        return frozenset(self._matcher.hits(data))

    def _marks(self) -> tuple[str, ...]:
        return tuple(mark for tool in self._tools for mark in MARKS[tool])

    def find(self, blob: Blob, data: bytes, hits: frozenset[int], decoded: Decoded | None) -> Iterator[Match]:
        """Return the matches of rules for content in a file's data, or in what base64 in it encodes."""
        if blob.path in self._origins or blob.binary:
            return
        lower = b""
        for number, rule in enumerate(self._by_content):
            if number not in hits or rule.silent or not _fits(rule.path, blob.path):
                continue
            lower = lower or data.lower()
            if not _has_keyword(rule, lower):
                continue
            spans = self.spans(rule, data)
            for span in self._accompanied(rule, blob, data, spans) if rule.required else spans:
                yield _match(rule, blob, span, data, decoded)

    def find_files(self, blob: Blob) -> Iterator[Match]:
        """Return the matches of rules for paths alone."""
        if blob.first_line > 1 or blob.first_column > 1:  # a later piece
            return
        for rule in self._by_path:
            if not rule.silent and _fits(rule.path, blob.path) and blob.text.strip():
                start = len(blob.text) - len(blob.text.lstrip())
                message = rule.description.rstrip(". ") or f"a file that the rule {rule.id} is about"
                yield Match(info(rule), Rank.TOKEN, start, start + 1, message, _FIX, value="")

    def spans(self, rule: LeakRule, data: bytes) -> list[Span]:
        """Return where a rule matches, without what its entropy leaves out."""
        found: list[Span] = []
        for match in _expression(rule.regex).finditer(data):
            first, last = _secret(rule, match)
            if first < last and (rule.entropy is None or entropy(data[first:last]) > rule.entropy):
                found.append(Span(match.start(), match.end(), first, last))
                if len(found) >= MOST:
                    break
        return found

    def _accompanied(self, rule: LeakRule, blob: Blob, data: bytes, spans: list[Span]) -> Iterator[Span]:
        """The matches near which all rules match that the rule requires."""
        places = Places(data)
        at = [places.of(span.start) for span in spans]
        near = [True] * len(spans)
        for needed in rule.required:
            other = self._by_id[needed.rule]
            there = other.regex != "" and _fits(other.path, blob.path)
            found = [places.of(span.start) for span in self.spans(other, data)] if there else []
            near = [all(pair) for pair in zip(near, near_ones(at, found, needed), strict=True)]
        return (span for span, is_near in zip(spans, near, strict=True) if is_near)

    # --- allowances --------------------------------------------------------------------------------------

    def comments(self, blob: Blob, hits: frozenset[int]) -> tuple[InlineAllowance, ...]:
        """Return the comments of other tools in a file."""
        if not any(number >= len(self._by_content) for number in hits):
            return ()
        return find_foreign(blob.data, blob.path, self._tools)

    def marks(self, blob: Blob, match: Match) -> tuple[str, ...]:
        """Return what the team's lists know about a value, by number; no mark tells the value."""
        if not self._judges_values or match.value == "":
            return ()
        written = blob.text[match.start : match.end]
        value = match.value if match.value is not None else written
        plain = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        found = []
        around = match.around or (match.start, match.end)
        texts = {"secret": plain, "match": blob.text[around[0] : around[1]], "line": ""}
        for number, allowlist in enumerate(self._allowlists):
            if allowlist.rules and match.rule.id not in allowlist.rules:
                continue
            if allowlist.target == "line" and not texts["line"]:
                texts["line"] = _line(blob.text, *around)
            if _content_fits(allowlist, texts):
                found.append(f"regexes:{number}")
            if allowlist.stopwords and any(word in plain.lower() for word in allowlist.stopwords):
                found.append(f"stopwords:{number}")
        digests = {_sha1(written), _sha1(plain)} if self._numbers else set()
        found += [f"hash:{self._numbers[digest]}" for digest in digests & self._numbers.keys()]
        return tuple(found)


class _Keyed(NamedTuple):
    """A rule on its way into the database."""

    rule: LeakRule

    def keywords_bytes(self) -> tuple[bytes, ...]:
        """The keywords that a search in lower-case bytes can rely on; none if one is not ASCII."""
        words = self.rule.keywords
        return tuple(word.encode() for word in words) if all(word.isascii() for word in words) else ()


def info(rule: LeakRule) -> RuleInfo:
    """Return a rule as reports show it."""
    return RuleInfo(
        rule.id,
        rule.description.rstrip(". ") or f"the rule {rule.id}",
        Severity.parse(rule.severity),
        f"A rule of this repository, in {rule.origin}.",
        _FIX,
        "scan.md#rules-of-your-own",
    )


def prefilter(keyed: _Keyed) -> str:
    """Return an expression for hyperscan that occurs wherever the rule matches."""
    rule = keyed.rule
    narrow = for_hyperscan(rule.regex)
    if narrow is not None and compiled(rule.regex).programsize <= _LARGEST:
        return narrow
    words = keyed.keywords_bytes()
    return "(?i)" + "|".join(re.escape(word.decode()) for word in words) if words else _EVERYTHING


@cache
def _expression(pattern: str) -> Any:
    """A rule's pattern, compiled: for bytes, or for UTF-8 where it has more than ASCII."""
    if for_hyperscan(pattern) is not None:
        return compiled(pattern)
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern.encode(), options)


@cache
def _path_expression(pattern: str) -> Any:
    return compile_regex(pattern)


def _fits(pattern: str, path: str) -> bool:
    return not pattern or bool(_path_expression(pattern).search(path))


def _has_keyword(rule: LeakRule, lower: bytes) -> bool:
    return not rule.keywords or any(word.encode() in lower for word in rule.keywords)


def _secret(rule: LeakRule, match: Any) -> tuple[int, int]:
    """Where the secret of a match is: its group, else the first group that has something, else all of it."""
    if rule.group:
        return (match.start(rule.group), match.end(rule.group))
    for number in range(1, len(match.groups()) + 1):
        if match.end(number) > match.start(number):
            return (match.start(number), match.end(number))
    text = match[0]
    return (match.start() + len(text) - len(text.lstrip(b"\n")), match.start() + len(text.rstrip(b"\n")))


def _match(rule: LeakRule, blob: Blob, span: Span, data: bytes, decoded: Decoded | None) -> Match:
    message = rule.description.rstrip(". ") or f"matches the rule {rule.id}"
    if decoded is None:
        start, end = blob.offset(span.first), blob.offset(span.last)
        around = (blob.offset(span.start), blob.offset(span.end))
        value = None
    else:
        message += f" (in {decoded.how})"
        start, end = map(blob.offset, decoded.span(span.first))
        around, value = (start, end), data[span.first : span.last]
    also = rule.description.rstrip(". ")[:60] or rule.id
    first, last = blob.place(around[0])[0], blob.place(start)[0]
    return Match(
        info(rule),
        Rank.TOKEN,
        start,
        end,
        message,
        _FIX,
        also=also,
        allow_at=(first,) if first != last else (),  # other tools name the line where the match starts
        value=value,
        around=around,
    )


def _content_fits(allowlist: Allowlist, texts: dict[str, str]) -> bool:
    text = texts[allowlist.target]
    return any(bool(_path_expression(pattern).search(text)) for pattern in allowlist.regexes)


def _line(text: str, start: int, end: int) -> str:
    """The lines that a span touches."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", max(start, end - 1))
    return text[first : last if last >= 0 else len(text)]


def _sha1(text: str) -> str:
    from hashlib import sha1

    return sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
