"""What a value looks like: a secret, a reference to one, or something that stands in for one.

Three questions, in this order, for every value under a name that says something, and for every value of
a Secret. They are asked of plain text; base64 is decoded before.
"""

from __future__ import annotations

import re
from math import log2

from .template import MARK

CIPHERTEXT = "ENC[AES256_GCM,"
"""What an encrypted value starts with."""

# What stands for a value that somebody or something puts in later: what `repo.manifests.is_reference` takes
# for one (this module does without its imports), and templates. Strict on purpose: a password that merely
# starts with `vault:` is a password.
_REFERENCE = r"""
      op://[^/\n]+/[^\n]+                                  # 1Password
    | ref\+(?!echo:)[a-z0-9]+://\S+                        # vals; echo would hold the value itself
    | (?:>>)?vault:[^\s\#]+\#\S+                           # Bank-Vaults
    | <(?:path|vault):[^\s>]+>                             # Argo CD's Vault plugin
    | \$\{[^\s{}]*(?:\{[^{}]*\}[^\s{}]*)*\}                # ${VAR}; a default in it is looked at by itself
    | \$\{\{.*\}\}                                         # GitHub Actions
    | \$\([A-Za-z_][A-Za-z0-9_]*\)                         # $(VAR)
    | \$__(?:file|env|vault)\{.*\}                         # Grafana
    | \{\{.*\}\}                                           # templates
    | \{%.*%\}
    | @[A-Z_][A-Z0-9_]*@
"""
# Outside of Secrets, where values that say nothing by themselves are looked at for their names only.
_LOOSE_REFERENCE = r"""
      secretref\+[a-z0-9]+://\S+
    | \$[A-Za-z_][A-Za-z0-9_]*
    | %[({]?[A-Za-z_][A-Za-z0-9_]*[)}]?[s%]?               # %VAR%, %(VAR)s
    | %\{.*\}
    | <%.*%>
    | @[A-Za-z_][A-Za-z0-9_.-]*@
    | \#\{.*\}\#?
    | (?:env|file|secret|secrets|aws|gcp|azure|awssm|awsssm|keyvault|kms|config|data|conjur|sops|doppler
        |infisical
        |akeyless|bws|keychain|pass)
      (?:://|:/|:(?=[A-Za-z_./-]+$))\S+
    | arn:aws[a-z-]*:\S+
    | projects/[^/\s]+/secrets/\S+
    | /(?:[\w.@+-]+/)*[\w.@+-]+                            # a path
    | \.{1,2}/\S+
    | ~/\S+
    | [A-Za-z]:\\\S+
"""
_IS_REFERENCE = re.compile(rf"\s*(?:{_REFERENCE})\s*", re.VERBOSE | re.DOTALL)
_IS_LOOSE_REFERENCE = re.compile(rf"\s*(?:{_REFERENCE}|{_LOOSE_REFERENCE})\s*", re.VERBOSE | re.DOTALL)
_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*:?[-=+?](?P<default>.*)\}", re.DOTALL)

# What people write where a value is to be put. `password` is none: people do take it for one.
_PLACEHOLDER = re.compile(
    r"""(?:
      <[^<>]*>                                             # <password>
    | \[[A-Za-z _-]*\] | \{[A-Za-z _-]*\} | __[A-Z0-9_]+__ | @@[^@]*@@ | %%[^%]*%%
    | (?P<same>.)(?P=same){3,}                             # xxxx, ****, 0000
    | (?:[xX*.\#_?-]|\u2026|\u2022)+
    | [xX*]{4,}[-_./ xX*]*
    | .{0,8}(?:\.{3}|\u2026|[xX]{6,}|\*{4,}).{0,8}         # ghp_..., AKIAXXXXXXXX
    | (?:please[-_ ]?)?
      (?:change|replace|insert|enter|put|add|set|fill|update|edit|provide|specify|paste|supply|override|use
        |overwrite)
      [-_ ]?(?:me|it|this|that|here|in|your|my|the|with|a|an|before|after|by|from|real|value|secret
        |password|token|key)
      (?:[-_ ,.!]?[a-z]+){0,8}[-_ .!:]*\d{0,3}
    | (?:changeit|replace|placeholder|dummy|redacted|removed|masked|hidden|omitted|sanitized|censored|todo|tbd
        |fixme|fill|insert|sealed|encrypted)
      (?:[-_ ,.!:]?[a-z]+){0,6}[-_ .!]*\d{0,3}
    | your[-_ .]?(?:[a-z0-9]+[-_ .]?){0,5}
      (?:password|passwd|pass|passphrase|secret|token|key|credential|credentials|value|here|string|id|hash
        |apikey|pwd|dsn|webhook|url)s?
      (?:[-_ ]?(?:here|goes|value))*[.!]*
    | (?:[a-z0-9]+[-_ ])*(?:placeholder|goes[-_ ]here
      |to[-_ ]be[-_ ](?:replaced|changed|set|filled|defined|generated)
      |not[-_ ]set|not[-_ ]used|not[-_ ]a[-_ ]real[-_ ](?:[a-z]+)|change[-_ ]?me|replace[-_ ]?me)
      (?:[-_ ]?[a-z]+){0,4}\d{0,3}
    | none | null | nil | undefined | unset | empty | n/?a | tba | unused | ignored? | disabled | unknown
    | foo | bar | baz | foobar | lorem | ipsum
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

_LOOSE_PLACEHOLDER = re.compile(
    r"(?:my|some|the|a|an|this|any|example|sample|test)[-_ .](?:[a-z0-9]+[-_ .])?"
    r"(?:password|passwd|pass|passphrase|secret|token|key|credential|value)s?|examples?|sample",
    re.IGNORECASE,
)

# Types and flags, in schemas, code and documentation; in a Secret they are values as any other.
_WORDS_ABOUT = frozenset(
    {
        "string",
        "str",
        "bool",
        "boolean",
        "int",
        "integer",
        "number",
        "object",
        "bytes",
        "byte",
        "array",
        "true",
    }
    | {
        "false",
        "yes",
        "no",
        "on",
        "off",
        "required",
        "optional",
        "password",
        "passwd",
        "secret",
        "token",
        "key",
    }
    | {"text", "hidden", "plain", "basic", "bearer", "file", "env", "default", "auto", "random", "generated"}
    | {
        "self",
        "this",
        "any",
        "never",
        "unknown",
        "void",
        "readonly",
        "select",
        "input",
        "value",
        "type",
        "and",
    }
    | {"or", "is", "the", "not", "always", "optional[str]", "secretstr", "credentials", "opaque", "inherit"}
    | {
        "passwordcredentials",
        "apikey",
        "api_key",
        "x-api-key",
        "authorization",
        "oauth",
        "oauth2",
        "jwt",
        "oidc",
    }
    | {
        "saml",
        "ldap",
        "md5",
        "scram-sha-256",
        "trust",
        "rsa",
        "ed25519",
        "ecdsa",
        "aes",
        "tls",
        "access_token",
    }
    | {"refresh_token", "id_token", "client_secret", "none", "null", "-", "|", ">"}
)
_DIGEST = re.compile(
    r"(?:(?:sha(?:1|224|256|384|512)|md5|blake2[bs]?)[:=-])[0-9A-Za-z+/=]+"
    r"|h1:[A-Za-z0-9+/]{43}=|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}"
)
_HASHED = re.compile(
    r"\$(?:2[abxy]|argon2\w*|scrypt|[156y]|apr1|pbkdf2\S*?)\$\S+|\{(?:SSHA\d*|SHA|CRYPT|PBKDF2\S*)\}\S+"
    r"|(?:pbkdf2|argon2|bcrypt|scrypt)[_:$]\S+|SCRAM-SHA-256\$\S+"
)
_PUBLIC = re.compile(
    r"(?:age1[02-9ac-hj-np-z]|ssh-(?:rsa|ed25519|dss) |ecdsa-sha2|-----BEGIN (?:PUBLIC|CERTIFICATE))"
)
_KUBERNETES_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_-]*(?:[./][A-Za-z_][\w-]*)*(?:\(.*\))?")
_EXPRESSION = re.compile(
    r"[\w.$>:\\/@-]*[A-Za-z_][\w.]*\s*\(.*|[\w.$@]+\[.*\].*|\$\{?[A-Za-z_].*|[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+"
    r"|[!&*]\w+.*|function\b.*|new\s.*|await\s.*|lambda\b.*|not\s.*|if\s.*",
    re.DOTALL,
)
_SENTENCE = re.compile(r"(?:\S+\s+){3,}\S+", re.DOTALL)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)
_SCALAR = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[a-zA-Z]{1,3})?|\d{4}-\d\d-\d\d.*|\d+(?::\d+)+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def is_ciphertext(text: str) -> bool:
    """Whether a value is encrypted by sops."""
    return text.startswith(CIPHERTEXT) and text.rstrip().endswith("]")


def is_reference(text: str) -> bool:
    """Whether a value says where the secret is, and holds none itself; strict, as for Secrets."""
    return _refers(text, _IS_REFERENCE)


def _refers(text: str, pattern: re.Pattern[str]) -> bool:
    default = _DEFAULT.fullmatch(text.strip())
    if default is not None:
        inner = default["default"]
        return not inner or _refers(inner, pattern) or is_placeholder(inner)
    return pattern.fullmatch(text) is not None


def is_placeholder(text: str) -> bool:
    """Whether a value stands where somebody is to put a secret: `REPLACE_ME`, `<password>`, `xxxx`."""
    stripped = text.strip().strip("\"'`")
    return not stripped or (len(stripped) < 200 and _PLACEHOLDER.fullmatch(stripped) is not None)


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


def may_be_password(text: str) -> bool:
    """Whether a literal under a name such as `password` is one, outside of Secrets."""
    stripped = text.strip()
    if not is_literal(stripped) or stripped.lower() in _WORDS_ABOUT or len(stripped) < 3:
        return False
    if _refers(stripped, _IS_LOOSE_REFERENCE) or _LOOSE_PLACEHOLDER.fullmatch(stripped):
        return False
    if _SENTENCE.fullmatch(stripped) or _URL.fullmatch(stripped) or _HASHED.fullmatch(stripped):
        return False
    return not (_PUBLIC.match(stripped) or (_SCALAR.fullmatch(stripped) and len(stripped) < 4))


def may_be_token(text: str) -> bool:
    """Whether a literal under a name such as `token` or `secret` is one, rather than a name or a word."""
    stripped = text.strip()
    if not may_be_password(stripped) or len(stripped) < 8 or any(sign.isspace() for sign in stripped):
        return False
    if _DIGEST.fullmatch(stripped) and not _HEX_KEY.fullmatch(stripped):
        return False
    if _UUID.fullmatch(stripped):
        return True
    if _SCALAR.fullmatch(stripped):
        return False
    return looks_random(stripped)


_HEX_KEY = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128}")


def is_expression(text: str) -> bool:
    """Whether an unquoted value is code that gets the value from elsewhere: `os.environ["X"]`."""
    return _EXPRESSION.fullmatch(text.strip()) is not None


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


_VERSION = re.compile(
    r"v?\d+(?:[a-z]+\d*)?|[a-z]+\d{1,4}|[A-Z]+\d{0,4}|[A-Z]?[a-z]+\d{0,4}|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+\d{0,2}"
)


def _odd(word: str) -> bool:
    """Whether a word is none that people make: `kX9vQ2` is odd, `postgres16` and `clientSecret` are not."""
    if _VERSION.fullmatch(word):
        # Long ones are no words: nobody writes twenty letters without a sign between.
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
