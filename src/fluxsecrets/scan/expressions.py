"""Regular expressions that are both triggers and what is then searched for, and how RE2 compiles them.

They have no counted repetitions: RE2 would unroll them, and take longer to compile than to search.
"""

from __future__ import annotations

from functools import cache

from .names import TELLING_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The first alternative has a type between: `apiKey: string = "..."`.
_SIGN = (
    r"""(?:\\?["'`])?[)\]]?[ \t]*(?::[ \t]*[A-Za-z_][A-Za-z0-9_.]*[ \t]+=[ \t]+"""
    r"""|(?::=|=>|\|\|=|\?\?=|\?=|==?|:)[ \t]*)"""
)
_VALUE = (
    r"""(?:[A-Za-z@$]?[A-Za-z@$]?\\?"((?:[^"\\\r\n]|\\[^"\r\n])+\\?)"|[A-Za-z]?[A-Za-z]?'([^'\r\n]+)'"""
    r"""|`([^`\r\n]+)`|([^\s"'`,;#(){}\[\]<>|&][^\s,;"'`<>|&]*))"""
)
ASSIGNMENT = rf"(?i)(?:\\[nrt])?({TELLING_NAME}){_SIGN}{_VALUE}"
"""`NAME = value`: the name is group 1, the value one of groups 2 to 5, the last one without quotes.

The `n` of an escaped line break in code is not part of a name.
"""

OPTION = rf"""(?i)--({TELLING_NAME})[ \t]+["']?([^\s"'-][^\s"']+)"""
"""A command's option with its value after a blank."""

URL = (
    r"(?i)\b([a-z][a-z0-9+.-]+)://([^\s:/@\"'`<>{}|\\,;()\[\]]*):([^\s/@\"'`<>|\\]+)"
    r"@([a-z0-9_.${}\[\]%-]+)"
)
"""A URL with a password: scheme, user, password, host."""

DSN = r"\b([A-Za-z0-9_.-]+):([^\s:/@\"'`<>|\\,]+)@(?:tcp|unix|udp)\(([^\s()]*)\)"
"""What Go's drivers take: user, password, address."""

_SERVER = (
    r"(?:server|data ?source|host|hostname|driver|dsn|addr|address|network address|initial catalog"
    r"|database|dbname|user|user id|username|uid|endpoint)[ \t]*="
)
_KEYED_VALUE = r"[ \t]*=[ \t]*([^\s;\"'&<>|\\$%{][^\s;\"'&<>|\\]*)"
KEYED = (
    rf"(?i)\b{_SERVER}[^\r\n;\"'<>|&]*[; ](?:[^\r\n\"'<>|]*[; ])?(?:password|pwd){_KEYED_VALUE}"
    rf"|\b(?:password|pwd){_KEYED_VALUE};[^\r\n\"'<>|]*\b{_SERVER}"
    rf"|\bjdbc:[a-z0-9]+:[^\s\"'<>|]*[?&;](?:password|pwd){_KEYED_VALUE}"
)
"""A connection string of names and values, as ADO, ODBC, libpq and JDBC have them: the password."""


@cache
def compiled(expression: str) -> Any:
    """An expression for bytes, compiled by RE2; bytes are bytes, as they are to hyperscan."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(expression.encode(), options)
