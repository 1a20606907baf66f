"""Rules for files that sops encrypted, judged by their own selector.

A value that somebody added to an encrypted file with an editor stays plain, and neither sops nor Flux
says so: sops decrypts what is encrypted, and Flux does not check the MAC. A ciphertext that was pasted
from another file cannot be decrypted, since that one has another data key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Confidence, Location, RuleInfo, Severity
from fluxsecrets.marks import KEY_LISTS, is_ciphertext, may_hold_encrypted_comment
from fluxsecrets.scan.ciphertexts import digest
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.scanned import Ciphertext
from fluxsecrets.scan.valuekey import unpacked

from .page import AGAIN_HINT, Object, Page
from .reader import List, Map, Scalar, Value, child, is_null, show, text_of, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.sops.document import Comment
    from fluxsecrets.sops.selectors import Selector

PLAIN = RuleInfo(
    id="sops-plain-value",
    title="plain value in an encrypted file",
    severity=Severity.HIGH,
    explanation=(
        "The file has a `sops` block, and its selector says that this value is encrypted; it is not. It was "
        "added or changed with an editor. sops and Flux do not notice."
    ),
    fix=(
        "Put it in with `fluxsecrets set FILE KEY --stdin` or `fluxsecrets edit FILE`, or decrypt the file, "
        "and encrypt it again. "
        "Change the value if it was ever pushed."
    ),
    docs="scan.md#sops-plain-value",
)

FOREIGN = RuleInfo(
    id="sops-foreign-value",
    title="ciphertext of another file",
    severity=Severity.MEDIUM,
    explanation=(
        "The same ciphertext is in two files with different data keys: it was copied by hand. It opens "
        "in one of them only, and Flux will fail on the other."
    ),
    fix="Take the value from the one file with `fluxsecrets get FILE KEY`, and put it into the other with "
    "`fluxsecrets set FILE KEY --stdin`.",
    docs="scan.md#sops-foreign-value",
)

LOST = RuleInfo(
    id="sops-block-missing",
    title="ciphertext without what opens it",
    severity=Severity.HIGH,
    explanation=(
        "The values of this Secret are ciphertexts, and its `sops` block, or the MAC in it, is gone. Flux "
        "knows an encrypted file by its MAC, and applies the ciphertext as if it were the value."
    ),
    fix="Take the file from git again, with its `sops` block; do not encrypt or seal it as it is.",
    docs="scan.md#sops-block-missing",
)

MOVED = RuleInfo(
    id="sops-moved-comment",
    title="ciphertext in a comment outside of the encrypted part",
    severity=Severity.MEDIUM,
    explanation=(
        "sops encrypts comments among encrypted values alone. Somebody moved this one by hand, or copied the "
        "ciphertext of a value here, so that a program that opens it writes the value in plain text."
    ),
    fix=(
        "Look at `git log -p FILE` to see where it came from. Remove the comment; if it was a comment among "
        "the values, write it again with `fluxsecrets edit FILE`."
    ),
    docs="scan.md#sops-moved-comment",
)


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """The values of a document with a `sops` block that are plain against its selector."""
    block = owner.sops
    if block is None:
        if owner.is_secret:
            yield from _lost(page, owner)
        return
    selector = selector_of(block)
    if selector is None:
        yield _no_selector(page, owner, block)
        return
    if selector.uses_comments:
        return  # judged as a whole, see `judge_comments`
    for value in walk(owner.node, owner.prefix):
        if value.scalar is value.key or not is_plain(value.scalar):  # as nearly all are
            continue
        names = tuple(step for step in value.path if isinstance(step, str))
        if names[:1] == ("sops",) or (value.key is None and not names):
            continue
        if selector.encrypts(names):
            yield plain_match(page, owner, value)


def _lost(page: Page, owner: Object) -> Iterator[Match]:
    """The first value of a Secret that is a ciphertext, where nothing says how it is opened."""
    for field in ("data", "stringData"):
        node = child(owner.node, field)
        for value in walk(node, (*owner.prefix, field)) if node is not None else ():
            if is_ciphertext(value.scalar.text):
                where = f"{owner.label}: {show(value.path)}"
                message = f"{where} is a ciphertext, and the sops block with its MAC is gone"
                hint = "take the file from git again, with its sops block"
                yield page.match(LOST, value, owner, message, hint, secret="")
                return


def plain_match(page: Page, owner: Object, value: Value) -> Match:
    """The match for a value that should be encrypted."""
    where = f"{owner.label}: " if owner.is_object else ""
    message = f"{where}{show(value.path)} is in plain text in an encrypted file"
    packed = owner.is_secret and value.path[len(owner.prefix) :][:1] == ("data",)
    plain = unpacked(value.scalar.text) if packed else value.scalar.text
    return page.match(PLAIN, value, owner, message, AGAIN_HINT, secret=plain)


def is_plain(scalar: Scalar) -> bool:
    """Whether a scalar is neither encrypted nor one that sops leaves alone: null, or an empty text."""
    return bool(scalar.text) and not is_null(scalar) and not is_ciphertext(scalar.text)


def selector_of(block: Map) -> Selector | None:
    """The selector of a block, or None where it has none that works."""
    # Of several fields with one name the last one counts, as for `Map.get`.
    texts = {name.text: text_of(value) or "" for name, value in block.pairs if type(name) is Scalar}
    return selector_in(lambda name: texts.get(name, ""))


def selector_in(field: Callable[[str], str]) -> Selector | None:
    """The selector among the fields of a block, or None if no field has a valid one."""
    return _selector(tuple(map(field, _kinds())))


@cache
def _kinds() -> tuple[str, ...]:
    """The names of the fields that are selectors."""
    from fluxsecrets.sops.selectors import (
        SelectorKind,
    )  # most files are not encrypted, and need none of these

    return tuple(kind.value for kind in SelectorKind)


@lru_cache(maxsize=64)
def _selector(texts: tuple[str, ...]) -> Selector | None:
    """The selector of a block by its fields, as `_kinds` has them; the files of a repository have few."""
    from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, compile_selector, select_one

    try:
        return compile_selector(select_one(dict(zip(_kinds(), texts, strict=True))) or DEFAULT_SELECTOR)
    except FluxsecretsError:
        return None


def _no_selector(page: Page, owner: Object, block: Map) -> Match:
    key = next(
        (
            name
            for name, _ in block.pairs
            if type(name) is Scalar and name.text.endswith(("_regex", "_suffix"))
        ),
        None,
    )
    scalar = key or next(name for name, _ in block.pairs if type(name) is Scalar)
    value = Value(("sops", scalar.text), scalar, scalar, block)
    message = "the selector of this sops block is invalid, so it is unclear what should be encrypted"
    hint = "see `fluxsecrets explain FILE`"
    return page.match(PLAIN, value, owner, message, hint, confidence=Confidence.MEDIUM, secret="")


def judge_comments(page: Page) -> Iterator[Match]:
    """What needs the whole of the format: selectors that look at comments, and ciphertexts in comments."""
    owner, block = next(((each, each.sops) for each in page.objects if each.sops is not None), (None, None))
    selector = None if block is None else selector_of(block)
    moved = may_hold_encrypted_comment(page.blob.data)
    if owner is None or selector is None or not (selector.uses_comments or moved):
        return
    if not selector.uses_comments:
        from .sopscomments import are_all_selected  # few files have any

        if are_all_selected(page.blob.text, page.parsed, selector):
            return
    from fluxsecrets.sops.document import Comment
    from fluxsecrets.sops.formats import Limits
    from fluxsecrets.sops.formats.either import parse_either
    from fluxsecrets.sops.selection import selected

    try:
        parsed = page.blob.parsed = parse_either(page.blob.data, Limits())
    except FluxsecretsError:
        return  # the file is not YAML or JSON for sops either: the reader that needs it reports that
    places = {
        value.scalar.start: (each, value) for each in page.objects for value in walk(each.node, each.prefix)
    }
    for item, encrypts in selected(parsed[1], selector):
        if isinstance(item, Comment):
            if not encrypts and is_ciphertext(item.text):
                yield _moved_match(page, owner, item)
            continue
        found = places.get(item.start) if selector.uses_comments else None
        if found is not None and encrypts and is_plain(found[1].scalar):
            yield plain_match(page, *found)


def _moved_match(page: Page, owner: Object, comment: Comment) -> Match:
    return Match(
        MOVED,
        Rank.PLACE,
        comment.start,
        comment.end,
        "a comment outside of the encrypted part is a ciphertext",
        "remove it, and look at `git log -p FILE` to see where it came from",
        name="comment",
        parts=(*owner.parts, comment.text.strip()),
        value="",
    )


def ciphertexts(owner: Object) -> Iterator[Value]:
    """The encrypted values of a document."""
    if owner.sops is None:
        return
    for value in walk(owner.node, owner.prefix):
        if is_ciphertext(value.scalar.text) and value.path[:1] != ("sops",):
            yield value


def key_marks(block: Map) -> frozenset[str]:
    """What tells the data key of a block from others: the ways in which it is wrapped."""
    found = set()
    groups = block.get("key_groups")
    for holder in (block, *(groups.items if type(groups) is List else ())):
        for name in KEY_LISTS:
            entries = child(holder, name)
            for entry in entries.items if type(entries) is List else ():
                wrapped = text_of(child(entry, "enc"))
                if wrapped:
                    found.add("".join(wrapped.split()))
    return frozenset(found)


def placed_ciphertexts(page: Page) -> Iterator[Ciphertext]:
    """The encrypted values of a file, as they are compared with those of others."""
    marks: dict[int, frozenset[int]] = {}
    for owner in page.objects:
        if owner.sops is None:
            continue
        keys = marks.get(id(owner.sops))
        if keys is None:
            keys = marks[id(owner.sops)] = frozenset(map(digest, key_marks(owner.sops)))
        for value in ciphertexts(owner):
            place = Location(page.blob.path, value.scalar.line, value.scalar.column)
            yield Ciphertext(digest(value.scalar.text), place, show(value.path), keys)
