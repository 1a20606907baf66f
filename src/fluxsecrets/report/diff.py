"""What differs between two states, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fluxsecrets.ops.compare.diff import Diff
from fluxsecrets.ops.compare.model import FileDiff, Masked, SideInfo, ValueDiff
from fluxsecrets.sops.document import show_path
from fluxsecrets.sops.naming import whole_recipient
from fluxsecrets.sops.values import Timestamp, Value

from .base import Base, rooted
from .diff_markdown import markdown_page
from .diff_text import text_page
from .json import error_or_null, page, term
from .page import Page
from .text import well_formed

if TYPE_CHECKING:
    from .wire import changes as wire


def _json_page(found: Diff) -> Page:
    base = rooted(found.root)
    shown = found.request.show_values
    data: wire.Difference = {
        "before": found.before,
        "after": found.after,
        "with_values": shown,
        "files": [_file_data(each, base, with_values=shown) for each in found.files],
        "summary": dict(sorted(Counter(str(each.state) for each in found.files).items())),
    }
    return page("diff", data, base)


FORMATS: Mapping[str, Callable[[Diff], Page]] = {
    "text": text_page,
    "json": _json_page,
    "markdown": markdown_page,
}


def _file_data(each: FileDiff, base: Base, *, with_values: bool) -> wire.FileDifference:
    return {
        "path": well_formed(each.path),
        "old_path": None if each.old_path is None else well_formed(each.old_path),
        "state": term(each.state),
        "values": [_value_data(value, with_values=with_values) for value in each.values],
        "references": [
            {
                "document": reference.part + 1,
                "object": reference.object,
                "key": reference.key,
                "line": reference.line,
                "before": reference.before,
                "after": reference.after,
            }
            for reference in each.references
        ],
        "recipients_added": list(each.recipients_added),
        "recipients_removed": list(each.recipients_removed),
        "new_data_key": each.new_data_key,
        "comments_differ": each.comments,
        "before": _side_data(each.before, base),
        "after": _side_data(each.after, base),
    }


def _value_data(value: ValueDiff, *, with_values: bool) -> wire.ValueDifference:
    data: wire.ValueDifference = {
        "document": value.part + 1,
        "object": value.object,
        "key": show_path(value.path),
        "line": value.line,
        "state": value.state.value,
        "before": masked_data(value.before, encrypted=value.encrypted_before),
        "after": masked_data(value.after, encrypted=value.encrypted_after),
    }
    if with_values:
        data["value_before"], data["value_after"] = _plain(value.plain_before), _plain(value.plain_after)
    return data


def _plain(value: Value) -> object:
    """A value as JSON has it; bytes that are not text as a list of numbers."""
    if isinstance(value, Timestamp):
        return value.text
    return list(value) if isinstance(value, bytes) else value


def masked_data(masked: Masked | None, *, encrypted: bool) -> wire.MaskedValue | None:
    """A value that is not shown; None for no value."""
    if masked is None:
        return None
    length = masked.shape.length
    return {
        "kind": masked.shape.kind,
        "length": None if length is None else list(length),
        "token": masked.token or None,
        "encrypted": encrypted,
    }


def _side_data(side: SideInfo | None, base: Base) -> wire.FileVersion | None:
    if side is None:
        return None
    return {
        "encrypted": side.encrypted,
        "mac": None if side.mac is None else side.mac.value,
        "opened": side.opened,
        "recipients": [[whole_recipient(recipient) for recipient in group] for group in side.recipients],
        "selector": side.selector or None,
        "threshold": side.threshold if side.encrypted else None,
        "mac_only_encrypted": side.mac_only_encrypted,
        "error": error_or_null(side.error, base.at_root),
    }
