"""What a finding is known by from one run to the next.

A fingerprint is stable while lines move: it is made of the rule, the path and names (of objects and
keys), never of line numbers. It is written into baselines, which are committed and read by many, so it
must not be a way to guess a value: whatever is hashed can be tried out, and no salt or slow hash saves a
short password from somebody who knows the rest of the input. Therefore:

* a value that a person may have chosen is *not* in it. Its place is: another password under the same key
  of the same object is the same finding;
* a value that nobody can guess (a provider's token, a private key) may be, through `value_part`. It tells
  one token from another in text that has no keys.
"""

from __future__ import annotations

from collections.abc import Iterable

from .model import Finding

_BYTES = 16
_PERSON = b"fluxsecrets find"  # keeps the hashes apart from all others of the same input
_GUESSABLE_BELOW = 20  # characters
_GAP = 8  # numbers that may be missing in a row, such as those of findings that are allowed


def fingerprint(rule: str, path: str, *parts: str) -> str:
    """The fingerprint of a finding: 32 hexadecimal digits.

    Args:
        rule: the rule's id.
        path: of the file.
        parts: names that tell it from others of this rule in this file; values of secrets only as
            `value_part` gives them.
    """
    from hashlib import blake2b

    state = blake2b(digest_size=_BYTES, person=_PERSON)
    for part in (rule, path, *parts):
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big") + data)  # so that ("a", "bc") is not ("ab", "c")
    return state.hexdigest()


def value_part(value: bytes) -> str:
    """A part that stands for a value which was made by a machine, and cannot be guessed.

    Args:
        value: a provider's token or a key's text. A short one gives "": it might be guessed.
    """
    if len(value) < _GUESSABLE_BELOW:
        return ""
    from hashlib import blake2b

    return blake2b(value, digest_size=_BYTES, person=_PERSON).hexdigest()


def families(items: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """By fingerprint the one that `told_apart` added a number to, or itself.

    If a value is inserted before others, theirs get other numbers, and stay in the family.

    Args:
        items: rule, path and fingerprint of each finding.
    """
    places: dict[tuple[str, str], set[str]] = {}
    for rule, path, name in items:
        places.setdefault((rule, path), set()).add(name)
    found: dict[str, str] = {}
    for (rule, path), names in places.items():
        found.update((name, name) for name in names)
        for base in names if len(names) > 1 else ():
            number, last = 2, 1 + _GAP
            while number <= last:
                again = fingerprint(rule, path, base, str(number))
                if again in names:
                    found[again] = base
                    last = number + _GAP
                number += 1
    return found


def told_apart(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of one file, those with the same fingerprint numbered in their order."""
    seen: dict[str, int] = {}
    result = []
    for finding in findings:
        count = seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
        if count > 1:
            again = fingerprint(finding.rule, finding.location.path, finding.fingerprint, str(count))
            finding = finding._replace(fingerprint=again)  # noqa: PLW2901
        result.append(finding)
    return tuple(result)
