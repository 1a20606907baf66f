"""`extract --all` over HelmReleases with plain passwords: time that grows as their number does."""

import json
from functools import partial
from pathlib import Path

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, committed, make_repository

_FEW, _MANY = 128, 512
_GROWTH = 1.25
_FOLDER = 64
"""Releases in a folder, which one kustomization file lists."""


def measure(surroundings: Surroundings) -> list[Row]:
    few, many = surroundings.size(_FEW, 2), surroundings.size(_MANY, 4)
    tasks = {"idle": partial(run, [surroundings.ours, "--version"], surroundings.folder, {})}
    for count in (few, many):
        repository = _with_releases(surroundings, count)
        tasks[str(count)] = partial(
            run,
            [surroundings.ours, "extract", "--all", "--dry-run", "--format", "json"],
            repository.folder,
            repository.environment,
            prints=partial(_moves, count),
        )
    best = interleave(min(surroundings.rounds, 2), tasks)
    small, large = (best[str(count)].less(best["idle"]) for count in (few, many))
    peer = f"{many / few:.0f} times {few}"
    return [
        Row(
            f"extract --all, {many} values",
            large,
            small.times(many / few),
            peer,
            at_most=_GROWTH,
            note="without the start of a process",
        )
    ]


BENCHMARK = Benchmark("extract", measure, "Extraction")


def _moves(count: int, printed: bytes) -> bool:
    return len(json.loads(printed)["files"]) == count


def _with_releases(surroundings: Surroundings, count: int) -> Repository:
    repository = make_repository(surroundings.folder, 1, f"releases-{count}")
    write_releases(repository.folder, count)
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    committed(repository, "releases")
    return repository


def write_releases(folder: Path, count: int) -> None:
    """Write an environment of so many releases, each with a password in its values."""
    files = {"clusters/production/apps.yaml": _FLUX}
    names = [f"app-{number:04}" for number in range(count)]
    for start in range(0, count, _FOLDER):
        group, there = f"apps/group-{start // _FOLDER:02}", names[start : start + _FOLDER]
        files |= {f"{group}/{name}.yaml": _release(name) for name in there}
        files[f"{group}/kustomization.yaml"] = _LIST + "".join(f"  - {name}.yaml\n" for name in there)
    groups = sorted({path.split("/")[1] for path in files if path.startswith("apps/")})
    files["apps/kustomization.yaml"] = _LIST + "".join(f"  - {group}\n" for group in groups)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="ascii")


_LIST = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
_FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps
  prune: true
  targetNamespace: apps
  sourceRef: {kind: GitRepository, name: flux-system}
  decryption: {provider: sops, secretRef: {name: sops-age}}
"""


def _release(name: str) -> str:
    return f"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {name}
  namespace: apps
spec:
  interval: 1h
  chart:
    spec: {{chart: {name}, version: 1.0.0, sourceRef: {{kind: HelmRepository, name: charts}}}}
  values:
    replicas: 2
    auth:
      username: {name}
      password: throwaway-Zk3{name}vQ8x
"""
