"""Seal or open one value by itself: one that is pasted into a SealedSecret, or taken from one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import DataKeyError, IntegrityError, UsageError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sealed.codec import open_value, seal_value
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.scopes import Scope, label_of, parse_scope

from .certificates import announced_certificate
from .files import SealRequest

_WHERE = "give it on standard input, or with --from-file FILE"


@dataclass(frozen=True, slots=True)
class RawPlace:
    """The place that a value is sealed for, as on the command line."""

    scope: str | None = None
    name: str | None = None
    namespace: str | None = None

    @property
    def known_scope(self) -> Scope:
        """The scope; strict by default, as in kubeseal."""
        return parse_scope(self.scope) if self.scope is not None else Scope.STRICT

    def label(self) -> bytes:
        """Return the label that binds a value to the place.

        Raises:
            UsageError: the scope needs a name or namespace that is missing.
        """
        scope = self.known_scope
        if scope is not Scope.CLUSTER and not self.namespace:
            raise UsageError(f"the scope {scope} binds a value to a namespace", hint="add --namespace NAME")
        if scope is Scope.STRICT and not self.name:
            raise UsageError("the scope strict binds a value to the Secret's name", hint="add --name NAME")
        return label_of(scope, self.namespace or "", self.name or "")


def seal_raw(session: Session, request: SealRequest, read: Callable[[], bytes]) -> str:
    """Seal a value for the place in a request.

    Raises:
        UsageError: the name, the namespace or the value is missing.
        CertificateError, FileAccessError: no valid certificate was found.
    """
    tree = open_tree(session.cwd, limits=session.limits) if request.cert is None else None
    found = announced_certificate(session, tree, cert=request.cert, environment=request.environment)
    label = RawPlace(request.scope, request.name, request.namespace).label()
    value = read()
    if not value:
        raise UsageError("the value is missing", hint=_WHERE)
    if is_ciphertext(value.decode("utf-8", "replace")):
        raise UsageError(
            "the value is a SOPS ciphertext, and the application would get that",
            hint="use the plain value: `fluxsecrets get FILE KEY`",
        )
    return seal_value(found.certificate.key, value, label)


def unseal_raw(
    session: Session, place: RawPlace, private_keys: Sequence[Path], read: Callable[[], bytes]
) -> bytes:
    """Open one value that was sealed for a place.

    Raises:
        UsageError: the name, the namespace or the value is missing.
        IdentityError, FileAccessError: no private key was found, or it can't be read.
        IntegrityError: it is not a sealed value, or it was changed.
        DataKeyError: no key opens it there.
    """
    label = place.label()
    keys = load_keys(session, private_keys)
    text = read().decode("utf-8", "replace").strip()
    if not text:
        raise UsageError("the sealed value is missing", hint=_WHERE)
    try:
        found = open_value([each.key for each in keys], text, (label,))
    except IntegrityError as error:
        error.message = f"the value {error.message}"
        raise
    if found is None:
        raise _not_opened(place, keys, text)
    return found.data


def _not_opened(place: RawPlace, keys: Sequence[SealingKey], text: str) -> DataKeyError:
    """Return why a value does not open: another scope, if that can be told."""
    namespace, name = place.namespace or "", place.name or ""
    scopes = [scope for scope in Scope if scope is not place.known_scope]
    labels = [label_of(scope, namespace, name) for scope in scopes]
    other = open_value([each.key for each in keys], text, labels)
    if other is not None:
        scope = scopes[labels.index(other.label)]
        return DataKeyError(
            f"the value was sealed with the scope {scope}, not {place.known_scope}",
            hint=f"add --scope {scope}",
        )
    return DataKeyError(
        "none of the private keys opens the value",
        details=[f"{each.origin}: {each.key.key_size} bits" for each in keys],
        hint="check --name, --namespace and --scope: another place looks the same as another key",
    )
