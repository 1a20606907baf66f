import pickle
import re
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fluxsecrets.errors import ConfigError, SelectorError
from fluxsecrets.sops.selectors import (
    RegexError,
    SelectorKind,
    SelectorSpec,
    compile_regex,
    compile_selector,
    is_of_pieces,
    select_one,
    words_of,
)
from tables import each_row


def selector(kind, pattern):
    return compile_selector(SelectorSpec(SelectorKind(kind), pattern))


# What sops 3.13.2 encrypts in one and the same file with each kind of selector: (path, comments in
# force, is a comment itself), and the kinds under which it comes out encrypted.
PLAIN, ENC = " sops:plain", " sops:enc"
SOPS_CASES = [
    (("name",), ((),), False, {"us", "uc"}),
    (("name_plain",), ((),), False, {"uc"}),
    (("password",), ((),), False, {"us", "er", "ur", "uc"}),
    (("password_secret",), ((),), False, {"us", "es", "er", "ur", "uc"}),
    (("meta", "token"), ((), ()), False, {"us", "er", "uc"}),
    (("meta", "list_secret", 0), ((), (), ()), False, {"us", "es", "uc"}),
    ((), ((PLAIN,),), True, {"us", "ur"}),
    (("free",), ((PLAIN,),), False, {"us", "ur"}),
    ((), ((ENC,),), True, {"us", "ur", "uc"}),
    (("bound",), ((ENC,),), False, {"us", "ur", "uc", "ec"}),
    (("sub",), ((), (ENC,)), True, {"us", "ur", "uc"}),
    (("sub", "inner"), ((), (ENC,)), False, {"us", "ur", "uc", "ec"}),
    (("sub",), ((), (PLAIN,)), True, {"us", "ur"}),
    (("sub", "other"), ((), (PLAIN,)), False, {"us", "ur"}),
]
SOPS_SELECTORS = {
    "us": ("unencrypted_suffix", "_plain"),
    "es": ("encrypted_suffix", "_secret"),
    "ur": ("unencrypted_regex", "^(meta|name)"),
    "er": ("encrypted_regex", "pass|token"),
    "uc": ("unencrypted_comment_regex", "sops:plain"),
    "ec": ("encrypted_comment_regex", "sops:enc"),
}


@each_row("short", SOPS_SELECTORS)
@each_row(("path", "comments", "comment", "kinds"), SOPS_CASES)
def test_the_same_values_are_encrypted_as_by_sops(short, path, comments, comment, kinds):
    compiled = selector(*SOPS_SELECTORS[short])
    assert compiled.encrypts(path, comments, comment=comment) == (short in kinds)


class TestPaths:
    def test_any_component_of_the_path_decides(self):
        assert selector("encrypted_regex", "^data$").encrypts(("data", "deep", 0, "key"))
        assert not selector("unencrypted_suffix", "_unencrypted").encrypts(("a_unencrypted", "b"))

    def test_an_unanchored_regex_also_hits_inside_a_word(self):
        assert selector("encrypted_regex", "data|stringData").encrypts(("metadata", "name"))
        assert not selector("encrypted_regex", "^(data|stringData)$").encrypts(("metadata", "name"))

    def test_list_positions_are_never_compared(self):
        assert not selector("encrypted_regex", "[0-9]").encrypts(("list", 1))
        assert selector("encrypted_regex", "[0-9]").encrypts(("list", "1"))

    def test_a_suffix_is_no_regex(self):
        assert not selector("encrypted_suffix", ".key").encrypts(("monkey",))
        assert selector("encrypted_suffix", ".key").encrypts(("tls.key",))

    def test_a_comment_at_the_root_has_an_empty_path(self):
        assert not selector("encrypted_regex", ".*").encrypts((), comment=True)
        assert selector("unencrypted_regex", ".*").encrypts((), comment=True)


class TestComments:
    def test_an_ancestors_comment_covers_the_subtree(self):
        compiled = selector("encrypted_comment_regex", "secret")
        assert compiled.encrypts(("a", "b", "c"), ((" secret",), (), ()))
        assert compiled.encrypts(("a", "b"), ((" secret",), (" other",)), comment=True)

    def test_a_matching_comment_stays_plain_itself(self):
        compiled = selector("encrypted_comment_regex", "secret")
        assert not compiled.encrypts((), ((" secret",),), comment=True)
        assert compiled.encrypts(("a",), ((" secret",),))

    def test_lines_after_a_matching_comment_are_encrypted_with_it(self):
        compiled = selector("encrypted_comment_regex", "secret")
        assert compiled.encrypts((), ((" secret", " the password is x"),), comment=True)
        assert compiled.encrypts((), ((" secret", " secret"),), comment=True)

    def test_lines_before_a_matching_comment_stay_plain(self):
        assert not selector("encrypted_comment_regex", "secret").encrypts((), ((" note",),), comment=True)

    def test_the_unencrypted_kind_leaves_the_matching_comment_plain(self):
        compiled = selector("unencrypted_comment_regex", "plain")
        assert not compiled.encrypts((), ((" plain",),), comment=True)
        assert not compiled.encrypts(("a", "b"), ((" plain",), ()))
        assert compiled.encrypts(("a",), ((" note",),))

    def test_without_comments_at_all(self):
        assert not selector("encrypted_comment_regex", "x").encrypts(("a",))
        assert selector("unencrypted_comment_regex", "x").encrypts(("a",))
        assert not selector("encrypted_comment_regex", "x").encrypts((), (), comment=True)

    def test_an_empty_last_level_takes_nothing_from_the_level_above(self):
        assert selector("encrypted_comment_regex", "x").encrypts(("a",), (("x",), ()), comment=True)

    def test_keys_are_not_looked_at(self):
        assert not selector("encrypted_comment_regex", "x").encrypts(("x",), ((),))

    def test_it_says_whether_it_looks_at_comments(self):
        for kind in SelectorKind:
            assert compile_selector(SelectorSpec(kind, "x")).uses_comments == ("comment" in kind.value)

    def test_a_ciphertext_can_be_held_against_the_pattern(self):
        assert selector("unencrypted_comment_regex", "ENC").matches("ENC[AES256_GCM,data:...]")


def model(kind, found):
    """`found` says whether the selector's text was met; the rest is the kind's own logic."""
    return found if kind.value.startswith("encrypted") else not found


KEYS = st.text(alphabet="ab_.$", max_size=4)
PATHS = st.lists(KEYS | st.integers(0, 3), max_size=5).map(tuple)
STACKS = st.lists(st.lists(KEYS, max_size=3).map(tuple), min_size=1, max_size=4).map(tuple)
PATTERNS = st.text(alphabet="ab_.$", min_size=1, max_size=2)


@given(st.sampled_from(["unencrypted_suffix", "encrypted_suffix"]), PATTERNS, PATHS, STACKS)
def test_suffixes_against_a_model(kind, suffix, path, comments):
    compiled = selector(kind, suffix)
    found = any(isinstance(step, str) and step[-len(suffix) :] == suffix for step in path)
    assert compiled.encrypts(path, comments) == model(SelectorKind(kind), found)


@given(st.sampled_from(["unencrypted_regex", "encrypted_regex"]), PATTERNS, PATHS, STACKS)
def test_regexes_against_a_model(kind, word, path, comments):
    compiled = selector(kind, rf"\Q{word}\E")
    found = any(word in step for step in path if isinstance(step, str))
    assert compiled.encrypts(path, comments) == model(SelectorKind(kind), found)


@given(
    st.sampled_from(["unencrypted_comment_regex", "encrypted_comment_regex"]),
    PATTERNS,
    PATHS,
    STACKS,
    st.booleans(),
)
def test_comment_regexes_against_a_model(kind, word, path, comments, comment):
    assume(not comment or comments[-1])
    compiled = selector(kind, rf"\Q{word}\E")
    positions = [(i, j) for i, level in enumerate(comments) for j in range(len(level))]
    if comment and kind == "encrypted_comment_regex":
        positions.pop()
    found = any(word in comments[i][j] for i, j in positions)
    assert compiled.encrypts(path, comments, comment=comment) == model(SelectorKind(kind), found)


class TestSelectOne:
    def test_none_is_none(self):
        assert select_one({}) is None

    def test_an_empty_text_is_not_set(self):
        fields = {"encrypted_regex": "", "unencrypted_suffix": "_x"}
        assert select_one(fields) == SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, "_x")

    @pytest.mark.parametrize("kind", SelectorKind)
    def test_each_kind(self, kind):
        assert select_one({kind.value: "x", "path_regex": "y"}) == SelectorSpec(kind, "x")

    def test_all_that_are_given_are_named(self):
        with pytest.raises(SelectorError) as caught:
            select_one({"encrypted_regex": "a", "unencrypted_suffix": "b", "encrypted_comment_regex": "c"})
        for name in ("encrypted_regex", "unencrypted_suffix", "encrypted_comment_regex"):
            assert name in caught.value.message
        assert caught.value.hint


class TestCompile:
    @pytest.mark.parametrize("kind", [kind for kind in SelectorKind if "regex" in kind.value])
    def test_an_invalid_regex_is_an_error_at_once(self, kind):
        with pytest.raises(SelectorError) as caught:
            compile_selector(SelectorSpec(kind, "(data"))
        assert caught.value.message == f"{kind.value} is not a valid regular expression: missing ): (data"
        assert "RE2" in caught.value.hint
        assert isinstance(caught.value, ConfigError)

    @pytest.mark.parametrize("kind", SelectorKind)
    def test_an_empty_pattern_is_no_selector(self, kind):
        with pytest.raises(SelectorError, match=f"{kind.value} is empty"):
            compile_selector(SelectorSpec(kind, ""))

    def test_a_suffix_needs_not_be_a_regex(self):
        assert selector("encrypted_suffix", "(").encrypts(("a(",))

    @pytest.mark.parametrize("kind", SelectorKind)
    def test_it_travels_to_worker_processes(self, kind):
        compiled = compile_selector(SelectorSpec(kind, "x$"))
        assert pickle.loads(pickle.dumps(compiled)) == compiled

    def test_nothing_but_the_pattern_is_in_its_repr(self):
        compiled = selector("encrypted_comment_regex", "x")
        compiled.encrypts(("k",), (("a secret in a comment",),))
        assert "secret" not in repr(compiled)


class TestRegex:
    @pytest.mark.parametrize(
        ("pattern", "text", "found"),
        [
            (".*.yaml", "a/b.yaml", True),
            ("b", "abc", True),
            ("^b", "abc", False),
            ("a$", "a\n", False),
            ("(?m)a$", "a\nb", True),
            ("a.b", "a\nb", False),
            ("(?i)DATA", "data", True),
            (r"\pL", "é", True),
            (r"^\w+$", "é", False),
            (r"^.$", "é", True),
            (r"\p{Greek}", "α", True),
            ("(?P<n>a)(?<m>b)", "ab", True),
            (r"\Q.\C\E", r".\C", True),
            ("", "anything", True),
        ],
    )
    def test_it_reads_as_go_reads_it(self, pattern, text, found):
        assert compile_regex(pattern).search(text) is found

    @pytest.mark.parametrize(
        "pattern",
        [
            "(",
            "[a",
            "*",
            "a**",
            "(?=a)",
            "(?<!a)b",
            r"\1",
            r"\Z",
            r"\C",
            r"a\\\C",
            "(?P<ä>x)",
            "(?<ä>x)",
            "a{1001}",
        ],
    )
    def test_what_go_refuses_is_refused(self, pattern):
        with pytest.raises(RegexError):
            compile_regex(pattern)

    def test_an_escaped_backslash_before_a_letter_is_no_escape(self):
        assert compile_regex(r"\\C").search("\\C")

    def test_a_pattern_that_grows_beyond_all_bounds_is_refused(self):
        with pytest.raises(RegexError, match=r"large|repetition"):
            compile_regex(r"((\pL{1000})|(\pN{1000})|(\PL{1000}))x")

    def test_a_pattern_that_is_no_text(self):
        with pytest.raises(RegexError, match="UTF-8"):
            compile_regex("\ud800")

    def test_bytes_that_are_no_utf8_count_as_one_character_each(self):
        name = b"a\xffb".decode("utf-8", "surrogateescape")
        assert compile_regex("^a.b$").search(name)

    def test_errors_are_not_printed_to_standard_error(self, capfd):
        with pytest.raises(RegexError):
            compile_regex("(")
        assert capfd.readouterr() == ("", "")

    def test_the_text_of_the_error_is_one_printable_line(self):
        with pytest.raises(RegexError) as caught:
            compile_regex("(\x1b[31m\n")
        assert str(caught.value).isprintable()

    def test_it_compares_by_pattern_and_travels(self):
        regex = compile_regex("a+")
        assert pickle.loads(pickle.dumps(regex)) == regex == compile_regex("a+")
        assert "a+" in repr(regex)


@given(st.lists(st.sampled_from(["data", "stringData", "auth"]), min_size=1, unique=True), KEYS)
def test_anchored_words_match_nothing_but_themselves(words, other):
    regex = compile_regex("^(" + "|".join(words) + ")$")
    assert all(regex.search(word) for word in words)
    assert not regex.search(other + "x")


WORDS = st.lists(st.text(st.sampled_from("ab-_1"), min_size=1, max_size=3), min_size=1, max_size=4)


@given(WORDS, st.booleans(), st.text(st.sampled_from("ab-_1|^$\n\udce9"), max_size=4))
def test_words_without_an_engine_are_what_re2_makes_of_them(words, in_parentheses, text):
    body = "|".join(words)
    short = f"^({body})$" if in_parentheses else f"^{body}$"
    long = f"(?:){short}"  # the same to RE2, and not to whoever looks for words
    for candidate in (text, *words):
        assert compile_regex(short).search(candidate) is compile_regex(long).search(candidate)


PIECES = st.lists(st.sampled_from(["a", "b", "ab", ".*", r"\.", r"\/", "/", "_", r"\-"]), max_size=5).map(
    "".join
)


@given(st.sampled_from(["", "^"]), PIECES, st.sampled_from(["", "$"]), st.text("ab./-_\n\udce9é", max_size=8))
def test_pieces_without_an_engine_are_what_re2_makes_of_them(start, pieces, end, text):
    short = f"{start}{pieces}{end}"
    plain = pieces.replace(".*", "").replace("\\", "")
    for candidate in (text, plain, f"{plain}a", f"a{plain}", f"{plain}{text}{plain}"):
        assert compile_regex(short).search(candidate) is compile_regex(f"(?:){short}").search(candidate)


CHOICES = st.one_of(
    st.tuples(
        st.sampled_from(["(", "(?:"]), st.lists(PIECES, min_size=1, max_size=3).map("|".join), st.just(")")
    ).map("".join),
    st.sampled_from(["a?", "b?", r"\.?", r"\-?", "/?"]),
)


@given(
    st.sampled_from(["", "^"]), PIECES, CHOICES, PIECES, st.sampled_from(["", "$"]),
    st.text("ab./-_\n\udce9é", max_size=8),
)  # fmt: skip
def test_choices_without_an_engine_are_what_re2_makes_of_them(start, before, choice, after, end, text):
    short = f"{start}{before}{choice}{after}{end}"
    one = choice.strip("(?:)").split("|")[0]
    with_it, without = (
        f"{before}{middle}{after}".replace(".*", "").replace("\\", "") for middle in (one, "")
    )
    for candidate in (text, with_it, without, f"{with_it}a", f"a{without}", f"{with_it}{text}{without}"):
        assert compile_regex(short).search(candidate) is compile_regex(f"(?:){short}").search(candidate)


@pytest.mark.parametrize("pattern", [r"\.ya?ml$", r"^apps/.*\.(?:yaml|yml)$", r"\.(yaml|json|env)$"])
def test_usual_path_patterns_start_no_engine(pattern):
    program = (
        "import sys\nfrom fluxsecrets.sops.selectors import compile_regex\n"
        f"found = compile_regex({pattern!r}).search('apps/one/secret.yml.yaml')\n"
        "print(found, 're2' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


@pytest.mark.parametrize(
    "pattern",
    [
        "a.*?b",
        "a.b",
        "a**",
        "^^a",
        "a$$",
        r"\.?a",
        r"a\\",
        "a+",
        ".*$.*",
        r"\$",
        "a??",
        "(a)?",
        "(a|b)*",
        "(a)b?",
        "(a",
        "a)",
        "()?",
        "(?i:A)",
        "(?a|b)",
        "(^a|b)",
        "(a$|b)",
    ],
)
def test_what_is_not_made_of_pieces_is_left_to_re2(pattern):
    for text in ("", "a", "ab", "axxb", "a\nb", "$", "\\", "a\\"):
        try:
            expected = compile_regex(f"(?:){pattern}").search(text)
        except RegexError:
            with pytest.raises(RegexError):
                compile_regex(pattern)
        else:
            assert compile_regex(pattern).search(text) is expected


def test_pieces_take_linear_time_and_start_no_engine():
    program = (
        "import sys\nfrom fluxsecrets.sops.selectors import compile_regex\n"
        "found = compile_regex('a.*' * 60 + 'c$').search('a' * 100_000 + 'b')\n"
        "print(found, 're2' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False False\n"


@pytest.mark.parametrize("pattern", ["^()$", "^(a|)$", "^(|a)$", "^(a||b)$", "^a|b$", "(a|b)$", "^(a|b)"])
def test_what_is_no_list_of_words_is_left_to_re2(pattern):
    for text in ("", "a", "b", "xa", "ax", "a|b"):
        assert compile_regex(pattern).search(text) is compile_regex(f"(?:){pattern}").search(text)


WORDS = re.compile(r"\^(?:([A-Za-z0-9_-]+)|\(([A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\))\$")
PIECES = re.compile(r"\^?(?:[A-Za-z0-9_/-]|\\[./-]|\.\*)*\$?")


@given(
    st.one_of(
        st.text("^$()|a-_Z0\n.*", max_size=8),
        st.text("^$a/-\\.*\n", max_size=8),
        st.from_regex(WORDS, fullmatch=True),
        st.from_regex(PIECES, fullmatch=True),
        st.text(max_size=5),
    )
)
def test_what_needs_no_engine_is_told_as_by_expressions(pattern):
    words = WORDS.fullmatch(pattern)
    assert words_of(pattern) == ((words[1] or words[2]) if words else None)
    assert is_of_pieces(pattern) == (PIECES.fullmatch(pattern) is not None)
