"""`NAME = value` in any text: configuration, code, documentation, and text inside of other files.

RE2 finds them, so that a file of a million lines takes linear time. What is found is judged by the name,
by the value, and by how much the surroundings promise: in a configuration file a value is one, in code
it may be a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

from .expressions import ASSIGNMENT, OPTION, compiled
from .names import Telling, telling
from .values import is_expression, looks_random, may_be_password, may_be_token

LONGEST_VALUE = 1000
"""Characters; anything longer is not a password, but a minified file or a picture."""


class Surroundings(IntEnum):
    """How much a text promises.

    CODE: code and documentation: only quoted texts are values, and examples are everywhere.
    CONFIGURATION: what stands behind the sign is the value.
    """

    CODE = 1
    CONFIGURATION = 2


class Assignment(NamedTuple):
    """A name with its value.

    Attributes:
        value: without quotes.
        start, end: of the value in the data.
        quoted: it stood in quotes.
    """

    name: str
    value: str
    start: int
    end: int
    quoted: bool

    def __repr__(self) -> str:
        """Without the value."""
        return f"Assignment({self.name!r}, {self.start}, {self.end})"


def assignments(data: bytes, *, options: bool = False) -> Iterator[Assignment]:
    """All assignments to names that say something.

    Args:
        data: the text, in UTF-8 where it matters.
        options: whether `--password value` is one.
    """
    for match in compiled(ASSIGNMENT).finditer(data):
        group = next(number for number in (2, 3, 4, 5) if match.start(number) >= 0)
        yield _assignment(match, group, quoted=group < 5)
    for match in compiled(OPTION).finditer(data) if options else ():
        yield _assignment(match, 2, quoted=False)


def _assignment(match: Any, group: int, *, quoted: bool) -> Assignment:
    value = match.group(group).decode("utf-8", "replace")
    return Assignment(match.group(1).decode("latin-1"), value, match.start(group), match.end(group), quoted)


_FILLED_IN = r"\{[A-Za-z_][^{}\s]*\}"
"""A place in a text of code into which something is put: `Bearer {token}`."""


def _is_filled_in(text: str, surroundings: Surroundings) -> bool:
    return surroundings is Surroundings.CODE and re.search(_FILLED_IN, text) is not None


def is_secret(found: Assignment, surroundings: Surroundings) -> bool:
    """Whether an assignment puts a secret into its name."""
    says = telling(found.name)
    if says is Telling.NOTHING or len(found.value) > LONGEST_VALUE:
        return False
    if is_expression(found.value) if not found.quoted else _is_filled_in(found.value, surroundings):
        return False
    if surroundings is Surroundings.CONFIGURATION:
        return may_be_password(found.value) if says is Telling.SURELY else may_be_token(found.value)
    if not found.quoted:
        return len(found.value) >= 16 and may_be_token(found.value)
    if says is Telling.SURELY:
        return len(found.value) >= 6 and may_be_password(found.value) and _chosen_well(found.value)
    return len(found.value) >= 12 and may_be_token(found.value)


def _chosen_well(value: str) -> bool:
    """Whether a password is more than a word or two, as examples in code and documentation are."""
    if looks_random(value):
        return True
    kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    return len(value) >= 8 and sum(any(map(kind, value)) for kind in kinds) >= 3 and " " not in value
