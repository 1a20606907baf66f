"""Files with conflict markers: each side is judged, and the conflict is what is reported."""

from ciphertexts import WHOLE

HEAD = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n"
BLOCK = f"sops:\n  mac: {WHOLE}\n  encrypted_regex: ^(data|stringData)$\n  version: 3.13.2\n"


def marked(ours, theirs):
    return f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> other\n"


def test_an_encrypted_file_is_a_conflict_and_not_plain(scanner):
    text = HEAD + marked(f"  a: {WHOLE}\n", f"  a: {WHOLE}\n") + BLOCK
    scanned = scanner.scan(text, "a.sops.yaml", whole="its name says so")
    assert scanned.findings == ()
    assert scanned.encrypted
    assert "conflict markers are left in the file" in str(scanned.problem)
    assert scanned.problem.line == 6


def test_a_plain_value_on_either_side_is_found(scanner):
    for sides in ((f"  a: {WHOLE}\n", "  a: hunter2\n"), ("  a: hunter2\n", f"  a: {WHOLE}\n")):
        found = scanner(HEAD + marked(*sides) + BLOCK, "a.sops.yaml")
        assert [each.partition(" ")[2] for each in found] == ["sops-plain-value"]


def test_a_plain_secret_is_found_on_both_sides(scanner):
    scanned = scanner.scan(HEAD + marked("  a: hunter2\n", "  a: hunter3\n"), "a.yaml")
    assert [each.location.line for each in scanned.findings] == [7, 9]
    assert "in a file that may hold a Secret" in str(scanned.problem)


def test_markers_in_a_text_are_no_conflict(scanner):
    text = HEAD + "  a: |\n    <<<<<<< HEAD\n    =======\n    >>>>>>> b\n"
    assert scanner.scan(text, "a.yaml").problem is None
