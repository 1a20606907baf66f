"""Times `fluxsecrets env list` and `env show` on a repository with many manifests.

    python -m benchmarks.environments [--count 2000] [--rounds 3]

Two environments with one Kustomization an app, each an overlay on a shared base: what Flux repositories are
made of. The goal is 2 s for 2,000 manifests on two cores.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import partial
from pathlib import Path

from .measure import interleave, run

ENVIRONMENTS = ("production", "staging")
OWN, OVERLAY = 5, 3
"""Manifests of an app's base, and of its overlay for one environment."""

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec:
  interval: 10m
  path: ./{path}
  prune: true
  sourceRef: {{kind: GitRepository, name: flux-system}}
  decryption: {{provider: sops, secretRef: {{name: sops-age}}}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app.kubernetes.io/name: {name}}}
spec:
  replicas: 2
  selector:
    matchLabels: {{app.kubernetes.io/name: {name}}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: {name}}}
    spec:
      containers:
        - name: {name}
          image: registry.waddle.example/{name}:1.2.3
          ports:
            - {{name: http, containerPort: 8080}}
          envFrom:
            - secretRef: {{name: {name}}}
          resources:
            requests: {{cpu: 100m, memory: 128Mi}}
            limits: {{memory: 256Mi}}
          readinessProbe:
            httpGet: {{path: /ready, port: http}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app.kubernetes.io/name: {name}}}
  ports:
    - {{name: http, port: 80, targetPort: http}}
"""
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: {name}-cache}}
spec:
  interval: 30m
  chart:
    spec: {{chart: valkey, version: 1.0.0, sourceRef: {{kind: HelmRepository, name: charts}}}}
  values:
    auth: {{existingSecret: {name}}}
    replica: {{replicaCount: 1}}
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n  LOG: info\n  REGION: eu\n"
BASE = (
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    "resources: [deployment.yaml, service.yaml, release.yaml, config.yaml]\n"
)
TOP = (
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {name}\n"
    "resources: [../../base, secret.yaml]\n"
    "patches:\n  - target: {{kind: Deployment}}\n    path: replicas.yaml\n"
)
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {{name: {name}}}
stringData:
  username: {name}
  password: throwaway-{number}
"""
REPLICAS = "- op: replace\n  path: /spec/replicas\n  value: 3\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.environments", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=2000, help="manifests in the repository")
    parser.add_argument("--rounds", type=int, default=3, help="runs of everything; the best counts")
    args = parser.parse_args()
    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as name:
        folder = Path(name)
        count = make(folder, args.count)
        environment = {
            **{key: text for key, text in os.environ.items() if not key.startswith(("SOPS_", "GIT_"))},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        subprocess.run(["git", "init", "--quiet"], cwd=folder, env=environment, check=True)
        subprocess.run(["git", "add", "--all"], cwd=folder, env=environment, check=True)
        commands = (["env", "list"], ["env", "show", "production"])
        best = interleave(
            args.rounds,
            {" ".join(words): partial(run, [ours, *words], folder, environment) for words in commands},
        )
    print(f"{count:,} manifests, {os.cpu_count()} CPUs, best of {args.rounds}")
    for what, cost in best.items():
        print(f"  fluxsecrets {what:24}{cost.seconds:6.2f} s   {cost.memory / 2**20:4.0f} MiB")
    return 0


def make(folder: Path, count: int) -> int:
    """Write a repository of about so many manifests; how many they are."""
    apps = max(1, round(count / (OWN + len(ENVIRONMENTS) * (OVERLAY + 1))))
    files: dict[str, str] = {}
    for number in range(apps):
        name = f"app-{number:03}"
        texts = (DEPLOYMENT, SERVICE, RELEASE, CONFIG, BASE)
        names = ("deployment", "service", "release", "config", "kustomization")
        files |= {
            f"apps/{name}/base/{file}.yaml": text.format(name=name)
            for file, text in zip(names, texts, strict=True)
        }
        for environment in ENVIRONMENTS:
            overlay = f"apps/{name}/overlays/{environment}"
            files[f"{overlay}/kustomization.yaml"] = TOP.format(name=name)
            files[f"{overlay}/secret.yaml"] = SECRET.format(name=name, number=number)
            files[f"{overlay}/replicas.yaml"] = REPLICAS
            files[f"clusters/{environment}/apps/{name}.yaml"] = FLUX.format(name=name, path=overlay)
    for environment in ENVIRONMENTS:
        root = f"clusters/{environment}"
        files[f"{root}/flux-system/gotk-sync.yaml"] = FLUX.format(name="flux-system", path=root)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="ascii")
    return len(files)


if __name__ == "__main__":
    raise SystemExit(main())
