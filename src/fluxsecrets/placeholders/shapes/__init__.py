"""The shapes of texts, one kind per file. The first one that fits is taken, so strict ones come first."""

from __future__ import annotations

from fluxsecrets.placeholders.model import Shape

from . import (
    addresses,
    age,
    assignments,
    connections,
    encoded,
    hashes,
    jsontext,
    jwt,
    lines,
    path,
    pem,
    references,
    scalars,
    ssh,
    times,
    tomltext,
    url,
    uuid,
    yamltext,
)

SHAPES: tuple[Shape, ...] = (
    # Texts of several parts.
    pem.SHAPE,
    jsontext.SHAPE,
    tomltext.SHAPE,
    yamltext.SHAPE,
    assignments.SHAPE,
    # One value with a form that others can be told from.
    url.SHAPE,
    jwt.SHAPE,
    age.SHAPE,
    ssh.SHAPE,
    hashes.SHAPE,
    connections.SHAPE,
    references.SHAPE,
    uuid.SHAPE,
    # What is looser comes later: `10.0.0.1` is not a number, and digits are not base64.
    scalars.BOOLEAN,
    times.SHAPE,
    scalars.AMOUNT,
    scalars.NUMBER,
    scalars.VERSION,
    addresses.IP,
    addresses.MAIL,
    addresses.HOST_AND_PORT,
    addresses.HOST,
    path.SHAPE,
    encoded.HEX,
    encoded.BASE64,
    lines.SHAPE,
)
"""All of them; a text that has none of these shapes gets a mark."""
