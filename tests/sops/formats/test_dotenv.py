import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, LimitError, MetadataError
from fluxsecrets.sops.document import Change, Comment, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.dotenv import DotenvFormat
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

DOTENV = DotenvFormat()
LIMITS = Limits()
METADATA = Metadata(
    (KeyGroup((WrappedKey(Recipient("age", "age1throwaway"), "-----BEGIN\nthrow-away\n"),)),),
    DEFAULT_SELECTOR,
    "2026-11-23T10:11:12Z",
    "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]",
)
BLOCK = """\
sops_age__list_0__map_enc=-----BEGIN\\nthrow-away\\n
sops_age__list_0__map_recipient=age1throwaway
sops_lastmodified=2026-11-23T10:11:12Z
sops_mac=ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]
sops_unencrypted_suffix=_unencrypted
sops_version=3.13.2
"""


def parse(text):
    return DOTENV.parse(text.encode(), LIMITS)


def values(text):
    return [(leaf.path[0], leaf.value) for leaf in parse(text).leaves]


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("A=x", "A", "x"),
        ("A=", "A", ""),
        ("A=b=c==", "A", "b=c=="),
        ("export A=x", "export A", "x"),
        ("B =  x  ", "B ", "  x  "),
        ("A='x' # no comment", "A", "'x' # no comment"),
        ('A="x"', "A", '"x"'),
        ("A=x\r", "A", "x\r"),
        (r"A=one\ntwo", "A", "one\ntwo"),
        (r"A=c:\temp", "A", r"c:\temp"),
        ("ŻÓŁĆ=ż", "ŻÓŁĆ", "ż"),
        ("\ufeffA=x", "\ufeffA", "x"),
    ],
)
def test_a_line_is_taken_as_it_stands(line, key, value):
    assert values(f"{line}\n") == [(key, value)]
    document = parse(f"{line}\n")
    leaf = next(document.leaves)
    assert document.source[: leaf.start] == f"{key}="
    assert DOTENV.rewrite(document, [Change(leaf, leaf.value, False)], None).decode() == f"{line}\n"


def test_comments_are_lines_with_a_number_sign_in_the_first_column():
    document = parse("# one\n#\n\nA=1\n#two")
    comments = [entry for entry in document.parts[0].entries if isinstance(entry, Comment)]
    assert [(comment.text, comment.line, comment.path) for comment in comments] == [
        (" one", 1, ()),
        ("two", 5, ()),
    ]
    assert [document.source[comment.start : comment.end] for comment in comments] == [" one", "two"]


def test_a_repeated_key_stands_twice_as_in_sops():
    assert values("A=1\nA=2\n") == [("A", "1"), ("A", "2")]


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "A=1\nhunter2\n",
        "A=1\n  # hunter2\n",
        "A=1\r\n\r\nB=hunter2\r\n",
        "\t\n",
        "\ufeff# hunter2",
    ],
)
def test_other_lines_are_errors_that_show_their_number_and_not_their_text(text):
    with pytest.raises(FormatError) as caught:
        parse(text)
    assert caught.value.line in (1, 2)
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


def test_text_that_is_not_utf_8_and_files_that_are_too_large_are_errors():
    with pytest.raises(FormatError):
        DOTENV.parse(b"A=\xff", LIMITS)
    with pytest.raises(LimitError):
        DOTENV.parse(b"A=0123456789", Limits(size=5))


@pytest.mark.parametrize(
    "text",
    ["sops_x=1\n", BLOCK + BLOCK, BLOCK.replace("list_0", "list_1"), "sops_age=x\nsops_age__list_0=y\n"],
)
def test_sops_keys_that_are_no_metadata_are_errors(text):
    with pytest.raises(MetadataError):
        parse(text)


def test_files_of_sops_are_read_decrypted_and_written_as_they_were(vectors, codec):
    encrypted = (vectors / "dotenv" / "encrypted.env").read_bytes()
    document = DOTENV.parse(encrypted, LIMITS)
    assert [leaf.path[0] for leaf in document.leaves] == [
        "DB_USER", "DB_PASSWORD", "EMPTY", "QUOTED", "MULTI", "SPACES", "PUBLIC_unencrypted",
    ]  # fmt: skip
    assert [key.recipient.kind for key in document.metadata.wrapped_keys] == ["age"]
    assert DOTENV.rewrite(document, [], document.metadata) == encrypted
    assert codec.decrypt(DOTENV, encrypted) == (vectors / "dotenv" / "decrypted.env").read_bytes()


@pytest.mark.parametrize("plain", ["", "A=1\n", "A=1", "\n", "A=1\n\n\n", "# c", "A=1\r\nB=2\r\n", "A=1\r"])
def test_the_block_follows_the_last_line_and_leaves_without_trace(plain):
    encrypted = DOTENV.rewrite(parse(plain), [], METADATA).decode()
    if plain.endswith("\n") or not plain:
        assert encrypted == plain + BLOCK
    else:
        assert encrypted == f"{plain}\n{BLOCK}".removesuffix("\n")
    assert DOTENV.rewrite(parse(encrypted), [], None).decode() == plain
    assert DOTENV.rewrite(parse(encrypted), [], METADATA).decode() == encrypted


def test_a_scattered_block_is_replaced_at_its_first_line_and_removed_everywhere():
    head, tail = BLOCK[: BLOCK.index("sops_mac")], BLOCK[BLOCK.index("sops_mac") :]
    for end in ("\n", ""):
        text = f"A=1\n{head}B=2\n{tail}".removesuffix("\n") + end
        assert DOTENV.rewrite(parse(text), [], METADATA).decode() == f"A=1\n{BLOCK}B=2\n"
        assert DOTENV.rewrite(parse(text), [], None).decode() == f"A=1\nB=2{end}"


@pytest.mark.parametrize(
    ("value", "text"), [("one\ntwo", r"one\ntwo"), (1, "1"), (True, "true"), (1.5, "1.5"), (None, "")]
)
def test_new_values_are_texts_with_newlines_escaped(value, text):
    document = parse("A=x\nB=y\n")
    leaf = next(document.leaves)
    assert DOTENV.rewrite(document, [Change(leaf, value, False)], None).decode() == f"A={text}\nB=y\n"


def test_what_a_line_cannot_hold_is_an_error_without_the_value():
    document = parse("# c\nA=x\n")
    comment, leaf = document.parts[0].entries[0], next(document.leaves)
    for change in (Change(leaf, r"hunter2\n", False), Change(comment, "hunter2\nB=1", False)):
        with pytest.raises(FormatError) as caught:
            DOTENV.rewrite(document, [change], None)
        assert "hunter2" not in str(caught.value)


def test_plain_data_is_written_a_line_a_key():
    data = {"A": "x\ny", "B": 1, "C": True, "D": None, "E": 2.5}
    assert DOTENV.render([data]).decode() == "A=x\\ny\nB=1\nC=true\nD=\nE=2.5\n"


@pytest.mark.parametrize(
    "parts",
    [[], [{}, {}], [["x"]], [{"A": {}}], [{"A": ["x"]}], [{"": "x"}], [{"A=B": "x"}], [{"#A": "x"}],
     [{"A\n": "x"}], [{"sops_a": "x"}], [{"A": "\\n"}], [{"A": b"\xff"}]],
)  # fmt: skip
def test_data_that_dotenv_cannot_hold_is_an_error(parts):
    with pytest.raises(FormatError):
        DOTENV.render(parts)


PLAINS = [
    "# db\nA=s3cr3t=x\nB='q'\nA=twice\nexport C=1\nD_unencrypted=see\\nme\nE=\n\n#\n#tail",
    "\ufeffA=1\r\nB =\\n\n",
]


@pytest.mark.parametrize("plain", PLAINS)
def test_encrypting_and_decrypting_gives_the_same_bytes(codec, plain):
    encrypted = codec.encrypt(DOTENV, plain.encode())
    assert b"sops_mac=ENC[" in encrypted
    assert b"s3cr3t" not in encrypted
    assert codec.decrypt(DOTENV, encrypted).decode() == plain


@pytest.mark.parametrize("plain", PLAINS)
def test_sops_reads_what_was_written(codec, sops_decrypts, plain):
    lines = [line for line in plain.split("\n") if line]
    assert sops_decrypts(codec.encrypt(DOTENV, plain.encode()), "dotenv").decode().split("\n") == [*lines, ""]


characters = st.characters(exclude_categories=["Cs"])
names = st.text(characters, min_size=1, max_size=6).filter(
    lambda name: not set(name) & {"=", "\n"} and not name.startswith(("#", "sops_"))
)
lines = (
    st.builds(lambda name, text: f"{name}={text}", names, st.text(characters, max_size=8))
    | st.text(characters, max_size=6).map(lambda text: f"#{text}")
    | st.just("")
).filter(lambda line: "\n" not in line)
texts = st.lists(lines, max_size=6).map("\n".join).filter(lambda text: not text.startswith("\ufeff"))


@given(texts)
def test_any_file_gets_back_its_bytes_when_the_block_is_removed(text):
    encrypted = DOTENV.rewrite(parse(text), [], METADATA)
    assert DOTENV.rewrite(DOTENV.parse(encrypted, LIMITS), [], None).decode() == text


@given(texts, st.data())
def test_only_what_is_asked_for_changes(text, choice):
    document = parse(text)
    chosen = [leaf for leaf in document.leaves if choice.draw(st.booleans())]
    written = DOTENV.rewrite(document, [Change(leaf, "ENC[new]", True) for leaf in chosen], METADATA)
    expected = [(leaf.path, "ENC[new]" if leaf in chosen else leaf.value) for leaf in document.leaves]
    assert [(leaf.path, leaf.value) for leaf in DOTENV.parse(written, LIMITS).leaves] == expected


@given(
    st.dictionaries(names, st.text(characters, max_size=8).filter(lambda text: "\\" not in text), max_size=4)
)
def test_rendered_data_reads_back(data):
    first = next(iter(data), "")
    if not first.startswith("\ufeff"):
        assert to_data(DOTENV.parse(DOTENV.render([data]), LIMITS).parts[0]) == data
    else:
        assert first
