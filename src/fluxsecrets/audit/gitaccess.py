"""Where Flux fetches from, and with which Secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.repo.flux import SOURCE_GROUP
from fluxsecrets.repo.manifests import dig, text
from fluxsecrets.repo.objects import Object

from .cluster import Provided, all_provided
from .facts import Facts

_KINDS = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket")

PUBLIC_HOSTS = frozenset(
    {
        "bitbucket.org",
        "codeberg.org",
        "dev.azure.com",
        "git.sr.ht",
        "gitea.com",
        "github.com",
        "gitlab.com",
        "salsa.debian.org",
        "gitlab.freedesktop.org",
        "gitlab.gnome.org",
    }
)
"""Where a repository may be public, so that no credentials are needed to read it."""


@dataclass(frozen=True, slots=True)
class FluxSource:
    """A source that Flux fetches from.

    Attributes:
        url: its address, or "".
        scheme, host: of the address, in lower case, or "".
        secret: name of the Secret that it is fetched with, or None.
        provider: where credentials come from without a Secret, or None.
        credentials: what brings that Secret about in the tree.
    """

    item: Object
    url: str
    scheme: str
    host: str
    secret: str | None
    provider: str | None
    credentials: tuple[Provided, ...]


def flux_sources(facts: Facts) -> tuple[FluxSource, ...]:
    """All sources of all environments, each once."""
    return facts.once("sources", lambda: tuple(_sources(facts)))


def _sources(facts: Facts) -> Iterator[FluxSource]:
    seen = set()
    for environment in facts.environments:
        provided = all_provided(facts, environment)
        for _, item in environment.graph.objects:
            if item.group != SOURCE_GROUP or item.kind not in _KINDS or (item.file, item.line) in seen:
                continue
            seen.add((item.file, item.line))
            url = text(item.data, "spec", "url") or text(item.data, "spec", "endpoint") or ""
            scheme, host = address(url)
            if item.kind == "Bucket" and dig(item.data, "spec", "insecure") is True:
                scheme = "http"
            secret = text(item.data, "spec", "secretRef", "name")
            credentials = tuple(
                each
                for each in provided.get(("Secret", secret or ""), ())
                if each.provision.namespace in (None, item.namespace)
            )
            provider = text(item.data, "spec", "provider")
            yield FluxSource(item, url, scheme, host, secret, provider, credentials)


def address(url: str) -> tuple[str, str]:
    """Scheme and host of an address."""
    match = re.match(r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:[^@/]*@)?(?P<host>[^/:]+)", url.strip())
    if match is None:
        return "", ""
    return (match["scheme"] or "").lower(), match["host"].lower()
