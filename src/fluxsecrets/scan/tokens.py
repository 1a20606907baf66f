"""Token rules at work: where in some bytes a rule's token stands, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.findings import Confidence, RuleInfo
from fluxsecrets.findings.fingerprint import value_part
from fluxsecrets.marks import KEYS_FOLDER

from .blob import Blob
from .examples import is_example
from .expressions import compiled
from .match import Match, Rank
from .rules import PAIRS, TOKEN_RULES, TokenRule
from .rules.checks import check_age, check_github, check_gitlab, check_npm
from .values import entropy, is_placeholder, is_reference

if TYPE_CHECKING:
    from .decode import Decoded

_ABOUT = (
    rb"(?:[_.-](?i:ids?|u?uid|hash|sha\d*|md5|digest|checksum|fingerprint|thumbprint|version|revision|name|ref|path)"
    rb"|(?<=[a-z\d])(?:I[dD]s?|Hash|Sha\d*|Digest|Checksum|Fingerprint|Version|Revision|Name|Ref|Path))$"
    rb"|(?:^|[_.-])(?i:public)(?:$|[_.-])|(?<=[a-z\d])Public"
)
"""Names that are about a secret, or of its public half: `API_KEY_ID`, `tokenHash`."""
_SECRET_ID = rb"(?i:secret)[_.-]?(?i:id)$"
"""Such a name that is a secret's: Vault's AppRole."""
_CREDENTIAL = rb"(?i:key|token|secret|passw(?:or)?d|passphrase|pat|auth)"
_WORD = rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
_CREDENTIAL_WORD = rb"(?i:\w*(?:key|token|secret|passw(?:or)?d|passphrase)s?|pats?|auth)"
_MADE_UP = (b"example", b"xxxxx", b"00000000", b"12345678", b"abcdefgh", b"*****", b".....")


_CHECKSUMS = (check_age, check_github, check_gitlab, check_npm)


class Token(NamedTuple):
    """A token in some bytes.

    Attributes:
        confidence: high where its checksum or structure holds, low where it does not.
        shown: what of it is the same for all of its kind.
    """

    rule: TokenRule
    start: int
    end: int
    confidence: Confidence
    shown: str


def token_info(rule: TokenRule) -> RuleInfo:
    """A token rule as reports and `rules list` show it."""
    return RuleInfo(
        rule.id, rule.title, rule.severity, rule.explanation, rule.fix, f"scan-rules.md#{rule.id}"
    )


def find_tokens(rules: Sequence[TokenRule], data: bytes) -> Iterator[Token]:
    """The tokens of these rules; where two stand in the same place, the earlier rule's."""
    taken: list[tuple[int, int]] = []
    for rule in rules:
        for match in compiled(rule.pattern).finditer(data):
            start, end = match.span(rule.group)
            if end == start or _is_about(data[match.start() : start]):
                continue
            token = _token(rule, data[start:end], start)
            if token is None or any(start < last and first < end for first, last in taken):
                continue
            taken.append((start, end))
            yield token
            yield from _paired(token, data, taken)


def _token(rule: TokenRule, secret: bytes, start: int) -> Token | None:
    """The token, or None where it is one that only shows what they look like."""
    if rule.entropy is not None and entropy(secret) < rule.entropy:
        return None
    verdict = rule.check(secret) if rule.check is not None else True
    # Nobody makes up a checksum: a word in such a token is there by chance.
    if _is_printed(secret) or (_is_made_up(secret) and not (verdict and rule.check in _CHECKSUMS)):
        return None
    confidence = {True: Confidence.HIGH, False: Confidence.LOW, None: Confidence.MEDIUM}[verdict]
    return Token(rule, start, start + len(secret), confidence, _shown(rule, secret))


def _is_about(before: bytes) -> bool:
    """Return whether the name in front of a value is not that of a secret.

    It says that the value only identifies or checks one, or has no word for a credential: `author`, `path`.
    """
    match = re.match(rb"[\w.-]*", before)
    name = b"" if match is None else match[0]
    if not re.search(_CREDENTIAL, name):
        return False
    if re.search(_ABOUT, name):
        return not re.search(_SECRET_ID, name)
    return not any(re.fullmatch(_CREDENTIAL_WORD, word) for word in re.findall(_WORD, name))


def _is_printed(secret: bytes) -> bool:
    return len(secret) < 2000 and is_example(secret.decode("latin-1"))


def _is_made_up(secret: bytes) -> bool:
    head = secret[:200]
    lower = head.lower()
    if len(secret) < 200 and any(mark in lower for mark in _MADE_UP):
        return True
    text = head.decode("latin-1")
    return len(secret) < 200 and (is_placeholder(text) or is_reference(text))


def _shown(rule: TokenRule, secret: bytes) -> str:
    lower = secret[:64].lower()
    starts = [keyword for keyword in rule.keywords if lower.startswith(keyword)]
    longest = max(map(len, starts), default=0)
    return secret[:longest].decode("latin-1") if longest * 2 <= len(secret) else ""


def _paired(token: Token, data: bytes, taken: list[tuple[int, int]]) -> Iterator[Token]:
    """Secrets that only a token beside them gives away."""
    for pair in PAIRS:
        if pair.beside != token.rule.id:
            continue
        first = max(0, token.start - pair.within)
        for match in compiled(pair.pattern).finditer(data[first : token.end + pair.within]):
            start, end = match.start(1) + first, match.end(1) + first
            secret = data[start:end]
            if entropy(secret) < pair.entropy or _is_made_up(secret):
                continue
            if any(start < last and begin < end for begin, last in taken):
                continue
            taken.append((start, end))
            rule = next(each for each in TOKEN_RULES if each.id == pair.rule)
            yield Token(rule, start, end, token.confidence, "")


def token_match(blob: Blob, data: bytes, token: Token, decoded: Decoded | None) -> Match:
    """A token as a match.

    Args:
        blob: the file.
        data: the bytes that the token is in: those of the file, or what is decoded of them.
        token: the token.
        decoded: what the bytes are decoded from, or None.
    """
    rule, secret = token.rule, data[token.start : token.end]
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
