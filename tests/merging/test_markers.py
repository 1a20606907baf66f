"""Conflict markers around single values, and files with markers taken apart."""

import subprocess

import pytest

from fluxsecrets.errors import FormatError
from fluxsecrets.merging import Labels, merge
from fluxsecrets.merging.markers import read_markers, with_markers
from fluxsecrets.sops.formats import Limits, make_format

LIMITS = Limits()
LABELS = Labels("ours", "base", "theirs")
DIFF3 = Labels("ours", "base", "theirs", with_base=True)


def marked(format_name, base, ours, theirs, labels=LABELS):
    format_ = make_format(format_name)
    documents = [
        None if text is None else format_.parse(text.encode(), LIMITS) for text in (base, ours, theirs)
    ]
    result = merge(format_, *documents, LIMITS)
    document = format_.parse(result.data, LIMITS)
    data = with_markers(format_, document, documents[0], documents[2], result.conflicts, labels, LIMITS)
    return None if data is None else data.decode()


YAML = "kind: Secret\ndata:\n  a: ENC[a]\n  # about b\n  b: ENC[b] # b\n  c: |-\n    ENC[c]\n  d: ENC[d]\n"


def test_markers_are_around_the_lines_of_the_value_alone():
    ours, theirs = YAML.replace("[b]", "[b1]"), YAML.replace("[b]", "[b2]").replace("[d]", "[d2]")

    assert marked("yaml", YAML, ours, theirs) == ours.replace("[d]", "[d2]").replace(
        "  b: ENC[b1] # b\n",
        "<<<<<<< ours\n  b: ENC[b1] # b\n=======\n  b: ENC[b2] # b\n>>>>>>> theirs\n",
    )


def test_lines_that_both_have_are_outside_of_the_markers():
    text = marked("yaml", YAML, YAML.replace("[c]", "[c1]"), YAML.replace("[c]", "[c2]"), DIFF3)

    lines = [
        "<<<<<<< ours",
        "    ENC[c1]",
        "||||||| base",
        "    ENC[c]",
        "=======",
        "    ENC[c2]",
        ">>>>>>> theirs",
    ]
    assert "\n".join(["  c: |-", *lines, "  d:"]) in text


def test_a_deleted_value_has_no_lines():
    deleted, changed = YAML.replace("  a: ENC[a]\n", ""), YAML.replace("[a]", "[a2]")

    assert "data:\n<<<<<<< ours\n=======\n  a: ENC[a2]\n>>>>>>> theirs\n  # about b" in marked(
        "yaml", YAML, deleted, changed
    )
    assert (
        "data:\n<<<<<<< ours\n  a: ENC[a2]\n||||||| base\n  a: ENC[a]\n=======\n>>>>>>> theirs\n  # about"
        in marked("yaml", YAML, changed, deleted, DIFF3)
    )


def test_a_value_that_both_added_has_nothing_in_the_base():
    ours, theirs = YAML + "  e: ENC[1]\n", YAML + "  e: ENC[2]\n"

    assert marked("yaml", YAML, ours, theirs, DIFF3).endswith(
        "<<<<<<< ours\n  e: ENC[1]\n||||||| base\n=======\n  e: ENC[2]\n>>>>>>> theirs\n"
    )


def test_a_document_as_a_whole():
    head = "kind: Secret\nmetadata:\n  name: {}\ndata:\n  k: {}\n"
    first, second = head.format("a", 1), head.format("b", 1)
    base = f"{first}---\n{second}"

    result = marked("yaml", base, first, base.replace("  name: b\ndata:\n  k: 1", "  name: b\ndata:\n  k: 2"))

    assert result == f"{first}<<<<<<< ours\n=======\n---\n{head.format('b', 2)}>>>>>>> theirs\n"


def test_json_markers_take_in_the_line_whose_comma_comes_and_goes():
    base = '{\n  "a": 1,\n  "b": 2\n}\n'

    result = marked("json", base, '{\n  "a": 1\n}\n', base.replace("2", "3"))

    assert result == '{\n<<<<<<< ours\n  "a": 1\n=======\n  "a": 1,\n  "b": 3\n>>>>>>> theirs\n}\n'


@pytest.mark.parametrize("labels", [Labels("o\nx", "b", "t", size=9), DIFF3])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_is_written_can_be_read(labels, newline):
    base = YAML.replace("\n", newline)
    ours = base.replace("[a]", "[a1]").replace("[d]", "[d1]")
    theirs = base.replace("[a]", "[a2]").replace("[d]", "[d2]")

    hunks = read_markers(marked("yaml", base, ours, theirs, labels).encode())

    assert (hunks.ours.decode(), hunks.theirs.decode()) == (ours, theirs)
    assert hunks.base == (base.encode() if labels.with_base else None)
    assert hunks.labels == (" ".join(labels.ours.split()), labels.theirs)


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
@pytest.mark.parametrize("size", [7, 12])
def test_the_markers_of_git(tmp_path, style, size):
    texts = {"base": YAML, "ours": YAML.replace("[b]", "[b1]"), "theirs": YAML.replace("[b]", "[b2]")}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    command = ["git", "merge-file", "-p", f"--marker-size={size}", f"--{style}", "ours", "base", "theirs"]
    if style == "merge":
        command.remove("--merge")

    merged = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout
    hunks = read_markers(merged)

    assert hunks.ours.decode() == texts["ours"]
    assert hunks.theirs.decode() == texts["theirs"]
    assert hunks.base == (None if style == "merge" else texts["base"].encode())
    assert hunks.lines == (5,)
    assert hunks.labels == ("ours", "theirs")


@pytest.mark.parametrize("text", ["a: 1\n<<: *x\n=======\n", "<<< here\na\n", "run: |\n<<<<<<<<<< x\n"])
def test_a_file_without_markers(text):
    assert read_markers(text.encode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< o\na\n=======\nb\n",
        "<<<<<<< o\na\n>>>>>>> t\n",
        "<<<<<<< o\n<<<<<<< o\na\n=======\nb\n>>>>>>> t\n=======\nc\n>>>>>>> t\n",
        "<<<<<<< o\n<<<<<<<<< o\na\n=========\nb\n>>>>>>>>> t\n=======\nc\n>>>>>>> t\n",
    ],
)
def test_markers_that_are_not_clear_are_refused(text):
    with pytest.raises(FormatError) as error:
        read_markers(text.encode())
    assert error.value.line


def test_a_base_with_markers_of_its_own_is_left_out():
    text = "<<<<<<< o\na\n||||||| b\n<<<<<<<<< x\nc\n=========\nd\n>>>>>>>>> y\n=======\nb\n>>>>>>> t\n"

    hunks = read_markers(text.encode())

    assert (hunks.ours, hunks.base, hunks.theirs) == (b"a\n", None, b"b\n")


def test_lines_that_look_like_markers_are_not_written():
    base = "A=1\nB=2\n"
    ours, theirs = base.replace("A=1\n", "=======\n"), base.replace("A=1\n", "=======x\n")

    assert marked("dotenv", "=0\nB=2\n", ours, theirs) is None


BLOCKS = {
    "yaml": """data:
  a: ENC[1]
sops:
  kms:
  - arn: a
    created_at: "2026-11-23T10:11:1%Z"
    enc: k
    aws_profile: ""
  lastmodified: "2026-11-23T10:11:1%Z"
  mac: ENC[%]
""",
    "json": """{"data": "ENC[1]", "sops": {
  "age": [{"recipient": "a", "enc": "k"}],
  "lastmodified": "2026-11-23T10:11:1%Z",
  "mac": "ENC[%]"
}}
""",
    "dotenv": """A=ENC[1]
sops_age__list_0__map_recipient=a
sops_age__list_0__map_enc=k
sops_lastmodified=2026-11-23T10:11:1%Z
sops_mac=ENC[%]
""",
    "ini": """[a]
b = ENC[1]
[sops]
age__list_0__map_recipient = a
age__list_0__map_enc       = k
lastmodified               = 2026-11-23T10:11:1%Z
mac                        = ENC[%]
""",
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_mac_and_the_time_of_both_sides_where_the_mac_cannot_be_made(name):
    base, ours, theirs = (BLOCKS[name].replace("%", str(number + 2)) for number in range(3))
    format_ = make_format(name)
    documents = [format_.parse(text.encode(), LIMITS) for text in (base, ours, theirs)]

    data = with_markers(format_, documents[1], documents[0], documents[2], (), LABELS, LIMITS, unsealed=True)

    hunks = read_markers(data)
    sides = [format_.parse(text, LIMITS).metadata for text in (hunks.ours, hunks.theirs)]
    assert [(side.mac, side.lastmodified) for side in sides] == [
        (document.metadata.mac, document.metadata.lastmodified) for document in documents[1:]
    ]
    assert hunks.ours.decode() == ours
    assert len(hunks.lines) == 1
