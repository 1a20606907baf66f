"""The editor of `.fluxsecrets.yaml`: it changes values in the file's own text, and the rest stays."""

from __future__ import annotations

from fluxsecrets.errors import ConfigError
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.sops.document import Data, Path
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.nodes import RawScalar, RawSequence
from fluxsecrets.sops.splice import Splices, node_start, parse_root, resolved, value_of

from .settings import parse_settings


def put(data: bytes, path: Path, value: Data, limits: Limits) -> bytes:
    """The settings with one more value, or another one in its place.

    Args:
        data: the `.fluxsecrets.yaml`.
        path: of the value; a list's next position appends to it.
        value: the value.
        limits: for reading the file.
    """
    format_ = YamlFormat()
    return set_value(format_, format_.parse(data, limits), path, value, limits)


def change_cluster_recipient(data: bytes, environment: str, old: str, new: str, *, replaces: bool) -> bytes:
    """The settings with a new key beside an old one in `cluster_recipients`, or in the old one's place.

    Args:
        data: the `.fluxsecrets.yaml`.
        environment: its name.
        old: the public key that is there; without it nothing changes.
        new: the other one.
        replaces: take the old one out.

    Raises:
        ConfigError: the list is written in a way that cannot be changed.
    """
    before = parse_settings(data)
    own = before.environment(environment)
    if own is None or old not in own.cluster_recipients:
        return data
    text = data.decode("utf-8-sig")
    node = parse_root(text)
    for name in ("environments", environment, "cluster_recipients"):
        node = value_of(node, name) if node is not None else None
    items = resolved(node) if node is not None else None
    splices = Splices.of(text)
    if isinstance(items, RawSequence):
        texts = [found.text if isinstance(found := resolved(item), RawScalar) else "" for item in items.items]
        at = texts.index(old)
        if not replaces:
            splices.insert_item(items, at, new)
        elif new in texts:
            splices.remove_item(items, at)
        else:
            splices.replace(node_start(items.items[at]), items.items[at].end, new)
    after = (b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b"") + splices.made().encode()
    expected = {each.name: set(each.cluster_recipients) for each in before.environments}
    expected[environment] = {each for each in own.cluster_recipients if each != old or not replaces} | {new}
    # An alias may share the list with another environment, which must not change.
    if {each.name: set(each.cluster_recipients) for each in parse_settings(after).environments} != expected:
        raise ConfigError(
            f"cluster_recipients of {environment} cannot be changed as they are written",
            path=SETTINGS_NAME,
            line=own.line,
            hint="write a list of its own, with one recipient per line",
        )
    return after
