"""One file in, its secrets out; and what can only be told from several files together.

First one pass tells which patterns occur. Most files end there. The others are read as what they are:
manifests by their objects, files of lines by their names and values, any text by its tokens. Matches of
the same bytes become one, that of the rule which knows most about the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.allow import InlineAllowance, find_inline
from fluxsecrets.findings.fingerprint import fingerprint, told_apart, value_part

from .blob import Blob
from .match import Match, Rank
from .matcher import Matcher, Pattern, make_matcher
from .rules import TOKEN_RULES, TokenRule
from .triggers import PARSE, Trigger

_TRIGGERS = tuple(Trigger)
_FIRST_RULE = len(_TRIGGERS)
_MASK = "********"

_YAML_SUFFIXES = (".yaml", ".yml", ".json", ".kubeconfig", ".dockerconfigjson", ".dockercfg")
_YAML_NAMES = frozenset({"kustomization", "kubeconfig", "admin.conf", "config.json", ".dockerconfigjson"})
_TEMPLATE_SUFFIXES = (".j2", ".jinja", ".jinja2", ".tpl", ".tmpl", ".gotmpl", ".template", ".erb", ".ejs")
_MINIFIED_LINE = 20_000


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about a file beside its content.

    Attributes:
        whole: why the file is a secret as a whole, or "" where it is none.
        kept: rules whose findings are wanted; None for all.
    """

    whole: str = ""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a file holds.

    Attributes:
        path: of the file.
        findings: in the order of their places.
        allowances: those in its comments.
        ciphertexts: its encrypted values, for `FileSet`.
        problem: why it could not be judged in full, or None.
    """

    path: str
    findings: tuple[Finding, ...] = ()
    allowances: tuple[InlineAllowance, ...] = ()
    ciphertexts: tuple[Ciphertext, ...] = field(default=(), repr=False)
    problem: FluxsecretsError | None = None


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An encrypted value: a hash of it, its place, and what its file's data key is known by."""

    digest: int
    location: Location
    name: str
    keys: frozenset[int]


def patterns() -> tuple[Pattern, ...]:
    """All patterns, in the order of the matcher's numbers."""
    rules = (Pattern(rule.pattern, rule.keywords) for rule in TOKEN_RULES)
    return (*(trigger.value for trigger in _TRIGGERS), *rules)


class Engine:
    """Scans files, one after the other."""

    def __init__(self, cache: Path | None = None, matcher: Matcher | None = None) -> None:
        """Make or load the matcher.

        Args:
            cache: the folder for the compiled patterns, or None for none.
            matcher: one to use instead.
        """
        self._matcher = matcher or make_matcher(patterns(), cache)

    def scan(self, blob: Blob, context: Context = Context()) -> Scanned:  # noqa: B008 - frozen
        """Everything in a file, but for its name."""
        numbers = self._matcher.hits(blob.data)
        if not numbers and not context.whole:
            return Scanned(blob.path)
        hits = frozenset(_TRIGGERS[number] for number in numbers if number < _FIRST_RULE)
        rules = tuple(TOKEN_RULES[number - _FIRST_RULE] for number in sorted(numbers) if number >= _FIRST_RULE)
        reading = _Reading(self, blob, context, hits)
        matches = reading.read(rules)
        findings = told_apart(_finding(blob, match) for match in merged(matches))
        allowances = find_inline(blob.data, blob.path) if Trigger.ALLOWANCE in hits else ()
        return Scanned(blob.path, findings, allowances, tuple(reading.ciphertexts), reading.problem)

    def rules_in(self, data: bytes) -> tuple[TokenRule, ...]:
        """The token rules that may find something in some bytes."""
        numbers = sorted(self._matcher.hits(data))
        return tuple(TOKEN_RULES[number - _FIRST_RULE] for number in numbers if number >= _FIRST_RULE)


class _Reading:
    """One file on its way through the rules."""

    def __init__(self, engine: Engine, blob: Blob, context: Context, hits: frozenset[Trigger]) -> None:
        self.engine = engine
        self.blob = blob
        self.context = context
        self.hits = hits
        self.problem: FluxsecretsError | None = None
        self.ciphertexts: list[Ciphertext] = []

    def read(self, rules: Sequence[TokenRule]) -> list[Match]:
        blob, hits = self.blob, self.hits
        matches = [*self.tokens(rules, blob.data, None)] if rules else []
        if blob.binary:
            return [match for match in matches if match.confidence is Confidence.HIGH]
        if Trigger.BASE64 in hits:
            matches += self.in_base64()
        if Trigger.URL in hits or Trigger.DSN in hits:
            from .structure import connection

            matches += connection.judge(blob)
        if blob.part:
            matches += self.lines()
        elif _is_yaml(blob.path):
            if not hits.isdisjoint(PARSE):
                matches += self.manifest()
        else:
            matches += self.lines()
        if self.context.whole:
            matches += self.whole(matches)
        return matches

    def tokens(self, rules: Sequence[TokenRule], data: bytes, decoded: object) -> Iterator[Match]:
        from .tokens import find_tokens

        for token in find_tokens(rules, data):
            yield _token_match(self.blob, token.rule, data[token.start : token.end], token, decoded)

    def in_base64(self) -> Iterator[Match]:
        from .decode import decode

        data = self.blob.data
        for _ in range(2):
            decoded = decode(data)
            if decoded is None:
                return
            rules = self.engine.rules_in(decoded.data)
            if rules:
                yield from self.tokens(rules, decoded.data, decoded)
            if data is not self.blob.data:
                return
            # What is encoded twice; places in it are not followed back further than the first time.
            return

    def manifest(self) -> Iterator[Match]:
        from .structure import judge_page, read_page

        page, fault = read_page(self.blob)
        if fault is not None:
            yield from self.broken(fault)
        try:
            yield from judge_page(page)
            if Trigger.SOPS in self.hits:
                self.ciphertexts = [*_ciphertexts(page)]
        except FluxsecretsError as error:
            self.problem = error.in_file(self.blob.path)

    def broken(self, fault: FluxsecretsError) -> Iterator[Match]:
        """A file that is no YAML as a whole: it is searched as text; a Secret in it is nothing to guess at."""
        from .structure.lines import CODE, judge_text
        from .template import is_template

        yield from judge_text(self.blob, CODE, _surroundings(self.blob, fault))
        may_matter = self.hits & {Trigger.SECRET, Trigger.SOPS, Trigger.SEALED}
        if may_matter and not is_template(self.blob.text):
            self.problem = FormatError(
                f"may hold a Secret, and cannot be read: {fault.message}",
                hint="mend the file; until then nobody can tell what is in it",
                path=self.blob.path,
                line=fault.line,
                column=fault.column,
            )

    def lines(self) -> Iterator[Match]:
        from .structure import clients, lines

        if Trigger.SOPS in self.hits and not self.blob.part and _is_encrypted_lines(self.blob):
            yield from lines.judge_sops(self.blob)
        elif clients.is_login_file(self.blob.path):
            yield from clients.judge_login(self.blob)
        elif Trigger.ASSIGNED in self.hits or Trigger.OPTION in self.hits:
            yield from lines.judge(self.blob)

    def whole(self, matches: Sequence[Match]) -> Iterator[Match]:
        """A file that is a secret as a whole: one finding says so, where no other one does."""
        from fluxsecrets.repo.encrypted import detect_encryption

        from .structure import named

        if any(match.rank is Rank.PLACE for match in matches) or detect_encryption(self.blob.data, self.blob.path):
            return
        yield from named.whole(self.blob, self.context.whole)


def _surroundings(blob: Blob, _fault: FluxsecretsError):  # type: ignore[no-untyped-def]
    from .assignments import Surroundings

    return Surroundings.CONFIGURATION if blob.path.endswith(_YAML_SUFFIXES) else Surroundings.CODE


def _is_yaml(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    for suffix in _TEMPLATE_SUFFIXES:
        name = name.removesuffix(suffix)
    return name.endswith(_YAML_SUFFIXES) or name in _YAML_NAMES


def _is_encrypted_lines(blob: Blob) -> bool:
    return b"sops_mac=ENC[" in blob.data or (b"[sops]" in blob.data and b"ENC[AES256_GCM," in blob.data)


def _token_match(blob: Blob, rule: TokenRule, secret: bytes, token, decoded) -> Match:  # type: ignore[no-untyped-def]
    start, end = (token.start, token.end) if decoded is None else decoded.span(token.start)
    inside = "" if decoded is None else " in base64"
    message = f"{_article(rule.title)}{inside} is in plain text"
    if token.confidence is Confidence.LOW:
        message += ", though its checksum does not match"
    hint = rule.fix
    if blob.path.startswith("keys/") or "/keys/" in blob.path:
        hint = f"keys/ holds public recipients only: take it out; {hint}"
    return Match(
        rule_info(rule),
        Rank.TOKEN,
        blob.offset(start),
        blob.offset(end),
        message,
        hint,
        shown=token.shown if decoded is None else "",
        parts=(value_part(secret),),
        confidence=token.confidence,
        also=rule.title,
    )


def _article(title: str) -> str:
    first = title.partition(" ")[0]
    spoken = first[:1].lower()
    if first.isupper() and first.isalpha():  # spelled out: an AWS key, an NPM token
        return f"{'an' if spoken in 'aefhilmnorsx' else 'a'} {title}"
    return f"{'an' if spoken in 'aeiou' else 'a'} {title}"


def rule_info(rule: TokenRule) -> RuleInfo:
    """A token rule as reports and `rules list` show it."""
    return RuleInfo(rule.id, rule.title, rule.severity, rule.explanation, rule.fix, "scan.md#token-rules")


def merged(matches: Sequence[Match]) -> list[Match]:
    """Matches in order, those of the same text made into one."""
    ordered = sorted(matches, key=lambda match: (-match.rank, match.start, match.start - match.end))
    kept: list[Match] = []
    starts: list[tuple[int, int, int]] = []
    for match in ordered:
        index = next((number for first, last, number in starts if match.start < last and first < match.end), None)
        if index is None:
            starts.append((match.start, match.end, len(kept)))
            kept.append(match)
        else:
            kept[index] = _joined(kept[index], match)
    return sorted(kept, key=lambda match: (match.start, match.end))


def _joined(match: Match, other: Match) -> Match:
    """A match with what another one of the same text knows."""
    also = match.also
    if other.also and other.also not in (match.also, match.rule.title):
        also = f"{also}, {other.also}" if also and match.rank is Rank.PLACE and len(also) < 80 else also or other.also
    severity = max(match.severity or match.rule.severity, other.severity or other.rule.severity)
    if other.confidence is Confidence.LOW:
        severity = match.severity or match.rule.severity
    return replace(match, also=also, severity=severity, confidence=max(match.confidence, other.confidence))


def _finding(blob: Blob, match: Match) -> Finding:
    line, column = blob.place(match.start)
    message = match.message
    if match.also and match.rank is Rank.PLACE:
        message += f" ({match.also})"
    name = f"{match.name}: " if match.name and not match.name.endswith(":") else match.name
    return Finding(
        rule=match.rule.id,
        severity=match.severity or match.rule.severity,
        confidence=match.confidence,
        location=Location(blob.path, line, column),
        message=message,
        hint=match.hint,
        fingerprint=fingerprint(match.rule.id, blob.path, *match.parts),
        excerpt=f"{name}{match.shown}{_MASK}",
        allow_at=match.allow_at,
    )


def _ciphertexts(page) -> Iterator[Ciphertext]:  # type: ignore[no-untyped-def]
    from .structure.reader import show
    from .structure.sops import ciphertexts, key_marks

    marks: dict[int, frozenset[int]] = {}
    for owner in page.objects:
        if owner.sops is None:
            continue
        keys = marks.get(id(owner.sops))
        if keys is None:
            keys = marks[id(owner.sops)] = frozenset(map(hash, key_marks(owner.sops)))
        for value in ciphertexts(owner):
            place = Location(page.blob.path, value.scalar.line, value.scalar.column)
            yield Ciphertext(hash(value.scalar.text), place, show(value.path), keys)


class FileSet:
    """What can only be told from several files: the same ciphertext under two data keys."""

    def __init__(self) -> None:
        """Start with no file."""
        self._seen: dict[int, Ciphertext] = {}

    def add(self, scanned: Scanned) -> Iterator[Finding]:
        """Take a file in; what it shares with those before is a finding."""
        from .structure.sops import FOREIGN

        for item in scanned.ciphertexts:
            first = self._seen.setdefault(item.digest, item)
            if first is item or not first.keys or not item.keys or first.keys & item.keys:
                continue
            if first.location.path == item.location.path:
                continue
            path = item.location.path
            yield Finding(
                rule=FOREIGN.id,
                severity=FOREIGN.severity,
                confidence=Confidence.HIGH,
                location=item.location,
                message=f"{item.name} has the ciphertext of {first.name} in {ascii(first.location.path)[1:-1]}",
                hint=FOREIGN.fix,
                fingerprint=fingerprint(FOREIGN.id, path, item.name),
                excerpt=f"{item.name}: ENC[…]",
                related=(first.location,),
            )
