"""What is known of commits changes nothing about what is read: the plan is that of a whole walk."""

import random
import subprocess

import pytest

from fluxsecrets.repo.git import find_repository
from fluxsecrets.scan import changes
from fluxsecrets.scan.cachefile import DIGEST, write_cached
from fluxsecrets.scan.changes import KnownChanges
from fluxsecrets.scan.sources import commits
from fluxsecrets.scan.sources.commits import HISTORY, plan

_PATHS = ("a.yaml", "apps/b.yaml", "apps/ü.yaml", "apps/deep/c.env", "d e.txt")
_REFS = ("refs/heads/main", "refs/heads/topic", "refs/remotes/origin/other", "refs/tags/v1")


class Clone:
    """A repository with a history that grows by chance, and its plan."""

    def __init__(self, folder, git, seed):
        self.folder, self._git, self.chance = folder, git, random.Random(seed)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.repository = find_repository(folder)
        self.made = []
        self.cache = folder.parent / f"cache-{seed}"

    def git(self, *arguments):
        return self._git(self.folder, *arguments)

    def grow(self, count):
        """Add commits with up to three parents that write and remove files, and move references."""
        stream = []
        for _ in range(count):
            mark = len(self.made) + 1
            stream.append(f"commit refs/made/{mark}\nmark :{mark}\n")
            stream.append(f"committer a <a@example.test> {1_700_000_000 + self.chance.randrange(50)} +0000\n")
            stream.append("data 1\nx\n")
            count_of_parents = self.chance.choice((0, 1, 1, 1, 2, 3))
            parents = self.chance.sample(self.made, min(len(self.made), count_of_parents))
            words = ("from", *["merge"] * len(parents))
            stream += [f"{word} {parent}\n" for word, parent in zip(words, parents, strict=False)]
            for path in self.chance.sample(_PATHS, self.chance.randrange(4)):
                if self.chance.random() < 0.3:
                    stream.append(f"D {path}\n")
                    continue
                content = f"value: {self.chance.randrange(6)}\n"
                mode = self.chance.choice(("100644", "100644", "100755", "120000"))
                stream.append(f"M {mode} inline {path}\ndata {len(content)}\n{content}\n")
            stream.append("\n")
            self.made.append(f":{mark}")
        marks, known = self.folder.parent / "marks", self.folder.parent / "known"
        known.write_text("".join(f":{mark} {name}\n" for mark, name in enumerate(self.made[:-count], 1)))
        command = ["git", "fast-import", "--quiet", "--force"]
        command += [f"--import-marks={known}", f"--export-marks={marks}"]
        subprocess.run(command, cwd=self.folder, input="".join(stream).encode(), check=True)
        found = dict(line.split() for line in marks.read_text().splitlines())
        self.made = [found[f":{mark}"] for mark in range(1, len(found) + 1)]
        for line in self.git("for-each-ref", "--format=%(refname)", "refs/made").split():
            self.git("update-ref", "-d", line)
        for ref in _REFS:  # forwards, backwards, sideways, or away
            self.git("update-ref", ref, self.chance.choice(self.made))
        gone = self.chance.choice(_REFS[1:])
        self.git("update-ref", "-d", gone)

    def plan(self, known=lambda commits: None, arguments=HISTORY):
        return plan(self.repository, arguments, lambda path: True, known=known)

    def known(self, commits=()):
        return KnownChanges(self.cache, self.repository.common_dir)


def _shown(found):
    units = [
        (unit.blob, [tuple(getattr(place, name) for name in place.__slots__) for place in unit.places])
        for unit in found.units
    ]
    return found.commits, units, found.removed, [str(each) for each in found.problems]


@pytest.fixture
def clone(tmp_path, git):
    folder = tmp_path / "clone"
    folder.mkdir()
    made = Clone(folder, git, 0)
    made.grow(8)
    return made


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_with_what_is_known_is_that_of_a_whole_walk(tmp_path, git, seed):
    folder = tmp_path / "clone"
    folder.mkdir()
    clone = Clone(folder, git, seed)
    for count in (9, 4, 1, 6):
        clone.grow(count)
        assert _shown(clone.plan(clone.known)) == _shown(clone.plan())
        known = clone.known()
        assert all(commit in known for commit in clone.plan().commits)
        assert _shown(clone.plan(clone.known)) == _shown(clone.plan())
        part = ("main", "--not", clone.made[0])
        assert _shown(clone.plan(clone.known, part)) == _shown(clone.plan(arguments=part))


def test_git_is_asked_for_new_commits_only(clone, monkeypatch):
    asked = []
    stream = commits.stream_changes
    monkeypatch.setattr(
        commits,
        "stream_changes",
        lambda repository, names: asked.append([*names]) or stream(repository, names),
    )
    clone.plan(clone.known)
    clone.plan(clone.known)
    before = {*clone.plan().commits}
    clone.grow(3)
    new = [name for name in clone.plan(clone.known).commits if name not in before]
    assert asked == [[*asked[0]], *([new] if new else [])]
    assert {*asked[0]} == before


@pytest.mark.parametrize("change", ["bit", "short", "writable", "digits", "starts", "before"])
def test_a_file_that_is_damaged_or_not_the_users_own_is_not_used(clone, change):
    clone.plan(clone.known)
    (file,) = clone.cache.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    data = file.read_bytes()
    at = len(changes._HEAD) + DIGEST
    content = bytearray(data[at:])
    if change == "bit":
        file.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    elif change == "short":
        file.write_bytes(data[:60])
    elif change == "writable":
        file.chmod(0o666)
    else:  # with a right checksum
        if change == "digits":
            content[0] ^= 0x10
        elif change == "starts":
            content[8] += 1
        else:
            del content[-4:]
        write_cached(file, changes._HEAD, bytes(content), "changes-*.rows")
    known = clone.known()
    assert not any(name in known for name in clone.made)
    assert _shown(clone.plan(clone.known)) == _shown(clone.plan())


def test_a_shallow_clone_neither_uses_nor_leaves_anything(clone):
    clone.plan(clone.known)
    (file,) = clone.cache.iterdir()
    before = file.read_bytes()
    cut = clone.plan().commits[-1]
    (clone.folder / ".git" / "shallow").write_text(f"{cut}\n")
    asked = []
    found = clone.plan(asked.append)
    assert not asked
    assert found.problems
    assert file.read_bytes() == before


def test_what_git_cannot_read_is_read_as_without_it(clone):
    tree = clone.git("rev-parse", f"{clone.plan().commits[-1]}^{{tree}}").strip()
    (clone.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    wanted = clone.plan()
    assert wanted.problems
    assert _shown(clone.plan(clone.known)) == _shown(wanted)
    assert not clone.cache.exists()


def test_without_room_for_all_the_commits_of_the_run_are_kept(clone, monkeypatch):
    clone.plan(clone.known)
    gone = clone.plan().commits
    for ref in clone.git("for-each-ref", "--format=%(refname)").split():
        clone.git("update-ref", "-d", ref)
    clone.git("checkout", "--quiet", "--orphan", "new")
    (clone.folder / "new.yaml").write_text("a: 1\n")
    clone.git("add", "new.yaml")
    clone.git("commit", "--quiet", "--message", "new")
    monkeypatch.setattr(changes, "MOST", 1)
    now = clone.plan(clone.known).commits
    known = clone.known()
    assert [name in known for name in now] == [True] * len(now)
    assert not any(name in known for name in gone)
    monkeypatch.setattr(changes, "MOST", 0)
    (clone.folder / "new.yaml").write_text("a: 2\n")
    clone.git("commit", "--quiet", "--all", "--message", "newer")
    newest = clone.plan(clone.known).commits[-1]
    assert newest not in clone.known()
