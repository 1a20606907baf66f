"""Files with one AWS KMS key, beside a loop over sops. What the libraries of clouds cost age-only work.

The service is the tests' own, on loopback. It answers at once, or after as long as a service far away takes.
"""

import sys
import sysconfig
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_FILES = 200
_SAMPLE = 40
"""Files that sops's loop is measured with; the others take as long each."""

_FAR = 0.05
"""Seconds that a service takes which is not next door."""

_MOST_CALLS = 1.2
"""Times the number that cannot be avoided."""

_STARTS = 10
_ROUNDS = 2
_CLOUDS = (
    "azure",
    "boto3",
    "botocore",
    "google",
    "grpc",
    "hvac",
    "msal",
    "onepasswordconnectsdk",
    "proto",
    "s3transfer",
)
"""Modules that only extras bring."""


def measure(surroundings: Surroundings) -> list[Row]:
    rows = _start_up(surroundings)
    if find_spec("moto") is None or find_spec("botocore") is None:
        return rows
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from awsserver import aws_server, make_key

    repository = make_repository(surroundings.folder, surroundings.size(_FILES, 2))
    with aws_server() as server:
        repository.environment.update(server.environment())
        rules = f"creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    kms: {make_key()}\n"
        (repository.folder / ".sops.yaml").write_text(rules, encoding="ascii")
        places = ((0.0, "a KMS key"), (_FAR, f"a KMS key {1000 * _FAR:.0f} ms away"))
        for delay, where in places[: surroundings.size(len(places), 1)]:
            server.delay = delay
            rows += _batches(repository, surroundings, server, where)
    return rows


BENCHMARK = Benchmark("cloud-keys", measure, "Keys of clouds, and installations with their libraries")


def _batches(repository: Repository, surroundings: Surroundings, server: Any, where: str) -> list[Row]:
    ours, sops = surroundings.ours, surroundings.peers.get("sops")
    paths = list(repository.plain)
    most: dict[str, int] = {}

    def loop(subset: list[str], *flags: str) -> list[str]:
        script = f'for file; do "$SOPS" {" ".join(flags)} "$file" || exit; done'
        return ["sh", "-c", script, "sh", *subset]

    def work(name: str, command: list[str], encrypted: bool) -> Cost:
        before, server.delay = server.delay, 0.0
        repository.restore()
        if encrypted:
            run([ours, "encrypt"], repository.folder, repository.environment)
        server.delay = before
        server.calls.clear()
        cost = run(command, repository.folder, repository.environment)
        most[name] = max(most.get(name, 0), len(server.calls))
        return cost

    sample = paths[:_SAMPLE]
    commands = {
        "encrypt": ([ours, "encrypt"], loop(sample, "encrypt", "--in-place"), 1),
        "decrypt": ([ours, "decrypt", "-i", *paths], loop(sample, "decrypt", "--in-place"), 1),
        "rotate": ([ours, "rotate", "--all"], loop(sample, "rotate", "--in-place"), 2),
    }
    tasks = {name: partial(work, name, mine, name != "encrypt") for name, (mine, _, _) in commands.items()}
    if sops is not None:
        repository.environment["SOPS"] = sops
        tasks |= {
            f"sops {name}": partial(work, f"sops {name}", theirs, name != "encrypt")
            for name, (_, theirs, _) in commands.items()
        }
    costs = interleave(min(surroundings.rounds, _ROUNDS), tasks)
    rows = []
    for name, (_, _, each) in commands.items():
        if most[name] > _MOST_CALLS * each * len(paths):
            raise RuntimeError(
                f"{name} made {most[name]} requests, where {each * len(paths)} are unavoidable"
            )
        theirs = costs.get(f"sops {name}")
        rows.append(
            Row(
                f"{name} {len(paths)} files, {where}",
                costs[name],
                theirs.times(len(paths) / len(sample)) if theirs is not None else None,
                "sops in a loop",
                note=f"{most[name]} requests; {each * len(paths)} cannot be avoided",
            )
        )
    return rows


def _start_up(surroundings: Surroundings) -> list[Row]:
    """What work with age alone costs where the extras are installed, beside an installation without them."""
    repository = make_repository(surroundings.folder, 1)
    (path,) = repository.plain
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    complete, small = _installations(surroundings.folder)
    tasks = {}
    for name, words in (("--version", ["--version"]), ("decrypt, one file", ["decrypt", path])):
        for kind, packages in (("with", complete), ("without", small)):
            code = (
                f"import sys; sys.path[1:1] = [{str(packages)!r}]; sys.argv[0] = 'fluxsecrets'; "
                "from fluxsecrets.cli.entry import main; main()"
            )
            command = [sys.executable, "-I", "-S", "-c", code, *words]
            tasks[f"{name} {kind}"] = partial(run, command, repository.folder, repository.environment)
    costs = interleave(surroundings.starts(_STARTS), tasks)
    return [
        Row(
            f"{name}, all extras installed",
            costs[f"{name} with"],
            costs[f"{name} without"],
            "without extras",
            at_most=1.1,
        )
        for name in ("--version", "decrypt, one file")
    ]


def _installations(folder: Path) -> tuple[Path, Path]:
    """Make two folders of packages: what is installed here, and that without the libraries of clouds."""
    source = Path(__file__).parents[1] / "src" / "fluxsecrets"
    complete, small = folder / "complete", folder / "small"
    for made in (complete, small):
        made.mkdir()
        for each in Path(sysconfig.get_path("purelib")).iterdir():
            name = each.name.split("-")[0].split(".")[0].lower()
            if each.name != "fluxsecrets" and (made is complete or not name.startswith(_CLOUDS)):
                (made / each.name).symlink_to(each)
        (made / "fluxsecrets").symlink_to(source)
    return complete, small
