"""What may stay as it is: names that people give to fields, hosts and variables.

A value can hold a secret anywhere, so nothing stays because of its place alone. Names are made of words that
can be pronounced, with a few digits at their ends: `DB_PASSWORD`, `clientSecret`, `eu-west-1`.
"""

from __future__ import annotations

import re

_LONGEST_NAME = 48
_MOST_SPACES = 1
"""`User Id` is a name of a field, four words are a passphrase."""

_LONGEST_WORD = 14
_SEPARATORS = re.compile(r"[-_./ :]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SIGNS = re.compile(r"[A-Za-z0-9_./: -]+", re.ASCII)
_CONSONANTS = re.compile(r"[^aeiouyAEIOUY0-9]{5}")
_SHORT = 4
_ABBREVIATED = frozenset({"https", "mssql", "tmpfs", "x509", "sha256", "sha512", "ed25519", "secp256k1"})

HOSTS = frozenset(
    """
    app api auth broker cache clickhouse consul database db elasticsearch etcd gateway gitea github gitlab
    grafana harbor influxdb jaeger kafka keycloak ldap localhost loki mail mariadb master memcached minio
    mongo mongodb mysql nats opensearch postgres postgresql primary prometheus proxy rabbitmq redis registry
    replica sentinel server smtp storage valkey vault victoriametrics web zookeeper
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)
"""Hosts of one label that stay. Any other label alone could be a password that looks like one."""

SEGMENTS = frozenset(
    """
    api v1 v2 v3 v4 auth callback hooks webhook webhooks services oauth oauth2 token login health healthz
    metrics graphql admin public default realms protocol openid-connect repos projects users rest
    """.split()  # noqa: SIM905
)
"""Segments of a URL's path that stay."""


def is_name(text: str) -> bool:
    """Whether a text is a name made of words, rather than a secret in the place of one."""
    if not 0 < len(text) <= _LONGEST_NAME or _SIGNS.fullmatch(text) is None or text.count(" ") > _MOST_SPACES:
        return False
    return all(_is_word(part) for part in _SEPARATORS.split(text) if part)


def _is_word(text: str) -> bool:
    """Whether a text is made of words in one spelling, with up to two digits at the end: `clientSecret2`."""
    if text.lower() in _ABBREVIATED:
        return True
    letters = text.rstrip("0123456789")
    if len(text) - len(letters) > 2:
        return False
    humps = _HUMPS.findall(letters)
    if "".join(humps) != letters or any(hump[0].isdigit() for hump in humps):
        return False
    # A word has few humps for their length: `cLiEnT` is not one.
    return len(humps) * 3 <= max(len(letters), 3) + 2 and all(map(_is_pronounceable, humps))


def _is_pronounceable(word: str) -> bool:
    if len(word) <= _SHORT:
        return True
    vowels = sum(sign in "aeiouyAEIOUY" for sign in word)
    return len(word) <= _LONGEST_WORD and vowels * 6 >= len(word) and _CONSONANTS.search(word) is None


def is_label(text: str) -> bool:
    """Whether a label of a host name stays: words with hyphens, in lower case."""
    return (
        text == text.lower() and "." not in text and all(part and is_name(part) for part in text.split("-"))
    )
