"""Parameters that several tools take."""

from __future__ import annotations

from fluxsecrets.mcp.parameters import Choice, Name, Path, Several, Switch, Text
from fluxsecrets.mcp.tool import DRY_RUN
from fluxsecrets.ops.files.generated import EXAMPLES

ENVIRONMENT = Name(name="environment", about="Only this environment, such as staging.")
PATHS = Several(
    name="paths",
    about="Only these files and folders, relative to the repository's root.",
    of=Path(name="path", about=""),
)
STAGED = Switch(name="staged", about="What is staged for the next commit.")
SEVERITY = Choice(
    name="severity",
    about="Leave out what is less severe.",
    choices=("low", "medium", "high", "critical"),
    first="low",
)

SECRET = Path(name="path", about="The encrypted file.", required=True)
KEY = Text(name="key", about="The key of the value, such as stringData.password.", required=True, longest=300)
GENERATE = Text(
    name="generate",
    about=f"What to generate: {EXAMPLES}. The value itself can't be given, and is never shown.",
    required=True,
    longest=20,
)
DRY = Switch(name=DRY_RUN, about="Write nothing; report what would happen.")
