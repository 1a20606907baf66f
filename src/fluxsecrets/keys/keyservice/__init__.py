"""sops's key service, both sides: data keys are wrapped and unwrapped by a process that has the keys.

`served` lets providers ask other processes, which `client` reaches; `server` is such a process for others.
gRPC is imported when the first connection is made, or the server starts.
"""

from __future__ import annotations

from fluxsecrets.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .endpoints import Endpoint

SERVICES_VARIABLE = "SOPS_KEYSERVICE"
LOCAL_VARIABLE = "SOPS_ENABLE_LOCAL_KEYSERVICE"
VARIABLES = (SERVICES_VARIABLE, LOCAL_VARIABLE)
"""The environment variables of sops that say who is asked for data keys."""


@dataclass(frozen=True, slots=True)
class AskedServices:
    """Who is asked for data keys.

    Attributes:
        local: this process, before all others.
        remote: key services, in the order in which they are asked.
    """

    local: bool = True
    remote: tuple[Endpoint, ...] = ()

    @property
    def usual(self) -> bool:
        """Whether this process alone is asked."""
        return self.local and not self.remote
