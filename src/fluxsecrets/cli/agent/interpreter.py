"""What decides which code a command line runs: the client's has to be the agent's.

Every command pays for the client, so only `sys` is imported.
"""

from __future__ import annotations

import sys

from fluxsecrets import __version__


def interpreter() -> bytes:
    """Return the versions, and how Python was started.

    That it was isolated (-I) is left out: it decides on `sys.path`, which is compared, and on variables, of
    which this shows what they did.
    """
    flags = sys.flags
    options = getattr(sys, "_xoptions", None)  # -X has no other name
    parts = (
        __version__,
        sys.version,
        sys.prefix,
        sys.getfilesystemencoding(),
        sys.getfilesystemencodeerrors(),
        (flags.optimize, flags.dev_mode, flags.no_site, flags.bytes_warning),
        sys.warnoptions,
        options,
    )
    return repr(parts).encode("utf-8", "backslashreplace").replace(b"\0", b"")
