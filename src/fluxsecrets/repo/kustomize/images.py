"""`images` of a kustomization file: other names, tags and digests for images.

Follows kustomize's api/filters/imagetag and api/internal/image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import Plain, Steps, text, with_value
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.sops.selectors import RegexError, compile_regex

from .kustomizationfile import Image

_LISTS = ("containers", "initContainers")
_VOLUMES = (("spec", "volumes"), ("spec", "template", "spec", "volumes"))
_PARTS = re.compile(r"(?P<name>(?:[^/]*/)?[^:@]*)(?::(?P<tag>[^@]*))?(?:@(?P<digest>.*))?", re.DOTALL)


def read_images(entries: Iterable[Plain]) -> tuple[Image, ...]:
    """Entries of `images` from data."""
    fields = ("name", "newName", "newTag", "digest")
    return tuple(Image(*(text(entry, each) or "" for each in fields)) for entry in entries)


def with_added(own: Iterable[Image], added: Iterable[Image]) -> tuple[Image, ...]:
    """The entries of a kustomization file with those that a caller of kustomize adds.

    As `WriteFile` of fluxcd/pkg's kustomize/kustomize_generator.go: an entry of the same name is changed, and
    a new tag or digest replaces both.

    Args:
        own: of the file.
        added: in order.
    """
    found = list(own)
    for image in added:
        at = next((index for index, each in enumerate(found) if each.name == image.name), None)
        if at is None:
            found.append(image)
            continue
        if image.new_name:
            found[at] = replace(found[at], new_name=image.new_name)
        if image.new_tag or image.digest:
            found[at] = replace(found[at], new_tag=image.new_tag, digest=image.digest)
    return tuple(found)


def with_image(item: Object, image: Image) -> Object:
    """The object with an entry of `images` applied to its containers, and to volumes that are images."""
    if item.kind == "CustomResourceDefinition":
        return item
    try:
        fits = compile_regex(f"^{image.name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$").search
    except RegexError:
        return item
    data = item.data
    for steps, value in [*_images(item.data, ()), *_volumes(item.data)]:
        if isinstance(value, str) and fits(value):
            data = with_value(data, steps, _changed(value, image))
    return item if data is item.data else with_data(item, data)


def _images(data: Any, steps: Steps) -> list[tuple[Steps, object]]:
    """The images of all lists of containers, wherever they are."""
    found: list[tuple[Steps, object]] = []
    if isinstance(data, dict):
        for key, value in data.items():
            found += _images(value, (*steps, key))
            if key in _LISTS and isinstance(value, list):
                found += [
                    ((*steps, key, index, "image"), each.get("image"))
                    for index, each in enumerate(value)
                    if isinstance(each, dict)
                ]
    elif isinstance(data, list):
        for index, value in enumerate(data):
            found += _images(value, (*steps, index))
    return found


def _volumes(data: Any) -> list[tuple[Steps, object]]:
    found: list[tuple[Steps, object]] = []
    for path in _VOLUMES:
        here = data
        for key in path:
            here = here.get(key) if isinstance(here, dict) else None
        for index, each in enumerate(here if isinstance(here, list) else ()):
            image = each.get("image") if isinstance(each, dict) else None
            if isinstance(image, dict):
                found.append(((*path, index, "image", "reference"), image.get("reference")))
    return found


def _changed(value: str, image: Image) -> str:
    parts = _PARTS.fullmatch(value)
    if parts is None:
        return value
    name, tag, digest = image.new_name or parts["name"], parts["tag"] or "", parts["digest"] or ""
    if image.new_tag or image.digest:
        tag, digest = image.new_tag, image.digest
    elif image.tag_suffix:
        tag, digest = f"{tag}{image.tag_suffix}", ""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
