"""Random bases with two random edits each: the text holds what a naive merge of the plain data gives."""

import re
from random import Random

import pytest

from fluxsecrets.merging import Labels, Side, merge
from fluxsecrets.merging.markers import read_markers, with_markers
from fluxsecrets.merging.threeway import plain
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR
from mergetrees import MISSING, Maker, Writer, equal, naive_merge

LIMITS = Limits()
FORMATS = ("yaml", "yaml", "yaml", "json", "dotenv", "ini")


class Case:
    """Three versions of a random file."""

    def __init__(self, seed):
        random = Random(seed)
        self.name = FORMATS[seed % len(FORMATS)]
        self.format = make_format(self.name)
        maker = Maker(random, self.name)
        base = maker.file()
        ours, theirs = (maker.edited(base, random.choice((1, 1, 2, 3, 6))) for _ in range(2))
        layout = Writer(random, self.name)
        other = Writer(random, self.name) if random.random() < 0.15 else layout
        self.texts = [layout.bytes(base), layout.bytes(ours), other.bytes(theirs)]
        self.parts = [[part.data() for part in side] for side in (base, ours, theirs)]
        self.documents = [self.format.parse(text, LIMITS) for text in self.texts]
        if random.random() < 0.5:
            self.encrypt(random)
        for document, parts in zip(self.documents, self.parts, strict=True):
            found = [to_data(part) for part in document.parts]
            assert equal(found, parts), "the generator is wrong"

    def encrypt(self, random):
        """Give each version a sops block of its own."""
        for number, document in enumerate(self.documents):
            names = ["alice", "bob", "carol"][: random.randint(1, 3)]
            keys = tuple(WrappedKey(Recipient("age", name), f"-----\n{number}\n-----\n") for name in names)
            time = f"2026-11-23T10:11:1{number}Z"
            block = Metadata((KeyGroup(keys),), DEFAULT_SELECTOR, time, f"ENC[mac{number}]")
            self.texts[number] = self.format.rewrite(document, (), block)
        self.documents = [self.format.parse(text, LIMITS) for text in self.texts]

    def merge(self, picks=None, *, swapped=False):
        base, ours, theirs = self.documents
        ours, theirs = (theirs, ours) if swapped else (ours, theirs)
        return merge(self.format, base, ours, theirs, LIMITS, picks or {})

    def read(self, data):
        return [plain(part) for part in self.format.parse(data, LIMITS).parts]

    def expected(self, choose="ours"):
        """The data of all documents by their names, and the conflicts."""
        base, ours, theirs = (by_name(parts) for parts in self.parts)
        conflicts = set()
        merged = {}
        for name in {**ours, **theirs, **base}:
            sides = [side.get(name, MISSING) for side in (base, ours, theirs)]
            value = naive_merge(*sides, (name,), conflicts, choose)
            if value is not MISSING:
                merged[name] = value
        return merged, conflicts


def by_name(parts):
    if len(parts) == 1 and "metadata" not in parts[0]:
        return {"": parts[0]}
    return {part["metadata"]["name"]: part for part in parts}


def check(seed):
    case = Case(seed)
    result = case.merge()
    merged, conflicts = case.expected()
    if {} in merged.values():
        return  # a file without any value can't be written in every format
    assert not result.whole
    if result.data != case.texts[2]:  # else ours changed nothing
        document = case.format.parse(result.data, LIMITS)
        assert document.metadata == case.documents[1].metadata
        if document.metadata is not None:  # it is that of ours in every YAML document
            assert result.data.count(b"ENC[mac") == result.data.count(b"ENC[mac1]") == len(document.parts)
    assert equal(by_name(case.read(result.data)), merged)
    ours, theirs = by_name(case.parts[1]), by_name(case.parts[2])
    names = [*ours, *(name for name in theirs if name not in ours), *by_name(case.parts[0])]
    assert {(names[each.part], *each.path) for each in result.conflicts} == conflicts
    swapped = case.merge(swapped=True)
    assert equal(by_name(case.read(swapped.data)), case.expected("theirs")[0])
    base = case.documents[0]
    for document, text in zip(case.documents, case.texts, strict=True):
        assert merge(case.format, base, base, document, LIMITS).data == text
        assert merge(case.format, base, document, base, LIMITS).data == text
        assert merge(case.format, base, document, document, LIMITS).data == text
    if conflicts:
        check_conflicts(case, result)
    else:
        check_comments(case, result)


BOM = b"\xef\xbb\xbf"
COMMENT = re.compile(rb"[#;] ([cite]\d+)")


def check_comments(case, result):
    """Every comment is new on one side, or is on both; or a note says that it was not carried over."""
    base, ours, theirs = ({*COMMENT.findall(text)} for text in case.texts)
    merged = COMMENT.findall(result.data)
    assert len(set(merged)) == len(merged)
    assert {*merged} <= ours | theirs
    if not result.notes:
        assert {*merged} == (ours & theirs) | (ours - base) | (theirs - base)


def check_conflicts(case, result):
    with_theirs = case.expected("theirs")[0]
    picks = {(each.part, each.path): Side.THEIRS for each in result.conflicts}
    picked = case.merge(picks)
    assert picked.conflicts == ()
    assert equal(by_name(case.read(picked.data)), with_theirs)
    document = case.format.parse(result.data, LIMITS)
    labels = Labels("ours", "base", "theirs", with_base=True)
    base, _, theirs = case.documents
    marked = with_markers(case.format, document, base, theirs, result.conflicts, labels, LIMITS)
    assert marked is not None
    hunks = read_markers(marked)
    assert hunks.ours.strip() == result.data.strip()
    assert equal(by_name(case.read(hunks.theirs)), with_theirs)
    case.read(hunks.base)
    case.read(mixed(marked))


def mixed(marked):
    """The text with ours and theirs chosen in turn, hunk by hunk."""
    pieces = re.split(rb"(?ms)^<{7} .*?\n(.*?)^\|{7} .*?^={7}\r?\n(.*?)^>{7} .*?\n", marked.removeprefix(BOM))
    count = len(pieces) // 3
    chosen = [pieces[3 * number + 1 + number % 2] + pieces[3 * number + 3] for number in range(count)]
    return pieces[0] + b"".join(chosen)


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(0, 400, 50)])
def test_a_merge_holds_what_a_merge_of_the_plain_data_gives(seeds):
    for seed in seeds:
        check(seed)
