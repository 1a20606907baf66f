"""How many examples a property tries that has a number of its own, since they are costly."""

from hypothesis import settings

_OF_CI = 30
"""What the profile of CI tries of other properties."""


def scaled(number: int) -> int:
    """As many in CI; other profiles try more or fewer in proportion. The first is always the simplest one."""
    return max(3, number * settings().max_examples // _OF_CI)
