"""What sops does and we do not: each says so, instead of failing in some other way."""

from __future__ import annotations

from typing import NoReturn

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import GENERIC, usage_error


def completion(_call: Call) -> NoReturn:
    """Refuse `sops completion`."""
    raise usage_error("completion is not carried by fluxsecrets-sops", GENERIC)
