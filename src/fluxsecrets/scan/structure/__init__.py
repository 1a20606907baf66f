"""Rules that read manifests and other files by their structure, one module per subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match

from . import clients, comments, kustomize, lastapplied, machines, places, sealed, secret, sops
from .page import Object, Page
from .reader import parse_template

# The first one to find a value reports it.
JUDGES: tuple[Callable[[Page, Object], Iterator[Match]], ...] = (
    sops.judge,
    secret.judge,
    sealed.judge,
    lastapplied.judge,
    kustomize.judge,
    clients.judge_kubeconfig,
    clients.judge_docker,
    machines.judge_state,
    machines.judge_cloud_init,
    places.judge,
)
"""What looks at every object of a page."""


def read_page(blob: Blob) -> tuple[Page, FluxsecretsError | None]:
    """Parse a file, templates too, and say what stood in the way."""
    parsed = parse_template(blob.text)
    return Page(blob, parsed), parsed.fault


def judge_page(page: Page) -> Iterator[Match]:
    """All that the rules find in a page.

    Raises:
        LimitError: aliases that stand for too much.
    """
    for owner in page.objects:
        for judge in JUDGES:
            yield from judge(page, owner)
    yield from sops.judge_comments(page)
    yield from comments.judge_comments(page)
