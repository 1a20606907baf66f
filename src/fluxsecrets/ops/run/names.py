"""Names for recipients: YAML anchors of `.sops.yaml`, then `keys/NAME.pub` in the repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.recipients import recipients_in, undoing_post_quantum

_MAX_PUBLIC_KEY = 64 * 2**10


def read_public_keys(root: Path) -> dict[str, str]:
    """Recipient -> name for each `keys/NAME.pub`; files that are no public keys are passed over."""
    names: dict[str, str] = {}
    folder = root / KEYS_FOLDER
    if not folder.is_dir():
        return names
    for path in sorted(folder.glob("*" + PUBLIC_KEY_SUFFIX)):
        for text in read_public_file(path):
            names.setdefault(text, path.name.removesuffix(PUBLIC_KEY_SUFFIX))
    return names


def read_public_file(path: Path) -> tuple[str, ...]:
    """The recipients of one `NAME.pub`; what is none, or cannot be read, is passed over."""
    try:
        return recipients_in(read_file(path, limit=_MAX_PUBLIC_KEY).data)
    except FluxsecretsError:
        return ()


def names_of(groups: RecipientGroups, names: Mapping[str, str]) -> tuple[str, ...]:
    """The names of all recipients of all groups, in order, each once."""
    from fluxsecrets.sops.naming import name_of  # start-up time: most often nobody is named

    return tuple(dict.fromkeys(name_of(recipient, names) for group in groups for recipient in group))


def post_quantum_warnings(
    groups: RecipientGroups, threshold: int, names: Mapping[str, str]
) -> tuple[str, ...]:
    """What to say where classical keys undo post-quantum ones."""
    classical = undoing_post_quantum(groups, threshold)
    if not classical:
        return ()
    shown = ", ".join(names_of((classical,), names))
    return (
        f"the post-quantum keys protect nothing beside those of {shown}: each key opens the file alone, "
        "and a quantum computer breaks theirs",
    )
