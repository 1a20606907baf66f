"""Show an encrypted dotenv file without parsing it, where it has the form that it nearly always has."""

from __future__ import annotations

from .leanblock import SIGN, WORD, OtherFormError, block_lines, is_time, is_version, masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OURS = "sops_"
_SUFFIX = "_unencrypted"
_SELECTOR = ("sops_unencrypted_suffix", _SUFFIX)
_AGE = "sops_age__list_"


def dotenv_lines(lines: Sequence[str]) -> Iterator[str]:
    """The masked lines of a file whose values all are ciphertexts, for age recipients.

    Raises:
        OtherFormError: a line has another form.
    """
    end = next((number for number, line in enumerate(lines) if line.startswith(_OURS)), len(lines))
    keys: set[str] = set()
    for line in lines[:end]:
        if not line or line[0] == "#":
            yield f"#{masked(line[1:], ('comment',))}" if line else line
            continue
        key, separator, value = line.partition("=")
        if not separator or key in keys or key.endswith(_SUFFIX) or not key or not WORD.issuperset(key):
            raise OtherFormError
        keys.add(key)
        yield f"{key}={masked(value, ('str',)) if value else ''}"
    yield from _block(lines[end:])


def _block(lines: Sequence[str]) -> Iterator[str]:
    fields = dict[str, str]()
    for line in lines:
        name, separator, value = line.partition("=")
        if not separator or name in fields:
            raise OtherFormError
        fields[name] = value
    if fields.pop(_SELECTOR[0], "") != _SELECTOR[1] or not fields.pop("sops_mac", "").startswith(SIGN):
        raise OtherFormError
    if not is_time(fields.pop("sops_lastmodified", "")) or not is_version(fields.pop("sops_version", "")):
        raise OtherFormError
    recipients: list[tuple[str, str]] = []
    while fields:
        start = f"{_AGE}{len(recipients)}__map_"
        recipient, wrapped = fields.pop(f"{start}recipient", ""), fields.pop(f"{start}enc", "")
        if (
            not recipient.startswith("age1")
            or not recipient.isascii()
            or not recipient.isalnum()
            or not wrapped
        ):
            raise OtherFormError
        recipients.append((recipient, wrapped.replace("\\n", "\n")))
    if not recipients:
        raise OtherFormError
    yield from block_lines(f"{_SELECTOR[0].removeprefix(_OURS)}: {_SUFFIX}", recipients)
