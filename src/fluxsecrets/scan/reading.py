"""One file on its way through the rules. Its triggers and its name select those that read it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError
from fluxsecrets.findings import Confidence
from fluxsecrets.marks import MEMBER_SIGN

from .blob import Blob
from .filekinds import is_encrypted_lines, is_login_file, is_yaml
from .match import Match, Rank
from .othercipher import is_encrypted_file
from .patterns import token_rules, triggers_of
from .scanned import Ciphertext, Context
from .triggers import FORMS, PARSE, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .custom import CustomRules
    from .decode import Decoded
    from .rules import TokenRule
    from .structure.page import Page

_ENCODED = frozenset({Trigger.BASE64, Trigger.HEX, Trigger.PERCENT})
_PLAIN_TRIGGERS = frozenset(Trigger) - _ENCODED - {Trigger.CONTAINER, Trigger.ALLOWANCE, Trigger.SOPS}
"""Those for which what is encoded in a file is read by its structure; encodings in it are not looked into."""

_DATA = rb"""(?:[dD]ata|template|<<)["']?\s*:|\\[uUx]"""
_TEMPLATE = rb"""(?:(?<![A-Za-z])data|stringData|<<)["']?\s*:|\\[uUx]"""

_START = 4096  # bytes in which a manifest of another name shows that it is one
_USER_DATA = rb"(?:## template: jinja\r?\n)?#cloud-config\b"
_MANIFEST = (
    rb"(?:\s|#[^\n]*\n|%YAML[^\n]*\n|---[^\n]*\n)*"
    rb"[\"']?(?:apiVersion|kind|metadata|type|data|stringData)[\"']?[ \t]*:"
)


Search = Callable[[bytes], Collection[int]]


class Reading:
    """One file on its way through the rules."""

    def __init__(
        self,
        blob: Blob,
        context: Context,
        hits: frozenset[Trigger],
        search: Search,
        custom: CustomRules | None = None,
    ) -> None:
        """Take what it needs.

        Args:
            blob: the file.
            context: what else is known about it.
            hits: the triggers that occur in it.
            search: returns the numbers of the patterns that may occur in some bytes.
            custom: rules of the team, or None.
        """
        self.blob = blob
        self.context = context
        self.hits = hits
        self.search = search
        self.custom = custom
        self.problem: FluxsecretsError | None = None
        self.ciphertexts: list[Ciphertext] = []
        self.generated: list[tuple[str, int]] = []
        self.encrypted = False
        self.members: list[Blob] = []  # containers that are encoded in the file

    def read(self, rules: Sequence[TokenRule]) -> list[Match]:
        """Return what the rules find: these token rules, and those that read the file by its structure."""
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
            is_yaml(blob.path)
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
            # Most of these only refer to one: a Secret has data, and a sealed one may have it in a template.
            needed = _DATA if Trigger.SECRET in signs else _TEMPLATE
            return re.search(needed, self.blob.data) is not None if signs else False
        return True

    def tokens(self, rules: Sequence[TokenRule], data: bytes, decoded: Decoded | None) -> Iterator[Match]:
        """Return the tokens in the file, or in what is encoded in it."""
        if not rules:
            return
        from .tokens import find_tokens, token_match  # with all rules

        for token in find_tokens(rules, data):
            yield token_match(self.blob, data, token, decoded)

    def in_encodings(self) -> Iterator[Match]:
        """Return what is found in what is encoded in the file."""
        from .encoded import layers

        for layer in layers(self.blob.data, self.hits):
            numbers = sorted(self.search(layer.data))
            yield from self.tokens(token_rules(numbers, layer.data), layer.data, layer)
            if self.custom is not None:
                yield from self.custom.find(self.blob, layer.data, self.custom.hits(layer.data), layer)
            if not _PLAIN_TRIGGERS.isdisjoint(triggers_of(numbers)) or b"PK\x03\x04" in layer.data:
                yield from self.in_pieces(layer)

    def in_pieces(self, layer: Decoded) -> Iterator[Match]:
        """What the structure of each encoded piece says."""
        from .encoded import name_of, placed

        for piece, span in layer.pieces:
            numbers = self.search(piece)
            signs = triggers_of(numbers)
            if Trigger.CONTAINER in signs:
                self.members.append(Blob(f"{self.blob.path}{MEMBER_SIGN}encoded", piece))
            if _PLAIN_TRIGGERS.isdisjoint(signs):
                continue
            inner = Blob(name_of(piece), piece)
            reading = Reading(inner, Context(), signs & _PLAIN_TRIGGERS, self.search)
            for match in reading.read(()):
                yield placed(match, inner, self.blob, span, layer)

    def manifest(self) -> Iterator[Match]:
        """Judge the file as a manifest."""
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
        """Judge the objects of a manifest."""
        from .structure import judge_page
        from .structure.kustomize import generated

        try:
            yield from judge_page(page)
            if Trigger.SOPS in self.hits:
                from .structure.sops import placed_ciphertexts

                self.ciphertexts = [*placed_ciphertexts(page)]
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
        """Judge the file line by line."""
        from .structure import clients, lines

        if Trigger.SOPS in self.hits and not self.blob.part and is_encrypted_lines(self.blob):
            from .structure import conflict

            self.encrypted = True
            yield from lines.judge_sops(self.blob)
            if conflict.sides(self.blob.text):
                self.problem = conflict.problem(self.blob, encrypted=True)
        elif is_login_file(self.blob.path):
            yield from clients.judge_login(self.blob)
        elif Trigger.ASSIGNED in self.hits or Trigger.OPTION in self.hits:
            yield from lines.judge(self.blob)

    def piece(self) -> Iterator[Match]:
        """A piece of a file that is too large to be read as a whole."""
        if is_yaml(self.blob.path) and self.hits & {Trigger.SECRET, Trigger.SOPS, Trigger.SEALED}:
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
