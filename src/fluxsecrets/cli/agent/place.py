"""Where the agent's socket is. Every command looks there first, so nothing is imported here."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NO_AGENT = b"FLUXSECRETS_NO_AGENT"
"""The variable that keeps commands from asking the agent."""

_NAME = b"/agent.sock"


def folder_of(environ: Mapping[bytes, bytes], platform: str) -> bytes | None:
    """Return the folder of the socket, or None without a runtime folder and a home. It need not exist.

    It is in the runtime folder if the session has one, or else in the folder that `user_state_folder` names.

    Args:
        environ: the environment.
        platform: a value of `sys.platform`.
    """
    runtime = runtime_of(environ)
    if runtime is not None:
        return runtime.rstrip(b"/") + b"/fluxsecrets"
    state = environ.get(b"XDG_STATE_HOME", b"")
    if not state.startswith(b"/"):
        home = environ.get(b"HOME", b"")
        if not home.startswith(b"/"):
            return None
        below = b"/Library/Application Support" if platform == "darwin" else b"/.local/state"
        state = home.rstrip(b"/") + below
    return state.rstrip(b"/") + b"/fluxsecrets/agent"


def runtime_of(environ: Mapping[bytes, bytes]) -> bytes | None:
    """Return the runtime folder of the session, or None if it has none."""
    runtime = environ.get(b"XDG_RUNTIME_DIR", b"")
    return runtime if runtime.startswith(b"/") else None


def socket_in(folder: bytes) -> bytes:
    """Return the path of the socket in its folder."""
    return folder + _NAME
