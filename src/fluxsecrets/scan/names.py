"""What a key's name says about its value: `DB_PASSWORD`, `adminPassword`, `oauth.client-secret`.

A name is cut into words, and its last words decide: `passwordLength` and `secretName` say nothing about a
secret, `secret_value` and `password2` do.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache


class Telling(IntEnum):
    """How much a name says.

    NOTHING: the value may be anything.
    MAYBE: a secret, or the name of one (`token`, `secret`, `key`): the value has to look like one.
    SURELY: a value here is a secret whatever it looks like (`password`).
    """

    NOTHING = 0
    MAYBE = 1
    SURELY = 2


LOGIN_FILES = {
    **dict.fromkeys((".netrc", "_netrc", "netrc"), "netrc"),
    **dict.fromkeys((".npmrc", "npmrc"), "npmrc"),
    ".pypirc": "pypirc",
    **dict.fromkeys((".pgpass", "pgpass", "pgpass.conf"), "pgpass"),
    ".vault-token": "token",
    **dict.fromkeys((".htpasswd", "htpasswd"), "htpasswd"),
    "userlist.txt": "userlist",
    **dict.fromkeys(("passwd", "shadow", "pwfile", "mosquitto_passwd"), "hashes"),
}
"""The forms of files in which programs keep their logins, by name in lower case."""

_LOGIN_SUFFIXES = {".htpasswd": "htpasswd", ".passwd": "hashes", ".netrc": "netrc", ".pgpass": "pgpass"}
_LOGIN_ENDS = tuple(_LOGIN_SUFFIXES)


def login_form(path: str) -> str:
    """The form of a login file by its name, or "" for other files."""
    name = path.rpartition("/")[2].lower()
    if not name.endswith(_LOGIN_ENDS):
        return LOGIN_FILES.get(name, "")
    return LOGIN_FILES.get(name) or next(
        form for suffix, form in _LOGIN_SUFFIXES.items() if name.endswith(suffix)
    )


LONGEST = 100
"""Characters; anything longer is not a name."""

SENSITIVE_WORDS = (
    r"pass(?:word|wd|phrase|code)?|pwd|psk|secret|token|credentials?|bearer|cookie|[_-]pat|apikey|accesskey|secretkey"
    r"|masterauth|(?:bind|root|[_.-])pw|(?:api|access|secret|private|encryption|encrypt|signing|sign|master|shared|auth|admin|account|storage"
    r"|license|licence|webhook|session|app|application|deploy|hmac|aes|jwt|service|client|root|rpc|write|hash"
    r"|ingest|integration|routing|cookie)[_.-]?key|salt|authorization|(?:secret|token|key)[_.-]?base|mnemonic"
)
"""What a telling name ends with, as a regular expression for RE2 and hyperscan, without regard to case."""

_TRAILING_WORDS = (
    r"value|plain|text|string|str|base64|b64|default|old|new|prod|production|staging|stage|dev|development|test"
    r"|live|current|previous|unencrypted|decrypted|primary|secondary|raw|data|here|v1|v2|enc|[0-9]+"
)

TELLING_NAME = rf"[A-Za-z0-9_.-]*(?:{SENSITIVE_WORDS})(?:[_.-]?(?:{_TRAILING_WORDS}))*"
"""A telling name, for RE2 and hyperscan, without regard to case; what it finds, `telling` judges."""

WORD = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+"
"""A word of a name."""

_SURE = frozenset(
    {"password", "passwd", "passphrase", "passcode", "pwd", "psk", "mnemonic", "requirepass", "masterauth"}
    | {"bindpw", "rootpw", "storepass", "keypass", "dbpass", "rootpass", "userpass", "adminpass"}
)
_MAYBE = frozenset(
    {"pass", "pat", "secret", "token", "credential", "credentials", "bearer", "cookie", "apikey", "accesskey"}
    | {"secretkey", "salt", "authorization", "privatekey", "clientsecret", "authtoken"}
    | {"accesstoken", "refreshtoken", "apitoken", "bottoken", "secrettoken"}
)
# Written together without a sign that would part them: `dbpassword`, `apitoken`
_SURE_END = ("password", "passwd", "passphrase")
_MAYBE_END = ("secret", "token", "apikey", "secretkey", "privatekey", "accesskey", "encryptionkey")
# Of sudoers and of settings: that there is no password.
_ABSENT = frozenset({"nopasswd", "nopassword", "nopass"})
# What makes a password of `pass` and `pw`: `DB_PASS`. Alone, they may be a result or a ticket.
_PASS_OF = frozenset(
    """
    db database sql mysql mariadb postgres postgresql pg redis mongo mongodb smtp mail email imap pop ftp sftp
    http ldap bind ssh sudo become mqtt rabbitmq amqp proxy auth basic login account user admin root wifi key
    store keystore truststore vpn rcon vnc ipmi bmc registry docker git backup restic borg gpg pgp rpc grafana
    elastic influx influxdb samba smb
    """.split()  # noqa: SIM905 - a list of sixty quoted words is harder to read
)
CONTAIN_PASS = frozenset({"bypass", "compass", "surpass", "trespass", "overpass", "underpass", "encompass"})
"""Words that end like a name of a password."""

# What makes a key of `key`.
_KEY_OF = frozenset(
    {
        "api",
        "access",
        "secret",
        "private",
        "encryption",
        "encrypt",
        "signing",
        "sign",
        "master",
        "shared",
        "preshared",
    }
    | {"auth", "admin", "account", "storage", "license", "licence", "webhook", "session", "app"}
    | {"application", "deploy", "hmac", "aes", "jwt", "service", "client", "root", "rpc", "write"}
    | {"hash", "ingest", "integration", "cookie", "routing", "preshared"}
)
# Behind a telling word these change nothing.
_TRAILING = frozenset(_TRAILING_WORDS.split("|"))
# A public thing, or a word about a secret.
_HARMLESS_BEFORE = frozenset(
    {
        "public",
        "pub",
        "checksum",
        "hash",
        "hashed",
        "digest",
        "sha",
        "sha256",
        "no",
        "is",
        "has",
        "use",
        "require",
        "requires",
        "enable",
        "max",
    }
)


@lru_cache(maxsize=8192)
def telling(name: str) -> Telling:
    """How much a key's name says about its value."""
    if not 2 < len(name) <= LONGEST:
        return Telling.NOTHING
    words = [word.lower() for word in re.findall(WORD, name)]
    while words and (words[-1].isdigit() or words[-1] in _TRAILING):
        words.pop()
    if not words or (len(words) > 1 and words[0] in _HARMLESS_BEFORE) or words[0] == "public":
        return Telling.NOTHING
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if last in _ABSENT or _is_of_secret(words, before):
        return Telling.NOTHING
    if last in _SURE or last.endswith(_SURE_END) or (last in ("pass", "pw") and before in _PASS_OF):
        return Telling.SURELY
    return Telling.MAYBE if _may_be(words, last, before) else Telling.NOTHING


_PLURALS = frozenset(
    {"passwords", "passphrases", "passcodes", "psks", "tokens", "secrets", "keys", "apikeys", "credentials"}
)


@lru_cache(maxsize=8192)
def singular(name: str) -> str:
    """The name of one of several: `apiKey` for `apiKeys`; "" for a name that is not a telling plural."""
    words = [word.lower() for word in re.findall(WORD, name)]
    one = name.removesuffix("s").removesuffix("S")
    return one if words and words[-1] in _PLURALS and telling(one) is not Telling.NOTHING else ""


_BETWEEN = r"[_./ ()-]*"
"""What people put between the words of a name."""


def _sign() -> str:
    """What every telling name ends with, from the tables that `telling` goes by."""
    last = {*_SURE, *_SURE_END, *_MAYBE, *_MAYBE_END, "pw"} - {"pat"}
    ends = sorted(word for word in last if not any(map(word.endswith, last - {word})))
    keys = rf"(?:{'|'.join(sorted(_KEY_OF))}){_BETWEEN}key|(?:secret|token|key){_BETWEEN}base"
    return (
        rf"(?:{'|'.join(ends)}|{keys}|(?-i:P)at|(?:\b|[^a-z])pat)"
        rf"(?:{_BETWEEN}(?:{_TRAILING_WORDS}))*{_BETWEEN}"
    )


NAME_SIGN = _sign()
"""How each name ends that `telling` says something of, and others; for hyperscan, whatever the case."""

PLURAL_SIGN = (
    rf"(?:{'|'.join(sorted(_PLURALS - {'keys'}))}|(?:{'|'.join(sorted(_KEY_OF))}){_BETWEEN}keys){_BETWEEN}"
)
"""The same of each name that `singular` takes for several of a kind."""


GENERIC_KEYS = frozenset({"value", "key", "plain", "plaintext", "text", "literal", "data", "raw", "default"})
"""Keys of values that are called by what is above them: `password: {value: …}`."""

NAME_KEYS = ("name", "key", "Name", "Key")
VALUE_KEYS = frozenset({"value", "Value", "defaultValue", "default"})
"""The keys of a pair: the text under the first of `NAME_KEYS` is what the value is called."""


def _is_of_secret(words: list[str], before: str) -> bool:
    """Whether a name is that of the name of a Secret, or of a key in one: `passwordSecretKey`."""
    if words[0] == "existing" or before == "from":
        return True
    return len(words) > 2 and words[-2:] == ["secret", "key"] and words[-3] in _SURE | {"username"}


def _may_be(words: list[str], last: str, before: str) -> bool:
    if last == "key":
        return before in _KEY_OF
    if last == "base":  # SECRET_KEY_BASE
        return before in ("secret", "token", "key")
    if last == "token" and before in ("csrf", "page", "next", "continue"):
        return False
    return last in _MAYBE or last.endswith(_MAYBE_END)
