"""What may stay as it is: names that people give to fields, hosts and variables.

A value can hold a secret anywhere, so nothing stays because of its place alone. Names look like words,
with a few digits at their ends: `DB_PASSWORD`, `clientSecret`, `eu-west-1`.
"""

from __future__ import annotations

import re

_LONGEST_NAME = 48
_LONGEST_WORD = 14
_MOST_SPACES = 1
"""`User Id` is a name of a field, four words are a passphrase."""

_SEPARATORS = re.compile(r"[-_./ :]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SIGNS = re.compile(r"[A-Za-z0-9_./: -]+", re.ASCII)
_ABBREVIATED = frozenset(
    """
    aws base64 cfg cmd cpu crd db dns dst ec2 ed25519 gcp gcs ghcr gpu html http http2 https imap
    ipv4 ipv6 jwt k8s kms ldap lscr md5 mssql mtls mysql nginx ns oauth2 oidc pg rbac s3 secp256k1
    sha256 sha512 smtp sql src ssh ssl svc tcp tls tmpfs udp uri url x509 xml
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)
_ROWS = (
    "abcdefgiklmnprstuvwyz babceijlorsuy cacehiklorstuy dadegiloruvys eabcdefghijklmnopqrstuvwxyz faefiloru"
    " gaegilnorsu haeimortyus iabcdefgklmnoprstvxz jaoue kaeilnosu labcdefiklmopstuvy mabeimnopsuy"
    " nacdefgiknostuvy oabcdefgiklmnoprstuvwxy paehiloprstuy qu rabcdefgiklmnoprstuvy sacehiklmnopqstuwy"
    " tacehilmorstuwyp uabcdegilmnoprstx vaeio waehiorn xaceptiy yelmpsta zaeiou"
)
_PAIRS = frozenset(row[0] + second for row in _ROWS.split() for second in row[1:])
"""Pairs of letters, in rows by the first one. 19 of 20 pairs in words and names of manifests are among them.

Of the pairs in random letters, fewer than half are.
"""

_PER_RARE_PAIR = 8
"""Letters of a name for each other pair that it may have."""

_TOLERANCE = 3
"""So that a name of five letters may have one: `auths`."""

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
    if not 0 < len(text) <= _LONGEST_NAME or _SIGNS.fullmatch(text) is None:
        return False
    if text.count(" ") > _MOST_SPACES:
        return False
    parts = [part for part in _SEPARATORS.split(text) if part]
    if not parts or len(parts) * 2 > max(len(text), 6):  # single letters and digits are no words
        return False
    humps = [_humps(part) for part in parts]
    if None in humps:
        return False
    words = [word for each in humps for word in each or ()]
    letters = sum(map(len, words))
    return (
        all(map(_may_be_word, words))
        and sum(map(_rare_pairs, words)) <= (letters + _TOLERANCE) // _PER_RARE_PAIR
    )


def _humps(text: str) -> tuple[str, ...] | None:
    """Return the words of one in camel case, without up to two digits at its end; None for anything else."""
    if text.lower() in _ABBREVIATED:
        return ()
    letters = text.rstrip("0123456789")
    humps = tuple(_HUMPS.findall(letters))
    if len(text) - len(letters) > 2 or "".join(humps) != letters or any(hump[0].isdigit() for hump in humps):
        return None
    if len(humps) > 1 and (len(letters) < 3 * len(humps) or sum(map(_is_acronym, humps)) > 1):
        return None  # what changes between cases that often was drawn
    return humps


def _is_acronym(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _may_be_word(word: str) -> bool:
    return len(word) <= _LONGEST_WORD and (len(word) < 5 or any(sign in "aeiouyAEIOUY" for sign in word))


def _rare_pairs(word: str) -> int:
    lower = word.lower()
    if len(word) <= 3 or lower in _ABBREVIATED:
        return 0
    return sum(lower[at : at + 2] not in _PAIRS for at in range(len(lower) - 1))


def is_label(text: str) -> bool:
    """Whether a label of a host name stays: words with hyphens, in lower case."""
    return (
        text == text.lower() and "." not in text and all(part and is_name(part) for part in text.split("-"))
    )
