"""One value sealed by itself, to be put into a SealedSecret by hand."""

from __future__ import annotations

from fluxsecrets.errors import UsageError
from fluxsecrets.marks.ciphertext import is_ciphertext
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.codec import seal_value
from fluxsecrets.sealed.scopes import Scope, label_of


def seal_raw(
    value: bytes, certificate: Certificate, scope: Scope, *, name: str | None, namespace: str | None
) -> str:
    """Seal a value for a place that is named.

    Args:
        value: as it is, with every byte.
        certificate: for whom.
        scope: what it is bound to.
        name: of the Secret; a strict one needs it.
        namespace: of the Secret; all but a cluster-wide one need it.

    Raises:
        UsageError: name or namespace is missing, or there is no value.
    """
    if scope is not Scope.CLUSTER and not namespace:
        raise UsageError(f"the scope {scope} binds a value to a namespace", hint="add --namespace NAME")
    if scope is Scope.STRICT and not name:
        raise UsageError("the scope strict binds a value to the Secret's name", hint="add --name NAME")
    if not value:
        raise UsageError("there is no value", hint="give it on standard input, or with --from-file FILE")
    if is_ciphertext(value.decode("utf-8", "replace")):
        raise UsageError(
            "the value is a SOPS ciphertext: the application would get that",
            hint="take the value itself: `fluxsecrets get FILE KEY`",
        )
    return seal_value(certificate.key, value, label_of(scope, namespace or "", name or ""))
