"""What a command on one file costs, beside an empty Python process and beside sops."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from .measure import EMPTY, Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository, rule_for

_STARTS = 30
_BOUND = 6
"""Times an empty Python; five is the aim."""

_VERSION_BOUND = 5
_VARIABLES = "USERNAME=app\nPASSWORD=throwaway\n"


@dataclass(frozen=True, slots=True)
class Work:
    """One row: words of fluxsecrets and of sops. `{}` stands for a text that is another one in each run."""

    what: str
    ours: tuple[str | Path, ...]
    theirs: tuple[str, ...] = ()
    prints: bytes | None = field(default=None, repr=False)
    at_most: float = _BOUND


def measure(surroundings: Surroundings) -> list[Row]:
    repository, work = prepare(surroundings)
    return [row for each in work for row in _rows(surroundings, repository, each)]


BENCHMARK = Benchmark("one-file", measure, "One file: what a single command costs")


def prepare(surroundings: Surroundings) -> tuple[Repository, tuple[Work, ...]]:
    """Make a repository with an encrypted Secret and encrypted variables, and list what is done with them."""
    repository = make_repository(surroundings.folder, 1)
    (path,) = repository.plain
    rule_for(repository, r"\.env$")
    (repository.folder / "app.env").write_text(_VARIABLES, encoding="ascii")
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    run([surroundings.ours, "encrypt", "app.env"], repository.folder, repository.environment)
    user = b"billing-0000"
    plain = repository.plain[path]
    dropin = Path(surroundings.ours).with_name("fluxsecrets-sops")
    extract = ("decrypt", "--extract", '["stringData"]["username"]', path)
    return repository, (
        Work("--version", (surroundings.ours, "--version"), ("--version",), at_most=_VERSION_BOUND),
        Work("decrypt", (surroundings.ours, "decrypt", path), ("decrypt", path), plain),
        Work("decrypt, the drop-in", (dropin, "decrypt", path), ("decrypt", path), plain),
        Work("get", (surroundings.ours, "get", path, "stringData.username"), extract, user),
        Work("status", (surroundings.ours, "status", path), ("filestatus", path)),
        Work(
            "exec-env",
            (surroundings.ours, "exec-env", "app.env", "--", "printenv", "PASSWORD"),
            ("exec-env", "app.env", "printenv PASSWORD"),
            b"throwaway\n",
        ),
        # Last: it changes the Secret.
        Work(
            "set",
            (surroundings.ours, "set", path, "stringData.username", "{}"),
            ("set", path, '["stringData"]["username"]', '"{}"'),
        ),
    )


def _rows(surroundings: Surroundings, repository: Repository, work: Work) -> list[Row]:
    numbers = count()
    sops = surroundings.peers.get("sops")
    tasks = {"empty": partial(run, EMPTY, repository.folder, repository.environment)}
    tasks["ours"] = partial(_once, repository, work, work.ours, numbers)
    if sops is not None and work.theirs:
        tasks["sops"] = partial(_once, repository, work, (sops, *work.theirs), numbers)
    best = interleave(surroundings.starts(_STARTS), tasks)
    rows = [Row(work.what, best["ours"], best["empty"], "an empty Python", at_most=work.at_most)]
    if "sops" in best:
        rows.append(Row(work.what, best["ours"], best["sops"], f"sops {work.theirs[0]}"))
    return rows


def _once(repository: Repository, work: Work, command: tuple[str | Path, ...], numbers: "count[int]") -> Cost:
    number = next(numbers)
    words = [str(word).replace("{}", f"throwaway-{number}") for word in command]
    return run(
        words, repository.folder, repository.environment, prints=printed_by(work, ours=command is work.ours)
    )


def printed_by(work: Work, *, ours: bool) -> Callable[[bytes], bool] | None:
    """What tells whether a command printed what it should. sops lays out YAML in its own way."""
    if work.prints is None:
        return None
    return work.prints.__eq__ if ours else bool
