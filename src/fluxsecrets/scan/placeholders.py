"""What people write where somebody is to put a secret: `REPLACE_ME`, `<password>`, `xxxx`."""

from __future__ import annotations

from fluxsecrets.placeholders.mark import is_masked

from .wholetext import any_of, is_whole, looks_random

# What people write where a value belongs. `password` is not among it: people do use it as a value.
_TO_DO = (
    "change|replace|insert|enter|put|add|set|fill|update|edit|provide|specify|paste|supply|override|overwrite"
    "|use"
)
_WHAT = (
    "me|it|this|that|here|in|your|my|the|with|a|an|before|after|by|from|real|value|secret|password|token|key"
)
_SECRETS = (
    "password|passwd|pass|passphrase|secret|token|key|credentials?|value|here|string|id|hash|apikey|pwd|dsn"
    "|webhook|url"
)
_PLACEHOLDERS = (
    r"<[^<>]*>(?:[:@/ ._-]*<[^<>]*>)*",  # <password>, <user>:<password>
    r"(?:overwritten|overridden|injected|provided|replaced|supplied|set)[-_ ](?:by|from|in|via|at|with)"
    r"(?:[-_ ][a-z]+)+",
    r"\[[A-Za-z _-]*\]|\{[A-Za-z _-]*\}|__[A-Z0-9_]+__|@@[^@]*@@|%%[^%]*%%",
    r"(?:[X*.#_?-]|\x{2022}){3}(?:[X*.#_?-]|\x{2022})*|\x{2026}",  # xxxx, ****
    r"[X*]{4}[X*]*[-_./ X*]*",
    r"\*\*+[A-Z]+\*\*+|\{\"mask\": ?\"\*\*SOPS\*\*\"\}",  # as flux masks what it shows
    r".{0,8}(?:\.{3}|\x{2026}|X{6}X*|\*{4}\**).{0,8}",  # ghp_..., AKIAXXXXXXXX
    rf"(?:please[-_ ]?)?(?:{_TO_DO})[-_ ]?(?:{_WHAT})(?:[-_ ,.!]?[a-z]+)*[-_ .!:]*\d{{0,3}}",
    r"(?:changeit|replace|placeholder|dummy|fake|bogus|redacted|removed|masked|hidden|omitted|sanitized|censored|todo|tbd|fixme"
    r"|fill|insert|sealed|encrypted)(?:[-_ ,.!:]?[a-z]+)*[-_ .!]*\d{0,3}",
    rf"your[-_ .]?(?:[a-z0-9]+[-_ .]?)*(?:{_SECRETS})s?(?:[-_ ]?(?:here|goes|value))*[.!]*",
    r"(?:[a-z0-9]+[-_ ])*(?:placeholder|goes[-_ ]here|not[-_ ]set|not[-_ ]used|not[-_ ]a[-_ ]real[-_ ][a-z]+"
    r"|to[-_ ]be[-_ ](?:replaced|changed|set|filled|defined|generated)|change[-_ ]?me|replace[-_ ]?me)"
    r"(?:[-_ ]?[a-z]+)*\d{0,3}",
    r"no[-_ ]?(?:pass(?:word|wd)?|secret|token)(?:[-_ ]?(?:is[-_ ])?(?:needed|required|set|here))?",
    r"none|null|nil|undefined|unset|empty|n/?a|tba|unused|ignored?|disabled|unknown",
    r"foo|bar|baz|foobar|lorem|ipsum",
)
_PLACEHOLDER = f"(?i){any_of(*_PLACEHOLDERS)}"
_LONGEST_PLACEHOLDER = 100
_SIGNS = str.maketrans(dict.fromkeys("<>[]{}@%_", " "))


def is_placeholder(text: str) -> bool:
    """Whether a value fills the place of a secret: `REPLACE_ME`, `<password>`, or the mark of `masked`."""
    stripped = text.strip().strip("\"'`")
    if not stripped or is_masked(stripped) or (len(stripped) > 3 and len(set(stripped)) == 1):
        return True
    if len(stripped) > _LONGEST_PLACEHOLDER or not is_whole(_PLACEHOLDER, stripped):
        return False
    return not looks_random(stripped.translate(_SIGNS).strip())
