"""Long histories, made by `git fast-import` in one go."""

import subprocess
from itertools import count


def fast_import(folder, commits, branch="main", *, times=None, start=None):
    """Add commits to a repository.

    Args:
        folder: the work tree, whose files are left alone.
        commits: for each commit its files by path, as text or bytes; None removes one.
        branch: which gets them.
        times: seconds since 1970 at which they were made; one second after the other by default.
        start: the branch that they start from; by default the same, if it exists.
    """
    time = iter(times or count(1_700_000_000))
    start = start or branch
    command = ["git", "-C", str(folder), "fast-import", "--quiet", "--force"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        for number, files in enumerate(commits):
            stamp = f"A <a@example.org> {next(time)} +0000"
            lines = [f"commit refs/heads/{branch}\ncommitter {stamp}\ndata 4\nmore\n".encode()]
            if number == 0:
                lines.append(f"from refs/heads/{start}^0\n".encode() if _has(folder, start) else b"")
            for path, content in files.items():
                if content is None:
                    lines.append(f"D {path}\n".encode())
                    continue
                data = content if isinstance(content, bytes) else content.encode()
                lines.append(b"M 644 inline %b\ndata %d\n%b\n" % (path.encode(), len(data), data))
            process.stdin.write(b"".join(lines))
    assert process.returncode == 0


def _has(folder, branch):
    command = ["git", "-C", str(folder), "show-ref", "--quiet", f"refs/heads/{branch}"]
    return subprocess.run(command, check=False).returncode == 0
