"""Where a store holds the values of a Secret: keys from a template, and properties."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fluxsecrets.errors import ConfigError, UsageError
from fluxsecrets.external.layout import Placed
from fluxsecrets.external.stores import StoreKind
from fluxsecrets.repo.secretobject import Secret

_PLACEHOLDER = re.compile(r"\{([a-z]*)\}")

UNKNOWN = StoreKind(
    name="",
    title="a store",
    providers=(),
    template="{namespace}/{name}",
    key=re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./+=@-]*[A-Za-z0-9_.+=@-])?"),
    key_words="letters, digits and _./+=@-",
)
"""For a store that no manifest describes, or of a provider that is not in the table: a map under one key."""


def place_values(
    secret: Secret, kind: StoreKind, template: str | None, places: Mapping[str, str]
) -> dict[str, Placed]:
    """Return where each value of a Secret is in a store, by its key in the Secret.

    Args:
        secret: the Secret.
        kind: of the store.
        template: such as `apps/{namespace}/{name}`, or None for the kind's own.
        places: values of the placeholders besides `{key}`.

    Raises:
        UsageError: a placeholder is unknown, missing, or has no value.
        ConfigError: the result is not a valid key.
    """
    template = template if template is not None else kind.template
    if kind.single and "{key}" not in template and len(secret.values) > 1:
        raise UsageError(
            f"{kind.title} holds one value per key, and the Secret has {len(secret.values)} values",
            hint=f"add {{key}} to --key-template, such as '{kind.template}'",
        )
    if kind.single:
        placed = {
            name: Placed(remote_key(kind, template, {**places, "key": name}), None) for name in secret.values
        }
    else:
        key = remote_key(kind, template, places)
        placed = {name: Placed(key, kind.property(name)) for name in secret.values}
    return {
        name: place._replace(encoded=not kind.binary and _needs_base64(secret.values[name], kind))
        for name, place in placed.items()
    }


def remote_key(kind: StoreKind, template: str, places: Mapping[str, str]) -> str:
    """Return a key in a store.

    Raises:
        UsageError: a placeholder is unknown, or has no value.
        ConfigError: the result is not a valid key.
    """
    for name in _PLACEHOLDER.findall(template):
        if name not in places:
            hint = f"use {', '.join(places)}"
            if name == "key":
                raise UsageError(f"--key-template does not support {{key}} for {kind.title}", hint=hint)
            raise UsageError(f"--key-template does not support {{{name}}}", hint=hint)
        if not places[name] and name == "environment":
            raise UsageError(
                "--key-template needs {environment}, but no environment uses this file",
                hint="leave {environment} out of the template",
            )
        if not places[name]:
            raise UsageError(
                f"--key-template needs {{{name}}}, but the Secret has none",
                hint="add it to the Secret's metadata, or remove it from the template",
            )
    key = _PLACEHOLDER.sub(lambda match: kind.fit(places[match[1]]), template)
    problem = kind.problem_with(key)
    if problem is not None:
        raise ConfigError(problem, hint=f"try --key-template '{kind.template}'")
    return key


def _needs_base64(value: bytes, kind: StoreKind) -> bool:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return "\0" in text or kind.as_base64(text)
