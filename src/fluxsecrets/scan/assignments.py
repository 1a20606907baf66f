"""`NAME = value` in any text: configuration, code, documentation, and text inside of other files.

RE2 finds them, so that a file of a million lines takes linear time. What is found is judged by the name,
by the value, and by how much the surroundings promise: in a configuration file a value is one, in code
it may be a variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

from fluxsecrets.namedtuples import NamedTuple

from .everyday import names_object
from .expressions import ASSIGNMENT, OPTION, compiled
from .names import Telling, telling
from .values import is_expression, looks_random, may_be_password, may_be_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_VALUE = 1000
"""Characters; anything longer is not a password, but a minified file or a picture."""


class Surroundings(IntEnum):
    """How much a text promises.

    CODE: code and documentation: only quoted texts are values, and examples are everywhere.
    COMMENT: a line that was commented out, or prose.
    DECLARATION: code that mostly declares values, such as Terraform and XML: quoted texts are values.
    SCRIPT: shell scripts, images, units: texts without quotes are values, too.
    CONFIGURATION: what stands behind the sign is the value.
    """

    CODE = 1
    COMMENT = 2
    DECLARATION = 3
    SCRIPT = 4
    CONFIGURATION = 5


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


_FILLED_IN = r"\{[A-Za-z_][^{}\s]*\}|\$[({]"
"""A place in a text of code into which something is put: `Bearer {token}`, `$(cat FILE)`."""

_EXPANDED = r"\$[A-Za-z_{(*@#?1-9]|`|\{\{|^[^{}]*\}$"
"""What a shell replaces; at last, what is left of `${NAME:-default}`."""


_SEARCHED = r"\(?\.[*+]|\(?\[\^|\(\?[:=!P<]|\\[sSdDwW][*+]"
"""The start of what a regular expression looks for: `s/^password=.*/password=/`."""


def _is_filled_in(text: str, surroundings: Surroundings) -> bool:
    if surroundings is Surroundings.SCRIPT:
        return re.search(_EXPANDED, text) is not None
    if surroundings is Surroundings.CONFIGURATION:
        return False
    if re.fullmatch(r"\$[A-Za-z_]\w*", text):
        return True
    rest, count = re.subn(_FILLED_IN, "", text)
    return count > 0 and not (looks_random(rest) and " " not in rest)


def is_secret(found: Assignment, surroundings: Surroundings) -> bool:
    """Whether an assignment puts a secret into its name."""
    says = telling(found.name)
    if says is Telling.NOTHING or len(found.value) > LONGEST_VALUE:
        return False
    if surroundings is not Surroundings.CONFIGURATION and re.match(_SEARCHED, found.value):
        return False
    filled = _is_filled_in(found.value, surroundings)
    if filled if found.quoted or surroundings is Surroundings.SCRIPT else is_expression(found.value):
        return False
    return _JUDGES[surroundings](found, says is Telling.SURELY) and not names_object(found.name, found.value)


def _in_configuration(found: Assignment, sure: bool) -> bool:
    return may_be_password(found.value) if sure else may_be_token(found.value)


def _in_comment(found: Assignment, sure: bool) -> bool:
    if sure:
        return len(found.value) >= 6 and may_be_password(found.value) and is_chosen(found.value)
    return may_be_token(found.value) and holds_random(found.value)


def holds_random(value: str) -> bool:
    """Whether a text has a long part that a machine made. Names of Secrets have short ones: `app-8f3a2`."""
    return any(looks_random(part) for part in re.findall(r"[A-Za-z0-9]{12,}|[0-9a-f-]{36}", value))


def _in_declaration(found: Assignment, sure: bool) -> bool:
    return found.quoted and _in_script(found, sure)


def _in_script(found: Assignment, sure: bool) -> bool:
    if sure:
        return len(found.value) >= 6 and may_be_password(found.value) and is_chosen(found.value)
    return len(found.value) >= 12 and may_be_token(found.value) and not is_expression(found.value)


def _in_code(found: Assignment, sure: bool) -> bool:
    if not found.quoted:
        return len(found.value) >= 16 and may_be_token(found.value)
    if sure:
        return len(found.value) >= 6 and may_be_password(found.value) and is_chosen_well(found.value)
    return len(found.value) >= 12 and may_be_token(found.value)


_JUDGES = {
    Surroundings.CODE: _in_code,
    Surroundings.COMMENT: _in_comment,
    Surroundings.DECLARATION: _in_declaration,
    Surroundings.SCRIPT: _in_script,
    Surroundings.CONFIGURATION: _in_configuration,
}

_IN_EXAMPLES = (
    r"p[a4@]ss(?:w[o0]?r?d?|phrase)?|pwd|s[e3]cr[e3]t|tests?|example|sample|admin|root|user(?:name)?|demo|foo|bar|baz"
    r"|minio|postgres|mysql|mariadb|redis|mongo|guest|elastic|rabbit|grafana|wordpress|pw"
    r"|dummy|fake|abc(?:d(?:ef?)?)?|qwerty|letmein|change|please|default|your?|super|some|token|key|value|my|the|[\W\d_]"
)


_BASE64 = r"[A-Za-z0-9+/]{8,64}={0,2}"


def is_chosen(value: str) -> bool:
    """Whether somebody chose a password to keep others out: not a mere word, and not that of an example."""
    if _is_example(value):
        return False
    if looks_random(value):
        return True
    kinds = _kinds(value)
    return " " not in value and (kinds > 2 or (kinds == 2 and any(map(str.isdigit, value))))


def _is_example(value: str) -> bool:
    """Whether a text consists of the words and numbers of examples: `mySecretPassword123`, in base64 too."""
    if len(re.sub(_IN_EXAMPLES, "", value.lower())) < 3:
        return True
    from .decode import text_behind

    inner = text_behind(value.encode()) if re.fullmatch(_BASE64, value) else None
    return inner is not None and len(re.sub(_IN_EXAMPLES, "", inner.decode("latin-1").lower())) < 3


def is_chosen_well(value: str) -> bool:
    """Whether a password is more than a word or two, as examples in code and documentation are."""
    if _is_example(value):
        return False
    return looks_random(value) or (len(value) >= 8 and _kinds(value) >= 3 and " " not in value)


def _kinds(value: str) -> int:
    """How many kinds of characters a text has, of lower and upper case, digits and others."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    return sum(any(map(kind, value)) for kind in kinds)
