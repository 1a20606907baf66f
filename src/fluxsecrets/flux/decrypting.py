"""What Flux decrypts of an object after the build.

Follows `DecryptResource` of internal/decryptor/decryptor.go. An object with a `sops` block is decrypted by
that block, as JSON, and with what patches made of it. The values of any other Secret are looked at one by
one: a value that is a SOPS file is decrypted, such as a generator's file whose key has another suffix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import DECRYPT_ANNOTATION, Plain, Steps, dig, dig_steps, pairs, walk
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.sops.document import show_path, to_data
from fluxsecrets.sops.metadata import Metadata, parse_metadata
from fluxsecrets.sops.selectors import Selector, compile_selector

from .model import Cluster
from .opening import PANIC, open_data
from .reading import Access, access, changed, key_hint, not_known, without_key
from .since import DISABLED
from .values import decrypt_values
from .wording import not_decrypted


@dataclass(frozen=True, slots=True)
class Decrypted:
    """An object after decryption.

    Attributes:
        data: with the values in place; a value that nobody at hand can decrypt is `UNKNOWN`. Not in the repr.
        by_key: what becomes of each value that is a SOPS file.
    """

    data: Plain = field(repr=False, compare=False)
    treatment: Treatment
    outcomes: tuple[Outcome, ...] = ()
    by_key: Mapping[str, Treatment] = field(default_factory=dict)


def decrypt(applied: Applied, item: Object, cluster: Cluster) -> Decrypted:
    """Decrypt an object; what no identity opens is unknown."""
    if not decrypts(applied) or is_disabled(item.data, cluster):
        return Decrypted(item.data, Treatment(Fate.APPLIED))
    if has_block(item.data):
        return _object(item, cluster)
    if item.kind == "Secret":
        found = decrypt_values(item, cluster)
        return Decrypted(found.data, found.treatment, found.outcomes, found.by_key)
    return Decrypted(item.data, Treatment(Fate.APPLIED))


def decrypts(applied: Applied) -> bool:
    """Whether a Kustomization decrypts what it applies; a root that none syncs is taken for one that does."""
    item = applied.kustomization
    return item is None or (item.decryption is not None and item.decryption.provider == "sops")


def is_disabled(data: Plain, cluster: Cluster) -> bool:
    """Whether an object's annotation keeps Flux from decrypting it; older versions don't look at it."""
    if not cluster.has(DISABLED):
        return False
    return pairs(data, "metadata", "annotations").get(DECRYPT_ANNOTATION, "").lower() == "disabled"


def has_block(data: Plain) -> bool:
    """Whether Flux takes an object for encrypted: it has a `sops` block with a MAC, which may be empty."""
    return dig(data, "sops", "mac") not in (None, {}, [])


def _object(item: Object, cluster: Cluster) -> Decrypted:
    try:
        metadata = parse_metadata(item.data["sops"])
        selector = compile_selector(metadata.selector)
    except FluxsecretsError as error:
        return _fails(item, item.data, f"failed to load encrypted JSON data: {error.message}", ("sops",))
    found = access(metadata, cluster)
    data = {key: value for key, value in item.data.items() if key != "sops"}
    if found.state is Access.CLOSED:
        return _fails(
            item,
            data,
            without_key(metadata),
            ("sops",),
            behaviour="no-data-key",
            hint=key_hint(cluster, item.file),
        )
    origin = _Origin(item, metadata)
    opened = open_data(data, selector, found.key, origin.fits)
    if opened.refused is not None:
        steps, reason = opened.refused
        walking = "error decrypting sops tree: Error walking tree"
        prefix = "failed to emit encrypted JSON file as decrypted JSON" if reason == PANIC else walking
        reason = f"{prefix}: {reason}"
        return _fails(item, opened.data, reason, steps, origin=origin)
    outcomes = [
        *_doubts(item, opened.doubtful, found.state),
        *changed(item.file, item.line_at(("sops",)), cluster),
    ]
    treatment = Treatment(Fate.DECRYPTED, "json")
    if selector.uses_comments:
        outcomes.append(_by_comments(item, selector))
        treatment = Treatment(Fate.CIPHERTEXT, "json", outcomes[-1].reason)
    return Decrypted(opened.data, treatment, tuple(outcomes))


class _Origin:
    """Where the ciphertexts of an object are in its file; what patches, prefixes and replacements moved."""

    def __init__(self, item: Object, metadata: Metadata) -> None:
        self.item = item
        self.metadata = metadata

    @cached_property
    def written(self) -> object:
        return to_data(self.item.manifest.node) if self.item.manifest is not None else None

    @cached_property
    def same(self) -> bool:
        """Whether the object has the block of its file."""
        return bool(dig(self.written, "sops", "mac") == self.metadata.mac)

    @cached_property
    def own(self) -> Mapping[str, set[Steps]]:
        """The keys over each text of the file. What an identity opens is authenticated, and asks for none."""
        found: dict[str, set[Steps]] = {}
        for steps, values in walk(self.written):
            for key, value in values.items():
                for text in _texts(value):
                    found.setdefault(text, set()).add(_keys((*steps, key)))
        return found

    def fits(self, text: str, steps: Steps) -> bool | None:
        """Whether a ciphertext is under the keys under which it was encrypted."""
        known = self.own.get(text)
        if known is None or not self.same:
            return None
        return _keys(steps) in known

    def line_of(self, steps: Steps) -> tuple[str, int]:
        """What to change about a value: the last patch, if the file has not got it so."""
        value = dig_steps(self.item.data, steps)
        item = self.item
        if item.patched_by and (not isinstance(value, str) or _keys(steps) not in self.own.get(value, ())):
            path, _, line = item.patched_by[-1].rpartition(":")
            return path, int(line)
        return item.file, item.line_at(steps)


def _texts(value: object) -> Iterator[str]:
    """The texts of a value, and of a list: a list's position is not in what a ciphertext is bound to."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _keys(steps: Steps) -> Steps:
    return tuple(step for step in steps if isinstance(step, str))


def _doubts(item: Object, doubtful: Steps | None, state: Access) -> Iterator[Outcome]:
    if state is Access.NOT_KNOWN:
        yield not_known(item.file, item.line, f"{item.kind} {item.name!a}")
    if doubtful is not None:
        yield Outcome(
            Effect.UNKNOWN,
            "decryption-not-known",
            f"the ciphertext {show_path(doubtful)!a} of {item.kind} {item.name!a} does not come "
            f"from {item.file}, and no identity at hand can tell whether Flux decrypts it",
            item.file,
            item.line_at(doubtful),
            "run this with an identity that opens the file",
        )


def _by_comments(item: Object, selector: Selector) -> Outcome:
    return Outcome(
        Effect.CIPHERTEXT,
        "selector-by-comments",
        f"Flux decrypts objects as JSON, without comments: {selector.spec.kind.value} matches nothing",
        item.file,
        item.line_at(("sops",)),
        "encrypt the file with `encrypted_regex: ^(data|stringData)$`",
    )


_PLAIN = (
    "encrypt {0}, or let no patch, replacement or generator set it: the sops block says that it is encrypted"
)
_HINTS = {
    PANIC: "write {0} as text, such as base64 in `data`, instead of `!!binary`",
    "does not match": _PLAIN,
    "Expected encrypted": _PLAIN,
    "authentication failed": "leave {0} under the keys under which it was encrypted, or restore it from git",
    "base64": "the ciphertext of {0} is damaged: restore the file from git",
    "failed to load": "the sops block is damaged: restore the file from git",
}


def _fails(
    item: Object,
    data: Plain,
    reason: str,
    steps: Steps,
    *,
    behaviour: str = "object-not-decrypted",
    origin: _Origin | None = None,
    hint: str = "",
) -> Decrypted:
    path, line = origin.line_of(steps) if origin is not None else (item.file, item.line_at(steps))
    outcome = Outcome(
        Effect.FAILS,
        behaviour,
        not_decrypted(item, f"{item.kind} data", reason),
        path,
        line,
        hint or next((text for sign, text in _HINTS.items() if sign in reason), "").format(show_path(steps)),
    )
    return Decrypted(data, Treatment(Fate.FAILS, "json", outcome.reason), (outcome,))
