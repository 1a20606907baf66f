"""Which values are encrypted, as it is said in files and rules; `selectors` compiles it.

It stands apart from the rest of the `sops` block, since looking at an encrypted file takes no more.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

DEFAULT_UNENCRYPTED_SUFFIX = "_unencrypted"


class SelectorKind(Enum):
    """The six ways to say which values are encrypted; the value is the name in files."""

    UNENCRYPTED_SUFFIX = "unencrypted_suffix"
    ENCRYPTED_SUFFIX = "encrypted_suffix"
    UNENCRYPTED_REGEX = "unencrypted_regex"
    ENCRYPTED_REGEX = "encrypted_regex"
    UNENCRYPTED_COMMENT_REGEX = "unencrypted_comment_regex"
    ENCRYPTED_COMMENT_REGEX = "encrypted_comment_regex"


class SelectorSpec(NamedTuple):
    """A selector as it stands in a file or a rule, not yet compiled."""

    kind: SelectorKind
    pattern: str


DEFAULT_SELECTOR = SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, DEFAULT_UNENCRYPTED_SUFFIX)
