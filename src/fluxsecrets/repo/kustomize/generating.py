"""What `secretGenerator` and `configMapGenerator` make: keys, values, and the hash at the end of the name.

Follows kustomize's api/kv, api/internal/generators, api/hasher and kyaml/yaml/datamap.go.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping

from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Origin, Source

Read = Callable[["Source"], bytes | None]
"""Gives the content of a source's file, or None where it is not known."""

_LINE = 70
_LONGEST = 64 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Content:
    """The values of a generator. Not in the repr.

    Attributes:
        values: by key.
        unknown: keys whose values are not known.
        complete: no file with further keys is unknown.
        problem: why kustomize refuses them, or "".
        line: of the source that it refuses.
    """

    values: Mapping[str, bytes] = field(repr=False)
    unknown: tuple[str, ...] = ()
    complete: bool = True
    problem: str = ""
    line: int | None = None


def content(name: str, sources: tuple[Source, ...], read: Read) -> Content:
    """Return the values of a generator.

    Args:
        name: of what is generated, for the problem.
        sources: in kustomize's order: envs, literals, files.
        read: gives the content of a file, as it is after Flux decrypted it.
    """
    values: dict[str, bytes] = {}
    unknown: dict[str, None] = {}
    complete, problem, line = True, "", None
    for source in sources:
        data = source.value.encode() if source.origin is Origin.LITERAL else read(source)
        if data is None and source.origin is Origin.ENVS:
            complete = False
            continue
        pairs: Iterator[tuple[str, bytes | None]]
        if data is not None and source.origin is Origin.ENVS:
            pairs, wrong = iter(env_lines(data)), not_text(data)
        else:
            pairs, wrong = iter(((source.key, data),)), None
        if wrong is not None and not problem:
            problem, line = f"line {wrong} has invalid utf8 bytes", source.line
        for key, value in pairs:
            if (key in values or key in unknown) and not problem:
                problem, line = f"configmap {name} illegally repeats the key `{key}`", source.line
            if value is None:
                unknown[key] = None
            else:
                values[key] = value
    return Content(values, tuple(unknown), complete, problem, line)


def env_lines(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The pairs of a file under `envs`; a line without `=` has an empty value (`keyValuesFromLine`)."""
    for number, raw in enumerate(_lines(data)):
        line = raw.removeprefix(_BOM) if number == 0 else raw
        text = line.decode("utf-8", "replace").lstrip()
        key, _, value = text.partition("=")
        if text and not text.startswith("#") and key:
            yield key, value.encode()


def not_text(data: bytes) -> int | None:
    """The line of a file under `envs` that is not UTF-8, or None."""
    for number, line in enumerate(_lines(data), start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return number
    return None


def secret_data(values: Mapping[str, bytes]) -> Plain:
    """`data` of a Secret."""
    return {key: _base64(values[key]) for key in sorted(values)}


def config_map_data(values: Mapping[str, bytes]) -> tuple[Plain, Plain]:
    """`data` and `binaryData` of a ConfigMap."""
    data: Plain = {}
    binary: Plain = {}
    for key in sorted(values):
        try:
            data[key] = values[key].decode()
        except UnicodeDecodeError:
            binary[key] = _base64(values[key])
    return data, binary


def _lines(data: bytes) -> Iterator[bytes]:
    """The lines as Go's `bufio.Scanner` has them: no CR at the end, and nothing from a line of 64 KiB on."""
    pieces = data.split(b"\n")
    if pieces and not pieces[-1]:
        pieces.pop()
    for piece in pieces:
        if len(piece) >= _LONGEST:
            return
        yield piece.removesuffix(b"\r")


def _base64(value: bytes) -> str:
    """Base64 in lines of 70 characters, as kustomize writes it; one line has no line break."""
    text = b64encode(value).decode()
    if len(text) < _LINE:
        return text
    return "".join(f"{text[start : start + _LINE]}\n" for start in range(0, len(text), _LINE))
