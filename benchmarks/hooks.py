"""The pre-commit hook on a small commit in a large repository: what every commit waits for."""

from functools import partial

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import CONFIG, committed, make_repository

_FILES = 2_000
_STAGED = 10
_STARTS = 20
_BOUND = 0.12


def measure(surroundings: Surroundings) -> list[Row]:
    count = surroundings.size(_FILES, 20)
    repository = make_repository(surroundings.folder, count)
    work = partial(run, cwd=repository.folder, environment=repository.environment)
    work([surroundings.ours, "encrypt"])
    committed(repository, "encrypted")
    work([surroundings.ours, "hook", "install"])
    hook = repository.folder / ".git" / "hooks" / "pre-commit"
    staged = list(repository.plain)[:_STAGED]

    def time(what: str) -> Row:
        work(["git", "add", "--all"])
        best = interleave(surroundings.starts(_STARTS), {"hook": partial(work, [hook])})
        work(["git", "commit", "--quiet", "--no-verify", "--message", what])
        title = f"pre-commit hook, {_STAGED} {what} staged of {count:,}"
        return Row(title, best["hook"], limit=_BOUND, note="the whole hook, shell and all")

    for path in staged:
        (repository.folder / path).with_name("settings.yaml").write_text(CONFIG, encoding="ascii")
    rows = [time("other manifests")]
    work([surroundings.ours, "rotate", *staged])
    rows.append(time("encrypted files"))
    return rows


BENCHMARK = Benchmark("hook", measure, "The hook")
