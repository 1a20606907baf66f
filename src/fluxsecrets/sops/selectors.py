"""Which values are encrypted: the six kinds of selector, compiled once.

Taken from sops 3.13.2: `shouldBeEncrypted` in sops.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from fluxsecrets.errors import SelectorError

from .regex import SYNTAX_HINT, RegexError, compile_regex

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

    Args:
        fields: texts by name; names that are no selector's are not looked at, and empty texts count
            as not set, as in Go.

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
