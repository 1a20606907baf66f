"""Three versions of a file become one by value; order, comments and layout are those of ours."""

import pytest

from fluxsecrets.merging import MISSING, Side, merge
from fluxsecrets.sops.formats import Limits, make_format

YAML = """\
# top
apiVersion: v1
kind: Secret # k
data: # inline
  # pw
  password: ENC[a]  # keep
  user: ENC[u]
  pem: |-
    ENC[p]
list:
- a
- b
- c
"""


def merged(format_name, base, ours, theirs, picks=None):
    format_ = make_format(format_name)
    documents = [
        None if text is None else format_.parse(text.encode(), Limits()) for text in (base, ours, theirs)
    ]
    return merge(format_, *documents, Limits(), picks or {})


def test_changes_of_both_sides_are_in_the_result_at_their_places():
    ours = YAML.replace("ENC[u]", "ENC[u2]").replace("- a\n", "- a0\n")
    theirs = YAML.replace("ENC[a]", "ENC[a2]").replace("- c", "- c\n- d")
    theirs = theirs.replace("  pem:", "\n  # about new\n  new: ENC[n]\n  pem:")

    result = merged("yaml", YAML, ours, theirs)

    expected = ours.replace("ENC[a]", "ENC[a2]").replace("- c", "- c\n- d")
    assert result.data.decode() == expected.replace("  pem:", "\n  # about new\n  new: ENC[n]\n  pem:")
    assert (result.conflicts, result.notes, result.whole) == ((), (), False)


def test_an_entry_of_theirs_comes_at_the_indentation_of_ours():
    theirs = YAML.replace("  pem:", "  new: |-\n    ENC[n]\n  pem:").replace("  ", "    ")

    result = merged("yaml", YAML, YAML.replace("ENC[u]", "ENC[u2]"), theirs)

    assert "\n  new: |-\n      ENC[n]\n  pem:" in result.data.decode()


def test_a_value_changed_on_both_sides_is_a_conflict_and_keeps_that_of_ours():
    ours, theirs = YAML.replace("ENC[a]", "ENC[x]"), YAML.replace("ENC[a]", "ENC[y]").replace("[u]", "[u2]")

    result = merged("yaml", YAML, ours, theirs)

    assert result.data.decode() == ours.replace("[u]", "[u2]")
    (conflict,) = result.conflicts
    assert (conflict.part, conflict.path) == (0, ("data", "password"))
    assert (conflict.base, conflict.ours, conflict.theirs) == ("ENC[a]", "ENC[x]", "ENC[y]")


@pytest.mark.parametrize(
    ("side", "value"), [(Side.OURS, "ENC[x]"), (Side.THEIRS, "ENC[y]"), (Side.BASE, "ENC[a]")]
)
def test_a_pick_settles_a_conflict(side, value):
    ours, theirs = YAML.replace("ENC[a]", "ENC[x]"), YAML.replace("ENC[a]", "ENC[y]")

    result = merged("yaml", YAML, ours, theirs, {(0, ("data", "password")): side})

    assert result.data.decode() == YAML.replace("ENC[a]", value)
    assert result.conflicts == ()


def test_deleted_here_and_changed_there_is_a_conflict():
    ours, theirs = YAML.replace("  user: ENC[u]\n", ""), YAML.replace("ENC[u]", "ENC[y]")

    result = merged("yaml", YAML, ours, theirs)

    assert result.data.decode() == ours
    (conflict,) = result.conflicts
    assert (conflict.base, conflict.ours, conflict.theirs) == ("ENC[u]", MISSING, "ENC[y]")


def test_json_keeps_its_commas_and_indentation():
    base = '{\n  "a": 1,\n  "b": {\n    "c": "x",\n    "l": [1, 2]\n  },\n  "e": {}\n}\n'
    theirs = base.replace('"a": 1,\n  ', "").replace('"e": {}', '"e": {"n": 1},\n  "f": [1]')

    result = merged("json", base, base.replace('"x"', '"y"'), theirs)

    assert result.data.decode() == theirs.replace('"x"', '"y"')


def test_dotenv_lines_come_with_their_comments():
    base = "# head\n\n# about A\nA=1\nexport B=2\nC="
    theirs = base.replace("export B=2\n", "export B=2\n# new\nN=5\n") + "\nD=1"

    result = merged("dotenv", base, base.replace("A=1", "A=2"), theirs)

    assert result.data.decode() == theirs.replace("A=1", "A=2")


def test_ini_keys_and_sections_come_with_their_comments():
    base = '; top\n[db]\n; about user\nuser = me ; inline\npass="x y"\n\n; other\n[other]\na=1\n'
    theirs = base.replace('"x y"', '"x z"').replace("a=1", "a=1\nb=2") + "\n; new\n[new]\nq=1\n"

    result = merged("ini", base, base.replace("me ;", "you ;"), theirs)

    assert result.data.decode() == theirs.replace("me ;", "you ;")


def test_a_comment_that_only_theirs_changed_is_taken_over():
    theirs = (
        YAML.replace("# pw", "# the new one").replace("  # keep", "  # until May").replace("# top", "# Top")
    )

    result = merged("yaml", YAML, YAML.replace("ENC[a]", "ENC[a2]"), theirs)

    assert result.data.decode() == theirs.replace("ENC[a]", "ENC[a2]")
    assert result.notes == ()


def test_a_comment_that_both_changed_is_that_of_ours_and_a_note_says_so():
    ours, theirs = (
        YAML.replace("# pw", "# ours"),
        YAML.replace("# pw", "# theirs").replace("ENC[u]", "ENC[u2]"),
    )

    result = merged("yaml", YAML, ours, theirs)

    assert result.data.decode() == ours.replace("ENC[u]", "ENC[u2]")
    assert result.notes == ("not carried over: a comment of theirs, line 5",)


def test_an_encrypted_comment_stays_in_its_map():
    secret = "#ENC[AES256_GCM,data:YQ==,iv:aQ==,tag:dA==,type:comment]"
    theirs = YAML.replace("  user:", f"  {secret}\n  token: ENC[t]\n  user:")

    result = merged("yaml", YAML, YAML.replace("- c", "- d"), theirs)

    assert result.data.decode() == theirs.replace("- c", "- d")


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("[1, 2, 3]", "[1, 2, 3, 4]", "[1, 2, 3, 4]"),
        ("[0, 1, 2, 3]", "[1, 2, 3, 4]", "[0, 1, 2, 3, 4]"),
        ("[1, 5, 3]", "[1, 2, 6]", "[1, 5, 6]"),
        ("[1, 3]", "[1, 3]", "[1, 3]"),
        ("[2, 3]", "[1, 2]", "[2]"),
    ],
)
def test_changes_of_a_list_that_do_not_meet_are_merged(ours, theirs, expected):
    base = "a: 1\nlist: [1, 2, 3]\n"

    result = merged("yaml", base, base.replace("[1, 2, 3]", ours), base.replace("[1, 2, 3]", theirs))

    assert result.data.decode() == base.replace("[1, 2, 3]", expected)
    assert result.conflicts == ()


@pytest.mark.parametrize(("ours", "theirs"), [("[1, 5, 3]", "[1, 6, 3]"), ("[1, 2, 3, 4]", "[1, 2, 3, 5]")])
def test_changes_of_a_list_that_meet_are_a_conflict_of_the_list(ours, theirs):
    base = "a: 1\nlist: [1, 2, 3]\n"

    result = merged("yaml", base, base.replace("[1, 2, 3]", ours), base.replace("[1, 2, 3]", theirs))

    assert result.data.decode() == base.replace("[1, 2, 3]", ours)
    assert [conflict.path for conflict in result.conflicts] == [("list",)]


def secret(name, value):
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\ndata:\n  key: {value}\n"


def test_documents_are_known_by_their_names_and_come_where_they_are_in_theirs():
    base = "---\n".join([secret("a", 1), secret("b", 1), secret("c", 1)])
    ours = "---\n".join([secret("a", 2), secret("b", 1), secret("c", 1), secret("own", 1)])
    theirs = "---\n".join([secret("new", 1), secret("c", 2), secret("a", 1)])

    result = merged("yaml", base, ours, theirs)

    expected = [secret("new", 1), secret("a", 2), secret("c", 2), secret("own", 1)]
    assert result.data.decode() == "---\n" + "---\n".join(expected)


def test_a_document_of_theirs_comes_with_the_sops_block_of_ours():
    def block(name):
        return (
            f"sops:\n  age:\n  - recipient: {name}\n    enc: key\n"
            '  lastmodified: "2026-11-23T10:11:12Z"\n  mac: ENC[m]\n  version: 3.13.2\n'
        )

    base = secret("a", 1) + block("alice")
    theirs = "---\n".join([base, secret("b", 1) + block("mallory")])

    result = merged("yaml", base, base.replace("key: 1", "key: 2"), theirs)

    assert result.data.decode().count("alice") == 2
    assert "mallory" not in result.data.decode()


def test_an_alias_changes_with_its_anchor():
    base = "a: &x\n  k: ENC[1]\nb: *x\nc:\n  <<: *x\n  m: ENC[2]\nd: ENC[3]\n"

    result = merged("yaml", base, base.replace("ENC[3]", "ENC[4]"), base.replace("ENC[1]", "ENC[5]"))

    assert result.data.decode() == base.replace("ENC[3]", "ENC[4]").replace("ENC[1]", "ENC[5]")


def test_a_value_that_became_something_else():
    ours = YAML.replace("ENC[u]", "ENC[u2]")
    theirs = YAML.replace("  pem: |-\n    ENC[p]\n", "  pem: {a: b, c: [1]}\n").replace(
        "- a\n- b\n- c\n", "  x: y\n"
    )

    result = merged("yaml", YAML, ours, theirs)

    assert result.data.decode() == theirs.replace("ENC[u]", "ENC[u2]")


def test_line_breaks_and_the_byte_order_mark_are_those_of_ours():
    ours = "\ufeff" + YAML.replace("ENC[u]", "ENC[u2]").replace("\n", "\r\n")
    theirs = YAML.replace("  pem:", "  # new\n  new: |-\n    ENC[n]\n  pem:")

    result = merged("yaml", YAML, ours, theirs)

    expected = "\ufeff" + theirs.replace("ENC[u]", "ENC[u2]").replace("\n", "\r\n")
    assert result.data.decode() == expected


def test_a_key_that_is_there_twice():
    base = "export A=1\nB=2\nexport A=3\nC=4\n"

    result = merged("dotenv", base, base.replace("C=4", "C=5"), base.replace("=3", "=6"))
    both = merged("dotenv", base, base.replace("=3", "=5"), base.replace("=3", "=6"))

    assert result.data.decode() == base.replace("C=4", "C=5").replace("=3", "=6")
    assert both.whole
    assert both.data.decode() == base.replace("=3", "=5")


def test_both_added_the_file():
    ours, theirs = "a: 1\nb: {x: 1}\n", "b: {y: 2}\na: 1\nc: 3\n"

    result = merged("yaml", None, ours, theirs)

    assert result.data.decode() == "a: 1\nc: 3\nb: {y: 2, x: 1}\n"
    assert result.conflicts == ()


def test_a_file_of_one_value_is_the_conflict_as_a_whole():
    texts = [f'{{"data": "ENC[{number}]"}}' for number in range(3)]

    result = merged("binary", *texts)

    assert result.whole
    assert result.data.decode() == texts[1]
    assert len(result.conflicts) == 1
