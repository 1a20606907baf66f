"""Which values are encrypted: the six kinds of selector, compiled once, and their regular expressions.

Taken from sops 3.13.2: `shouldBeEncrypted` in sops.go. Expressions are read as Go reads them: RE2, searched
for anywhere in the text. Selectors and `path_regex` must mean here what they mean to sops and Flux, and no
pattern may take more than linear time. `re2` is imported with the first pattern that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache

from fluxsecrets.errors import SelectorError
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # that of `typing` is for the type checker alone

MAX_PROGRAM_BYTES = 8 * 2**20
"""Memory one compiled pattern may use; larger ones are refused. RE2's own default, said explicitly."""

SYNTAX_HINT = (
    "the syntax is that of Go's regexp (RE2): no look-around such as (?=x), no back-references such as \\1"
)


class RegexError(ValueError):
    """A pattern is not one that Go takes; the text says why. Callers say where it stood."""


class _Compiled(Protocol):
    def search(self, text: bytes) -> object | None: ...


class _Words:
    """Stands for a pattern such as `^(data|stringData)$`, which needs no engine; nearly all are such."""

    __slots__ = ("_words",)

    def __init__(self, words: str) -> None:
        self._words = frozenset(words.encode().split(b"|"))

    def search(self, text: bytes) -> object | None:
        return text in self._words or None


class _Pieces:
    r"""Stands for a pattern such as `^apps/.*\.yaml$`, which needs no engine.

    Of texts in which a dot does not match everything, those with line breaks, RE2 judges.
    """

    __slots__ = ("_at_end", "_at_start", "_engine", "_pattern", "_pieces")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._engine: _Compiled | None = None
        self._at_start, self._at_end = pattern.startswith("^"), pattern.endswith("$")
        inner = pattern.removeprefix("^").removesuffix("$")
        self._pieces = [piece.replace("\\", "").encode() for piece in inner.split(".*")]

    def search(self, text: bytes) -> object | None:
        if b"\n" in text:
            self._engine = self._engine or _compile_re2(self._pattern)
            return self._engine.search(text)
        # The first place for each piece leaves the most for the next ones.
        at, end = 0, len(text)
        pieces = self._pieces
        if self._at_end and (len(pieces) > 1 or not self._at_start):
            if not text.endswith(pieces[-1]):
                return None
            end -= len(pieces[-1])
            pieces = pieces[:-1]
        elif self._at_end:
            return text == pieces[0] or None
        for number, piece in enumerate(pieces):
            if number == 0 and self._at_start:
                found = 0 if text.startswith(piece) else -1
            else:
                found = text.find(piece, at, end)
            if found < 0 or found + len(piece) > end:
                return None
            at = found + len(piece)
        return True


class _Either:
    r"""Stands for a pattern such as `\.ya?ml$` or `\.(yaml|json)$`: one of several that need no engine."""

    __slots__ = ("_choices",)

    def __init__(self, start: str, choices: Sequence[str], end: str) -> None:
        self._choices = [_Pieces(f"{start}{choice}{end}") for choice in choices]

    def search(self, text: bytes) -> object | None:
        return any(choice.search(text) for choice in self._choices) or None


class Regex:
    """A compiled pattern; `compile_regex` makes it."""

    __slots__ = ("_compiled", "pattern")

    def __init__(self, pattern: str, compiled: _Compiled) -> None:
        self.pattern = pattern
        self._compiled = compiled

    def __repr__(self) -> str:
        """As it was written."""
        return f"Regex({self.pattern!r})"

    def __eq__(self, other: object) -> bool:
        """Whether it was written the same."""
        return self.pattern == other.pattern if isinstance(other, Regex) else NotImplemented

    def __hash__(self) -> int:
        """Of what was written."""
        return hash(self.pattern)

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text.

        Bytes that are no UTF-8 (surrogates in `text`) count as U+FFFD each, as they do in Go.
        """
        return self._compiled.search(_encode(text)) is not None

    def __reduce__(self) -> tuple[object, ...]:
        """Compiled again in another process: RE2's objects cannot travel."""
        return (compile_regex, (self.pattern,))


def compile_regex(pattern: str) -> Regex:
    r"""Compile a pattern with Go's syntax.

    Known difference: Go 1.25 and later also know long names of Unicode classes, such as `\p{Letter}`
    for `\pL`; they are refused here.

    Raises:
        RegexError: not valid, or too large.
    """
    words = words_of(pattern)
    if words is not None:
        return Regex(pattern, _Words(words))
    if len(pattern) <= _LONGEST:
        if is_of_pieces(pattern):
            return Regex(pattern, _Pieces(pattern))
        either = re.fullmatch(_EITHER, pattern)
        if either is not None:
            start, choices, optional, end = either.groups()
            return Regex(pattern, _Either(start, ["", optional] if optional else choices.split("|"), end))
    return Regex(pattern, _compile_re2(pattern))


def words_of(pattern: str) -> str | None:
    r"""Return the words of a pattern such as `^(data|stringData)$`, with `|` between them; None of another.

    Expressions that would tell are not compiled, here and in `is_of_pieces`: that takes longer than a search.
    """
    if len(pattern) < 3 or pattern[0] != "^" or pattern[-1] != "$":
        return None
    words = pattern[1:-1]
    if words[0] == "(" and words[-1] == ")":
        words = words[1:-1]
        return words if all(word and not word.strip(_OF_WORDS) for word in words.split("|")) else None
    return None if words.strip(_OF_WORDS) else words


def is_of_pieces(pattern: str) -> bool:
    r"""Return whether a pattern is one such as `^apps/.*\.yaml$`, see `_Pieces`."""
    inner = pattern.removeprefix("^").removesuffix("$")
    for escaped in ("\\.", "\\/", "\\-", ".*"):
        inner = inner.replace(escaped, "/")
    return not inner.strip(_OF_WORDS + "/")


def _compile_re2(pattern: str) -> _Compiled:
    """Compile a pattern with the engine.

    Raises:
        RegexError: not valid, or too large.
    """
    import re2

    _refuse_what_only_re2_takes(pattern)
    options = re2.Options()
    options.log_errors = False  # RE2 would write to standard error by itself
    options.max_mem = MAX_PROGRAM_BYTES
    try:
        compiled: _Compiled = re2.compile(pattern.encode(), options)
    except UnicodeEncodeError:
        raise RegexError("invalid UTF-8") from None
    except re2.error as error:
        raise RegexError(_reason(error)) from None
    return compiled


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


_OF_WORDS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_LETTER = r"[A-Za-z0-9_/-]|\\[./-]"
_INNER = rf"(?:{_LETTER}|\.\*)*"
_EITHER = rf"(\^?{_INNER})(?:\((?:\?:)?({_INNER}(?:\|{_INNER})*)\)|({_LETTER})\?)({_INNER}\$?)"
_LONGEST = 200  # of these, none is too large for RE2
_ESCAPE_OR_GROUP = (
    r"(?s)\\Q.*?(?:\\E|\Z)"  # quoted text: nothing in it is an operator
    r"|\\(?P<escape>.)"
    r"|\(\?P?<(?P<group>[^>]*)>"
)


def _refuse_what_only_re2_takes(pattern: str) -> None:
    # RE2 matches one byte with \C and allows letters of any script in group names; Go allows neither.
    # sops would go on with a selector that matches nothing.
    for match in re.finditer(_ESCAPE_OR_GROUP, pattern):
        if match["escape"] == "C":
            raise RegexError("invalid escape sequence: \\C")
        if match["group"] is not None and not match["group"].isascii():
            raise RegexError(f"invalid named capture group: {match[0]}")


DEFAULT_UNENCRYPTED_SUFFIX = "_unencrypted"


class SelectorKind(Enum):
    """The six ways to say which values are encrypted; the value is the name in files."""

    UNENCRYPTED_SUFFIX = "unencrypted_suffix"
    ENCRYPTED_SUFFIX = "encrypted_suffix"
    UNENCRYPTED_REGEX = "unencrypted_regex"
    ENCRYPTED_REGEX = "encrypted_regex"
    UNENCRYPTED_COMMENT_REGEX = "unencrypted_comment_regex"
    ENCRYPTED_COMMENT_REGEX = "encrypted_comment_regex"


class SelectorSpec(NamedTuple):
    """A selector as it stands in a file or a rule, not yet compiled."""

    kind: SelectorKind
    pattern: str


DEFAULT_SELECTOR = SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, DEFAULT_UNENCRYPTED_SUFFIX)


_SUFFIXES = frozenset({SelectorKind.UNENCRYPTED_SUFFIX, SelectorKind.ENCRYPTED_SUFFIX})
_COMMENTS = frozenset({SelectorKind.UNENCRYPTED_COMMENT_REGEX, SelectorKind.ENCRYPTED_COMMENT_REGEX})
_ENCRYPTING = frozenset(
    {SelectorKind.ENCRYPTED_SUFFIX, SelectorKind.ENCRYPTED_REGEX, SelectorKind.ENCRYPTED_COMMENT_REGEX}
)
_CACHED = 4096  # different keys; manifests repeat a few hundred

_Path = tuple[str | int, ...]
_Comments = tuple[tuple[str, ...], ...]
"""As `document.Path` and `document.CommentStack`; that module stands above this one."""


class Selector:
    """A compiled selector; `compile_selector` makes it."""

    __slots__ = ("_by_comments", "_encrypting", "_matches", "spec")

    def __init__(self, spec: SelectorSpec, matches: Callable[[str], bool]) -> None:
        self.spec = spec
        self._matches = matches
        # Looked up once: `encrypts` is asked for every value of every file.
        self._encrypting = spec.kind in _ENCRYPTING
        self._by_comments = spec.kind in _COMMENTS

    def __repr__(self) -> str:
        """As what it was compiled from."""
        return f"Selector({self.spec!r})"

    def __eq__(self, other: object) -> bool:
        """Whether it was compiled from the same."""
        return self.spec == other.spec if isinstance(other, Selector) else NotImplemented

    def __hash__(self) -> int:
        """Of what it was compiled from."""
        return hash(self.spec)

    @property
    def encrypts_matches(self) -> bool:
        """Whether what matches gets encrypted; else all that does not."""
        return self._encrypting

    @property
    def uses_comments(self) -> bool:
        """It looks at comments, so that it means nothing in formats that have none."""
        return self._by_comments

    def matches(self, text: str) -> bool:
        """Whether one key (or one comment, for the kinds that look at comments) matches.

        Encryption needs it for `unencrypted_comment_regex`: a comment whose ciphertext matches could
        not be told from one that was left plain, and sops refuses to write it.
        """
        return self._matches(text)

    def encrypts(
        self,
        path: _Path,
        comments: _Comments = (),
        *,
        comment: bool = False,
    ) -> bool:
        """Whether the value or comment at a path is encrypted.

        Args:
            path: where it stands, from the root; list positions are never compared.
            comments: the comments in force there, as `document.walk` gives them.
            comment: the item is itself a comment, the last one in the last list of `comments`.
        """
        if self._by_comments:
            found = any(map(self._matches, self._candidates(comments, comment=comment)))
        else:
            found = self._matches_any(path)
        return found == self._encrypting

    def _matches_any(self, path: _Path) -> bool:
        matches = self._matches
        for step in path:  # noqa: SIM110 - asked for every value of every file, and this is twice as fast
            if isinstance(step, str) and matches(step):
                return True
        return False

    def _candidates(self, comments: _Comments, *, comment: bool) -> tuple[str, ...]:
        if comment and self.spec.kind is SelectorKind.ENCRYPTED_COMMENT_REGEX and comments:
            # The comment that switches encryption on stays readable itself.
            comments = (*comments[:-1], comments[-1][:-1])
        return tuple(text for level in comments for text in level)

    def __reduce__(self) -> tuple[object, ...]:
        """Compiled again in another process."""
        return (compile_selector, (self.spec,))


def select_one(fields: Mapping[str, str]) -> SelectorSpec | None:
    """The selector among the fields of a rule, a `sops` block or a command line.

    Other fields are not looked at. Empty texts count as not set, as in Go.

    Returns:
        The one that is set, or None where none is: the caller then takes the default.

    Raises:
        SelectorError: more than one is set; all of them are named.
    """
    found = [SelectorSpec(kind, fields[kind.value]) for kind in SelectorKind if fields.get(kind.value)]
    if len(found) > 1:
        names = " and ".join(spec.kind.value for spec in found)
        raise SelectorError(
            f"several selectors are set: {names}",
            hint="keep one; sops accepts only one",
        )
    return found[0] if found else None


@lru_cache(maxsize=64)
def compile_selector(spec: SelectorSpec) -> Selector:
    """Compile a selector; the same one again costs nothing, since every file of a repository has it.

    Raises:
        SelectorError: the pattern is empty, or no valid regular expression.
    """
    name = spec.kind.value
    if not spec.pattern:
        raise SelectorError(f"{name} is empty", hint="leave the field out for the default")
    if spec.kind in _SUFFIXES:
        suffix = spec.pattern
        return Selector(spec, lambda text: text.endswith(suffix))
    try:
        regex = compile_regex(spec.pattern)
    except RegexError as error:
        raise SelectorError(
            f"{name} is not a valid regular expression: {error}",
            hint=SYNTAX_HINT,
        ) from None
    return Selector(spec, lru_cache(_CACHED)(regex.search))
