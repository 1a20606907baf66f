"""What a value looks like: a secret, a reference to one, or a placeholder.

There are three questions, in this order, for every value under a telling name and for every value of a
Secret. They apply to plain text; base64 is decoded before.
"""

from __future__ import annotations

from functools import lru_cache

from fluxsecrets.marks import is_ciphertext

from .examples import is_example
from .othercipher import is_other_ciphertext
from .placeholders import is_placeholder
from .references import is_reference, rest_of
from .wholetext import entropy, has_random_part, is_whole, looks_random

__all__ = [
    "entropy",
    "is_expression",
    "is_hashed",
    "is_literal",
    "is_placeholder",
    "is_reference",
    "looks_random",
    "may_be_password",
    "may_be_token",
]

_REPEATED = 4096
"""Values whose judgement is remembered: files repeat them, and some rules ask again."""

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
    r"\$\$?2[abxy]\$\$?\d\d\$\$?[./A-Za-z0-9]{20,}|\$\$?(?:argon2\w*|scrypt|[156y]|apr1|pbkdf2\S*?)\$\S*\$[./A-Za-z0-9+=_-]{16,}"
    r"|\{(?:SSHA\d*|SHA|CRYPT|PBKDF2\S*)\}\S*[./A-Za-z0-9+=$]{16,}"
    r"|(?:pbkdf2|argon2|bcrypt|scrypt)[_:$]\S*[:$][A-Za-z0-9+/=.]{16,}|SCRAM-SHA-256\$\d+:\S+\$\S+:\S+"
)
_PUBLIC = (
    r"(?s)age1[02-9ac-hj-np-z]{58}|(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) "
    r"AAAA[A-Za-z0-9+/]{20,}={0,2}(?: .*)?"
    r"|pk_(?:live|test)_[A-Za-z0-9]{20,}|pk\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}|phc_[A-Za-z0-9]{43}"
    r"|-----BEGIN (?:PUBLIC KEY|CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END .*"
)
_EXPRESSION = (
    r"(?s)[\w.$>:\\/@-]*[A-Za-z_][\w.]*\s*\(.*|[\w.$@]+\[.*|\$\$?\{?[A-Za-z_].*"
    r"|[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+(?:[\])}]+\.[A-Za-z_]+\(.*)?"  # `self.token}).encode(`
    r"|<<<[\"']?\$.*|[!&*]\w+.*|function\b.*|new\s.*|await\s.*|lambda\b.*|not\s.*|if\s.*"
    r"|(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*\{.*|Test[A-Z]\w*(?:/\S*)?"  # a struct; `PASS: TestX`
)
_SENTENCE = r"(?s)(?:\S+\s+){3,}\S+"
_URL = r"(?i)[a-z][a-z0-9+.-]*://\S*"
_SCALAR = r"[-+]?\d+(?:\.\d+)?(?:[a-zA-Z]{1,3})?|\d{4}-\d\d-\d\d.*|\d+(?::\d+)+"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


def is_literal(text: str) -> bool:
    """Whether a value is one, rather than empty, a reference, a placeholder or ciphertext."""
    stripped = text.strip()
    return not (
        not stripped
        or is_ciphertext(stripped)
        or is_reference(stripped)
        or is_placeholder(stripped)
        or is_example(stripped)
    )


def is_hashed(text: str) -> bool:
    """Whether a value is the hash of a password."""
    return is_whole(_HASHED, text.strip())


@lru_cache(_REPEATED)
def may_be_password(text: str) -> bool:
    """Whether a literal under a name such as `password` is one, outside of Secrets."""
    stripped = text.strip()
    if not is_literal(stripped) or stripped.lower() in _WORDS_ABOUT or len(stripped) < 3:
        return False
    if is_reference(stripped, loose=True) or is_whole(_LOOSE_PLACEHOLDER, stripped):
        return False
    rest = rest_of(stripped)
    if (
        is_whole(_SENTENCE, stripped if rest is None else rest)
        or is_whole(_URL, stripped)
        or is_hashed(stripped)
    ):
        return False
    if is_other_ciphertext(stripped):
        return False
    return not (is_whole(_PUBLIC, stripped) or (is_whole(_SCALAR, stripped) and len(stripped) < 4))


@lru_cache(_REPEATED)
def may_be_token(text: str) -> bool:
    """Whether a literal under a name such as `token` or `secret` is one, rather than a name or a word."""
    stripped = text.strip()
    if not may_be_password(stripped) or len(stripped) < 8 or any(sign.isspace() for sign in stripped):
        return False
    if is_whole(_DIGEST, stripped) and not is_whole(_HEX_KEY, stripped):
        return False
    if is_whole(_UUID, stripped):
        return True
    if is_whole(_SCALAR, stripped):
        return False
    return looks_random(stripped) or has_random_part(stripped)


_HEX_KEY = r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}"


def is_expression(text: str) -> bool:
    """Whether an unquoted value is code that gets the value from elsewhere: `os.environ["X"]`."""
    return is_whole(_EXPRESSION, text.strip().rstrip("})],;"))
