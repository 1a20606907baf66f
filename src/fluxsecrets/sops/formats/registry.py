"""The table of formats; adding one is a line here and a file beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fluxsecrets.errors import UsageError
from fluxsecrets.sops.formats import Format, StoresConfig


def _yaml(stores: StoresConfig) -> Format:
    from fluxsecrets.sops.formats.yaml import YamlFormat

    return YamlFormat(stores.yaml_indent)


def _json(stores: StoresConfig) -> Format:
    from fluxsecrets.sops.formats.json import JsonFormat

    return JsonFormat(stores.json_indent)


def _dotenv(_stores: StoresConfig) -> Format:
    from fluxsecrets.sops.formats.dotenv import DotenvFormat

    return DotenvFormat()


def _ini(_stores: StoresConfig) -> Format:
    from fluxsecrets.sops.formats.ini import IniFormat

    return IniFormat()


def _binary(stores: StoresConfig) -> Format:
    from fluxsecrets.sops.formats.binary import BinaryFormat

    return BinaryFormat(stores.json_binary_indent)


FORMATS: Mapping[str, Callable[[StoresConfig], Format]] = {
    "yaml": _yaml,
    "json": _json,
    "dotenv": _dotenv,
    "ini": _ini,
    "binary": _binary,
}
"""Makers of formats by name; a format's module is imported with its first use."""


def make_format(name: str, stores: StoresConfig = StoresConfig()) -> Format:  # noqa: B008 - frozen
    """A format by its name.

    Raises:
        UsageError: there is none of that name.
    """
    maker = FORMATS.get(name)
    if maker is None:
        raise UsageError(f"there is no format {name!a}", hint=f"the formats are {', '.join(FORMATS)}")
    return maker(stores)
