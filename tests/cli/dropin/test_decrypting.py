"""`sops decrypt` and `sops -d`."""

import json

import pytest
import yaml

PLAIN = "a: throwaway\nn: 5\nt: true\nnothing: null\nlist: [1, two]\nmap:\n  k: throwaway v\n"


@pytest.fixture
def file(folder, sops):
    folder.write("plain.yaml", PLAIN)
    assert sops("encrypt", "--output", "enc.yaml", "plain.yaml").code == 0
    assert b"throwaway" not in folder.read("enc.yaml")
    return folder


@pytest.mark.parametrize("command", [("decrypt",), ("-d",), ("--decrypt",)])
def test_decrypts_to_standard_output_and_keeps_the_layout(file, sops, command):
    done = sops(*command, "enc.yaml")
    assert (done.code, done.out.decode(), done.err) == (0, PLAIN, "")


def test_converts(file, sops):
    done = sops("-d", "--output-type", "json", "enc.yaml")
    assert json.loads(done.out) == {
        "a": "throwaway",
        "n": 5,
        "t": True,
        "nothing": None,
        "list": [1, "two"],
        "map": {"k": "throwaway v"},
    }


@pytest.mark.parametrize(
    ("path", "output", "text"),
    [
        ('["a"]', "yaml", "throwaway"),
        ("['a']", "json", "throwaway"),
        ('["n"]', "yaml", "5\n"),
        ('["n"]', "json", "5"),
        ('["t"]', "yaml", "true\n"),
        ('["nothing"]', "yaml", "null\n"),
        ('["list"]', "yaml", "- 1\n- two\n"),
        ('["list"][1]', "yaml", "two"),
        ('["list"]', "json", '[\n\t1,\n\t"two"\n]'),
        ('["map"]', "yaml", "k: throwaway v\n"),
        ('["map"]', "dotenv", "k=throwaway v\n"),
    ],
)
def test_extracts_as_sops_prints_it(file, sops, path, output, text):
    done = sops("decrypt", "--extract", path, "--output-type", output, "enc.yaml")
    assert (done.code, done.out.decode()) == (0, text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("decrypt", "nowhere.yaml"), 100),
        (("-d", "nowhere.yaml"), 100),
        (("-d",), 100),
        (("-d", "plain.yaml"), 1),
        (("decrypt", "--extract", "a", "enc.yaml"), 91),
        (("decrypt", "--extract", '["zz"]', "enc.yaml"), 1),
        (("decrypt", "--extract", '["n"]', "--output-type", "binary", "enc.yaml"), 4),
        (("decrypt", "--output-type", "dotenv", "enc.yaml"), 4),
        (("decrypt", "-i", "--output", "x", "enc.yaml"), 8),
        (("decrypt", "-i"), 8),
        (("decrypt", "--decryption-order", "age,age", "enc.yaml"), 112),
        (("decrypt", "--output", "no/folder", "enc.yaml"), 3),
    ],
)
def test_failures_have_the_exit_codes_of_sops(file, sops, arguments, code):
    before = file.files()
    done = sops(*arguments)
    assert done.code == code
    assert done.err.startswith("error: ")
    assert done.out == b""
    assert file.files() == before


def test_a_key_of_somebody_else_is_128(file, sops, act_as):
    act_as("bob")
    done = sops("-d", "enc.yaml")
    assert done.code == 128
    assert "not among your identities" in done.err


def test_a_changed_plain_value_is_51_and_can_be_ignored(folder, sops):
    folder.write("f.yaml", "a: throwaway\nb_unencrypted: one\n")
    assert sops("-e", "-i", "f.yaml").code == 0
    folder.write("f.yaml", folder.read("f.yaml").replace(b"one", b"two"))
    assert sops("-d", "f.yaml").code == 51
    done = sops("-d", "--ignore-mac", "f.yaml")
    assert (done.code, done.out) == (0, b"a: throwaway\nb_unencrypted: two\n")
    assert "--ignore-mac" in done.err


def test_a_missing_mac_is_51_and_can_be_ignored(file, sops):
    lines = file.read("enc.yaml").splitlines(keepends=True)
    file.write("f.yaml", b"".join(line for line in lines if not line.strip().startswith(b"mac:")))
    assert sops("-d", "f.yaml").code == 51
    assert sops("-d", "--ignore-mac", "f.yaml").code == 0


def test_a_moved_ciphertext_is_25_whether_or_not_the_mac_is_ignored(folder, sops):
    folder.write("f.yaml", "a: throwaway\nb: other\n")
    assert sops("-e", "-i", "f.yaml").code == 0
    text = folder.read("f.yaml").decode().splitlines(keepends=True)
    text[0], text[1] = "a" + text[1][1:], "b" + text[0][1:]
    folder.write("f.yaml", "".join(text))
    assert sops("-d", "f.yaml").code == 25
    assert sops("-d", "--ignore-mac", "f.yaml").code == 25


def test_in_place_and_output(file, sops):
    assert sops("-d", "--output", "out.yaml", "enc.yaml").code == 0
    assert file.read("out.yaml").decode() == PLAIN
    assert sops("decrypt", "-i", "enc.yaml").code == 0
    assert file.read("enc.yaml").decode() == PLAIN


def test_standard_input_without_a_file(file, sops):
    done = sops("decrypt", "--input-type", "yaml", "--output-type", "yaml", stdin=file.read("enc.yaml"))
    assert (done.code, done.out.decode()) == (0, PLAIN)
    named = sops("decrypt", "--filename-override", "x.yaml", stdin=file.read("enc.yaml"))
    assert named.out == done.out


def test_a_type_that_is_none_counts_as_not_given(file, sops):
    assert sops("-d", "--input-type", "yml", "--output-type", "nonsense", "enc.yaml").out.decode() == PLAIN


def test_a_linked_file_is_followed(file, sops):
    (file.path / "link.yaml").symlink_to("enc.yaml")
    assert sops("-d", "link.yaml").out.decode() == PLAIN
    assert sops("-d", "-i", "link.yaml").code == 0
    assert (file.path / "link.yaml").is_symlink()
    assert file.read("enc.yaml").decode() == PLAIN


def test_only_the_first_of_several_files_is_taken_and_that_is_said(file, sops):
    done = sops("-d", "enc.yaml", "--extract", '["a"]')
    assert done.out.decode() == PLAIN
    assert "flags have to stand in front" in done.err


def test_the_first_of_several_documents_is_converted_and_that_is_said(folder, sops):
    folder.write("f.yaml", "a: throwaway\n---\nb: two\n")
    assert sops("-e", "-i", "f.yaml").code == 0
    done = sops("-d", "--output-type", "json", "f.yaml")
    assert json.loads(done.out) == {"a": "throwaway"}
    assert "the first of 2" in done.err


def test_a_binary_file_becomes_text_in_yaml(folder, sops):
    folder.write("f.bin", "throwaway")
    assert sops("-e", "-i", "f.bin").code == 0
    assert sops("-d", "--output-type", "yaml", "f.bin").out == b"data: throwaway\n"


@pytest.mark.parametrize(
    "plain", ["a: throwaway\nb: 5", "a: throwaway # note", "a: |\n  throwaway", "a: 'throwaway'"]
)
def test_yaml_gets_a_line_break_at_its_end_and_keeps_its_values(folder, sops, plain):
    folder.write("f.yaml", plain)
    assert sops("encrypt", "-i", "f.yaml").code == 0
    decrypted = sops("decrypt", "f.yaml").out.decode()
    assert yaml.safe_load(decrypted) == yaml.safe_load(plain)
    if "|" not in plain:
        assert decrypted == plain + "\n"
