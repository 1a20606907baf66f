"""Set values in the content of an encrypted file, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.files.reading import FileContent
from fluxsecrets.ops.files.keypaths import Place
from fluxsecrets.ops.files.reencrypt import encrypt_again, open_content
from fluxsecrets.ops.files.values import NewValue, data_for
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.document import Path, find
from fluxsecrets.sops.formats.changing import set_value


def with_values(
    session: Session,
    target: Target,
    content: FileContent,
    values: Iterable[tuple[int, Path, NewValue]],
) -> bytes:
    """Return an encrypted content with new values. Everything else in it keeps its ciphertext.

    Args:
        session: the run.
        target: the file; its creation rule counts.
        content: the encrypted content.
        values: the number of the YAML document, from 0, the path in it, and the value.

    Raises:
        UnprotectedError: the content has recipients whom the creation rule does not name.
        UsageError, FormatError: a value does not fit its place.
    """
    opened = open_content(session, target, content)
    format_ = opened.file.format
    text = opened.file.text()
    for part, path, new in values:
        document = format_.parse(text, session.limits)
        root = document.parts[part]
        value = data_for(root, Place(part, path, find(root, path)), new)
        text = set_value(format_, document, path, value, session.limits, part=part)
    return encrypt_again(session, opened, text).data
