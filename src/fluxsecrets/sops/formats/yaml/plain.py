"""Which strings may be plain scalars: those that every reader of YAML reads back as the same string.

A secret goes through many readers: go-yaml v3 (sops), its v2 (kubectl, kubeseal, Helm), readers of YAML 1.1
such as PyYAML (Ansible), readers of YAML 1.2, and tools that turn YAML into JSON. A word such as `yes` is a
string for one and a boolean for another, so it needs quotes. Everything that writes YAML asks here.

sops quotes what go-yaml v3 does: resolve.go (`resolve`), encode.go (`isBase60Float`, `isOldBool`) and
emitterc.go (`yaml_emitter_analyze_scalar`). All of that is quoted here too; tests/vectors/sops/quoting.json
holds what sops itself wrote.
"""

from __future__ import annotations

import re

from fluxsecrets.sops.values import is_usual_time

_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""Booleans and null in any YAML, in lower case."""
_SIGNS = frozenset(("", "~", "=", "<<"))
"""Null twice, YAML 1.1's default value, and a merge key."""

# Wider than any reader's own pattern. `0b-1` is a number for go-yaml; underscores are taken out before.
_NUMBER = (
    r"[-+]?(?:0[xX][0-9a-fA-F]*|0[oO][-+]?[0-7]*|0[bB][-+]?[01]*"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]*)(?:[eE][-+]?[0-9]+)?"
    r"|[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?"  # 12:30 has the base 60 in YAML 1.1
    r"|\.[iI][nN][fF]|\.[nN][aA][nN])"
)
_TIMESTAMP = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?"
_NUMBER_STARTS = tuple("+-.0123456789")
_OF_NUMBERS = "+-.:0123456789abcdefABCDEFxXoOiInN"

# Expressions are compiled when a string may match: that takes longer than all else that is done to a file.

# Signs with a meaning at the start; `-`, `?` and `:` have one only in front of a blank or a bracket.
_INDICATORS = frozenset(" ,[]{}#&*!|>'\"%@`")
_LOOSE_INDICATORS = frozenset("-?:")
_BEHIND_LOOSE = frozenset(" ,[]{}")
_MARKERS = ("---", "...")
_FLOW_BREAKS = r"[,\[\]{}:?#&*!'\"%@`]"
# What go-yaml writes as it is. It escapes characters beyond U+FFFF, and so quotes them.
_CLEAN = "[ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*"


def may_be_plain(text: str, *, flow: bool) -> bool:
    """Return whether a string reads back as itself without quotes, as a value and as a key.

    Args:
        text: the string.
        flow: inside a flow collection.
    """
    if reads_otherwise(text):
        return False
    if not (text.isprintable() if text.isascii() else re.fullmatch(_CLEAN, text)):
        return False
    if not text[:1].isalnum() and (not _may_start(text) or text.startswith(_MARKERS)):
        return False
    # Several searches are faster than one pattern, and a value may have many megabytes.
    if ": " in text or " #" in text or text.endswith((":", " ")):
        return False
    return not (flow and re.search(_FLOW_BREAKS, text))


def reads_otherwise(text: str) -> bool:
    """Return whether some reader takes a plain scalar for a boolean, null, number, time or merge key."""
    if text.startswith(_NUMBER_STARTS):
        digits = text.replace("_", "")
        if not digits.strip(_OF_NUMBERS) and digits.count(".") < 2 and re.fullmatch(_NUMBER, digits):
            return True
        return is_usual_time(text) or (text[4:5] == "-" and re.fullmatch(_TIMESTAMP, text) is not None)
    return text in _SIGNS or (len(text) < 6 and text.lower() in _WORDS)


def _may_start(text: str) -> bool:
    first = text[0]
    if first in _LOOSE_INDICATORS:
        return len(text) > 1 and text[1] not in _BEHIND_LOOSE
    return first not in _INDICATORS
