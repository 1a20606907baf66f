"""Names of values that have none of their own: items of `passwords`, maps below `apiKeys`, `{value: …}`."""

from __future__ import annotations

from fluxsecrets.scan.assignments import holds_random, is_chosen
from fluxsecrets.scan.names import GENERIC_KEYS, Telling, singular, telling

from .reader import Value


def inherited_name(value: Value) -> str:
    """The telling name that a value has from above, or "".

    The value must look like a secret: below such a name there are names of Secrets, too.
    """
    above = value.path if value.key is None else value.path[:-1]
    name = next((step for step in reversed(above) if isinstance(step, str)), "")
    one = singular(name)
    own = value.key.text if value.key is not None else ""
    if not one and (own not in GENERIC_KEYS if own else True):
        return ""
    name = one or name
    says = telling(name)
    text = value.scalar.text
    if says is Telling.NOTHING or not (is_chosen(text) if says is Telling.SURELY else holds_random(text)):
        return ""
    return name
