"""`sops set`, `unset`, `--set`, `edit`, `rotate`, `groups` and `updatekeys`."""

import pytest

PLAIN = "# throwaway note\na: throwaway\nlist:\n  - one\n  - two\n"


@pytest.fixture
def file(folder, sops):
    folder.write("f.yaml", PLAIN)
    assert sops("-e", "-i", "f.yaml").code == 0
    return folder


def plain(sops, name="f.yaml"):
    done = sops("-d", name)
    assert done.code == 0, done.err
    return done.out.decode()


@pytest.mark.parametrize(
    ("index", "value", "text"),
    [
        ('["a"]', '"new"', PLAIN.replace("a: throwaway\n", "a: new\n")),
        ("['a']", "5", PLAIN.replace("a: throwaway\n", "a: 5\n")),
        ('["list"][1]', '"2nd"', PLAIN.replace("two", "2nd")),
        ('["list"][2]', '"three"', PLAIN + "  - three\n"),
        ('["b"]', "true", PLAIN + "b: true\n"),
        ('["b"]', "9223372036854775808", PLAIN + "b: 9.223372036854776e+18\n"),  # a float, as with sops
    ],
)
def test_set_changes_one_value_and_no_other_character(file, sops, index, value, text):
    assert sops("set", "f.yaml", index, value).code == 0
    assert plain(sops) == text


@pytest.mark.parametrize("path", ['["m_unencrypted"]["<<"]["k"]', '["m_unencrypted"]["<<"]'])
def test_what_a_merge_key_brings_is_not_changed_under_its_name(folder, sops, path):
    folder.write("f.yaml", "a: throwaway\nx_unencrypted: &x {k: 1, l: 2}\nm_unencrypted:\n  <<: *x\n")
    assert sops("-e", "-i", "f.yaml").code == 0
    before = folder.files()
    for command in (("set", "f.yaml", path, '"new"'), ("unset", "f.yaml", path)):
        done = sops(*command)
        assert done.code == 1
        assert "is a YAML merge key" in done.err
    assert folder.files() == before


def test_set_takes_maps_and_lists_and_makes_way_for_paths(file, sops):
    assert sops("set", "f.yaml", '["m"]', '{"k": [1, 2]}').code == 0
    assert sops("-d", "--extract", '["m"]["k"][1]', "--output-type", "json", "f.yaml").out == b"2"
    assert sops("set", "f.yaml", '["a"]["below"]["it"]', '"x"').code == 0
    assert sops("-d", "--extract", '["a"]["below"]["it"]', "f.yaml").out == b"x"
    assert sops("set", "f.yaml", '["list"][9]', '"last"').code == 0
    assert sops("-d", "--extract", '["list"][2]', "f.yaml").out == b"last"


def test_set_takes_a_value_from_a_file_or_standard_input(file, sops):
    file.write("value", '"from a file"')
    assert sops("set", "--value-file", "f.yaml", '["a"]', "value").code == 0
    assert sops("-d", "--extract", '["a"]', "f.yaml").out == b"from a file"
    assert sops("set", "--value-stdin", "f.yaml", '["a"]', stdin=b'"from stdin"').code == 0
    assert sops("-d", "--extract", '["a"]', "f.yaml").out == b"from stdin"


def test_set_of_the_same_value_with_idempotent_writes_nothing(file, sops):
    before = file.files()
    assert sops("set", "--idempotent", "f.yaml", '["a"]', '"throwaway"').code == 0
    assert file.files() == before


def test_unchanged_values_keep_their_ciphertext(file, sops):
    before = file.read("f.yaml").splitlines()
    assert sops("set", "f.yaml", '["b"]', '"x"').code == 0
    assert before[1] in file.read("f.yaml").splitlines()


def test_the_old_form_of_set(file, sops):
    assert sops("--set", '["a"] "new value"', "f.yaml").code == 0
    assert sops("-d", "--extract", '["a"]', "f.yaml").out == b"new value"


def test_unset(file, sops):
    assert sops("unset", "f.yaml", '["list"][0]').code == 0
    assert plain(sops) == PLAIN.replace("  - one\n", "")
    assert sops("unset", "--idempotent", "f.yaml", '["zz"]').code == 0
    assert sops("unset", "f.yaml", '["list"]').code == 0
    assert plain(sops) == "# throwaway note\na: throwaway\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set", "f.yaml"), 100),
        (("set", "f.yaml", '["a"]'), 100),
        (("set", "--value-stdin", "f.yaml", '["a"]', "1"), 100),
        (("set", "--value-stdin", "--value-file", "f.yaml", '["a"]', "1"), 1),
        (("set", "f.yaml", "a", "1"), 7),
        (("set", "f.yaml", '["a"]', "throwaway"), 7),
        (("set", "f.yaml", '["a"]', "1e400"), 7),
        (("set", "f.yaml", '["a"]', '"\\ud800"'), 7),
        (("set", "nowhere.yaml", '["a"]', "1"), 2),
        (("set", "plain.yaml", '["a"]', "1"), 1),
        (("--set", '["a"]', "f.yaml"), 7),
        (("--set", '["a"] throwaway', "f.yaml"), 7),
        (("unset", "f.yaml"), 100),
        (("unset", "f.yaml", "a"), 7),
        (("unset", "f.yaml", '["zz"]'), 1),
        (("rotate",), 100),
        (("rotate", "nowhere.yaml"), 2),
        (("-r", "nowhere.yaml"), 100),
        (("-r", "--add-age", "age1x", "nowhere.yaml"), 49),
        (("rotate", "--rm-pgp", "x", "nowhere.yaml"), 49),
        (("rotate", "--add-age", "nonsense", "f.yaml"), 1),
        (("rotate", "plain.yaml"), 1),
        (("edit",), 100),
        (("edit", "plain.yaml"), 1),
        (("updatekeys",), 100),
        (("updatekeys", "plain.yaml"), 1),
        (("updatekeys", "nowhere.yaml"), 1),
        (("groups", "delete", "-f", "f.yaml", "0"), 1),
        (("groups", "delete", "-f", "f.yaml", "7"), 1),
        (("groups", "add", "-f", "f.yaml"), 1),
        (("groups", "add", "-f", "nowhere.yaml", "--age", "age1x"), 2),
    ],
)
def test_failures_have_the_exit_codes_of_sops_and_write_nothing(file, sops, editor, arguments, code):
    editor("raise SystemExit('the editor must not start')")
    file.write("plain.yaml", PLAIN)
    before = file.files()
    done = sops(*arguments)
    assert done.code == code, done.err
    assert done.err.startswith("error: ")
    assert "throwaway" not in done.err
    assert file.files() == before


def test_edit_is_what_no_command_means(file, sops, editor):
    editor("path.write_text(path.read_text().replace('throwaway', 'changed'))")
    assert sops("f.yaml").code == 0
    assert plain(sops) == PLAIN.replace("throwaway", "changed")
    editor("path.write_text(path.read_text().replace('changed', 'throwaway'))")
    assert sops("edit", "f.yaml").code == 0
    assert plain(sops) == PLAIN


def test_edit_without_a_change_is_200(file, sops, editor):
    editor("")
    before = file.files()
    done = sops("edit", "f.yaml")
    assert done.code == 200
    assert "nothing was changed" in done.err
    assert file.files() == before


def test_an_editor_that_fails_or_is_missing_is_201(file, sops, editor, monkeypatch):
    editor("raise SystemExit(3)")
    assert sops("edit", "f.yaml").code == 201
    monkeypatch.setenv("SOPS_EDITOR", "no-such-editor-anywhere")
    assert sops("edit", "f.yaml").code == 201


def test_edited_text_that_cannot_be_read_is_an_error_where_nobody_can_be_asked(file, sops, editor):
    editor("path.write_text('a: [throwaway')")
    before = file.files()
    done = sops("edit", "f.yaml")
    assert done.code == 2
    assert "throwaway" not in done.err
    assert file.files() == before


def test_edit_makes_a_new_file_by_its_rule(folder, sops, editor):
    editor("path.write_text('a: throwaway\\n')")
    assert sops("new.yaml").code == 0
    assert b"throwaway" not in folder.read("new.yaml")
    assert plain(sops, "new.yaml") == "a: throwaway\n"
    assert sops("edit", "--age", folder.recipient, "--encrypted-regex", "^a$", "other.json").code == 2
    editor("")
    assert sops("edit", "third.yaml").code == 200
    assert set(folder.files()) == {".sops.yaml", "new.yaml"}


def test_edit_overwrites_no_file_that_appeared_meanwhile_and_keeps_the_text(folder, sops, editor):
    editor(
        "path.write_text('a: throwaway\\n')\n"
        f"pathlib.Path({str(folder.path / 'new.yaml')!r}).write_text('mine')"
    )
    done = sops("new.yaml")
    assert done.code != 0
    assert "exists already" in done.err
    assert folder.read("new.yaml") == b"mine"
    assert plain(sops, "new.edited.yaml") == "a: throwaway\n"


def test_rotate_prints_a_file_with_a_new_data_key(file, sops):
    before = file.read("f.yaml")
    done = sops("rotate", "f.yaml")
    assert done.code == 0
    assert file.read("f.yaml") == before
    assert done.out.splitlines()[1] != before.splitlines()[1]
    assert sops("-r", "-i", "f.yaml").code == 0
    assert file.read("f.yaml").splitlines()[1] != before.splitlines()[1]
    assert plain(sops) == PLAIN


def test_rotate_adds_and_removes_recipients_and_warns_of_strangers(file, sops, act_as):
    alice, bob = file.recipient, act_as("bob").recipient
    assert sops("-d", "f.yaml").code == 128
    act_as("alice")
    assert sops("rotate", "-i", "--add-age", bob, "f.yaml").code == 0
    done = sops("rotate", "-i", "f.yaml")
    assert done.code == 0
    assert "in the file, not in the rule" in done.err
    act_as("bob")
    assert plain(sops) == PLAIN
    assert sops("rotate", "-i", "--rm-age", alice, "f.yaml").code == 0
    act_as("alice")
    assert sops("-d", "f.yaml").code == 128


def test_rotate_can_convert_and_ignore_the_mac(file, sops):
    file.write("g.yaml", "a: throwaway\nb_unencrypted: one\n")
    assert sops("-e", "-i", "g.yaml").code == 0
    file.write("g.yaml", file.read("g.yaml").replace(b"one", b"two"))
    assert sops("-r", "-i", "g.yaml").code == 51
    assert sops("-r", "-i", "--ignore-mac", "g.yaml").code == 0
    assert plain(sops, "g.yaml") == "a: throwaway\nb_unencrypted: two\n"
    done = sops("rotate", "--output-type", "json", "g.yaml")
    file.write("g.json", done.out)
    assert plain(sops, "g.json") == '{\n\t"a": "throwaway",\n\t"b_unencrypted": "two"\n}\n'


def test_groups_are_added_and_deleted(file, sops, act_as):
    bob = act_as("bob").recipient
    act_as("alice")
    added = sops(
        "groups", "add", "-i", "-f", "f.yaml", "--age", bob, "--shamir-secret-sharing-threshold", "2"
    )
    assert added.code == 0, added.err
    assert b"shamir_threshold: 2" in file.read("f.yaml")
    assert sops("-d", "f.yaml").code == 128


def test_a_group_is_deleted_only_where_enough_are_left(folder, sops, act_as):
    bob = act_as("bob").recipient
    act_as("alice")
    groups = f"[{{age: [{folder.recipient}]}}, {{age: [{folder.recipient}]}}, {{age: [{bob}]}}]"
    folder.rules(f"creation_rules:\n  - shamir_threshold: 2\n    key_groups: {groups}\n")
    folder.write("f.yaml", PLAIN)
    assert sops("-e", "-i", "f.yaml").code == 0
    assert plain(sops) == PLAIN
    assert sops("groups", "delete", "-i", "-f", "f.yaml", "2").code == 0
    assert bob.encode() not in folder.read("f.yaml")
    assert sops("groups", "delete", "-i", "-f", "f.yaml", "1").code == 1
    assert plain(sops) == PLAIN


def test_updatekeys_asks_and_follows_the_rule(file, sops, act_as):
    bob = act_as("bob").recipient
    act_as("alice")
    assert sops("updatekeys", "f.yaml").code == 0
    file.rules(f"creation_rules:\n  - age: {file.recipient},{bob}\n")
    before = file.files()
    assert sops("updatekeys", "f.yaml", stdin=b"n\n").code == 0
    assert sops("updatekeys", "f.yaml").code == 1
    assert file.files() == before
    done = sops("updatekeys", "f.yaml", stdin=b"what\ny\n")
    assert done.code == 0
    assert b"+++" in done.out
    act_as("bob")
    assert plain(sops) == PLAIN
    file.rules(f"creation_rules:\n  - age: {bob}\n")
    assert sops("updatekeys", "--yes", "f.yaml").code == 0
    assert file.recipient.encode() not in file.read("f.yaml")


def test_updatekeys_does_what_it_can_of_several_files(file, sops, act_as):
    bob = act_as("bob").recipient
    act_as("alice")
    file.rules(f"creation_rules:\n  - age: {file.recipient},{bob}\n")
    done = sops("updatekeys", "-y", "nowhere.yaml", "f.yaml")
    assert done.code == 1
    assert bob.encode() in file.read("f.yaml")


def test_the_old_modes_need_a_rule_that_matches_where_there_are_rules(file, sops, editor):
    editor("raise SystemExit('the editor must not start')")
    file.rules("creation_rules:\n  - path_regex: ^other/\n    age: age1x\n")
    for arguments in (("f.yaml",), ("-r", "f.yaml"), ("--set", '["a"] 1', "f.yaml"), ("-e", "f.yaml")):
        assert sops(*arguments).code == 1
    assert plain(sops) == PLAIN
    assert sops("rotate", "f.yaml").code == 0


def test_a_selector_weaker_than_the_rule_s_is_warned_of(file, sops):
    text = file.read("f.yaml").replace(b"unencrypted_suffix: _unencrypted", b"unencrypted_regex: ^added$")
    file.write("f.yaml", text)
    done = sops("set", "f.yaml", '["a"]', '"new"')
    assert done.code == 0
    assert "the file's selector is unencrypted_regex: ^added$" in done.err
