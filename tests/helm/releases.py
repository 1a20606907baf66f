"""HelmReleases after public patterns, with values planted in them: for tests of what takes them out.

The values of a chart are laid out as people write them: lists of variables, keys with dots, nested maps.
Each pattern meets several kinds of values and surroundings, always in the same combinations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import yaml

PEM = "-----BEGIN CERTIFICATE-----\nTHROW+AWAY/not,a{real}=certificate=for=tests\n-----END CERTIFICATE-----\n"

VALUES: tuple[object, ...] = (
    "throw-Away-9fK2mQx",
    "comma,equals=brace}9fK2",
    "{brace-first-9fK2mQx",
    "back\\slash\\9fK2mQx",
    "\u00fcn\u00efc\u00f6d\u00e9-\u4e2d\u6587-9fK2",
    "'quoted-9fK2mQx'",
    '"double-9fK2mQx"',
    'ends-with-quote-9fK2"',
    "'starts-with-quote-9fK2",
    "73015528",
    "00731552",
    "true9fK2mQx: # no comment",
    73015528,
    0.73015,
    PEM,
    "two\nlines-9fK2mQx",
    "  spaces-9fK2mQx  ",
    "[list]-like-9fK2mQx",
    "*not-an-alias-9fK2",
    "a.b[0]=c,d.e=f\\",
    "1e73015",
    "-73015528",
    "{{ not-a-template 9fK2 }}",
    "tab\tseparated-9fK2mQx",
    "%percent-9fK2mQx&",
)
"""What is planted. Each is a secret by its key's name only, and none is a real one."""

SIGN = "PLANTED"

PATTERNS: dict[str, str] = {
    "postgresql": """\
    # the database
    auth:
      username: shop
      password: PLANTED  # of the user
      postgresPassword: PLANTED
    primary:
      persistence: {size: 8Gi}
      nodeSelector: {}
""",
    "grafana": """\
    adminUser: admin
    adminPassword: PLANTED
    grafana.ini:
      server:
        root_url: https://grafana.example.org
      auth.generic_oauth:
        enabled: true
        client_id: grafana
        client_secret: PLANTED
""",
    "app-template": """\
    controllers:
      main:
        containers:
          app:
            image: {repository: ghcr.io/example/app, tag: 1.2.3}
            env:
              - name: TZ
                value: Europe/Vienna
              # the API
              - name: API_TOKEN
                value: PLANTED
              - {name: LOG_LEVEL, value: info}
    persistence: null
""",
    "app-template-map": """\
    controllers:
      main:
        containers:
          app:
            env:
              TZ: Europe/Vienna
              DB_PASSWORD: PLANTED
""",
    "external-dns": """\
    provider: {name: cloudflare}
    env:
    - name: CF_API_TOKEN
      value: PLANTED
    - name: CF_API_KEY
      value: PLANTED
    extraArgs: []
""",
    "authentik": """\
    authentik:
      secret_key: PLANTED
      error_reporting:
        enabled: false
      postgresql:
        password: PLANTED
    server:
      ingress:
        enabled: true
""",
    "ingress": """\
    ingress:
      annotations:
        nginx.ingress.kubernetes.io/proxy-body-size: "0"
        auth.example.org/shared-secret: PLANTED
      hosts: [a.example.org, b.example.org]
""",
    "velero": """\
    credentials:
      useSecret: true
      secretContents:
        cloud_password: PLANTED
    configuration:
      backupStorageLocation:
        - name: default
          bucket: backups
""",
    "loki": """\
    loki:
      storage:
        s3:
          endpoint: s3.example.org
          accessKeyId: EXAMPLE
          secretAccessKey: PLANTED
      limits_config: {retention_period: 720h}
""",
    "keycloak": """\
    auth: {adminUser: admin, adminPassword: PLANTED}
    extraEnvVars:
      - {name: KC_HOSTNAME, value: login.example.org}
""",
    "dex": """\
    config:
      issuer: https://dex.example.org
      staticClients:
        - id: shop
          redirectURIs:
            - https://shop.example.org/callback
          clientSecret: PLANTED
        - id: admin
          public: true
""",
    "alertmanager": """\
    alertmanager:
      config:
        receivers:
          - name: "null"
          - name: mail
            email_configs:
              - to: ops@example.org
                auth_password: PLANTED
                headers: {}
""",
    "odd-keys": """\
    settings:
      "my app: password": PLANTED
      'pass word/with=signs password': PLANTED
      "": empty
""",
    "subcharts": """\
    global:
      redis:
        password: PLANTED
    redis:
      enabled: true
      sentinel: ""
    gitlab:
      webservice:
        replicas: 2
""",
    "lonely": """\
    secret:
      nested:
        deep:
          password: PLANTED
""",
    "prometheus": """\
    server:
      remoteWrite:
        - url: https://metrics.example.org
          basic_auth:
            username: shop
            password: PLANTED
          write_relabel_configs:
            - [a, b]
            - []
""",
}
"""Values of charts; `PLANTED` is a planted value."""

CONFIG_MAP = "auth:\n  database: shop\n  password: default\nextra: {list: [1, 2]}\n"
"""What a ConfigMap that some HelmReleases name has under `values.yaml`."""

REFERENCES = (
    "",
    "  valuesFrom:\n    - kind: ConfigMap\n      name: defaults  # of the team\n",
    "  valuesFrom:\n  - {kind: Secret, name: existing, valuesKey: word, targetPath: existing.password}\n",
)
OBJECTS = {("ConfigMap", "defaults"): {"values.yaml": CONFIG_MAP}, ("Secret", "existing"): {"word": "there"}}
"""What the HelmReleases refer to before anything is extracted."""

COPIES = 4
"""How many HelmReleases each pattern gives."""


@dataclass(frozen=True)
class Release:
    """A file with a HelmRelease.

    Attributes:
        keys: of the planted values, as paths below `spec.values`.
        document: its YAML document in the file, from 0.
    """

    name: str
    file: str
    content: bytes = field(repr=False)
    keys: tuple[tuple[str | int, ...], ...]
    planted: tuple[object, ...] = field(repr=False)
    document: int = 0


def releases() -> Iterator[Release]:
    """Yield all HelmReleases."""
    numbers = count()
    for pattern, values in PATTERNS.items():
        for copy in range(COPIES):
            yield _release(f"{pattern}-{copy}", values, copy, next(numbers))


def _release(name: str, template: str, copy: int, number: int) -> Release:
    wanted = template.count(SIGN)
    planted = tuple(VALUES[(number * 3 + place) % len(VALUES)] for place in range(wanted))
    text = _header(name) + REFERENCES[number % len(REFERENCES)] + "  values:\n" + _filled(template, planted)
    keys = tuple(_keys(yaml.safe_load(template)))
    if copy == 3 and number % 2:
        return Release(name, f"{name}.json", _json(text), keys, planted)
    if copy == 2:
        text = (
            _header(name).replace("HelmRelease", "HelmRepository")
            + "  url: https://charts.example.org\n---\n"
            + text
        )
        return Release(name, f"{name}.yaml", text.encode(), keys, planted, 1)
    if copy == 1 and number % 3 == 0:
        text = text.replace("\n", "\r\n")
    return Release(name, f"{name}.yaml", text.encode(), keys, planted)


def _header(name: str) -> str:
    return (
        f"# {name}: made up for tests\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        f"metadata:\n  name: {name}\n  namespace: apps\nspec:\n  interval: 1h\n"
        "  chart: {spec: {chart: app, sourceRef: {kind: HelmRepository, name: charts}}}\n"
    )


def _json(text: str) -> bytes:
    return (json.dumps(yaml.safe_load(text), indent=2, ensure_ascii=False) + "\n").encode()


def _filled(template: str, values: tuple[object, ...]) -> str:
    left = iter(values)
    return "".join(_line(line, left) for line in template.splitlines(keepends=True))


def _line(line: str, left: Iterator[object]) -> str:
    head, sign, tail = line.partition(SIGN)
    if not sign:
        return line
    value = next(left)
    if isinstance(value, str) and value.count("\n") > 1 and not tail.strip():
        indent = " " * (len(re.match(r"[ -]*", head)[0]) + 2)
        return head + "|\n" + "".join(f"{indent}{each}\n" for each in value.splitlines())
    return head + _spelled(value) + tail


def _spelled(value: object) -> str:
    if not isinstance(value, str):
        return repr(value)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", value):
        return value
    if "\n" in value or "\t" in value or "'" in value:
        return json.dumps(value)
    return f"'{value}'"


def _keys(template: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where a pattern has a planted value."""
    if template == SIGN:
        yield path
    elif isinstance(template, dict | list):
        pairs = template.items() if isinstance(template, dict) else enumerate(template)
        for step, inner in pairs:
            yield from _keys(inner, (*path, step))
