"""Values that are Flux's variables with something public around them, or as their default.

`${VOLUME}/data`, `${TIMEZONE:=Europe/Berlin}` and `postgres://app:${PASSWORD}@db/app` hold no secret;
`${PASSWORD:=hunter2}` does.
"""

from __future__ import annotations

import re

from .names import Telling, telling
from .template import MARK
from .wholetext import looks_random

_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=](?P<default>[^{}]*))?\}"
_STEP = rf"[\w.@+{MARK}-]{{1,64}}"
_LABEL = rf"[a-z0-9{MARK}-]{{1,64}}"
_PORT = rf":[0-9{MARK}]{{1,5}}"
_ABSOLUTE = rf"{MARK}?/{_STEP}(?:/{_STEP})+/?"
_URL = (
    rf"[a-z][a-z0-9+.-]{{1,15}}://(?:[\w.{MARK}-]{{0,64}}(?::(?P<password>{MARK}))?@)?[\w.{MARK}-]{{1,128}}"
    rf"(?:{_PORT})?(?:/[\w.{MARK}-]{{0,64}})*(?:\?(?P<query>[\w=&.{MARK}-]{{1,128}}))?"
)
_PLAIN = {
    "a path around references": rf"(?:{MARK}|~|\.\.?)?(?:/{_STEP})+/?|{_STEP}(?:/{_STEP})+/?",
    "a reference with a default": rf"{MARK}(?:[A-Za-z][A-Za-z_ -]{{0,31}}|[0-9]{{1,5}})",
    "an address around references": rf"{_LABEL}(?:\.{_LABEL}){{1,8}}(?:{_PORT})?|{MARK}{_PORT}",
}
_LONGEST = 512


def around_variables(name: str, text: str) -> str:
    """Return what a value with variables is by its form: a path, an address, a default; or "" for all others.

    Under the key of a secret, only paths from the root count, and addresses whose password is a
    variable itself.
    """
    marked = re.sub(_VARIABLE, lambda match: MARK + (match["default"] or ""), text)
    if marked == text or len(marked) > _LONGEST:
        return ""
    if any(map(looks_random, re.split(rf"[{MARK}/:@?&=.]+", marked))):
        return ""
    tells = telling(name) is not Telling.NOTHING
    if "://" in marked:
        return "an address around references" if _is_url(marked, tells=tells) else ""
    if tells:
        return "a path around references" if re.fullmatch(_ABSOLUTE, marked) else ""
    return next((form for form, pattern in _PLAIN.items() if re.fullmatch(pattern, marked)), "")


def _is_url(marked: str, *, tells: bool) -> bool:
    """Whether a text is a URL whose password and telling parameters, if it has some, are variables."""
    url = re.fullmatch(_URL, marked)
    if url is None or (tells and url["password"] is None):
        return False
    parameters = (each.partition("=") for each in (url["query"] or "").split("&"))
    return not any(telling(key) is not Telling.NOTHING and value.strip(MARK) for key, _, value in parameters)
