"""Contents of commits, judged by several processes or passed over by a cache: the results are the same."""

import os
import signal

import pytest

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.checks import scanhistory
from fluxsecrets.ops.checks.scanhistory import in_order, judged
from fluxsecrets.repo.git import find_repository
from fluxsecrets.scan.clean import CleanContents
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.fileset import FileSet
from fluxsecrets.scan.scanned import Scanned
from fluxsecrets.scan.scanner import FileScan, Scanner
from fluxsecrets.scan.sources.commits import HISTORY, plan
from scan_corpus import Chance, corpus


def _filled(commits, results):
    """The results with those of which nothing is to be said."""
    for place, scan in results:
        silent = FileScan(place.path, (Scanned(place.path),), None, commits.commits[place.first])
        yield silent if scan is None else scan


class History:
    """A repository with the files of a seed in several commits, and ways to scan it."""

    def __init__(self, folder, git, engine):
        self.folder = folder
        self.git = lambda *args: git(folder, *args)
        self.engine = engine
        self.git("init", "--quiet", "--initial-branch", "main")
        self.files = [(path, file.data) for path, file in sorted(corpus(41, rounds=1).items())]
        for number in range(3):
            for path, data in self.files[number::3]:
                place = folder / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
            self.git("add", "--all")
            self.git("commit", "--quiet", "--message", str(number))
        self.repository = find_repository(folder)
        self.plan = plan(self.repository, HISTORY, lambda path: True)

    def scan(self, jobs=1, known=None, secrets=()):
        scanner = Scanner(None, secrets, None, self.engine)
        results = judged(self.repository, scanner, self.plan.units, jobs=jobs, known=known)
        self.lost = []
        return [
            scan._replace(
                scanned=tuple(each._replace(problem=str(each.problem)) for each in scan.scanned),
                error=str(scan.error),
            )
            for scan in _filled(self.plan, in_order(self.plan, results, self.lost))
        ]

    def known(self, cache, judged_by=("rules",)):
        return CleanContents(cache, self.repository.common_dir, judged_by)


@pytest.fixture(scope="module")
def engine(caches):
    return Engine(caches / "fluxsecrets")


@pytest.fixture(scope="module")
def committed(tmp_path_factory, git, engine):
    return History(tmp_path_factory.mktemp("repository"), git, engine)


@pytest.fixture
def history(committed, monkeypatch):
    monkeypatch.setattr(scanhistory, "_MANY", 10)
    monkeypatch.setattr(scanhistory, "_FIRST", 2)
    monkeypatch.setattr(scanhistory, "_RANGE", 7)
    return committed


def _is_heavy(scan):
    return any(each.findings or each.generated or each.allowances for each in scan.scanned)


def _without_ciphertexts(scan):
    """A clean encrypted file that was known comes without them."""
    return scan._replace(scanned=tuple(each._replace(ciphertexts=()) for each in scan.scanned))


def _reading(monkeypatch):
    """The contents that are judged from now on."""
    seen = []
    judge = scanhistory.judge
    monkeypatch.setattr(scanhistory, "judge", lambda *args: seen.append(args[2]) or judge(*args))
    return seen


def test_several_processes_and_the_cache_change_nothing(history, tmp_path, monkeypatch):
    wanted = history.scan()
    assert sum(bool(each.scanned[0].findings) for each in wanted) > 20
    assert history.scan(jobs=2) == wanted
    cold = history.known(tmp_path / "cache")
    assert history.scan(known=cold) == wanted
    cold.save()
    seen = _reading(monkeypatch)
    warm = history.scan(known=history.known(tmp_path / "cache"))
    assert [_without_ciphertexts(each) for each in warm] == [_without_ciphertexts(each) for each in wanted]
    assert 20 < len(seen) < len(wanted) - 20


def test_what_has_findings_is_never_passed_over(history, tmp_path, monkeypatch):
    known = history.known(tmp_path / "cache")
    results = history.scan(known=known)
    known.save()
    seen = _reading(monkeypatch)
    history.scan(known=history.known(tmp_path / "cache"))
    assert {each.path for each in results if _is_heavy(each)} <= {
        place.path for unit in seen for place in unit.places
    }


def test_a_name_that_makes_a_file_a_secret_is_asked_anew(history, tmp_path):
    known = history.known(tmp_path / "cache")
    clean = [
        each.path
        for each in history.scan(known=known)
        if not _is_heavy(each) and not any(scanned.encrypted or scanned.place for scanned in each.scanned)
    ]
    known.save()
    warm = history.scan(known=history.known(tmp_path / "cache"), secrets=(clean[0],))
    found = {each.path: [finding.rule for finding in each.scanned[0].findings] for each in warm}
    assert found[clean[0]] == ["plain-secret-file"]
    wanted = history.scan(secrets=(clean[0],))
    assert [_without_ciphertexts(each) for each in warm] == [_without_ciphertexts(each) for each in wanted]


@pytest.mark.parametrize("change", ["rules", "damaged", "writable", "link", "short"])
def test_a_cache_that_is_not_to_be_trusted_is_not_used(history, tmp_path, monkeypatch, change):
    cache = tmp_path / "cache"
    known = history.known(cache)
    history.scan(known=known)
    known.save()
    (file,) = cache.glob("clean-*.ids")
    assert file.stat().st_mode & 0o777 == 0o600
    data = file.read_bytes()
    if change == "damaged":
        file.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    elif change == "short":
        file.write_bytes(data[:40])
    elif change == "writable":
        file.chmod(0o666)
    elif change == "link":
        file.rename(cache / "other")
        file.symlink_to(cache / "other")
    seen = _reading(monkeypatch)
    history.scan(known=history.known(cache, ("other rules",) if change == "rules" else ("rules",)))
    assert len(seen) == len(history.plan.units)


def test_runs_beside_each_other_add_up(history, tmp_path):
    cache = tmp_path / "cache"
    one, two = history.known(cache), history.known(cache)
    one.add("1" * 40, "a.yaml")
    two.add("2" * 40, "a.yaml")
    one.save()
    two.save()
    both = history.known(cache)
    assert both.has("1" * 40, "a.yaml")
    assert both.has("2" * 40, "a.yaml")
    assert not both.has("1" * 40, "b.yaml")
    assert not both.has("3" * 40, "a.yaml")


def test_a_cache_that_is_full_keeps_what_the_run_used(history, tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.scan.clean.MOST", 3)
    for number in range(3):
        known = history.known(tmp_path / "cache")
        known.add(str(number) * 40, "a.yaml")
        known.add(str(number + 5) * 40, "a.yaml")
        known.save()
    known = history.known(tmp_path / "cache")
    assert [known.has(str(number) * 40, "a.yaml") for number in (0, 1, 2, 7)] == [False, False, True, True]


def test_a_content_that_is_known_and_gone_is_missed(history, tmp_path):
    known = history.known(tmp_path / "cache")
    unit = next(each for each in history.plan.units)
    for place in unit.places:
        known.add(unit.blob, place.path)
    known.save()
    objects = history.folder / ".git" / "objects" / unit.blob[:2] / unit.blob[2:]
    objects.rename(tmp_path / "object")
    try:
        history.scan(known=history.known(tmp_path / "cache"))
        assert history.lost == [unit]
        history.scan(jobs=2)
        assert history.lost == [unit]
    finally:
        (tmp_path / "object").rename(objects)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
def test_a_worker_that_is_killed_is_an_error(history, monkeypatch):
    parent = os.getpid()
    judge = scanhistory.judge

    def deadly(*args):
        if os.getpid() != parent and args[2].places[0].path == history.plan.units[-1].places[0].path:
            os.kill(os.getpid(), signal.SIGKILL)
        return judge(*args)

    monkeypatch.setattr(scanhistory, "judge", deadly)
    with pytest.raises(FluxsecretsError, match="worker process was killed"):
        history.scan(jobs=2)


def _encrypted(ciphertext, key):
    return (
        f"password: {ciphertext}\nsops:\n    age:\n        - recipient: age1x\n          enc: |\n"
        f"            -----BEGIN AGE ENCRYPTED FILE-----\n            {key}\n"
        f"            -----END AGE ENCRYPTED FILE-----\n"
        f"    lastmodified: '2026-11-20T10:00:00Z'\n    mac: {Chance(9).cipher()}\n    version: 3.13.2\n"
    )


def test_a_ciphertext_that_comes_to_another_file_is_compared_with_the_known_one(
    git, engine, tmp_path, monkeypatch
):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    shared = Chance(1).cipher()

    def found(known):
        repository = find_repository(folder)
        commits = plan(repository, HISTORY, lambda path: True)
        files = FileSet()
        scans = in_order(
            commits, judged(repository, Scanner(None, (), None, engine), commits.units, known=known), []
        )
        rules = [
            finding.rule
            for scan in _filled(commits, scans)
            for finding in files.add(scan.scanned[0], scan.commit)
        ]
        known.save()
        return rules

    def known():
        return CleanContents(tmp_path / "cache", folder, ("rules",))

    def commit(name, content):
        (folder / name).write_text(content)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "x")

    commit("a.yaml", _encrypted(shared, 2))
    commit("a.yaml", _encrypted(shared, 3))
    commit("moved.yaml", _encrypted(Chance(6).cipher(), 6))
    commit("moved-away.yaml", _encrypted(Chance(6).cipher(), 6) + "# another version\n")
    commit("c.yaml", _encrypted(Chance(4).cipher(), 4))
    assert found(known()) == []
    seen = _reading(monkeypatch)
    assert found(known()) == []
    assert seen == []
    commit("b.yaml", _encrypted(shared, 5))
    assert found(known()) == ["sops-foreign-value"]
    assert {unit.places[0].path for unit in seen} == {"a.yaml", "b.yaml"}
    seen.clear()
    assert found(known()) == ["sops-foreign-value"]
    assert {unit.places[0].path for unit in seen} == {"a.yaml", "b.yaml"}
