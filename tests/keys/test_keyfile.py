import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys.keyfile import MAX_KEY_FILE, parse_keys


def parse(text, **options):
    data = text if isinstance(text, bytes) else text.encode()
    return parse_keys(data, origin="KEYS", path="keys.txt", **options)


def test_a_key_file_of_age_keygen_is_read(key_folder, secrets, recipients):
    keys = parse((key_folder / "alice_bob.agekey").read_bytes())
    assert [identity.recipient for identity in keys.identities] == [recipients["alice"], recipients["bob"]]
    assert [identity.secret for identity in keys.identities] == [secrets["alice"], secrets["bob"]]
    assert [identity.origin for identity in keys.identities] == ["KEYS, line 4", "KEYS, line 7"]
    assert keys.problems == ()
    assert not keys.locked


def test_every_test_key_is_marked_as_a_throw_away(key_folder):
    files = list(key_folder.glob("*.agekey"))
    assert len(files) >= 5
    for file in files:
        assert "throw-away test key" in file.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_endings_blanks_comments_and_a_byte_order_mark(secrets, recipients, ending, mark):
    lines = ["# mine", "", "   ", secrets["alice"] + "  ", "#" + secrets["bob"], "", secrets["cluster"]]
    keys = parse(mark + ending.join(lines))
    assert [identity.recipient for identity in keys.identities] == [
        recipients["alice"],
        recipients["cluster"],
    ]
    assert [identity.origin for identity in keys.identities] == ["KEYS, line 4", "KEYS, line 7"]
    assert not keys.problems


def test_several_identities_on_a_line_where_that_is_allowed(secrets, recipients):
    line = f"{secrets['alice']} \t{secrets['bob']}\n"
    both = parse(line, words=True)
    assert [identity.recipient for identity in both.identities] == [recipients["alice"], recipients["bob"]]
    assert [problem.line for problem in parse(line).problems] == [1]


def test_nothing_is_nothing():
    assert parse("") == parse("# only a comment\n\n") == parse_keys(b"", origin="", path="")


@pytest.mark.parametrize(
    "data", [b"age-encryption.org/v1\n-> scrypt AA 18\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n"]
)
def test_an_encrypted_key_file_is_recognised(data):
    keys = parse(data)
    assert keys.locked
    assert keys.identities == keys.problems == ()


def test_identities_of_every_kind(secrets, recipients):
    keys = parse(f"{secrets['postquantum']}\nAGE-PLUGIN-TEST-10Q32NLXM\n{secrets['bob']}\n")
    assert [(one.kind, one.recipient) for one in keys.identities] == [
        ("post-quantum", recipients["postquantum"]),
        ("plugin", ""),
        ("x25519", recipients["bob"]),
    ]
    assert not keys.problems


@pytest.mark.parametrize("label", ["#    Recipient:", "# public key:", "#recipient:"])
def test_the_recipient_of_a_plugin_is_taken_from_the_comment(secrets, recipients, label):
    identity = "AGE-PLUGIN-TEST-10Q32NLXM"
    keys = parse(
        f"{label} age1test10qdmzv9q\n# more\n{identity}\n{identity}\n{label} age1x\n{secrets['bob']}"
    )
    assert [one.recipient for one in keys.identities] == ["age1test10qdmzv9q", "", recipients["bob"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hunter2-is-here", "not an age identity"),
        ("age-secret-key-1lower", "not an age identity"),
        ("age1qqqq", "is a recipient"),
        ("ssh-ed25519 AAAA", "is a recipient"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key of another kind"),
        ("AGE-SECRET-KEY-1QQQQ", "checksum"),
        ("AGE-SECRET-KEY-1", "checksum"),
        ("AGE-SECRET-KEY-PQ-1QQQQ", "malformed post-quantum identity: its checksum"),
        ("AGE-PLUGIN-YUBIKEY-1QQQQ", "malformed plugin identity: its checksum"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_not_shown(secrets, hidden, line, message):
    keys = parse(f"# first\n{secrets['alice']}\n{line}\n{secrets['bob']}\n")
    (problem,) = keys.problems
    assert isinstance(problem, IdentityError)
    assert message in str(problem)
    assert str(problem).startswith("keys.txt:3: ")
    assert problem.hint
    if len(line) > 16:
        assert line not in repr(vars(problem))
    hidden(problem)
    assert len(keys.identities) == 2, "the good lines stay usable"


def test_a_mistyped_key_is_not_shown(secrets, hidden):
    wrong = secrets["alice"][:-1] + ("Q" if secrets["alice"][-1] != "Q" else "P")
    (problem,) = parse(wrong).problems
    hidden(problem, wrong, wrong[:-1])


def test_bytes_that_are_no_text_are_a_problem_that_holds_no_content(hidden):
    (problem,) = parse(b"\xff\xfe-secret-of-mine\n").problems
    assert problem.line == 1
    hidden(problem, "secret-of-mine")


def test_utf_16_gets_a_hint(secrets, hidden):
    (problem,) = parse(secrets["alice"].encode("utf-16")).problems
    assert "UTF-8" in problem.message
    hidden(problem)


def test_problems_and_size_are_bounded():
    assert len(parse("x\n" * 5000).problems) == 8
    (problem,) = parse(b"#" * (MAX_KEY_FILE + 1)).problems
    assert "1024 KiB" in problem.message
    assert not parse(b"#" * MAX_KEY_FILE).problems


def test_no_secret_in_the_repr(secrets):
    keys = parse(secrets["alice"])
    assert "AGE-SECRET" not in repr(keys)
    assert "age1" in repr(keys)


def test_parsed_keys_reach_a_worker_process(secrets):
    keys = parse(f"{secrets['alice']}\nrubbish")
    copy = pickle.loads(pickle.dumps(keys))
    assert copy.identities == keys.identities
    assert str(copy.problems[0]) == str(keys.problems[0])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_reported(data):
    keys = parse(data)
    assert keys.identities == ()
    assert all(problem.path == "keys.txt" for problem in keys.problems)
