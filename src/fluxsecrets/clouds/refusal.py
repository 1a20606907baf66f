"""Why a service refused or failed: one table, so that every service says it in the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fluxsecrets.errors import ServiceError


class Reason(NamedTuple):
    """One reason.

    Attributes:
        message: with `{service}`, such as `AWS KMS`.
        hint: what to do next, where the service knows nothing better.
        passing: the same request may succeed a moment later.
        everywhere: any other request to the same address would fail, too.
        undecided: it says nothing of whether the user may use the key.
    """

    message: str
    hint: str
    passing: bool = False
    everywhere: bool = False
    undecided: bool = False


NO_CREDENTIALS = "no-credentials"
EXPIRED = "expired"
BAD_CREDENTIALS = "bad-credentials"
DENIED = "denied"
DISABLED = "disabled"
KEY_UNAVAILABLE = "key-unavailable"
NOT_FOUND = "not-found"
WRONG_KEY = "wrong-key"
EXISTS = "exists"
REJECTED = "rejected"
THROTTLED = "throttled"
UNAVAILABLE = "unavailable"
TIMED_OUT = "timed-out"
OFFLINE = "offline"
CLOCK_SKEW = "clock-skew"
CORRUPTED = "corrupted"
CONFLICT = "conflict"
UNTRUSTED = "untrusted"
UNVERIFIED = "unverified"
SEALED = "sealed"
MISSING_EXTRA = "missing-extra"
FAILED = "failed"

# fmt: off
REASONS: Mapping[str, Reason] = MappingProxyType({
    NO_CREDENTIALS: Reason("no credentials for {service} were found", "log in", everywhere=True),
    EXPIRED: Reason("the credentials for {service} have expired", "log in again", everywhere=True),
    BAD_CREDENTIALS: Reason("{service} does not accept the credentials", "log in again", everywhere=True),
    DENIED: Reason("{service} denied the request", "ask for the permission, or use another account"),
    DISABLED: Reason("{service} says that the key is disabled or deleted", "ask its owner to enable it"),
    KEY_UNAVAILABLE: Reason(
        "{service} can't use the key now", "try again later", passing=True, undecided=True
    ),
    NOT_FOUND: Reason("{service} does not know the key", "check its name, region and account"),
    WRONG_KEY: Reason(
        "{service} can't decrypt this with the key: it was encrypted with another one, or was changed",
        "restore the file from its last good version",
    ),
    EXISTS: Reason("{service} has something of that name already", "look at it there"),
    REJECTED: Reason("{service} rejected the request", "check the key's name and kind"),
    THROTTLED: Reason("{service} is throttling requests", "try again later", passing=True, undecided=True),
    UNAVAILABLE: Reason(
        "{service} is not available now", "try again later", passing=True, everywhere=True, undecided=True
    ),
    TIMED_OUT: Reason(
        "{service} did not answer in time", "check the network", everywhere=True, undecided=True
    ),
    OFFLINE: Reason(
        "{service} can't be reached", "check the network", passing=True, everywhere=True, undecided=True
    ),
    CLOCK_SKEW: Reason(
        "{service} says that this machine's clock is wrong", "set the clock", everywhere=True, undecided=True
    ),
    CORRUPTED: Reason(
        "what was sent to {service} or came back was damaged on its way",
        "try again later",
        passing=True,
        undecided=True,
    ),
    CONFLICT: Reason(
        "{service} got something newer from somebody else meanwhile",
        "run the command again to see what that is",
    ),
    UNTRUSTED: Reason(
        "{service} is at an address that only the file names, and credentials are not sent there",
        "name the key in .sops.yaml",
    ),
    UNVERIFIED: Reason(
        "the certificate of {service} is not trusted",
        "check the address and the certificates",
        everywhere=True,
        undecided=True,
    ),
    SEALED: Reason(
        "{service} is sealed", "ask its operators to unseal it", everywhere=True, undecided=True
    ),
    MISSING_EXTRA: Reason("{service} needs a library that is not installed", "install it", everywhere=True),
    FAILED: Reason("{service} failed", "try again later", undecided=True),
})
# fmt: on
"""By name. The names are in the JSON output."""


def refusal(
    reason: str,
    service: str,
    *,
    detail: str = "",
    hint: str | None = None,
    path: str | None = None,
    retry_after: float | None = None,
) -> ServiceError:
    """Return the error for a reason.

    Args:
        reason: a key of `REASONS`.
        service: its name for people.
        detail: what the service or its library says, such as an error code; control characters are escaped,
            and what may be a key or a token is left out: a service can repeat what was sent.
        hint: what to do next, where that is known better than in `REASONS`.
        path: the key or the place, for messages.
        retry_after: seconds.
    """
    known = REASONS[reason]
    message = known.message.format(service=service)
    if detail:
        message += f" ({_LIKE_A_KEY.sub('...', ascii(detail)[1:-1])[:_DETAIL]})"
    return ServiceError(message, hint=hint or known.hint, path=path, reason=reason, retry_after=retry_after)


_DETAIL = 120
_LIKE_A_KEY = re.compile(r"(?=[A-Za-z+/_=-]*[0-9])[A-Za-z0-9+/_=-]{43,}", re.ASCII)
"""As long as 32 bytes in base64, and with a digit."""


def missing_extra(service: str, extra: str) -> ServiceError:
    """Return the error for a library that is not installed, with the extra that brings it."""
    return refusal(MISSING_EXTRA, service, hint=f"run `pip install 'fluxsecrets[{extra}]'`")
