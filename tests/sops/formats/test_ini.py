from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ciphertexts import WHOLE
from fluxsecrets.errors import FormatError, LimitError, MetadataError
from fluxsecrets.sops.document import Change, Comment, Entry, Style, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.ini import IniFormat
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR
from tables import each_row

INI = IniFormat()
LIMITS = Limits()
METADATA = Metadata(
    (KeyGroup((WrappedKey(Recipient("age", "age1throwaway"), "-----BEGIN\nthrow-away\n"),)),),
    DEFAULT_SELECTOR,
    "2026-11-23T10:11:12Z",
    "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]",
)
BLOCK = """\
[sops]
age__list_0__map_enc       = -----BEGIN\\nthrow-away\\n
age__list_0__map_recipient = age1throwaway
lastmodified               = 2026-11-23T10:11:12Z
mac                        = ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]
unencrypted_suffix         = _unencrypted
version                    = 3.13.2
"""


def parse(text):
    return INI.parse(text.encode(), LIMITS)


def only(text):
    (leaf,) = parse(text).leaves
    return leaf


def comments(text):
    found = []
    for section in parse(text).parts[0].entries:
        found += [entry for entry in section.value.entries if isinstance(entry, Comment)]
    return found


# Reading


@each_row(
    ("line", "key", "value", "text"),
    [
        ("k=v", "k", "v", "v"),
        ("  k  =  v  ", "k", "v", "v"),
        ("k: v", "k", "v", "v"),
        ("k = a=b:c", "k", "a=b:c", "a=b:c"),
        ("k =", "k", "", ""),
        ("k = ; c", "k", "", ""),
        ("k = 'v'", "k", "v", "v"),
        ('k = "v"', "k", "v", "v"),
        ('k = ""', "k", "", ""),
        ('k = "a" "b"', "k", '"a" "b"', '"a" "b"'),
        ("k = it's", "k", "it's", "it's"),
        ('k = "a;b"', "k", "a;b", "a;b"),
        ('k = "a ; b" # c', "k", "a ; b", "a ; b"),
        ("k = a#b;c", "k", "a#b;c", "a#b;c"),
        ("k = a ;b", "k", "a", "a"),
        ("k = a\t# b", "k", "a", "a"),
        ("k = `a ; # b`", "k", "a ; # b", "a ; # b"),
        ('k = """a "quoted" b"""', "k", 'a "quoted" b', 'a "quoted" b'),
        ("k = `one\ntwo`", "k", "one\ntwo", "one\ntwo"),
        ('k = """one\r\n  two\n""" ; c', "k", "one\r\n  two\n", "one\r\n  two\n"),
        ("k = one\\\n   two \\\n three", "k", "onetwo three", "one\\\n   two \\\n three"),
        ("k = one\\\n\nb=2", "k", "one", "one\\"),
        ("k = one\\", "k", "one", "one\\"),
        ("`a:b=c` = v", "a:b=c", "v", "v"),
        ('"""a`b""" = v', "a`b", "v", "v"),
        ('"k" = v', "k", "v", "v"),
        ("'k' = v", "'k'", "v", "v"),
        ("- = v", "#1", "v", "v"),
        ("ż = ó", "ż", "ó", "ó"),
    ],
)
def test_what_is_key_and_value(line, key, value, text):
    document = parse(f"[s]\n{line}\n")
    leaf = next(document.leaves)
    assert (leaf.path, leaf.value) == (("s", key), value)
    assert document.source[leaf.start : leaf.end] == text
    assert leaf.line == 2


def test_quotes_are_the_style():
    text = '[s]\na=1\nb=\'1\'\nc="1"\nd=`1`\ne="""1"""'
    styles = [leaf.style for leaf in parse(text).leaves]
    assert styles == [Style.PLAIN, Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED, Style.LITERAL, Style.LITERAL]


def test_sections_keep_their_order_and_may_be_there_twice():
    document = parse("top=0\n[b]\nx=1\n[ a ]\nx=2\n[b]\nx=3\n[DEFAULT]\nx=4\n[empty]\n")
    assert [(leaf.path, leaf.value) for leaf in document.leaves] == [
        (("DEFAULT", "top"), "0"),
        (("b", "x"), "1"),
        ((" a ", "x"), "2"),
        (("b", "x"), "3"),
        (("DEFAULT", "x"), "4"),
    ]
    assert [entry.key for entry in document.parts[0].entries] == [
        "DEFAULT",
        "b",
        " a ",
        "b",
        "DEFAULT",
        "empty",
    ]


def test_dashes_are_numbered_in_each_section():
    assert [leaf.path for leaf in parse("[a]\n-=x\n-=y\n[b]\n-=z").leaves] == [
        ("a", "#1"),
        ("a", "#2"),
        ("b", "#1"),
    ]


def test_comments_stand_where_sops_has_them():
    text = "; head\n[s] # inline\n; above\n;; above too\nk = v ; behind\n\n; tail\n"
    (section,) = parse(text).parts[0].entries
    kinds = [entry.text if isinstance(entry, Comment) else entry.key for entry in section.value.entries]
    assert kinds == ["head", "inline", "k", "above\n;; above too", "behind", "tail"]
    found = comments(text)
    assert {comment.path for comment in found} == {("s",)}
    assert [comment.inline for comment in found] == [False, True, False, True, False]
    assert [comment.line for comment in found] == [1, 2, 3, 5, 7]
    source = parse(text).source
    assert [source[comment.start : comment.end] for comment in found] == [comment.text for comment in found]


def test_blank_lines_in_a_comment_get_a_space_since_sops_crashes_on_them():
    text = ";;;\n; one\n\n \n; two\n[s]\n"
    (comment,) = comments(text)
    assert comment.text == " \n; one\n \n  \n; two"
    assert INI.rewrite(parse(text), [Change(comment, comment.text, False)], None).decode() == text


def test_a_comment_that_was_added_to_an_encrypted_one_stays_apart():
    cipher = WHOLE.replace("type:str", "type:comment")
    text = f"; new\n; also new\n; {cipher}\n; {cipher}\n; more\n[s]\n"
    assert [comment.text for comment in comments(text)] == ["new\n; also new", cipher, cipher, "more"]


def test_empty_comments_are_none():
    assert comments(";\n[s]\n#\nk=v ;\n") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("hunter2", 1),
        ("[s]\nhunter2", 2),
        ("[s]\nk=`hunter2\n\n", 2),
        ('[s]\nk="""hunter2', 2),
        ("[s]\nk=`a`hunter2", 2),
        ("[s]\nk=`a\nb` hunter2", 3),
        ("[s]\n=hunter2", 2),
        ('[s]\n""=hunter2', 2),
        ('[s]\n"k=hunter2', 2),
        ("[s]\nk=1\nk=hunter2", 3),
        ("[]\n", 1),
        ("[s\nk=hunter2", 1),
        ("[s] hunter2", 1),
        ("[s] ; see [hunter2]", 1),
    ],
)
def test_other_lines_are_errors_that_show_their_number_and_not_their_text(text, line):
    with pytest.raises(FormatError) as caught:
        parse(text)
    assert caught.value.line == line
    assert caught.value.hint
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


def test_text_that_is_not_utf_8_and_files_that_are_too_large_are_errors():
    with pytest.raises(FormatError):
        INI.parse(b"[s]\nA=\xff", LIMITS)
    with pytest.raises(LimitError):
        INI.parse(b"[s]\nA=0123456789", Limits(size=5))


@pytest.mark.parametrize("text", ["[sops]\n", "[sops]\nmac=x\n", BLOCK + BLOCK, BLOCK + "version = 1\n"])
def test_a_sops_section_that_is_no_metadata_is_an_error(text):
    with pytest.raises(MetadataError):
        parse(text)


def test_files_of_sops_are_read_decrypted_and_written_as_they_were(vectors, codec):
    encrypted = (vectors / "ini" / "encrypted.ini").read_bytes()
    document = INI.parse(encrypted, LIMITS)
    assert [leaf.path for leaf in document.leaves] == [
        ("database", "user"), ("database", "password"), ("api", "key"), ("api", "url"),
    ]  # fmt: skip
    assert INI.rewrite(document, [], document.metadata) == encrypted
    assert codec.decrypt(INI, encrypted) == (vectors / "ini" / "decrypted.ini").read_bytes()


# Writing


@pytest.mark.parametrize("plain", ["[s]\nk=v\n", "k=v\n", "[s]\nk=v\n\n\n", "\n", "; c\n", "[s]\nk=v\\\n"])
def test_the_block_is_the_last_section_and_leaves_without_trace(plain):
    encrypted = INI.rewrite(parse(plain), [], METADATA).decode()
    assert encrypted == f"{plain}\n{BLOCK}"
    assert INI.rewrite(parse(encrypted), [], None).decode() == plain
    assert INI.rewrite(parse(encrypted), [], METADATA).decode() == encrypted


@pytest.mark.parametrize("plain", ["[s]\nk=v", "k=v", "k=v\n  ", "; c", "[s]\nk=`x\ny`", "k=v\\"])
def test_a_missing_final_newline_stays_missing(plain):
    encrypted = INI.rewrite(parse(plain), [], METADATA).decode()
    assert encrypted == f"{plain}\n\n{BLOCK}".removesuffix("\n")
    assert INI.rewrite(parse(encrypted), [], None).decode() == plain
    assert INI.rewrite(parse(encrypted), [], METADATA).decode() == encrypted


def test_an_empty_file_and_other_line_breaks_and_marks():
    assert INI.rewrite(parse(""), [], METADATA).decode() == BLOCK
    assert INI.rewrite(parse(BLOCK), [], None) == b""
    plain = "\ufeff[s]\r\nk=v\r\n"
    encrypted = INI.rewrite(parse(plain), [], METADATA).decode()
    assert encrypted == plain + "\r\n" + BLOCK.replace("\n", "\r\n")
    assert INI.rewrite(parse(encrypted), [], None).decode() == plain


def test_a_block_in_the_middle_takes_nothing_else_with_it():
    text = f"[a]\nk=v\n; tail\n\n{BLOCK}\n; head\n[b]\nk=w\n"
    assert INI.rewrite(parse(text), [], METADATA).decode() == text
    assert INI.rewrite(parse(text), [], None).decode() == "[a]\nk=v\n; tail\n\n; head\n[b]\nk=w\n"
    assert [(comment.text, comment.path) for comment in comments(text)] == [
        ("tail", ("a",)),
        ("head", ("b",)),
    ]


@each_row(
    ("before", "value", "after"),
    [
        ("k=old", "new", "k=new"),
        ("k =", "new", "k =new"),
        ("k = ", "new", "k = new"),
        ("k = 'old' ; c", "new", "k = 'new' ; c"),
        ("k = 'old' ; c", "it's", "k = it's ; c"),
        ('k = "old"', 'say "x"', 'k = say "x"'),
        ('k = "old"', "a;b", "k = `a;b`"),
        ("k = old", "a;b", "k = `a;b`"),
        ("k = old", "a ;b", "k = `a ;b`"),
        ("k = old ; it`s", "a ;b", 'k = """a ;b""" ; it`s'),
        ("k = old", " padded ", "k = ` padded `"),
        ("k = old", '"quoted"', 'k = `"quoted"`'),
        ("k = old", "one\ntwo", "k = `one\ntwo`"),
        ("k = old", "one\n`two`", "k = `one\n`two``"),
        ("k = old", "one\n`two`\n", 'k = """one\n`two`\n"""'),
        ("k = old", "back\\", "k = `back\\`"),
        ('k = """old"""', "one\ntwo", 'k = """one\ntwo"""'),
        ("k = one\\\n  two", "new", "k = new"),
        ("k = old", "", "k = "),
        ("k = old", True, "k = true"),
    ],
)
def test_a_value_keeps_its_quotes_or_gets_those_it_needs(before, value, after):
    document = parse(f"[s]\n{before}\n")
    written = INI.rewrite(document, [Change(next(document.leaves), value, False)], None).decode()
    assert written == f"[s]\n{after}\n"


def test_a_value_that_no_quotes_hold_is_an_error_without_the_value():
    document = parse("[s]\nk=v\n")
    with pytest.raises(FormatError) as caught:
        INI.rewrite(document, [Change(next(document.leaves), 'hunter2\n`"""\n', False)], None)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("line", ['k = "a;b"', "k = a#b", "k = 'a # b' ; c"])
def test_a_plain_value_that_sops_would_cut_is_an_error_with_its_line(line):
    document = parse(f"[s]\n{line}\n")
    with pytest.raises(FormatError) as caught:
        INI.rewrite(document, [], METADATA)
    assert caught.value.line == 2
    encrypted = INI.rewrite(document, [Change(next(document.leaves), "ENC[x]", True)], METADATA)
    assert b"ENC[x]" in encrypted


@pytest.mark.parametrize("line", ["k = `a;b`", 'k = """a#b"""', "k = a#b\\\n c"])
def test_a_plain_value_that_sops_reads_alike_may_stay(line):
    assert line in INI.rewrite(parse(f"[s]\n{line}\n"), [], METADATA).decode()


def test_a_comment_behind_a_section_header_moves_above_it_since_sops_misreads_its_bracket():
    text = "k=v\n[s]  ; secret\nl=w\n"
    (comment,) = comments(text)
    document = parse(text)
    encrypted = INI.rewrite(document, [Change(comment, "ENC[x]", True)], METADATA).decode()
    assert encrypted.startswith("k=v\n; ENC[x]\n[s]\nl=w\n")
    unchanged = INI.rewrite(document, [], METADATA).decode()
    assert unchanged.startswith(text)


def test_a_comment_cannot_become_a_key():
    document = parse("; c\n[s]\n")
    (comment,) = comments("; c\n[s]\n")
    with pytest.raises(FormatError):
        INI.rewrite(document, [Change(comment, "c\nk = v", False)], None)


def test_plain_data_is_written_as_sops_writes_it():
    data = {"DEFAULT": {"a": 1}, "s": {"key": "v", "k": "a;b", "x:y": True, "n": None}, "empty": {}}
    expected = "a = 1\n\n[s]\nkey   = v\nk     = `a;b`\n`x:y` = true\nn     =\n\n[empty]\n"
    assert INI.render([data]).decode() == expected


@pytest.mark.parametrize(
    "parts",
    [[], [{}, {}], [["x"]], [{"a": "x"}], [{"s": {"a": {}}}], [{"s": {"a": ["x"]}}], [{"": {}}],
     [{"sops": {}}], [{"s": {"": "x"}}], [{"s": {" a": "x"}}], [{"s": {"a\n": "x"}}], [{"s": {"-": "x"}}],
     [{"s": {"a": b"\xff"}}], [{"s] ; x": {}}], [{"s\n": {}}], [{"s": {'a"`': "x"}}]],
)  # fmt: skip
def test_data_that_ini_cannot_hold_is_an_error(parts):
    with pytest.raises(FormatError):
        INI.render(parts)


# Round trips

PLAINS = [
    '; head\n\n; more\ntop = 1\n[s]\nk = v\nq="a b"\n- = 1\n-=2\n'
    '`b:c` = """x\ny""" ; foo\nz=`a#b` # c\n; tail',
    ";;;;\r\n; banner\r\n\r\n;;;\r\n[a]\r\nb=s3cr3t\r\n[a]\r\nb='2' # x\r\n",
    "[s]\n# above\nk_unencrypted = see ; me\nl = 's3cr3t' ;x\ne=\n",
]


@pytest.mark.parametrize("plain", PLAINS)
def test_encrypting_and_decrypting_gives_the_same_bytes(codec, plain):
    encrypted = codec.encrypt(INI, plain.encode())
    assert b"s3cr3t" not in encrypted
    assert codec.decrypt(INI, encrypted).decode() == plain


@pytest.mark.parametrize("plain", PLAINS)
def test_sops_reads_what_was_written(codec, sops_decrypts, plain):
    decrypted = INI.parse(sops_decrypts(codec.encrypt(INI, plain.encode()), "ini"), LIMITS)
    # sops writes the name that it gave to a dash, which is a comment then.
    expected = [(leaf.path, leaf.value) for leaf in parse(plain).leaves if not leaf.path[1].startswith("#")]
    assert [(leaf.path, leaf.value) for leaf in decrypted.leaves] == expected


def test_a_value_that_go_ini_would_cut_comes_back_in_backticks(codec):
    encrypted = codec.encrypt(INI, b'[s]\nk = v#x\nq="a;b" ; note\n')
    assert codec.decrypt(INI, encrypted) == b"[s]\nk = `v#x`\nq=`a;b` ; note\n"


VALUES = st.text("ab =:'\"`\\#;[]%ż\t\xa0\r\n", max_size=8)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=60, max_size=60), quotes=st.randoms(use_true_random=False))
def test_sops_reads_every_value_that_is_printed(codec, sops_reads, values, quotes):
    lines = "".join(
        f"k{number} = {quote}old{quote}{comment}\n"
        for number in range(len(values))
        for quote, comment in [(quotes.choice(["", '"', "'", "`", '"""']), quotes.choice(["", " ; it's"]))]
    )
    document = parse(f"[s]\n{lines}")
    changes = []
    for leaf, value in zip(document.leaves, values, strict=True):
        with suppress(FormatError):  # a line break with all kinds of quotes
            INI.rewrite(document, [Change(leaf, value, False)], None)
            changes.append(Change(leaf, value, False))
    expected = {change.target.path[1]: change.value for change in changes}
    assert len(expected) > len(values) / 2
    kept = {leaf.path[1]: "old" for leaf in document.leaves}
    assert sops_reads(INI.rewrite(document, changes, None), "ini") == {"s": kept | expected, "DEFAULT": {}}


names = st.text("abcż.-_ ", min_size=1, max_size=5).map(str.strip).filter(lambda name: name not in ("", "-"))
words = st.text("ab =:'\"`\\#;[]ż\t", max_size=8)
ends = st.sampled_from(["\n", "\r\n"])


@st.composite
def texts(draw):
    """INI text of which every line is one of a few kinds, valid or not."""
    end = draw(ends)
    kinds = (
        st.builds(lambda name, word: f"{name} = {word}", names, words)
        | st.builds(lambda name, word: f" {name}=`{word}{end}{word}`", names, words)
        | names.map(lambda name: f"[{name}]")
        | words.map(lambda word: f"; {word}")
        | st.sampled_from(["", "  ", "#"])
    )
    text = end.join(draw(st.lists(kinds, max_size=8)))
    try:
        parse(text)
    except FormatError:
        text = f"; replaced{end}[s]{end}k = v"
    return text


@given(texts())
def test_any_file_gets_back_its_values_and_without_continued_lines_its_bytes(text):
    document = parse(text)
    filled = [leaf for leaf in document.leaves if leaf.value]
    encrypted = parse(
        INI.rewrite(document, [Change(leaf, "ENC[x]", True) for leaf in filled], METADATA).decode()
    )
    values = [leaf.value for leaf in filled]
    back = [
        Change(leaf, value, False)
        for leaf, value in zip((leaf for leaf in encrypted.leaves if leaf.value), values, strict=True)
    ]
    plain = parse(INI.rewrite(encrypted, back, None).decode())
    assert [(leaf.path, leaf.value) for leaf in plain.leaves] == [
        (leaf.path, leaf.value) for leaf in document.leaves
    ]
    # A value with a sign that go-ini may take for a comment or a quote gets quotes that it reads, too.
    spelled_anew = any(leaf.style is not Style.LITERAL and set(";#`'\"") & set(leaf.value) for leaf in filled)
    if "\\" not in text and not spelled_anew:
        assert plain.source == document.source


@given(texts(), st.data())
def test_only_what_is_asked_for_changes(text, choice):
    document = parse(text)
    chosen = [leaf for leaf in document.leaves if choice.draw(st.booleans())]
    written = INI.rewrite(document, [Change(leaf, "new", False) for leaf in chosen], None)
    expected = [(leaf.path, "new" if leaf in chosen else leaf.value) for leaf in document.leaves]
    assert [(leaf.path, leaf.value) for leaf in INI.parse(written, LIMITS).leaves] == expected


@given(texts(), st.text(max_size=12).filter(lambda value: value.isprintable()))
def test_any_value_is_written_so_that_it_reads_back(text, value):
    document = parse(text)
    for leaf in document.leaves:
        try:
            written = INI.rewrite(document, [Change(leaf, value, False)], None)
        except FormatError:
            assert '"' in value or "`" in value
            continue
        again = INI.parse(written, LIMITS)
        assert [new.value for new in again.leaves] == [
            value if old is leaf else old.value for old in document.leaves
        ]


@given(st.dictionaries(names, st.dictionaries(names, words, max_size=3), min_size=1, max_size=3))
def test_rendered_data_reads_back(data):
    try:
        rendered = INI.render([data])
    except FormatError:
        assert any('"' in word or "`" in word for section in data.values() for word in section.values())
        return
    assert to_data(INI.parse(rendered, LIMITS).parts[0]) == data


def test_entries_name_the_place_of_their_keys():
    document = parse("[ab]\n key = v\n")
    (section,) = document.parts[0].entries
    (entry,) = section.value.entries
    assert isinstance(entry, Entry)
    assert document.source[section.start : section.end] == "ab"
    assert document.source[entry.start : entry.end] == "key"
    assert only("[ab]\n key = v\n").path == ("ab", "key")
