"""What becomes of a SealedSecret that is applied, to the extent known without a key.

The API server refuses what its CustomResourceDefinition does not allow. The rest is applied, and the
controller can't make the Secret, or does not open it: `Unseal` of sealed-secrets uses the object's own
annotations, name and namespace, whatever the template says.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import IntegrityError
from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.flux.validity.made import check_made, made_secret
from fluxsecrets.flux.validity.problem import JSON_KINDS, Problem, Subject, go_kind, texts_of
from fluxsecrets.repo.manifests import Plain, Steps, dig, text

from .codec import check_sealed
from .model import API_VERSION, KIND
from .scopes import Scope, scope_of

_SEAL_AGAIN = "seal it again with `fluxsecrets reseal FILE`"
_WIDTH = tuple(Scope)


def check(subject: Subject) -> Iterator[Problem]:
    """What is wrong with a SealedSecret; nothing for other objects."""
    version, kind = subject.kind
    if kind != KIND or version.rpartition("/")[0] != API_VERSION.rpartition("/")[0]:
        return
    yield from _check_values(subject.data)
    yield from _check_place(subject.data)
    yield from _check_secret(subject.data)


def _check_values(data: Plain) -> Iterator[Problem]:
    values = dig(data, "spec", "encryptedData")
    for key, value in values.items() if isinstance(values, dict) else ():
        place = ("spec", "encryptedData", key)
        if not isinstance(value, str):
            kind = JSON_KINDS[go_kind(value)]
            name = f"spec.encryptedData.{key}"
            reason = f'{name}: Invalid value: "{kind}": {name} in body must be of type string: "{kind}"'
            yield Problem("value-not-string", place, reason, f"seal the value: {_SEAL_AGAIN}")
        elif not is_unknown(value):
            try:
                check_sealed(value)
            except IntegrityError as error:
                reason = f"the controller can't open it: the value of {key} {error.message}"
                yield Problem("sealed-value-damaged", place, reason, error.hint or "", dropped=True)


def _check_place(data: Plain) -> Iterator[Problem]:
    """What the values were sealed for, as kubeseal writes it into the template, and where they are now."""
    metadata = dig(data, "spec", "template", "metadata")
    own, sealed_for = _scope(data), _scope({"metadata": metadata})
    steps: Steps = ("spec", "template", "metadata")
    if _WIDTH.index(sealed_for) > _WIDTH.index(own):
        reason = f"it was sealed with the scope {sealed_for}, but its own annotations say {own}"
        hint = "copy the scope's annotation from spec.template.metadata to metadata"
        yield Problem("sealed-scope-lost", ("metadata",), reason, hint, dropped=True)
        return
    named = {"namespace": own is not Scope.CLUSTER, "name": own is Scope.STRICT}
    for name, matters in named.items():
        now, before = text(data, "metadata", name), text(metadata, name)
        known = now and before and not is_unknown(now) and not is_unknown(before)
        if matters and known and now != before:
            reason = f"it was sealed for the {name} {before}, but is applied with {now}"
            yield Problem("sealed-secret-moved", (*steps, name), reason, _SEAL_AGAIN, dropped=True)


def _check_secret(data: Plain) -> Iterator[Problem]:
    template = dig(data, "spec", "template")
    encrypted = dig(data, "spec", "encryptedData")
    keys = encrypted if isinstance(encrypted, dict) else {}
    templates = texts_of(template, "data")
    made = made_secret(
        type_=dig(template, "type"),
        immutable=dig(template, "immutable"),
        metadata=dig(template, "metadata"),
        keys=keys,
        templates=templates,
    )

    def place_of(steps: Steps) -> Steps:
        if steps[0] in ("stringData", "data") and len(steps) > 1:
            inner = "data" if steps[1] in templates else "encryptedData"
            return ("spec", "template", "data", steps[1]) if inner == "data" else ("spec", inner, steps[1])
        return ("spec", "template", *steps)

    yield from check_made(made, place_of, complete=not dig(data, "spec", "data"))


def _scope(data: object) -> Scope:
    return scope_of(texts_of(data, "metadata", "annotations"))
