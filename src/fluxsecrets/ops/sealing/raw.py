"""Seal one value by itself, to paste into a SealedSecret."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.errors import UsageError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sealed.codec import seal_value
from fluxsecrets.sealed.scopes import Scope, label_of

from .certificates import announced_certificate
from .files import SealRequest


def seal_raw(session: Session, request: SealRequest, read: Callable[[], bytes]) -> str:
    """Seal a value for the place in a request.

    Raises:
        UsageError: the name, the namespace or the value is missing.
        CertificateError, FileAccessError: no valid certificate was found.
    """
    certificate = announced_certificate(session, None, cert=request.cert, environment=None).certificate
    scope, name, namespace = Scope(request.scope or Scope.STRICT), request.name, request.namespace
    value = read()
    if scope is not Scope.CLUSTER and not namespace:
        raise UsageError(f"the scope {scope} binds a value to a namespace", hint="add --namespace NAME")
    if scope is Scope.STRICT and not name:
        raise UsageError("the scope strict binds a value to the Secret's name", hint="add --name NAME")
    if not value:
        raise UsageError("the value is missing", hint="give it on standard input, or with --from-file FILE")
    if is_ciphertext(value.decode("utf-8", "replace")):
        raise UsageError(
            "the value is a SOPS ciphertext, and the application would get that",
            hint="use the plain value: `fluxsecrets get FILE KEY`",
        )
    return seal_value(certificate.key, value, label_of(scope, namespace or "", name or ""))
