"""Findings of commits: one per secret, with its commits, its paths, and the branches that have it still."""

import io
import json
import zipfile
from base64 import b64encode

import pytest
from tests.token_samples import make

VALUE = "Tr0ub4dor-9x-throwaway"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: {}\n"


@pytest.fixture
def repository(folder, git):
    """An empty repository, and a function that commits files as somebody."""
    git(folder.path, "init", "--quiet", "--initial-branch", "main")
    folder.git = lambda *args: git(folder.path, *args)

    def commit(files, author="Alice"):
        for name, content in files.items():
            if content is None:
                (folder.path / name).unlink()
            else:
                folder.write(name, content)
        folder.git("add", "--all")
        who = f"{author} <x@example.org>"
        folder.git("commit", "--quiet", "--allow-empty", "--message", "more", "--author", who)
        return folder.git("rev-parse", "HEAD").strip()

    folder.commit = commit
    commit({"README.md": "# A cluster\n"})
    return folder


@pytest.fixture
def found(cli):
    """The findings of a scan as JSON, of which none shows the value."""

    def found(*options, part="findings"):
        result = cli("scan", "--format", "json", *(options or ("--history",)))
        assert VALUE not in result.stdout + result.stderr
        return json.loads(result.stdout)[part]

    return found


def test_a_value_that_moved_through_four_paths_is_one_finding(repository, found):
    packed = b64encode(VALUE.encode()).decode()
    first = repository.commit({"values.yaml": f"db:\n  password: {VALUE}\n"})
    repository.commit({"values.yaml": None, "db.yaml": SECRET.format(VALUE)})
    repository.commit({"db.yaml": None, "old/db.yaml": SECRET.format(packed).replace("stringData", "data")})
    last = repository.commit({"old/db.yaml": None, ".env": f'DB_PASSWORD="{VALUE}"\n'}, "Bob")
    removed = repository.commit({".env": "DB_PASSWORD=\n"}, "Carol")
    (finding,) = found()
    history = finding["history"]
    assert history["paths"] == ["values.yaml", "db.yaml", "old/db.yaml", ".env"]
    assert (history["first"]["commit"], history["last"]["commit"]) == (first, last)
    assert (history["first"]["author"], history["last"]["author"]) == ("Alice", "Bob")
    assert (history["removed"]["commit"], history["removed"]["author"]) == (removed, "Carol")
    assert history["first"]["date"] == repository.git("log", "-1", "--format=%as", first).strip()
    assert (history["tips"], history["at_head"], history["versions"]) == ([], False, 4)
    assert finding["path"] == "values.yaml"
    assert [place["path"] for place in finding["related"]] == ["db.yaml", "old/db.yaml", ".env"]


def test_every_value_of_a_place_is_a_finding_with_its_own_commits(repository, found):
    commits = [repository.commit({"db.yaml": SECRET.format(f"{VALUE}-{number}")}) for number in range(4)]
    findings = found()
    assert [each["history"]["first"]["commit"] for each in findings] == [commits[3], *commits[:3]]
    assert [each["history"]["at_head"] for each in findings] == [True, False, False, False]
    assert findings[0]["history"]["removed"] is None
    assert [each["history"]["removed"]["commit"] for each in findings[1:]] == commits[1:]


def test_a_key_in_many_versions_of_a_file_is_one_finding(repository, found):
    keys = [make("{pem:OPENSSH PRIVATE KEY}", str(number)) for number in range(3)]
    for number in range(1, 6):
        repository.commit({"keys.txt": f"# {number}\n" + "\n".join(keys[: number % 3 + 1])})
    assert len(found()) == 3
    assert {each["rule"] for each in found()} == {"openssh-private-key"}


def test_it_says_which_branches_have_it(repository, found):
    repository.git("branch", "before")
    repository.commit({"db.yaml": SECRET.format(VALUE)})
    repository.git("branch", "release")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    (finding,) = found()
    assert finding["history"]["tips"] == ["HEAD", "main", "release", "origin/main"]
    repository.commit({"db.yaml": None})
    (finding,) = found()
    assert finding["history"]["tips"] == ["release", "origin/main"]
    assert not finding["history"]["at_head"]
    repository.git("checkout", "--quiet", "--detach", "release")
    assert found()[0]["history"]["tips"] == ["HEAD", "release", "origin/main"]


def test_what_a_branch_still_has_comes_first(repository, found):
    repository.commit({"a.yaml": SECRET.format(f"{VALUE}-a"), "z.yaml": SECRET.format(f"{VALUE}-z")})
    repository.commit({"a.yaml": None})
    assert [each["path"] for each in found()] == ["z.yaml", "a.yaml"]


def test_a_place_at_a_tip_is_that_of_the_finding(repository, found):
    repository.commit({"old.yaml": SECRET.format(VALUE)})
    now = repository.commit({"old.yaml": None, "new/db.yaml": "# moved\n" + SECRET.format(VALUE)})
    (finding,) = found()
    assert (finding["path"], finding["line"], finding["commit"]) == ("new/db.yaml", 7, now)
    assert [place["path"] for place in finding["related"]] == ["old.yaml"]


def test_a_secret_passes_only_if_all_of_its_places_do(repository, found):
    allow = "allow:\n- rule: plain-secret\n  path: docs/**\n  reason: made up\n"
    repository.commit({"docs/db.yaml": SECRET.format(VALUE), ".fluxsecrets.yaml": allow})
    assert found() == []
    assert [each["finding"]["path"] for each in found(part="allowed")] == ["docs/db.yaml"]
    repository.commit({"apps/db.yaml": SECRET.format(VALUE)})
    (finding,) = found()
    assert finding["history"]["paths"] == ["docs/db.yaml", "apps/db.yaml"]
    assert found(part="allowed") == []


def test_a_baseline_of_the_history_knows_every_place(repository, cli, found):
    repository.commit({"a.yaml": SECRET.format(VALUE)})
    repository.commit({"a.yaml": None, "b.yaml": SECRET.format(VALUE)})
    assert cli("scan", "--history", "--update-baseline").exit_code == 0
    repository.commit({})
    assert found() == []
    assert len(found(part="known")) == 1
    repository.commit({"c.yaml": SECRET.format(VALUE)})
    (finding,) = found()
    assert sorted(finding["history"]["paths"]) == ["a.yaml", "b.yaml", "c.yaml"]


def test_a_range_knows_its_own_commits(repository, found):
    repository.commit({"db.yaml": SECRET.format(VALUE)})
    start = repository.commit({"db.yaml": None})
    again = repository.commit({"db.yaml": SECRET.format(VALUE)})
    (finding,) = found("--range", f"{start}..HEAD")
    assert finding["history"]["first"]["commit"] == again
    assert finding["history"]["at_head"]


def test_a_file_that_only_a_tag_has_is_part_of_the_history(repository, found):
    repository.write("loose.yaml", SECRET.format(VALUE))
    blob = repository.git("hash-object", "-w", "loose.yaml").strip()
    (repository.path / "loose.yaml").unlink()
    repository.git("tag", "plain", blob)
    repository.git("tag", "--annotate", "--message", "x", "named", blob)
    repository.git("tag", "--annotate", "--message", "x", "release", "HEAD")
    (finding,) = found()
    assert finding["rule"] == "plain-secret"
    assert finding["history"]["tips"] == []


def test_odd_paths_and_authors(repository, found, cli):
    repository.commit({"new\nline.yaml": SECRET.format(VALUE)}, "Eve \x1b[31m")
    (finding,) = found()
    assert finding["history"]["at_head"]
    shown = cli("scan", "--history").stdout
    assert "\x1b[31m" not in shown
    assert "new\\nline.yaml" in shown


def test_the_text_fits_a_terminal(repository, cli):
    for number in range(3):
        repository.commit({f"apps/db{number}.yaml": SECRET.format(VALUE)})
    removed = repository.commit({"apps/db0.yaml": SECRET.format(f"{VALUE}-2"), "apps/db1.yaml": None})
    gone = repository.commit({"apps/db2.yaml": None})
    repository.git("update-ref", "refs/heads/old", removed)
    result = cli("scan", "--history")
    _, first, _, last, *_ = repository.git("rev-list", "--reverse", "HEAD").split()
    day = repository.git("log", "-1", "--format=%as").strip()
    assert gone != removed
    assert result.stdout.splitlines() == [
        "2 secrets still at the tip of a branch",
        "",
        "apps/db0.yaml",
        "  6:13   high   plain-secret   Secret db: stringData.password is in plain text",
        f"    at HEAD, main, old; since {removed[:10]} ({day} Alice)",
        "  encrypt it: `fluxsecrets encrypt apps/db0.yaml`",
        "",
        "apps/db2.yaml",
        "  6:13   high   plain-secret   Secret db: stringData.password is in plain text",
        f"    at old; since {first[:10]} ({day} Alice), last written in {last[:10]}",
        f"    ({day} Alice)",
        "    also in apps/db0.yaml:6, apps/db1.yaml:6",
        "  encrypt it: `fluxsecrets encrypt apps/db2.yaml`",
    ]
    summary = "2 secrets in plain text in 2 files, 2 of them still at the tip of a branch; 5 files scanned\n"
    assert result.stderr == summary


@pytest.mark.parametrize("name", ["backup.zip", "wow!.zip", "a!b/backup.zip"])
def test_a_secret_in_an_archive_has_the_commits_of_the_archive(repository, found, name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("db.yaml", SECRET.format(VALUE))
    commit = repository.commit({name: content.getvalue()})
    (finding,) = found()
    assert finding["path"] == f"{name}!db.yaml"
    assert finding["history"]["first"]["commit"] == commit
    assert finding["history"]["at_head"] is True
