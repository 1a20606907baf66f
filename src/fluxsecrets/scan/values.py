"""What a value looks like: a secret, a reference to one, or a placeholder.

There are three questions, in this order, for every value under a telling name and for every value of a
Secret. They apply to plain text; base64 is decoded before.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from math import log2
from typing import Any

from fluxsecrets.marks import is_ciphertext

from .template import MARK

_REPEATED = 4096
"""Values whose judgement is remembered: files repeat them, and some rules ask again."""


def _any(*alternatives: str) -> str:
    return f"(?s)\\s*(?:{'|'.join(alternatives)})\\s*"


# What stands for a value that somebody or something puts in later: what `repo.manifests.is_reference` takes
# for one (this module does without its imports), and templates. Strict on purpose: a password that merely
# starts with `vault:` is a password. `ref+echo:` would hold the value itself.
_REFERENCES = (
    r"op://[^/\n]+/[^\n]+",  # 1Password
    r"ref\+[a-z0-9]+://\S+",  # vals
    r"(?:>>)?vault:[^\s#]+#\S+",  # Bank-Vaults
    r"<(?:path|vault):[^\s>]+>",  # Argo CD's Vault plugin
    r"\$\{[^\s{}]*(?:\{[^{}]*\}[^\s{}]*)*\}",  # ${VAR}; a default in it is looked at by itself
    r"\$\{\{.*\}\}",  # GitHub Actions
    r"\$\([A-Za-z_][A-Za-z0-9_]*\)",  # $(VAR)
    r"\$__(?:file|env|vault)\{.*\}",  # Grafana
    r"\{\{.*\}\}",  # templates
    r"\{%.*%\}",
    r"@[A-Z_][A-Z0-9_]*@",
)
# Outside of Secrets, where values that say nothing by themselves are looked at for their names only.
_STORES = (
    "env|file|secrets?|aws|gcp|azure|awssm|awsssm|keyvault|kms|config|data|conjur|sops|doppler|infisical|akeyless"
    "|bws|keychain|pass"
)
_LOOSE_REFERENCES = (
    r"secretref\+[a-z0-9]+://\S+",
    r"\$[A-Za-z_][A-Za-z0-9_]*",
    r"%[({]?[A-Za-z_][A-Za-z0-9_]*[)}]?[s%]?",  # %VAR%, %(VAR)s
    r"%\{.*\}",
    r"<%.*%>",
    r"@[A-Za-z_][A-Za-z0-9_.-]*@",
    r"#\{.*\}#?",
    rf"(?:{_STORES})(?:://?\S+|:[A-Za-z_./-]+)",
    r"arn:aws[a-z-]*:\S+",
    r"projects/[^/\s]+/secrets/\S+",
    r"/(?:[\w.@+-]+/)*[\w.@+-]+",  # a path
    r"\.\.?/\S+",
    r"~/\S+",
    r"[A-Za-z]:\\\S+",
)
_IS_REFERENCE = _any(*_REFERENCES)
_IS_LOOSE_REFERENCE = _any(*_REFERENCES, *_LOOSE_REFERENCES)
_DEFAULT = r"(?s)\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=+?](?P<default>.*)\}"

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
    r"<[^<>]*>",  # <password>
    r"\[[A-Za-z _-]*\]|\{[A-Za-z _-]*\}|__[A-Z0-9_]+__|@@[^@]*@@|%%[^%]*%%",
    r"(?:[X*.#_?-]|\x{2022}){3}(?:[X*.#_?-]|\x{2022})*|\x{2026}",  # xxxx, ****
    r"[X*]{4}[X*]*[-_./ X*]*",
    r"\*\*+[A-Z]+\*\*+|\{\"mask\": ?\"\*\*SOPS\*\*\"\}",  # as flux masks what it shows
    r".{0,8}(?:\.{3}|\x{2026}|X{6}X*|\*{4}\**).{0,8}",  # ghp_..., AKIAXXXXXXXX
    rf"(?:please[-_ ]?)?(?:{_TO_DO})[-_ ]?(?:{_WHAT})(?:[-_ ,.!]?[a-z]+)*[-_ .!:]*\d{{0,3}}",
    r"(?:changeit|replace|placeholder|dummy|redacted|removed|masked|hidden|omitted|sanitized|censored|todo|tbd|fixme"
    r"|fill|insert|sealed|encrypted)(?:[-_ ,.!:]?[a-z]+)*[-_ .!]*\d{0,3}",
    rf"your[-_ .]?(?:[a-z0-9]+[-_ .]?)*(?:{_SECRETS})s?(?:[-_ ]?(?:here|goes|value))*[.!]*",
    r"(?:[a-z0-9]+[-_ ])*(?:placeholder|goes[-_ ]here|not[-_ ]set|not[-_ ]used|not[-_ ]a[-_ ]real[-_ ][a-z]+"
    r"|to[-_ ]be[-_ ](?:replaced|changed|set|filled|defined|generated)|change[-_ ]?me|replace[-_ ]?me)"
    r"(?:[-_ ]?[a-z]+)*\d{0,3}",
    r"none|null|nil|undefined|unset|empty|n/?a|tba|unused|ignored?|disabled|unknown",
    r"foo|bar|baz|foobar|lorem|ipsum",
)
_PLACEHOLDER = f"(?i){_any(*_PLACEHOLDERS)}"
_LONGEST_PLACEHOLDER = 100
_LOOSE_PLACEHOLDER = (
    r"(?i)(?:my|some|the|a|an|this|any|example|sample|test)[-_ .](?:[a-z0-9]+[-_ .])?"
    r"(?:password|passwd|pass|passphrase|secret|token|key|credential|value)s?|examples?|sample"
)

# Types, flags and what stands in every example; in a Secret they are values as any other.
_WORDS_ABOUT = frozenset(
    """
    - > access_token aes always and any api_key apikey array authorization auto basic bearer bool
    boolean byte bytes client_secret credentials default demo ecdsa ed25519 env false file generated
    hidden id_token inherit input int integer is jwt key ldap md5 mypass never no none not null number
    oauth oauth2 object off oidc on opaque optional optional[str] or pass passwd password
    passwordcredentials plain random readonly refresh_token required rsa saml scram-sha-256 secret
    secretstr select self str string test testing text the this tls token true trust type unknown user
    username value void x-api-key yes |
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is harder to read
)
_DIGEST = (
    r"(?:(?:sha(?:1|224|256|384|512)|md5|blake2[bs]?)[:=-])[0-9A-Za-z+/=]+"
    r"|h1:[A-Za-z0-9+/]{43}=|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}"
)
_HASHED = (
    r"\$(?:2[abxy]|argon2\w*|scrypt|[156y]|apr1|pbkdf2\S*?)\$\S+|\{(?:SSHA\d*|SHA|CRYPT|PBKDF2\S*)\}\S+"
    r"|(?:pbkdf2|argon2|bcrypt|scrypt)[_:$]\S+|SCRAM-SHA-256\$\S+"
)
_PUBLIC = (
    r"(?s)(?:age1[02-9ac-hj-np-z]|ssh-(?:rsa|ed25519|dss) |ecdsa-sha2|-----BEGIN (?:PUBLIC|CERTIFICATE)).*"
)
_EXPRESSION = (
    r"(?s)[\w.$>:\\/@-]*[A-Za-z_][\w.]*\s*\(.*|[\w.$@]+\[.*|\$\$?\{?[A-Za-z_].*"
    r"|[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+"
    r"|[!&*]\w+.*|function\b.*|new\s.*|await\s.*|lambda\b.*|not\s.*|if\s.*"
    r"|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*\{.*|Test[A-Z]\w*(?:/\S*)?"  # a struct; `PASS: TestX`
)
_SENTENCE = r"(?s)(?:\S+\s+){3,}\S+"
_URL = r"(?i)[a-z][a-z0-9+.-]*://\S*"
_SCALAR = r"[-+]?\d+(?:\.\d+)?(?:[a-zA-Z]{1,3})?|\d{4}-\d\d-\d\d.*|\d+(?::\d+)+"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


@cache
def _whole(pattern: str) -> Any:
    """RE2 takes a tenth of the time that Python takes to compile these, which is most of what they cost."""
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options).fullmatch


def _is(pattern: str, text: str) -> bool:
    """Whether a text as a whole matches."""
    try:
        return _whole(pattern)(text) is not None
    except UnicodeEncodeError:  # bytes that are not UTF-8, as surrogates
        return _whole(pattern)(text.encode("utf-8", "replace").decode()) is not None


def is_reference(text: str) -> bool:
    """Whether a value says where the secret is, and holds none itself; strict, as for Secrets."""
    return _refers(text, _IS_REFERENCE)


def _refers(text: str, pattern: str) -> bool:
    stripped = text.strip()
    if stripped.startswith("${"):
        default = re.fullmatch(_DEFAULT, stripped)
        if default is not None:
            inner = default["default"]
            return not inner or _refers(inner, pattern) or is_placeholder(inner)
    return not stripped.startswith("ref+echo:") and _is(pattern, stripped)


def is_placeholder(text: str) -> bool:
    """Whether a value stands where somebody is to put a secret: `REPLACE_ME`, `<password>`, `xxxx`."""
    stripped = text.strip().strip("\"'`")
    if not stripped or (len(stripped) > 3 and len(set(stripped)) == 1):
        return True
    return len(stripped) <= _LONGEST_PLACEHOLDER and _is(_PLACEHOLDER, stripped)


def is_literal(text: str) -> bool:
    """Whether a value is one, rather than empty, a reference, a placeholder or ciphertext."""
    stripped = text.strip()
    return not (
        not stripped
        or MARK in stripped
        or is_ciphertext(stripped)
        or is_reference(stripped)
        or is_placeholder(stripped)
    )


def is_hashed(text: str) -> bool:
    """Whether a value is the hash of a password."""
    return _is(_HASHED, text.strip())


@lru_cache(_REPEATED)
def may_be_password(text: str) -> bool:
    """Whether a literal under a name such as `password` is one, outside of Secrets."""
    stripped = text.strip()
    if not is_literal(stripped) or stripped.lower() in _WORDS_ABOUT or len(stripped) < 3:
        return False
    if _refers(stripped, _IS_LOOSE_REFERENCE) or _is(_LOOSE_PLACEHOLDER, stripped):
        return False
    if _is(_SENTENCE, stripped) or _is(_URL, stripped) or is_hashed(stripped):
        return False
    return not (_is(_PUBLIC, stripped) or (_is(_SCALAR, stripped) and len(stripped) < 4))


@lru_cache(_REPEATED)
def may_be_token(text: str) -> bool:
    """Whether a literal under a name such as `token` or `secret` is one, rather than a name or a word."""
    stripped = text.strip()
    if not may_be_password(stripped) or len(stripped) < 8 or any(sign.isspace() for sign in stripped):
        return False
    if _is(_DIGEST, stripped) and not _is(_HEX_KEY, stripped):
        return False
    if _is(_UUID, stripped):
        return True
    if _is(_SCALAR, stripped):
        return False
    return looks_random(stripped)


_HEX_KEY = r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}"


def is_expression(text: str) -> bool:
    """Whether an unquoted value is code that gets the value from elsewhere: `os.environ["X"]`."""
    return _is(_EXPRESSION, text.strip())


def looks_random(text: str) -> bool:
    """Whether a text looks made by a machine, rather than written by a person as a name.

    Names are words joined by signs; what is random changes between letters, digits and cases inside of
    what would be words.
    """
    if len(text) < 8:
        return False
    bits = entropy(text)
    words = [word for word in re.split(r"[-_./:@+ =]+", text) if word]
    odd = sum(_odd(word) for word in words)
    if not odd:
        return False
    return bits >= (2.5 if len(text) < 16 else 3.0) and odd * 2 >= len(words) - 1


_VERSION = (
    r"v?\d+(?:[a-z]+\d*)?|[a-z]+\d{1,4}|[A-Z]+\d{0,4}|[A-Z]?[a-z]+\d{0,4}|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+\d{0,2}"
)


def _odd(word: str) -> bool:
    """Whether people would not make up a word: `kX9vQ2` is odd, `postgres16` and `clientSecret` are not."""
    if _is(_VERSION, word):
        # Long ones are not words: nobody writes twenty letters without a separator.
        return len(word) > 24 and not _has_vowels(word)
    return len(word) > 3


def _has_vowels(word: str) -> bool:
    vowels = sum(sign in "aeiouyAEIOUY" for sign in word)
    return vowels * 5 >= len(word)


def entropy(text: str | bytes) -> float:
    """Shannon entropy in bits a character."""
    if not text:
        return 0.0
    total = len(text)
    counts = (
        [text.count(sign) for sign in set(text)]
        if isinstance(text, str)
        else [text.count(bytes((sign,))) for sign in set(text)]
    )
    return -sum(count / total * log2(count / total) for count in counts)
