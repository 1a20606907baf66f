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
