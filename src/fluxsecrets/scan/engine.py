"""Scan one file for its secrets, and several files for what shows only across them.

First one pass tells which patterns occur. Most files end there. The others are read by their structure:
manifests by their objects, files of lines by their names and values, any text by its tokens. Matches of
the same bytes become one, that of the rule which knows most about the place.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zlib import adler32, crc32

from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError
from fluxsecrets.findings import Confidence, Finding, Location
from fluxsecrets.findings.fingerprint import fingerprint, told_apart, value_part
from fluxsecrets.findings.model import ValueId
from fluxsecrets.marks import KEYS_FOLDER, MANIFEST_SUFFIXES, MEMBER_SIGN, TEMPLATE_SUFFIXES, has_marks

from .blob import Blob
from .harmless import LARGEST, HarmlessLines
from .match import Match, Rank
from .matcher import Hit, Matcher, Pattern, make_matcher
from .mentions import are_references
from .names import login_form
from .othercipher import is_encrypted_file
from .rules import TokenRule
from .signs import SIGNS, rules_of
from .tokens import Token, find_tokens, token_info
from .triggers import FORMS, PARSE, Trigger
from .valuekey import ValueKey

if TYPE_CHECKING:
    from fluxsecrets.findings.allow import InlineAllowance

    from .containers import Budget
    from .custom import CustomRules
    from .decode import Decoded
    from .structure.page import Page

_TRIGGERS = tuple(Trigger)
_FIRST_SIGN = len(_TRIGGERS)
_ASSIGNED = _TRIGGERS.index(Trigger.ASSIGNED)
_SECRET = _TRIGGERS.index(Trigger.SECRET)
_MASK = "********"
_ENCODED = frozenset({Trigger.BASE64, Trigger.HEX, Trigger.PERCENT})
_PLAIN_TRIGGERS = frozenset(Trigger) - _ENCODED - {Trigger.CONTAINER, Trigger.ALLOWANCE, Trigger.SOPS}
"""Those for which what is encoded in a file is read by its structure; encodings in it are not looked into."""

_ENV_LINE = rb"(?m)^(?:#|(?:export )?[A-Za-z_][\w.-]*=)"
_INI_LINE = rb"(?m)^(?:[#;]|\[[^\]\n]*\][ \t]*\r?$|[^\s=][^=\n]*=)"
_DATA = rb"""(?:[dD]ata|template|<<)["']?\s*:|\\[uUx]"""

_YAML_SUFFIXES = (*MANIFEST_SUFFIXES, ".kubeconfig", ".dockerconfigjson", ".dockercfg")
_YAML_NAMES = frozenset({"kustomization", "kubeconfig", "admin.conf", "config.json", ".dockerconfigjson"})
_COPY_SUFFIXES = (
    *(
        "~",
        ".bak",
        ".backup",
        ".orig",
        ".old",
        ".dec",
        ".decrypted",
        ".plain",
        ".tmp",
        ".swp",
        ".save",
        ".rej",
    ),
    *(".copy", ".disabled", ".off", ".dist", ".example", ".sample"),
)
"""Suffixes that people and editors give to copies."""

_START = 4096
_USER_DATA = rb"(?:## template: jinja\r?\n)?#cloud-config\b"
_MANIFEST = (
    rb"(?:\s|#[^\n]*\n|%YAML[^\n]*\n|---[^\n]*\n)*"
    rb"[\"']?(?:apiVersion|kind|metadata|type|data|stringData)[\"']?[ \t]*:"
)


class Context(NamedTuple):
    """What is known about a file beside its content.

    Attributes:
        whole: why the file is a secret as a whole, or "" if it is not.
        ruled: says why a plain file is one because a creation rule names it, or ""; None asks no rules.
        budget: what may still be read of the archive that the file is in, or None.
    """

    whole: str = ""
    ruled: Callable[[Blob], str] | None = None
    budget: Budget | None = None


class Scanned(NamedTuple):
    """What a file holds.

    Attributes:
        ciphertexts: its encrypted values, for `FileSet`.
        generated: files that a secretGenerator in it reads, with the line of each.
        place: a rule that knows its kind found something in it.
        problem: why it could not be judged in full, or None.
    """

    path: str
    findings: tuple[Finding, ...] = ()
    allowances: tuple[InlineAllowance, ...] = ()
    ciphertexts: tuple[Ciphertext, ...] = ()
    generated: tuple[tuple[str, int], ...] = ()
    encrypted: bool = False
    place: bool = False
    empty: bool = False
    problem: FluxsecretsError | None = None


class Ciphertext(NamedTuple):
    """An encrypted value: its hash, its place, and what identifies its file's data key."""

    digest: int
    location: Location
    name: str
    keys: frozenset[int]


def patterns() -> tuple[Pattern, ...]:
    """All patterns, in the order of the matcher's numbers."""
    return (*(trigger.value for trigger in _TRIGGERS), *(sign.pattern for sign in SIGNS))


class Engine:
    """Scans files, one after the other."""

    def __init__(
        self,
        cache: Path | None = None,
        matcher: Matcher | None = None,
        key: ValueKey | None = None,
        custom: CustomRules | None = None,
        *,
        shortcuts: bool = True,
    ) -> None:
        """Make or load the matcher.

        Args:
            cache: the folder for compiled patterns, or None.
            matcher: one to use.
            key: that of the run, by default a new one.
            custom: rules of the team, or None.
            shortcuts: leave out work that can't find anything. Without them, findings are the same.
        """
        self._matcher = matcher or make_matcher(patterns(), cache)
        self.key = key or ValueKey()
        self.custom = custom
        self._lines = HarmlessLines(self._finds_nothing) if shortcuts else None

    def with_custom(self, custom: CustomRules | None) -> Engine:
        """Return an engine with other rules of the team, and the rest in common."""
        if custom is self.custom:
            return self
        return Engine(None, self._matcher, self.key, custom, shortcuts=self._lines is not None)

    def scan(self, blob: Blob, context: Context = Context()) -> Scanned:  # noqa: B008 - immutable
        """Scan a file's content."""
        found = self._matcher.places(blob.data)
        if not found and not blob.data.strip():
            return Scanned(blob.path, empty=True)
        numbers = {number for number, _ in found}
        hits = _signs(numbers)
        if Trigger.SECRET in hits and are_references(blob.data, _ends(found, _SECRET)):
            hits -= {Trigger.SECRET}
        if Trigger.ASSIGNED in hits and self._needs_no_parsing(blob, hits, found):
            hits -= {Trigger.ASSIGNED}
        rules = _rules(numbers, blob.data)
        reading = _Reading(self, blob, context, hits)
        looks = hits or rules or context.whole or _is_login_file(blob.path)
        matches = reading.whole(reading.read(rules) if looks else [])
        allowances = _allowances(blob) if Trigger.ALLOWANCE in hits else ()
        if self.custom is not None:
            beside = self.custom.hits(blob.data)
            matches += self.custom.find(blob, blob.data, beside, None)
            matches += self.custom.find_files(blob)
            allowances += self.custom.comments(blob, beside)
        findings = told_apart(_finding(blob, match, self) for match in merged(matches))
        scanned = Scanned(
            blob.path,
            findings,
            allowances,
            tuple(reading.ciphertexts),
            tuple(reading.generated),
            reading.encrypted,
            any(match.rank is Rank.PLACE for match in matches),
            problem=reading.problem,
        )
        containers = [blob, *reading.members] if Trigger.CONTAINER in hits else reading.members
        for container in containers:
            scanned = self.with_members(scanned, container, context)
        return scanned

    def with_members(self, scanned: Scanned, blob: Blob, context: Context) -> Scanned:
        """The result of a container, with those of the files in it."""
        from .inside import look_inside

        inside = look_inside(
            lambda member, budget: self.scan(member, Context("", None, budget)), blob, context.budget
        )
        found = [finding for each in inside.scanned for finding in each.findings]
        values = {finding.value_id for finding in found} - {None}  # uncompressed, it is seen twice
        own = [finding for finding in scanned.findings if finding.value_id not in values]
        problems = (scanned.problem, inside.problem, *(each.problem for each in inside.scanned))
        return scanned._replace(
            findings=(*own, *found),
            allowances=(
                *scanned.allowances,
                *(allowance for each in inside.scanned for allowance in each.allowances),
            ),
            problem=next((problem for problem in problems if problem is not None), None),
        )

    def _needs_no_parsing(self, blob: Blob, hits: frozenset[Trigger], found: Sequence[Hit]) -> bool:
        """Whether the telling names of a manifest have harmless values only."""
        if self._lines is None or len(hits & PARSE) > 1 or blob.part or len(blob.data) > LARGEST:
            return False
        is_manifest = not blob.binary and _is_yaml(blob.path)
        return is_manifest and self._lines.are_all(blob.data, _ends(found, _ASSIGNED))

    def _finds_nothing(self, line: bytes) -> bool:
        """Whether no rule finds anything in a line alone, neither in a manifest nor in other text."""
        from .assignments import Surroundings
        from .structure.lines import CODE, judge_text

        blob = Blob("line.yaml", line + b"\n")
        if any(number != _ASSIGNED for number in self._matcher.hits(blob.data)):
            return False
        reading = _Reading(self, blob, Context(), frozenset({Trigger.ASSIGNED}))
        if reading.read(()) or reading.problem is not None:
            return False
        return not any(judge_text(blob, CODE, Surroundings.CONFIGURATION))

    def hits(self, data: bytes) -> Collection[int]:
        """The numbers of the patterns that may occur in some bytes."""
        return self._matcher.hits(data)


def _signs(numbers: Collection[int]) -> frozenset[Trigger]:
    return frozenset(_TRIGGERS[number] for number in numbers if number < _FIRST_SIGN)


def _rules(numbers: Collection[int], data: bytes) -> tuple[TokenRule, ...]:
    return rules_of((number - _FIRST_SIGN for number in numbers if number >= _FIRST_SIGN), data)


def _ends(found: Sequence[Hit], wanted: int) -> Iterator[int]:
    return (end for number, end in found if number == wanted)


def _allowances(blob: Blob) -> tuple[InlineAllowance, ...]:
    from fluxsecrets.findings.allow import find_inline

    return find_inline(blob.data, blob.path)


class _Reading:
    """One file on its way through the rules."""

    def __init__(self, engine: Engine, blob: Blob, context: Context, hits: frozenset[Trigger]) -> None:
        self.engine = engine
        self.blob = blob
        self.context = context
        self.hits = hits
        self.problem: FluxsecretsError | None = None
        self.ciphertexts: list[Ciphertext] = []
        self.generated: list[tuple[str, int]] = []
        self.encrypted = False
        self.members: list[Blob] = []  # containers that are encoded in the file

    def read(self, rules: Sequence[TokenRule]) -> list[Match]:
        blob, hits = self.blob, self.hits
        matches = [*self.tokens(rules, blob.data, None)] if rules else []
        if Trigger.KEY_STORE in hits and not blob.part:
            from .structure import keystores

            matches += keystores.judge(blob)
        if blob.binary:
            sure = [
                match for match in matches if match.confidence is Confidence.HIGH or match.rank is Rank.PLACE
            ]
            return [*sure, *self.embedded(manifest=False)]
        if not hits.isdisjoint(_ENCODED):
            matches += self.in_encodings()
        if Trigger.URL in hits or Trigger.DSN in hits or Trigger.KEYED in hits:
            from .structure import connection

            matches += connection.judge(blob)
        if blob.part:
            matches += self.piece()
        elif (
            _is_yaml(blob.path)
            or re.match(_USER_DATA, blob.data)
            or (Trigger.SOPS in hits and blob.data.lstrip().startswith(b"{"))
        ):
            if self.deserves_parsing():
                matches += self.manifest()
            matches += self.embedded(manifest=True)
        elif (page := self.unnamed()) is not None:
            matches += map(_taken_out, self.judged(page))
            matches += self.embedded(manifest=True)
        else:
            matches += self.lines()
            matches += self.embedded(manifest=False)
        if forms := [form for trigger in FORMS if trigger in hits for form in FORMS[trigger]]:
            from .structure.forms import judge

            matches += judge(blob, forms)
        return matches

    def unnamed(self) -> Page | None:
        """The file as a manifest or other JSON, if its content says so and its name does not."""
        start = self.blob.data[:_START].lstrip()
        json = start.startswith(b"{") and not start.startswith(b"{{")
        if not (self.hits & PARSE and (json or re.match(_MANIFEST, start))):
            return None
        from .structure import read_page
        from .structure.reader import Map

        page, fault = read_page(self.blob)
        if fault is not None or any(type(node) is not Map for node in page.parsed.documents):
            return None
        return page if json or any(each.is_object for each in page.objects) else None

    def embedded(self, *, manifest: bool) -> Iterator[Match]:
        """The values of Secrets embedded in the file, and those that patches put into Secrets."""
        if Trigger.SECRET in self.hits:
            from .structure.embedded import judge_embedded

            try:
                yield from judge_embedded(self.blob, manifest=manifest)
            except FluxsecretsError as error:
                self.problem = self.problem or error.in_file(self.blob.path)
        if Trigger.PATCH in self.hits and not self.blob.binary:
            from .structure.embedded import judge_patches

            yield from judge_patches(self.blob)

    def deserves_parsing(self) -> bool:
        """Whether a manifest must be parsed to be judged."""
        signs = self.hits & PARSE
        if signs <= {Trigger.SECRET, Trigger.SEALED}:
            # Most of these only refer to one: a Secret has data, and a sealed one may have a template.
            return re.search(_DATA, self.blob.data) is not None if signs else False
        return True

    def tokens(self, rules: Sequence[TokenRule], data: bytes, decoded: Decoded | None) -> Iterator[Match]:
        for token in find_tokens(rules, data):
            yield _token_match(self.blob, token.rule, data[token.start : token.end], token, decoded)

    def in_encodings(self) -> Iterator[Match]:
        from .encoded import layers

        custom = self.engine.custom
        for layer in layers(self.blob.data, self.hits):
            numbers = sorted(self.engine.hits(layer.data))
            yield from self.tokens(_rules(numbers, layer.data), layer.data, layer)
            if custom is not None:
                yield from custom.find(self.blob, layer.data, custom.hits(layer.data), layer)
            if not _PLAIN_TRIGGERS.isdisjoint(_signs(numbers)) or b"PK\x03\x04" in layer.data:
                yield from self.in_pieces(layer)

    def in_pieces(self, layer: Decoded) -> Iterator[Match]:
        """What the structure of each encoded piece says."""
        from .encoded import name_of, placed

        for piece, span in layer.pieces:
            numbers = self.engine.hits(piece)
            signs = _signs(numbers)
            if Trigger.CONTAINER in signs:
                self.members.append(Blob(f"{self.blob.path}{MEMBER_SIGN}encoded", piece))
            if _PLAIN_TRIGGERS.isdisjoint(signs):
                continue
            inner = Blob(name_of(piece), piece)
            reading = _Reading(self.engine, inner, Context(), signs & _PLAIN_TRIGGERS)
            for match in reading.read(()):
                yield placed(match, inner, self.blob, span, layer)

    def manifest(self) -> Iterator[Match]:
        from .structure import read_page

        page, fault = read_page(self.blob)
        if fault is not None:
            from .structure.conflict import sides

            if texts := sides(self.blob.text):
                yield from self.in_conflict(texts)
                return
            yield from self.broken(fault)
        yield from self.judged(page)

    def in_conflict(self, texts: Sequence[str]) -> Iterator[Match]:
        """Judge each side of a file with git's conflict markers; the conflict itself is a problem."""
        from .structure import conflict, read_page

        for text in texts:
            page, fault = read_page(Blob(self.blob.path, text.encode("utf-8", "surrogatepass")))
            if fault is not None:
                yield from self.broken(fault)
            yield from self.judged(page)
        if self.hits & {Trigger.SECRET, Trigger.SOPS, Trigger.SEALED}:
            self.problem = conflict.problem(self.blob, encrypted=self.encrypted)

    def judged(self, page: Page) -> Iterator[Match]:
        from .structure import judge_page
        from .structure.kustomize import generated

        try:
            yield from judge_page(page)
            if Trigger.SOPS in self.hits:
                self.ciphertexts = [*_ciphertexts(page)]
                self.encrypted = any(each.sops is not None for each in page.objects)
            if Trigger.GENERATOR in self.hits:
                self.generated = [*generated(page)]
        except FluxsecretsError as error:
            self.problem = error.in_file(self.blob.path)

    def broken(self, fault: FluxsecretsError) -> Iterator[Match]:
        """Search a file that is not valid YAML as text; whether it has a Secret is not guessed."""
        from .assignments import Surroundings
        from .structure.lines import CODE, judge_text
        from .template import is_template

        yield from judge_text(self.blob, CODE, Surroundings.CONFIGURATION)
        may_matter = self.hits & {Trigger.SECRET, Trigger.SOPS, Trigger.SEALED}
        if may_matter and not is_template(self.blob.text):
            self.problem = FormatError(
                f"may hold a Secret, and cannot be read: {fault.message}",
                hint="fix the file: until then nobody can tell what is in it",
                path=self.blob.path,
                line=fault.line,
                column=fault.column,
            )

    def lines(self) -> Iterator[Match]:
        from .structure import clients, lines

        if Trigger.SOPS in self.hits and not self.blob.part and _is_encrypted_lines(self.blob):
            self.encrypted = True
            yield from lines.judge_sops(self.blob)
        elif _is_login_file(self.blob.path):
            yield from clients.judge_login(self.blob)
        elif Trigger.ASSIGNED in self.hits or Trigger.OPTION in self.hits:
            yield from lines.judge(self.blob)

    def piece(self) -> Iterator[Match]:
        """A piece of a file that is too large to be read as a whole."""
        if _is_yaml(self.blob.path) and self.hits & {Trigger.SECRET, Trigger.SOPS, Trigger.SEALED}:
            self.problem = LimitError(
                "may hold a Secret, and is too large to be read as a manifest",
                hint="split it; Flux refuses large files anyway",
                path=self.blob.path,
            )
        yield from self.lines()

    def whole(self, matches: list[Match]) -> list[Match]:
        """The matches; a file that is a secret as a whole has at least one, and all say to encrypt it."""
        if self.encrypted or not (reason := self.reason()):
            return matches
        from .structure import read_page, wholefile
        from .structure.secret import only_refers
        from .structure.sops import LOST

        hint = wholefile.hint_for(reason)
        if not any(match.rank is Rank.PLACE for match in matches):
            if Trigger.SECRET in self.hits and only_refers(read_page(self.blob)[0]):
                return matches
            return [*matches, *wholefile.whole(self.blob, reason)]
        return [
            match._replace(hint=hint)
            if match.rank is Rank.PLACE and match.rule is not LOST and not match.hint.startswith(hint[:7])
            else match
            for match in matches
        ]

    def reason(self) -> str:
        """Why the file is a secret as a whole, or ""."""
        blob, whole, ruled = self.blob, self.context.whole, self.context.ruled
        if blob.first_line > 1 or blob.first_column > 1:  # a later piece
            return ""
        if is_encrypted_file(blob.data):
            return ""
        try:
            if whole:
                from fluxsecrets.repo.manifests import holds_no_value

                return "" if holds_no_value(blob.path, blob.data) else whole
            return ruled(blob) if ruled is not None else ""
        except FluxsecretsError as error:
            self.problem = self.problem or error
            return ""


def _taken_out(match: Match) -> Match:
    """Change the hint for a value in a file that no command takes for a manifest by its name."""
    from .structure.embedded import HINT

    return match._replace(hint=HINT) if match.rule.id == "plain-secret" else match


def _is_yaml(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    for suffix in _COPY_SUFFIXES:
        name = name.removesuffix(suffix)
    for suffix in TEMPLATE_SUFFIXES:
        name = name.removesuffix(suffix)
    return name.endswith(_YAML_SUFFIXES) or name in _YAML_NAMES


def _is_login_file(path: str) -> bool:
    return bool(login_form(path))


def _is_encrypted_lines(blob: Blob) -> bool:
    """Whether a file is an encrypted dotenv or INI file, and not code that holds or mentions one."""
    data = blob.data
    if has_marks("dotenv", data):
        form = _ENV_LINE
    elif has_marks("ini", data):
        form = _INI_LINE
    else:
        return False
    # Somebody may have added lines that the format does not have.
    return 2 * len(re.findall(form, data)) >= len(re.findall(rb"\S[^\n]*", data))


def _token_match(blob: Blob, rule: TokenRule, secret: bytes, token: Token, decoded: Decoded | None) -> Match:
    start, end = (token.start, token.end) if decoded is None else decoded.span(token.start)
    inside = "" if decoded is None else f" in {decoded.how}"
    message = f"{_article(rule.title)}{inside} is in plain text"
    if token.confidence is Confidence.LOW:
        message += ", though its checksum does not match"
    hint = rule.fix
    if f"/{KEYS_FOLDER}/" in f"/{blob.path}":
        hint = f"{KEYS_FOLDER}/ holds public recipients only: take it out; {hint}"
    return Match(
        token_info(rule),
        Rank.TOKEN if decoded is None else decoded.rank,
        blob.offset(start),
        blob.offset(end),
        message,
        hint,
        shown=token.shown if decoded is None else "",
        parts=(value_part(secret),),
        confidence=token.confidence,
        also=rule.title,
        value=None if decoded is None else secret,
    )


def _article(title: str) -> str:
    first = title.partition(" ")[0]
    spoken = first[:1].lower()
    if first.isupper() and first.isalpha():  # spelled out: an AWS key, an NPM token
        return f"{'an' if spoken in 'aefhilmnorsx' else 'a'} {title}"
    return f"{'an' if spoken in 'aeiou' else 'a'} {title}"


def merged(matches: Sequence[Match]) -> list[Match]:
    """The matches in order; those of the same text become one."""
    ordered = sorted(matches, key=lambda match: (-match.rank, match.start, match.start - match.end))
    kept: list[Match] = []
    spans: list[tuple[int, int, int]] = []  # of what is kept, in order; none overlaps another one
    for match in ordered:
        at = bisect_left(spans, (match.end,))
        over = at - 1
        while over >= 0 and spans[over][1] > match.start:
            over -= 1
        if over + 1 == at:
            spans.insert(at, (match.start, match.end, len(kept)))
            kept.append(match)
        else:
            index = min(number for _, _, number in spans[over + 1 : at])
            kept[index] = _joined(kept[index], match)
    return sorted(kept, key=lambda match: (match.start, match.end))


def _joined(match: Match, other: Match) -> Match:
    """A match, with what another match of the same text adds."""
    also = match.also
    if other.also and other.also not in (match.also, match.rule.title):
        also = (
            f"{also}, {other.also}"
            if also and match.rank is Rank.PLACE and len(also) < 80
            else also or other.also
        )
    severity = max(match.severity or match.rule.severity, other.severity or other.rule.severity)
    if other.confidence is Confidence.LOW:
        severity = match.severity or match.rule.severity
    return match._replace(also=also, severity=severity, confidence=max(match.confidence, other.confidence))


def _finding(blob: Blob, match: Match, engine: Engine) -> Finding:
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
        value_id=_value_id(blob.text, match, engine.key),
        marks=() if engine.custom is None else engine.custom.marks(blob, match),
    )


def _value_id(text: str, match: Match, key: ValueKey) -> ValueId | None:
    """What the value of a match is known by."""
    if match.value is not None:
        return key.of(match.value, match.name)
    start, end = match.start, match.end
    return key.of(
        text[start:end], match.name, quoted=start > 0 and text[start - 1] == text[end : end + 1] == '"'
    )


def _ciphertexts(page: Page) -> Iterator[Ciphertext]:
    from .structure.reader import show
    from .structure.sops import ciphertexts, key_marks

    marks: dict[int, frozenset[int]] = {}
    for owner in page.objects:
        if owner.sops is None:
            continue
        keys = marks.get(id(owner.sops))
        if keys is None:
            keys = marks[id(owner.sops)] = frozenset(map(_digest, key_marks(owner.sops)))
        for value in ciphertexts(owner):
            place = Location(page.blob.path, value.scalar.line, value.scalar.column)
            yield Ciphertext(_digest(value.scalar.text), place, show(value.path), keys)


def _escaped(path: str) -> str:
    return ascii(path)[1:-1]


def _digest(text: str) -> int:
    """A hash that is the same in every process, unlike Python's."""
    data = text.encode("utf-8", "surrogatepass")
    return adler32(data) << 32 | crc32(data)


class FileSet:
    """What shows only across several files.

    The same ciphertext under two data keys; plain files that a secretGenerator reads.
    """

    def __init__(self) -> None:
        """Start with no file."""
        self._seen: dict[int, Ciphertext] = {}
        self._generated: dict[str, tuple[str, int]] = {}
        self._plain: dict[str, str | None] = {}

    def add(self, scanned: Scanned, commit: str | None = None) -> Iterator[Finding]:
        """Add a file; ciphertexts that it shares with earlier ones are findings."""
        if not scanned.encrypted and not scanned.place and not scanned.empty:
            self._plain.setdefault(scanned.path, commit)
        self.add_generators(scanned)
        if not scanned.ciphertexts:
            return
        from .structure.sops import FOREIGN

        for each in scanned.ciphertexts:
            item = each if commit is None else each._replace(location=each.location._replace(commit=commit))
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
                message=f"{item.name} has the ciphertext of {first.name} in {_escaped(first.location.path)}",
                hint=FOREIGN.fix,
                fingerprint=fingerprint(FOREIGN.id, path, item.name),
                excerpt=f"{item.name}: ENC[…]",
                related=(first.location,),
            )

    def add_generators(self, scanned: Scanned) -> None:
        """Add the files that the generators of a kustomization file read."""
        for path, line in scanned.generated:
            self.add_generator(path, scanned.path, line)

    def add_generator(self, path: str, by: str, line: int) -> None:
        """Add a file that a generator reads, and where that is said."""
        self._generated.setdefault(path, (by, line))

    def is_plain(self, path: str) -> bool:
        """Whether a file was scanned and is not encrypted, and no rule for its kind found anything in it."""
        return path in self._plain

    def whole(self, path: str, reason: str, related: tuple[Location, ...] = ()) -> Finding:
        """The finding for a plain file that is a secret as a whole."""
        from .structure import wholefile

        return wholefile.plain_file(path, reason, self._plain.pop(path, None), related)

    def finish(self) -> Iterator[Finding]:
        """The findings that need all files."""
        for path, (by, line) in sorted(self._generated.items()):
            if path in self._plain:
                reason = f"a secretGenerator in {_escaped(by)} makes a Secret of it"
                yield self.whole(path, reason, (Location(by, line),))
