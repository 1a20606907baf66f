"""Commands that look at a whole repository, with 5,000 and 20,000 manifests in 50 environments.

Every environment applies the same infrastructure, and overlays on the same bases, each with a component, a
patch and a Secret that is encrypted for its cluster. What is bounded is how the time grows with the number of
manifests: at most with its power of 1.1.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from pyrage import x25519

from .auditing import git
from .environments import BASE, CONFIG, DEPLOYMENT, FLUX, RELEASE, REPLICAS, SECRET, SERVICE
from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import git_variables

ENVIRONMENTS = 50
SMALL, LARGE = 5_000, 20_000
GROWTH = 1.1
MEMORY = 400 * 2**20

COMMANDS = {
    "env list": ["env", "list"],
    "env show": ["env", "show", "env-00"],
    "audit": ["audit", "--fail-on", "never"],
    "verify": ["verify"],
    "encrypt --check": ["encrypt", "--check"],
    "status": ["status"],
    "scan": ["scan"],
    "recipients list": ["recipients", "list"],
}

_OWN, _OF_OVERLAY = 5, 4
"""Manifests of an app's base, and of an app in one environment."""

_PARTS, _OF_PART = 20, 21
_COMPONENTS = 10
_HEAD = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
_COMPONENT = (
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [policy.yaml]\npatches:\n"
    "  - target: {{kind: Deployment}}\n    patch: |-\n"
    "      - {{op: add, path: /metadata/annotations, value: {{team: team-{number}}}}}\n"
)
_POLICY = (
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: policy-{number}}}\n"
    "spec: {{podSelector: {{}}}}\n"
)
_OVERLAY = (
    "namespace: {app}\nresources: [../../base, secret.yaml]\ncomponents: [../../../../components/{number}]\n"
    "patches:\n  - target: {{kind: Deployment}}\n    path: replicas.yaml\n"
)


def measure(surroundings: Surroundings) -> list[Row]:
    small = surroundings.size(SMALL, 40)
    large = surroundings.size(LARGE, 80)
    environments = surroundings.size(ENVIRONMENTS, 3)
    tasks = {}
    for count in (small, large):
        parent = surroundings.folder / str(count)
        parent.mkdir()
        variables = make_repository(parent, count, environments, surroundings.ours)
        for what, words in COMMANDS.items():
            tasks[f"{what} {count:,}"] = partial(
                run, [surroundings.ours, *words], parent / "repository", variables
            )
    best = interleave(min(surroundings.rounds, 2), tasks)  # the large ones take minutes
    return [
        _row(what, (small, best[f"{what} {small:,}"]), (large, best[f"{what} {large:,}"]), environments)
        for what in COMMANDS
    ]


BENCHMARK = Benchmark("environments", measure, "Repositories with 50 environments")


def _row(what: str, small: tuple[int, Cost], large: tuple[int, Cost], environments: int) -> Row:
    return Row(
        f"{what}, {large[0]:,} manifests",
        large[1],
        small[1],
        f"{small[0]:,} manifests",
        at_most=round((large[0] / small[0]) ** GROWTH, 2),
        most_memory=MEMORY,
        note=f"{environments} environments; the time may grow with the power of {GROWTH} of the manifests",
    )


def make_repository(parent: Path, count: int, environments: int, ours: str) -> Mapping[str, str]:
    """Write and commit about so many manifests below `parent/repository`; the variables to work there."""
    folder = parent / "repository"
    identity = x25519.Identity.generate()
    key_file = parent / "key.txt"
    key_file.touch(mode=0o600)
    key_file.write_text(f"# throw-away key of a benchmark\n{identity}\n", encoding="ascii")
    names = [f"env-{number:02}" for number in range(environments)]
    files = {
        **dict(_shared(count)),
        **dict(_apps(count, names)),
        **dict(_keys(names, str(identity.to_public()))),
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="ascii")
    variables = {**git_variables(parent), "SOPS_AGE_KEY_FILE": str(key_file)}
    git(folder, variables, "init", "--quiet")
    run([ours, "encrypt", "--quiet"], folder, variables)
    git(folder, variables, "add", "--all")
    git(folder, variables, "commit", "--quiet", "--message", "all")
    return variables


def _parts(count: int) -> int:
    """How many folders of infrastructure there are, which every environment applies."""
    return max(1, min(_PARTS, count // 20 // _OF_PART))


def _shared(count: int) -> Iterator[tuple[str, str]]:
    for number in range(_COMPONENTS):
        yield f"components/{number}/kustomization.yaml", _COMPONENT.format(number=number)
        yield f"components/{number}/policy.yaml", _POLICY.format(number=number)
    for number in range(_parts(count)):
        part = f"infrastructure/part-{number:02}"
        files = [f"{index}.yaml" for index in range(_OF_PART - 1)]
        yield f"{part}/kustomization.yaml", f"{_HEAD}namespace: infra\nresources: [{', '.join(files)}]\n"
        for index, file in enumerate(files):
            text = (DEPLOYMENT, SERVICE, RELEASE, CONFIG)[index % 4]
            yield f"{part}/{file}", text.format(name=f"infra-{number}-{index}")


def _apps(count: int, environments: list[str]) -> Iterator[tuple[str, str]]:
    for name in environments:
        root = f"clusters/{name}"
        yield f"{root}/flux-system/gotk-sync.yaml", FLUX.format(name="flux-system", path=root)
        yield f"{root}/infrastructure.yaml", FLUX.format(name="infrastructure", path="infrastructure")
    left = count - _parts(count) * _OF_PART - 2 * _COMPONENTS - 2 * len(environments)
    for number in range(max(1, round(left / (_OWN + len(environments) * _OF_OVERLAY)))):
        app = f"app-{number:03}"
        yield f"apps/{app}/base/kustomization.yaml", BASE
        for file, text in (
            ("deployment", DEPLOYMENT),
            ("service", SERVICE),
            ("release", RELEASE),
            ("config", CONFIG),
        ):
            yield f"apps/{app}/base/{file}.yaml", text.format(name=app)
        for name in environments:
            overlay = f"apps/{app}/overlays/{name}"
            own = _OVERLAY.format(app=app, number=number % _COMPONENTS)
            yield f"{overlay}/kustomization.yaml", _HEAD + own
            yield f"{overlay}/secret.yaml", SECRET.format(name=app, number=f"{name}-{number}")
            yield f"{overlay}/replicas.yaml", REPLICAS
            yield f"clusters/{name}/apps/{app}.yaml", FLUX.format(name=app, path=overlay)


def _keys(environments: list[str], own: str) -> Iterator[tuple[str, str]]:
    rules = ["creation_rules:\n"]
    for name in environments:
        cluster = x25519.Identity.generate().to_public()
        yield f"keys/cluster-{name}.pub", f"{cluster}\n"
        rules.append(
            f"  - path_regex: overlays/{name}/secret\\.yaml$\n    encrypted_regex: ^(data|stringData)$\n"
            f"    age: {cluster},{own}\n"
        )
    yield "keys/alice.pub", f"{own}\n"
    yield ".sops.yaml", "".join(rules)
