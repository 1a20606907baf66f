"""The new environment's entry in `.fluxsecrets.yaml`, where the old one has one."""

from __future__ import annotations

from fluxsecrets.repo import settings_edit
from fluxsecrets.repo.settings import Settings
from fluxsecrets.sops.document import Data
from fluxsecrets.sops.formats import Limits

from .naming import Naming, new_path


def add_settings(data: bytes, settings: Settings, naming: Naming, recipient: str, limits: Limits) -> bytes:
    """The settings with the new environment in them; all else in the text stays."""
    own = settings.environment(naming.source)
    if own is not None:
        entry: dict[str, Data] = {}
        if own.path is not None:
            entry["path"] = new_path(own.path, naming.old, naming.new)
        if own.files:
            entry["files"] = [naming.words(glob) for glob in own.files]
        if own.cluster_recipients:
            entry["cluster_recipients"] = [recipient]
        if entry:
            data = settings_edit.put(data, ("environments", naming.name), entry, limits)
    number = len(settings.secrets)
    for glob in settings.secrets:
        renamed = naming.words(glob)
        if renamed != glob and renamed not in settings.secrets:
            data = settings_edit.put(data, ("secrets", number), renamed, limits)
            number += 1
    return data
