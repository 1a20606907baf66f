"""Files that are protected less: by their selector, threshold or MAC."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.model import SideInfo
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, compile_selector

from .kind import Kind, describe, item

INFO = describe(
    "protection-weakened",
    Severity.HIGH,
    "a file is protected less",
    why="A selector decides which values are encrypted from now on, a threshold how many people must agree, "
    "and the MAC which changes are noticed. Everybody with write access can change them in a file.",
    fix="fix the rule in .sops.yaml, then decrypt the file with `fluxsecrets decrypt -i FILE`, and "
    "encrypt it again with `fluxsecrets encrypt FILE`",
)
_FLUX = ("data", "stringData")


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the sops blocks of each changed file."""
    for each in change.compared:
        before, after = each.diff.before, each.diff.after
        if before is None or after is None or not (before.encrypted and after.encrypted):
            continue
        for name, title, severity in _weaker(each, before, after):
            yield item(
                INFO,
                each.path,
                title,
                name,
                environments=change.environments_of(each.change),
                severity=severity,
            )


def _weaker(each: Compared, before: SideInfo, after: SideInfo) -> Iterator[tuple[str, str, Severity]]:
    if before.selector != after.selector:
        severity = Severity.LOW if _covers(each) else Severity.HIGH
        yield "selector", f"the selector is {after.selector}, and was {before.selector}", severity
    if after.threshold < before.threshold:
        title = f"{after.threshold} key groups are needed to decrypt the file, and were {before.threshold}"
        yield "threshold", title, Severity.HIGH
    if after.mac_only_encrypted and not before.mac_only_encrypted:
        yield (
            "mac",
            "the MAC covers encrypted values only: changes of the others are not noticed",
            Severity.MEDIUM,
        )


def _covers(each: Compared) -> bool:
    """Whether the new selector surely encrypts all that matters: all, or the maps of Secrets' values."""
    metadata = _metadata(each)
    if metadata is None:
        return False
    if metadata.selector == DEFAULT_SELECTOR:
        return True
    try:
        selector = compile_selector(metadata.selector)
    except FluxsecretsError:
        return False
    document = each.after.document if each.after is not None else None
    manifests = document is not None and all(part.get("kind") is not None for part in document.parts)
    return manifests and all(selector.encrypts((name, "a")) and selector.encrypts((name,)) for name in _FLUX)


def _metadata(each: Compared) -> Metadata | None:
    return each.after.metadata if each.after is not None else None


KIND = Kind(INFO, check)
