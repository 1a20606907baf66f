"""A labelled corpus: a repository with true leaks of many kinds, and with more that only looks like them.

Everything is made from a seed when it is asked for; nothing of it stands in the tree. `python -m scan_corpus
FOLDER SEED...` (in tests/) writes it out, to look at or to run other scanners over.
"""

import base64
import codecs
import gzip
import hashlib
import json
import random
import string
import sys
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.fileset import FileSet
from fluxsecrets.scan.forms import COMMANDS, FORMS, LINES, SAMPLE, TEXTS
from fluxsecrets.scan.rules import TOKEN_RULES
from fluxsecrets.scan.scanner import Scanner
from fluxsecrets.scan.sources import SourceFile
from scan_everyday import EVERYDAY, fill
from token_samples import make

_WORDS = """
amber atlas badger basil birch cedar clover comet copper coral crane dahlia delta ember falcon fern garnet
ginger harbor hazel heron indigo iris jade juniper lark linden lotus maple marble meadow nectar onyx opal
orchid otter pebble pepper plover quartz raven river robin saffron sage silver sparrow spruce sunset thistle
tulip velvet violet walnut willow
"""
_SERVICES = "billing search mail ingest gateway reports sessions catalogue payments identity"
WORDS, SERVICES = _WORDS.split(), _SERVICES.split()


@dataclass
class File:
    """A file, and the lines in it on which a scanner has to find something."""

    path: str
    lines: list[str] = field(default_factory=list)
    leaks: dict[int, str] = field(default_factory=dict)
    end: str = "\n"
    mark: bytes = b""

    def add(self, text, kind=None):
        """Append lines; with a kind, what stands on the first of them is a leak of that kind."""
        if kind is not None:
            self.leaks[len(self.lines) + 1] = kind
        self.lines += text.split("\n")
        return self

    @property
    def data(self):
        return self.mark + (self.end.join("\n".join(self.lines).split("\n")) + self.end).encode()


class Chance:
    """What people and machines make up."""

    def __init__(self, seed):
        self.random = random.Random(hashlib.sha256(f"corpus {seed}".encode()).digest())
        self.count = 0

    def pick(self, items):
        return self.random.choice(list(items))

    def some(self, alphabet, length):
        return "".join(self.random.choice(alphabet) for _ in range(length))

    def name(self):
        return f"{self.pick(SERVICES)}-{self.pick(WORDS)}"

    def password(self):
        """As people choose them, and as generators make them."""
        word, other = self.pick(WORDS), self.pick(WORDS)
        return self.pick(
            [
                lambda: f"{word.capitalize()}{self.random.randint(10, 9999)}{self.pick('!?#*')}",
                lambda: f"{word}-{other}-{self.random.randint(10, 99)}-{self.pick(WORDS)}",
                lambda: self.some(string.ascii_letters + string.digits, self.random.randint(12, 40)),
                lambda: self.some(
                    string.ascii_letters + string.digits + "!%*+,-.:=?@^_~", self.random.randint(14, 30)
                ),
                lambda: f"{word.replace('a', '4').replace('e', '3')}{self.random.randint(100, 9999)}",
                lambda: self.some("0123456789abcdef", self.pick([32, 40, 64])),
                lambda: base64.b64encode(self.random.randbytes(self.pick([18, 24, 32]))).decode(),
            ]
        )()

    def token(self):
        """As machines make them, without a mark of their own."""
        return self.pick(
            [
                lambda: self.some(string.ascii_letters + string.digits, self.random.randint(24, 48)),
                lambda: self.some("0123456789abcdef", self.pick([32, 40, 64])),
                lambda: base64.b64encode(self.random.randbytes(self.pick([24, 32]))).decode(),
                self.uuid,
                lambda: base64.urlsafe_b64encode(self.random.randbytes(32)).decode().rstrip("="),
            ]
        )()

    def uuid(self):
        digits = self.some("0123456789abcdef", 32)
        return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "a" + digits[17:20], digits[20:]))

    def provider(self):
        """A provider's token, by the recipes of the rules."""
        self.count += 1
        rule = self.pick(rule for rule in TOKEN_RULES if "\n" not in rule.positives[0])
        return rule.id, make(rule.positives[0], f"{self.random.random()}")

    def cipher(self, kind="str"):
        data = base64.b64encode(self.random.randbytes(self.random.randint(8, 40))).decode()
        iv, tag = (base64.b64encode(self.random.randbytes(size)).decode() for size in (32, 16))
        return f"ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{kind}]"

    def sealed(self):
        return "AgB" + base64.b64encode(self.random.randbytes(300)).decode()

    def placeholder(self):
        return self.pick(
            [
                "REPLACE_ME",
                "CHANGE_ME",
                "<password>",
                "changeme",
                "xxxxxxxx",
                "********",
                "TODO",
                "your-password-here",
                "YOUR_API_KEY",
                "placeholder",
                "<insert-token>",
                "REDACTED",
                "replace-me",
                "${PASSWORD}",
                "...",
            ]
        )

    def reference(self):
        return self.pick(
            [
                "${DB_PASSWORD}",
                "op://vault/item/field",
                "vault:secret/data/db#password",
                "ref+vault://secret/db#/p",
                "$(DB_PASSWORD)",
                "${TOKEN:-}",
                "{{ .Values.password }}",
            ]
        )


# --- what leaks -----------------------------------------------------------------------------------------


def secret_manifest(chance, number):
    name, file = chance.name(), File(f"apps/{chance.name()}/secret-{number}.yaml")
    if chance.random.random() < 0.4:
        file.add("# what the service logs in with\n---")
    file.add(f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: apps\ntype: Opaque")
    if chance.random.random() < 0.5:
        file.add("stringData:")
        quote = chance.pick(["'", '"'])
        for key in chance.random.sample(["password", "username", "api-token", "uri", "pin", "tls.key"], 3):
            value = {"username": "svc", "pin": "4711"}.get(key) or chance.password()
            file.add(f"  {key}: {quote}{value}{quote}", "Secret")
        file.add(
            "  optional: ''\n"
            f"  later: {json.dumps(chance.placeholder())}\n"
            f"  from: {chance.pick(['${DB_PASSWORD}', 'op://a/b/c'])}"
        )
    else:
        file.add("data:")
        for key in chance.random.sample(["password", "username", "token", "config"], 3):
            value = "svc" if key == "username" else chance.password()
            file.add(f"  {key}: {base64.b64encode(value.encode()).decode()}", "Secret")
        file.add(f'  later: {base64.b64encode(b"REPLACE_ME").decode()}\n  none: ""')
    return file


def secret_in_list(chance, number):
    file = File(f"clusters/production/list-{number}.yaml")
    file.add(
        "apiVersion: v1\n"
        "kind: List\n"
        "items:\n"
        "  - apiVersion: v1\n"
        "    kind: ConfigMap\n"
        "    metadata:\n"
        "      name: a"
    )
    file.add(
        "    data:\n"
        "      log-level: debug\n"
        "  - apiVersion: v1\n"
        "    kind: Secret\n"
        "    metadata:\n"
        "      name: b"
    )
    file.add("    stringData:")
    return file.add(f"      password: {json.dumps(chance.password())}", "Secret in a List")


def secret_json(chance, number):
    value = base64.b64encode(chance.password().encode()).decode()
    file = File(f"apps/json/secret-{number}.json")
    file.add(
        '{\n  "apiVersion": "v1",\n  "kind": "Secret",\n  "metadata": {\n    "name": "db"\n  },\n  "data": {'
    )
    return file.add(f'    "password": "{value}"', "Secret in JSON").add("  }\n}")


def last_applied(chance, number):
    inner = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db"},
        "data": {"password": base64.b64encode(chance.password().encode()).decode()},
    }
    file = File(f"clusters/staging/exported-{number}.yaml")
    file.add("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  annotations:")
    file.add("    kubectl.kubernetes.io/last-applied-configuration: |")
    file.leaks[len(file.lines)] = "last-applied annotation"
    file.add(f"      {json.dumps(inner, separators=(',', ':'))}")
    return encrypted_tail(chance, file.add(f"data:\n  password: {chance.cipher()}"))


def encrypted_tail(chance, file, selector="encrypted_regex: ^(data|stringData)$"):
    age = "age1" + chance.some("023456789acdefghjklmnpqrstuvwxyz", 58)
    armour = base64.b64encode(chance.random.randbytes(240)).decode()
    lines = "\n".join(f"        {armour[at : at + 64]}" for at in range(0, len(armour), 64))
    file.add(
        f"sops:\n  age:\n    - recipient: {age}\n      enc: |\n        -----BEGIN AGE ENCRYPTED FILE-----"
    )
    file.add(f"{lines}\n        -----END AGE ENCRYPTED FILE-----")
    file.add(
        f'  lastmodified: "2026-11-20T10:00:00Z"\n  mac: {chance.cipher()}\n  {selector}\n  version: 3.13.2'
    )
    return file


def half_encrypted(chance, number):
    file = File(f"apps/{chance.name()}/half-{number}.yaml")
    file.add(f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {chance.name()}\nstringData:")
    file.add(f'  username: {chance.cipher()}\n  none: ""\n  nothing: null')
    file.add(f"  password: {json.dumps(chance.password())}", "plain value in a sops file")
    return encrypted_tail(chance, file.add(f"  token: {chance.cipher()}"))


def half_encrypted_values(chance, number):
    file = File(f"infrastructure/values-{number}.sops.yaml")
    file.add(f"server:\n  host: {chance.cipher()}\n  admin:\n    user: {chance.cipher()}")
    file.add(f"    added: {chance.pick(WORDS)}", "plain value in a sops file")
    return encrypted_tail(chance, file.add("  port_unencrypted: 8080"), "unencrypted_suffix: _unencrypted")


def sops_dotenv(chance, number):
    file = File(f"apps/env/settings-{number}.env")
    file.add(f"DB_HOST={chance.cipher()}\nDB_PORT={chance.cipher('int')}")
    file.add(f"ADDED={chance.pick(WORDS)}", "plain value in a sops file")
    file.add(f"sops_lastmodified=2026-11-20T10:00:00Z\nsops_mac={chance.cipher()}\nsops_version=3.13.2")
    return file.add("sops_unencrypted_suffix=_unencrypted")


def sealed_template(chance, number):
    file = File(f"apps/{chance.name()}/sealed-{number}.yaml")
    file.add(
        "apiVersion: bitnami.com/v1alpha1\n"
        "kind: SealedSecret\n"
        "metadata:\n"
        "  name: db\n"
        "  namespace: apps\n"
        "spec:"
    )
    file.add(f"  encryptedData:\n    password: {chance.sealed()}\n  template:\n    data:")
    file.add(
        '      dsn: "postgres://app:{{ index . "password" }}@db/app"'.replace('"password"', "`password`")
    )
    return file.add(f"      admin: {json.dumps(chance.password())}", "SealedSecret template")


def kustomize_literal(chance, number):
    file = File(f"apps/generated-{number}/kustomization.yaml")
    file.add(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n  - name: db"
    )
    file.add("    literals:")
    return file.add(
        f"      - password={chance.some(string.ascii_letters + string.digits, 18)}", "kustomize literal"
    )


def kustomize_file(chance, number):
    folder = f"apps/reads-{number}"
    reader = File(f"{folder}/kustomization.yaml")
    reader.add(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n  - name: db"
    )
    reader.add("    files:\n      - config.txt=files/clients.txt")
    return [
        reader,
        File(f"{folder}/files/clients.txt").add(
            f"{chance.pick(WORDS)} {chance.pick(WORDS)}", "kustomize file"
        ),
    ]


def helm_release(chance, number):
    file = File(f"infrastructure/release-{number}.yaml")
    file.add(
        "apiVersion: helm.toolkit.fluxcd.io/v2\n"
        "kind: HelmRelease\n"
        "metadata:\n"
        "  name: grafana\n"
        "spec:\n"
        "  interval: 1h"
    )
    file.add(
        "  chart:\n"
        "    spec:\n"
        "      chart: grafana\n"
        "  values:\n"
        "    replicas: 2\n"
        "    existingSecret: grafana-oauth"
    )
    file.add("    tokenTTL: 3600\n    secretName: grafana-tls\n    passwordKey: admin-password")
    key = chance.pick(
        ["adminPassword", "redis:\n      password", "auth:\n      rootPassword", "smtp:\n      passphrase"]
    )
    head, _, last = key.rpartition("\n")
    if head:
        file.add(f"    {head}")
        return file.add(f"{last}: {json.dumps(chance.password())}", "Helm value")
    return file.add(f"    {last}: {json.dumps(chance.password())}", "Helm value")


def helm_values(chance, number):
    file = File(f"charts/app-{number}/values.yaml")
    file.add("image:\n  repository: ghcr.io/waddle/app\n  tag: 1.2.3\noauth:\n  clientID: grafana")
    return file.add(f"  clientSecret: {chance.token()}", "Helm value")


def container_env(chance, number):
    file = File(f"apps/{chance.name()}/deployment-{number}.yaml")
    file.add("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  template:\n    spec:")
    file.add(
        "      containers:\n        - name: app\n          image: ghcr.io/waddle/app@sha256:"
        + chance.some("0123456789abcdef", 64)
    )
    file.add(
        "          env:\n"
        "            - name: LOG_LEVEL\n"
        "              value: debug\n"
        "            - name: DB_PASSWORD\n"
        "              valueFrom:\n"
        "                secretKeyRef:\n"
        "                  name: db\n"
        "                  key: password"
    )
    file.add(f"            - name: {chance.pick(['SMTP_PASSWORD', 'REDIS_PASSWORD', 'ADMIN_PASSWD'])}")
    return file.add(f"              value: {json.dumps(chance.password())}", "container environment")


def config_map(chance, number):
    file = File(f"apps/{chance.name()}/config-{number}.yaml")
    file.add(
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: app\n"
        "data:\n"
        "  LOG_LEVEL: info\n"
        "  TOKEN_URL: https://id.example/token"
    )
    if chance.random.random() < 0.5:
        return file.add(f"  DB_PASSWORD: {json.dumps(chance.password())}", "ConfigMap")
    file.add("  app.ini: |\n    [database]\n    host = db.apps.svc\n    user = app")
    return file.add(f"    password = {chance.some(string.ascii_letters + string.digits, 20)}", "ConfigMap")


def other_resource(chance, number):
    file = File(f"apps/{chance.name()}/grafana-{number}.yaml")
    file.add(
        "apiVersion: grafana.integreatly.org/v1beta1\n"
        "kind: Grafana\n"
        "metadata:\n"
        "  name: main\n"
        "spec:\n"
        "  config:\n"
        "    security:"
    )
    file.add("      admin_user: root")
    return file.add(f"      admin_password: {json.dumps(chance.password())}", "other manifest")


def env_file(chance, number):
    file = File(f"docker/app-{number}/.env")
    file.add(
        "# local\n"
        "LOG_LEVEL=debug\n"
        "APP_URL=https://app.example\n"
        "DB_PASSWORD_FILE=/run/secrets/db\n"
        f"SMTP_PASSWORD={chance.placeholder()}"
    )
    file.add(f"DB_PASSWORD={chance.password()}", "environment file")
    return file.add(f"export API_TOKEN='{chance.token()}'", "environment file")


def ini_file(chance, number):
    file = File(f"talos/settings-{number}.ini")
    file.add("[server]\nhost = 10.0.0.1\ntimeout = 30\n[auth]\nuser = admin\npassword_file = /etc/pw")
    return file.add(
        f"password = {chance.some(string.ascii_letters + string.digits, 20)}", "configuration file"
    )


def tfvars(chance, number):
    file = File(f"terraform/env-{number}.tfvars")
    file.add('region = "eu-central-1"\nnode_count = 3\nsecret_name = "db"')
    return file.add(
        f'db_password = "{chance.some(string.ascii_letters + string.digits, 20)}"', "configuration file"
    )


def kubeconfig(chance, number):
    file = File(f"talos/kubeconfig-{number}.yaml")
    file.add(
        "apiVersion: v1\n"
        "kind: Config\n"
        "clusters:\n"
        "  - name: prod\n"
        "    cluster:\n"
        "      server: https://10.0.0.1:6443"
    )
    file.add(f"      certificate-authority-data: {base64.b64encode(chance.random.randbytes(200)).decode()}")
    file.add(
        "users:\n"
        "  - name: admin\n"
        "    user:\n"
        f"      client-certificate-data: {base64.b64encode(chance.random.randbytes(200)).decode()}"
    )
    return file.add(
        f"      client-key-data: {base64.b64encode(chance.random.randbytes(200)).decode()}", "kubeconfig"
    )


def docker_config(chance, number):
    auth = base64.b64encode(f"robot:{chance.password()}".encode()).decode()
    file = File(f"docker/registry-{number}/config.json")
    return (
        file.add('{\n  "auths": {\n    "ghcr.io": {')
        .add(f'      "auth": "{auth}"', "docker configuration")
        .add("    }\n  }\n}")
    )


def login_files(chance, number):
    kind = chance.pick(["netrc", "npmrc", "pypirc", "pgpass"])
    secret = chance.some(string.ascii_letters + string.digits, 24)
    if kind == "netrc":
        return File(f"ci/{number}/.netrc").add(
            f"machine git.example login ci password {secret}", "login file"
        )
    if kind == "npmrc":
        return (
            File(f"ci/{number}/.npmrc")
            .add("registry=https://npm.example/\n//other.example/:_authToken=${NPM_TOKEN}")
            .add(f"//npm.example/:_authToken={secret}", "login file")
        )
    if kind == "pypirc":
        return (
            File(f"ci/{number}/.pypirc")
            .add("[pypi]\nusername = ci")
            .add(f"password = {secret}", "login file")
        )
    return File(f"ci/{number}/.pgpass").add(f"db.example:5432:app:app:{secret}", "login file")


def connection(chance, number):
    secret = chance.some(string.ascii_letters + string.digits, 18)
    scheme = chance.pick(["postgres", "mysql", "amqp", "redis", "mongodb+srv"])
    url = f"{scheme}://app:{secret}@db.apps.svc:5432/app"
    kind = chance.pick(["yaml", "sh", "md", "go"])
    if kind == "yaml":
        file = File(f"apps/{chance.name()}/settings-{number}.yaml").add("database:\n  pool: 10")
        return file.add(f"  url: {url}", "connection string")
    if kind == "sh":
        return (
            File(f"scripts/migrate-{number}.sh")
            .add("#!/bin/sh\nset -eu")
            .add(f'migrate -database "{url}" up', "connection string")
        )
    if kind == "go":
        return (
            File(f"tools/main-{number}.go")
            .add("package main")
            .add(f'const dsn = "app:{secret}@tcp(db.apps.svc:3306)/app"', "connection string")
        )
    return (
        File(f"docs/runbook-{number}.md")
        .add("# Runbook\n\nConnect with:\n")
        .add(f"    psql {url}", "connection string")
    )


def provider_token(chance, number):
    rule, text = chance.provider()
    kind = chance.pick(["md", "sh", "yaml", "py"])
    if kind == "yaml":
        file = File(f"apps/{chance.name()}/tool-{number}.yaml").add("tool:\n  enabled: true")
        return file.add(f"  # {text}", f"token: {rule}")
    file = File(f"scripts/tool-{number}.{kind}").add("# how to call the tool\n")
    return file.add(text, f"token: {rule}")


def encoded_token(chance, number):
    text = make("ghp_{base62:30}{crc62}", f"{chance.random.random()}")
    packed = base64.b64encode(f"login: {text}\n".encode()).decode()
    file = File(f"docs/dump-{number}.txt").add("what the tool printed:")
    return file.add(packed, "token inside of base64")


def private_key(chance, number):
    recipe = chance.pick(
        ["{age}", "{pem:RSA PRIVATE KEY}", "{pem:OPENSSH PRIVATE KEY}", "{pgp}", "{pem:EC PRIVATE KEY}"]
    )
    text = make(recipe, f"{chance.random.random()}")
    path = chance.pick([f"keys/key-{number}.txt", f"talos/host-{number}.key", f"docs/key-{number}.md"])
    return File(path).add("# of the old server").add(text, "private key")


def code(chance, number):
    file = File(f"scripts/job_{number}.py")
    file.add('import os\nPASSWORD = os.environ["PASSWORD"]\ntoken = get_token()\npassword_field = "password"')
    return file.add(f'db_password = "{chance.some(string.ascii_letters + string.digits, 18)}"', "code")


def comment(chance, number):
    secret = chance.some(string.ascii_letters + string.digits, 18)
    kind = chance.pick(["map", "release", "secret", "env", "sops"])
    if kind == "env":
        file = File(f"docker/old-{number}/.env").add("# local\nLOG_LEVEL=debug  # password: see the wiki")
        return file.add(f"# DB_PASSWORD={secret}", "comment").add("MODE=fast")
    if kind == "sops":
        file = File(f"apps/{chance.name()}/noted-{number}.yaml")
        file.add(
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  pin: {chance.cipher()}"
        )
        return encrypted_tail(chance, file.add(f"# the old password: {secret}", "comment"))
    if kind == "secret":
        file = File(f"apps/{chance.name()}/old-{number}.yaml")
        file.add("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  user: ${DB_USER}")
        return file.add(f"  # smtp: {secret}", "comment").add("  password: ${DB_PASSWORD}")
    if kind == "map":
        file = File(f"apps/{chance.name()}/mode-{number}.yaml")
        file.add("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  mode: fast")
        return file.add(f'  # DB_PASSWORD: "{secret}"', "comment")
    file = File(f"infrastructure/old-{number}.yaml")
    file.add("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: app\nspec:")
    file.add("  values:\n    # existingSecret: app-auth").add(
        f"    a: 1  # adminPassword: {secret}", "comment"
    )
    return file


def form_of(forms, kind, paths):
    """A maker for one of some forms, in a file in which it may be."""

    def maker(chance, number):
        form = chance.pick(forms)
        sample = chance.pick(form.positives)
        secret = chance.some(string.ascii_letters + string.digits, chance.random.randint(14, 24))
        if form.basic:
            secret = base64.b64encode(f"ci:{secret}".encode()).decode()
        file = File(chance.pick(paths).format(number)).add("# what runs at night")
        before, _, _ = sample.partition(SAMPLE)
        above, newline, _ = before.rpartition("\n")
        if newline:
            file.add(above)
        return file.add(sample.removeprefix(above + newline).replace(SAMPLE, secret), kind)

    maker.__name__ = f"form_in_{kind.replace(' ', '_')}"
    return maker


command = form_of(
    COMMANDS, "command", ["scripts/run-{}.sh", "docs/run-{}.md", "ci/{}/Jenkinsfile", "Makefile-{}"]
)
config_line = form_of(
    LINES, "configuration line", ["files/{}/redis.conf", "docs/setup-{}.txt", "files/app-{}"]
)
statement = form_of(TEXTS, "statement or template", ["sql/init-{}.sql", "web/{}.config", "infra/main-{}.tf"])


def script(chance, number):
    secret = f"{chance.pick(WORDS)}{chance.random.randint(10, 99)}"
    path, line = chance.pick(
        [
            ("scripts/job-{}.sh", "export DB_PASSWORD={}"),
            ("docker/{}/Dockerfile", "ENV ADMIN_PASSWORD={}"),
            ("tools/{}/Makefile", "DB_PASSWORD ?= {}"),
            ("units/app-{}.service", 'Environment="DB_PASSWORD={}"'),
            ("terraform/db-{}.tf", 'password = "{}"'),
        ]
    )
    file = File(path.format(number)).add("# PASSWORD_FILE is not set here\nAPI_TOKEN=$TOKEN")
    return file.add(line.format(secret), "script")


def listed(chance, number):
    file = File(f"apps/{chance.name()}/settings-{number}.yaml")
    secret = chance.some(string.ascii_letters + string.digits, 20)
    above, line = chance.pick(
        [
            ("passwords:", "  - {}"),
            ("apiKeys:\n  - name: ci", "    key: {}"),
            ("tokens:", "  ci: {}"),
            ("password:", "  value: {}"),
        ]
    )
    return file.add(f"secrets:\n  - {chance.name()}-k8s2\n{above}").add(line.format(secret), "list")


def keyed_connection(chance, number):
    secret = chance.some(string.ascii_letters + string.digits, 18)
    text = chance.pick(
        [
            f"Server=db;Database=app;User Id=app;Password={secret};",
            f"host=db port=5432 user=app password={secret} sslmode=require",
            f"jdbc:postgresql://db:5432/app?user=app&password={secret}",
        ]
    )
    file = File(chance.pick(["src/app-{}.cs", "docs/connect-{}.md"]).format(number)).add("# the database")
    return file.add(f'connect("{text}")', "connection string")


def password_hashes(chance, number):
    digest = chance.some(string.ascii_letters + string.digits + "./", 53)
    return File(f"nginx/{number}/.htpasswd").add("# users").add(f"ops:$2y$10${digest}", "file of hashes")


def machine_config(chance, number):
    """What Talos writes for a node."""
    token = f"{chance.some('0123456789abcdef', 6)}.{chance.some('0123456789abcdef', 16)}"
    key = make("{pem:ED25519 PRIVATE KEY}\n", f"{chance.random.random()}")
    file = File(f"talos/{chance.pick(WORDS)}-{number}.yaml").add("version: v1alpha1\nmachine:")
    file.add("  type: controlplane").add(f"  token: {token}", "cluster credential")
    file.add("  ca:\n    crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==")
    file.add(f"    key: {base64.b64encode(key.encode()).decode()}", "cluster credential").add("cluster:")
    secret = base64.b64encode(chance.random.randbytes(32)).decode()
    return file.add(f"  secretboxEncryptionSecret: {secret}", "cluster credential")


def terraform_state(chance, number):
    file = File(f"infra/{chance.pick(['prod', 'stage'])}-{number}.tfstate")
    file.add('{\n  "version": 4,\n  "terraform_version": "1.9.8",\n  "resources": [{')
    file.add('    "type": "random_password", "name": "db",\n    "instances": [{"attributes": {"length": 24,')
    return file.add(f'      "result": {json.dumps(chance.password())}', "cluster credential").add(
        "    }}]\n  }]\n}"
    )


def encoded_text(chance, number):
    """A Secret, a kubeconfig or variables, in an encoding."""
    text = chance.pick(
        [
            f"apiVersion: v1\nkind: Secret\nstringData:\n  pin: {chance.token()}\n",
            f"apiVersion: v1\nkind: Config\nusers:\n  - name: ci\n    user:\n      token: {chance.token()}\n",
            f"DB_HOST=db.wad.example\nDB_PASSWORD={chance.token()}\n",
        ]
    ).encode()
    packed = chance.pick(
        [
            lambda: base64.b64encode(text).decode(),
            lambda: base64.b64encode(base64.b64encode(text)).decode(),
            lambda: base64.b64encode(gzip.compress(text, mtime=0)).decode(),
            text.hex,
        ]
    )()
    file = File(f"apps/encoded-{number}.yaml").add(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: files"
    )
    return file.add("binaryData:").add(f"  content: {packed}", "encoding")


LEAKS = (
    *(machine_config,) * 2,
    terraform_state,
    *(encoded_text,) * 2,
    *(secret_manifest,) * 4,
    secret_in_list,
    secret_json,
    last_applied,
    half_encrypted,
    half_encrypted_values,
    sops_dotenv,
    sealed_template,
    kustomize_literal,
    kustomize_file,
    *(helm_release,) * 2,
    helm_values,
    container_env,
    *(config_map,) * 2,
    other_resource,
    env_file,
    ini_file,
    tfvars,
    kubeconfig,
    docker_config,
    login_files,
    *(connection,) * 2,
    *(provider_token,) * 6,
    encoded_token,
    *(private_key,) * 2,
    code,
    *(comment,) * 2,
    *(command,) * 4,
    config_line,
    *(statement,) * 2,
    *(script,) * 2,
    listed,
    keyed_connection,
    password_hashes,
)


# --- what only looks like it ----------------------------------------------------------------------------


def encrypted_secret(chance, number):
    file = File(f"apps/{chance.name()}/encrypted-{number}.yaml")
    file.add(
        "apiVersion: v1\n"
        "kind: Secret\n"
        "metadata:\n"
        f"  name: {chance.name()}\n"
        "data:\n"
        f"  password: {chance.cipher()}"
    )
    return encrypted_tail(chance, file.add(f'  token: {chance.cipher()}\n  empty: ""'))


def encrypted_values(chance, number):
    file = File(f"infrastructure/values-{number}.enc.yaml").add(
        f"admin:\n  password: {chance.cipher()}\n  port: {chance.cipher('int')}"
    )
    return encrypted_tail(chance, file, "unencrypted_suffix: _unencrypted")


def sealed_secret(chance, number):
    file = File(f"apps/{chance.name()}/sealed-ok-{number}.yaml")
    file.add(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\nspec:\n  encryptedData:"
    )
    file.add(
        f"    password: {chance.sealed()}\n"
        f"    token: {chance.sealed()}\n"
        "  template:\n"
        "    metadata:\n"
        "      name: db\n"
        "    type: Opaque"
    )
    return file


def external_secret(chance, number):
    file = File(f"apps/{chance.name()}/external-{number}.yaml")
    file.add(
        "apiVersion: external-secrets.io/v1\n"
        "kind: ExternalSecret\n"
        "metadata:\n"
        "  name: db\n"
        "spec:\n"
        "  secretStoreRef:\n"
        "    name: vault"
    )
    file.add(
        "    kind: ClusterSecretStore\n"
        "  target:\n"
        "    template:\n"
        "      data:\n"
        '        url: "postgres://app:{{ .password }}@db/app"'
    )
    return file.add(
        "  data:\n"
        "    - secretKey: password\n"
        "      remoteRef:\n"
        "        key: apps/db\n"
        "        property: password"
    )


def references(chance, number):
    file = File(f"apps/{chance.name()}/refs-{number}.yaml").add(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: refs\nstringData:"
    )
    for key in ("password", "token", "api-key"):
        value = chance.pick(
            [chance.placeholder(), "${DB_PASSWORD}", "op://vault/item/field", "vault:secret/data/db#pw"]
        )
        file.add(f"  {key}: {json.dumps(value)}")
    return file


def service_account_token(chance, number):
    file = File(f"apps/{chance.name()}/token-{number}.yaml").add(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: sa-token"
    )
    return file.add(
        "  annotations:\n"
        "    kubernetes.io/service-account.name: ci\n"
        "type: kubernetes.io/service-account-token"
    )


def chart_template(chance, number):
    file = File(f"charts/app-{number}/templates/secret.yaml")
    file.add(
        "{{- if .Values.create }}\n"
        "apiVersion: v1\n"
        "kind: Secret\n"
        "metadata:\n"
        '  name: {{ include "app.fullname" . }}\n'
        "  labels:"
    )
    file.add(
        '    {{- include "app.labels" . | nindent 4 }}\n'
        "stringData:\n"
        "  password: {{ .Values.password | quote }}"
    )
    return file.add(
        '  token: "{{ .Values.token }}"\n'
        "  url: postgres://{{ .Values.user }}:{{ .Values.password }}@db/app\n"
        "{{- end }}"
    )


def healthy_release(chance, number):
    file = File(f"infrastructure/healthy-{number}.yaml")
    file.add(
        "apiVersion: helm.toolkit.fluxcd.io/v2\n"
        "kind: HelmRelease\n"
        "metadata:\n"
        "  name: app\n"
        "spec:\n"
        "  interval: 30m\n"
        "  values:"
    )
    file.add(
        "    auth:\n"
        "      existingSecret: app-auth\n"
        "      secretKeys:\n"
        "        adminPasswordKey: admin-password\n"
        "      enablePostgresUser: true"
    )
    file.add(
        f"    password: {json.dumps(chance.placeholder())}\n"
        '    token: ""\n'
        "    apiKeySecret: app-api-key\n"
        "    secret: app-tls-secret\n"
        "    tokenExpiry: 24h"
    )
    file.add(
        "    image:\n"
        f"      digest: sha256:{chance.some('0123456789abcdef', 64)}\n"
        f"      tag: v1.2.3@sha256:{chance.some('0123456789abcdef', 64)}"
    )
    file.add(
        "    clientSecret: $__file{/etc/secrets/client}\n"
        "    passwordPolicy: strong\n"
        '    credentials: ""\n'
        "    secretKey: session-secret"
    )
    return file.add(
        "  valuesFrom:\n"
        "    - kind: Secret\n"
        "      name: app-values\n"
        "      valuesKey: password\n"
        "      targetPath: auth.password"
    )


def healthy_deployment(chance, number):
    file = File(f"apps/{chance.name()}/healthy-{number}.yaml")
    file.add(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\n  annotations:\n    checksum/secret: "
        + chance.some("0123456789abcdef", 64)
    )
    file.add(
        "spec:\n"
        "  template:\n"
        "    spec:\n"
        "      containers:\n"
        "        - name: app\n"
        "          args:\n"
        "            - --token-file=/run/secrets/token"
    )
    file.add(
        "            - --password=$(DB_PASSWORD)\n"
        "            - --secret-name=app\n"
        "          env:\n"
        "            - name: DB_PASSWORD\n"
        "              valueFrom:"
    )
    file.add(
        "                secretKeyRef: {name: db, key: password}\n"
        "            - name: PASSWORD_FILE\n"
        "              value: /run/secrets/pw"
    )
    return file.add(
        "            - name: TOKEN_URL\n"
        "              value: https://id.example/oauth/token\n"
        "            - name: SECRET_NAME\n"
        "              value: app-secret"
    )


def digests(chance, number):
    file = File(f"clusters/production/lock-{number}.yaml").add("artifacts:")
    for _ in range(4):
        file.add(
            f"  - revision: main@sha1:{chance.some('0123456789abcdef', 40)}\n"
            f"    digest: sha256:{chance.some('0123456789abcdef', 64)}"
        )
    return file.add(
        f"checksum: {base64.b64encode(chance.random.randbytes(32)).decode()}\nuid: {chance.uuid()}"
    )


def certificates(chance, number):
    body = base64.b64encode(chance.random.randbytes(600)).decode()
    lines = "\n".join(f"      {body[at : at + 64]}" for at in range(0, len(body), 64))
    file = File(f"infrastructure/ca-{number}.yaml").add(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ca\ndata:\n  ca.crt: |"
    )
    return file.add(f"      -----BEGIN CERTIFICATE-----\n{lines}\n      -----END CERTIFICATE-----")


def go_sum(chance, number):
    file = File(f"tools/mod-{number}/go.sum")
    for _ in range(6):
        word, digest = chance.pick(WORDS), base64.b64encode(chance.random.randbytes(32)).decode()
        file.add(f"github.com/waddle/{word} v1.{number}.0 h1:{digest}")
    return file


def package_lock(chance, number):
    packages = {
        f"node_modules/{word}": {
            "version": "1.2.3",
            "resolved": f"https://registry.example/{word}/-/{word}-1.2.3.tgz",
            "integrity": f"sha512-{base64.b64encode(chance.random.randbytes(64)).decode()}",
        }
        for word in chance.random.sample(WORDS, 5)
    }
    return File(f"web/site-{number}/package-lock.json").add(
        json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2)
    )


def documentation(chance, number):
    file = File(f"docs/guide-{number}.md").add("# How to log in\n\nSet `DB_PASSWORD` and `API_TOKEN`:\n")
    file.add(
        f"    export DB_PASSWORD={chance.placeholder()}\n"
        "    export API_TOKEN=$(pass show api)\n"
        "    psql postgres://user:password@localhost/app"
    )
    return file.add(
        "\n"
        "The password: at least twelve letters. Tokens are rotated weekly.\n"
        "\n"
        '`password: "${PASSWORD}"` is replaced by Flux.'
    )


def harmless_code(chance, number):
    file = File(f"scripts/tool_{number}.py")
    file.add(
        "import os\n"
        "\n"
        'password = os.environ["DB_PASSWORD"]\n'
        'token = config.get("token")\n'
        'SECRET_NAME = "app-secret"\n'
        "api_key = args.api_key"
    )
    file.add(
        'PASSWORD_FIELD = "password"\n'
        'secret_key_ref = {"name": "db", "key": "password"}\n'
        'raise ValueError("wrong password: try again")'
    )
    return file.add(
        'token_url = "https://id.example/oauth/token"\n'
        'cookie = response.cookies["session"]\n'
        'key = f"{user}:{token}"'
    )


def harmless_env(chance, number):
    file = File(f"docker/ok-{number}/.env.example").add(
        "LOG_LEVEL=info\nDB_PASSWORD=\nAPI_TOKEN=<your token>\nPASSWORD_MIN_LENGTH=12"
    )
    return file.add(
        "TOKEN_TTL=3600\n"
        f"SECRET_KEY={chance.placeholder()}\n"
        f"SMTP_PASSWORD=${{SMTP_PASSWORD}}\n"
        "SESSION_SECRET_FILE=/run/secrets/session"
    )


def harmless_terraform(chance, number):
    file = File(f"terraform/main-{number}.tf").add(
        'variable "db_password" {\n  type      = string\n  sensitive = true\n}\n'
    )
    file.add(
        'resource "x" "db" {\n'
        "  password = var.db_password\n"
        "  token    = data.vault_secret.db.token\n"
        '  secret_name = "db"'
    )
    return file.add('  admin_password = random_password.admin.result\n  api_key = "${var.api_key}"\n}')


def crd(chance, number):
    file = File(f"infrastructure/crd-{number}.yaml")
    file.add(
        "apiVersion: apiextensions.k8s.io/v1\n"
        "kind: CustomResourceDefinition\n"
        "metadata:\n"
        "  name: things.waddle.example\n"
        "spec:\n"
        "  versions:"
    )
    file.add(
        "    - name: v1\n"
        "      schema:\n"
        "        openAPIV3Schema:\n"
        "          properties:\n"
        "            password:\n"
        "              type: string"
    )
    return file.add(
        "              description: 'The password: a reference to a Secret, or a literal value.'\n"
        "            token:\n"
        "              default: automatic\n"
        "              type: string"
    )


def public_keys(chance, number):
    age = "age1" + chance.some("023456789acdefghjklmnpqrstuvwxyz", 58)
    ssh = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + chance.random.randbytes(32)).decode()
    return File(f"keys/{chance.pick(WORDS)}-{number}.pub").add(
        f"{age}\nssh-ed25519 {ssh} somebody@waddle.example"
    )


def healthy_kustomization(chance, number):
    file = File(f"apps/healthy-{number}/kustomization.yaml")
    file.add(
        "apiVersion: kustomize.config.k8s.io/v1beta1\n"
        "kind: Kustomization\n"
        "resources:\n"
        "  - secret.yaml\n"
        "secretGenerator:\n"
        "  - name: db"
    )
    file.add(
        "    envs:\n"
        "      - secret.env\n"
        "configMapGenerator:\n"
        "  - name: app\n"
        "    literals:\n"
        "      - LOG_LEVEL=info\n"
        "      - SECRET_NAME=db"
    )
    cipher = File(f"apps/healthy-{number}/secret.env").add(
        f"PASSWORD={chance.cipher()}\nsops_mac={chance.cipher()}\nsops_version=3.13.2"
    )
    return [file, cipher.add("sops_lastmodified=2026-11-20T10:00:00Z\nsops_unencrypted_suffix=_unencrypted")]


def made_up_tokens(chance, number):
    file = File(f"docs/tokens-{number}.md").add("# What tokens look like\n")
    for rule in chance.random.sample([rule for rule in TOKEN_RULES if rule.negatives], 6):
        text = make(rule.negatives[0], f"{chance.random.random()}")
        if "\n" not in text and "kind" not in text and "access_key" not in text:
            file.add(f"- {text}")
    return file.add("- AKIAIOSFODNN7EXAMPLE\n- ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")


def harmless_comments(chance, number):
    file = File(f"infrastructure/noted-{number}.yaml")
    file.add("# The password: at least 12 letters.\n# token: see the wiki\napp:\n  # password: changeme")
    file.add(f"  # password: {json.dumps(chance.placeholder())}\n  # existingSecret: app-k8s2-auth")
    return file.add(f"  # token: {chance.reference()}\n  a: 1  # secretName: {chance.name()}-tls")


def harmless_encodings(chance, number):
    """Digests, certificates, and encoded texts without a value."""
    texts = [
        b"apiVersion: v1\nkind: Secret\nstringData:\n  password: ${DB_PASSWORD}\n",
        b"apiVersion: v1\nkind: ConfigMap\ndata:\n  log-level: debug\n",
        b'{"auths": {"ghcr.io": {"auth": "REPLACE_ME"}}}',
        b"DB_HOST=db.wad.example\nDB_PASSWORD=CHANGE_ME\n",
        b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(chance.random.randbytes(90)) + b"\n",
    ]
    file = File(f"apps/harmless-encoded-{number}.yaml").add("kind: ConfigMap\nbinaryData:")
    for index, text in enumerate(texts):
        file.add(f"  token-{index}.txt: {base64.b64encode(text).decode()}\n  hex-{index}: {text.hex()}")
    digest = base64.b64encode(chance.random.randbytes(64)).decode()
    return file.add(f"  url: https://wad.example/?q=a%20b%20c%20d%20e%20f%20g%20h\n  lock: sha512-{digest}")


def machine_patch(chance, number):
    """What a Talos repository has in plain text."""
    file = File(f"talos/patches/{number}.yaml").add('machine:\n  token: ${MACHINE_TOKEN}\n  ca:\n    key: ""')
    key = base64.b64encode(chance.random.randbytes(32)).decode()
    file.add(f"  wireguard:\n    peers:\n      - publicKey: {key}\n        allowedIPs: [10.0.0.0/24]")
    return file.add("cluster:\n  aescbcEncryptionSecret: <generated>\n  secret: REPLACE_ME")


def harmless_forms(chance, number):
    file = File(chance.pick(["scripts/ok-{}.sh", "docs/ok-{}.md", "sql/ok-{}.sql"]).format(number))
    for form in chance.random.sample([form for form in FORMS if form.negatives], 8):
        file.add(chance.pick(form.negatives).replace(SAMPLE, "file-of-it") + "\n")
    return file.add("# no password is here")


def harmless_scripts(chance, number):
    file = File(
        chance.pick(["scripts/fine-{}.sh", "tools/{}/Makefile", "docker/{}/Dockerfile"]).format(number)
    )
    file.add(f"DB_PASSWORD=$1\nADMIN_PASSWORD={chance.placeholder()}\nTEST_PASSWORD=test1234")
    return file.add('PASSWORD="$(pass show db2)"\nSECRET_NAME=app-k8s2\nPASSWORD_MIN_LENGTH=12\nPASS=3')


def harmless_lists(chance, number):
    file = File(f"apps/{chance.name()}/lists-{number}.yaml")
    file.add(f"imagePullSecrets:\n  - name: {chance.name()}-k8s2\nsecrets:\n  - {chance.name()}-8f3a2c9b7d")
    return file.add(
        "passwords:\n  minimumLength: 12\ntokens:\n  access: 15m\npassword:\n  key: admin-password"
    )


def everyday(kind):
    """The maker of the files of a kind of `scan_everyday`."""
    path, text = EVERYDAY[kind]

    def maker(chance, number):
        return File(path.format(number)).add(fill(chance, text).removesuffix("\n"))

    maker.__name__ = kind
    return maker


HARMLESS = (
    *map(everyday, EVERYDAY),
    *(encrypted_secret,) * 4,
    *(encrypted_values,) * 2,
    *(sealed_secret,) * 2,
    *(external_secret,) * 2,
    *(references,) * 2,
    service_account_token,
    *(chart_template,) * 2,
    *(healthy_release,) * 4,
    *(healthy_deployment,) * 3,
    *(digests,) * 2,
    certificates,
    go_sum,
    package_lock,
    *(documentation,) * 3,
    *(harmless_code,) * 3,
    *(harmless_env,) * 2,
    *(harmless_terraform,) * 2,
    crd,
    public_keys,
    *(healthy_kustomization,) * 2,
    *(made_up_tokens,) * 2,
    *(harmless_comments,) * 2,
    *(harmless_encodings,) * 2,
    machine_patch,
    *(harmless_forms,) * 4,
    harmless_scripts,
    harmless_lists,
)


def corpus(seed, rounds=2):
    """The files of a seed, by path."""
    chance = Chance(seed)
    files = {}
    for number in range(rounds):
        for index, maker in enumerate((*LEAKS, *HARMLESS)):
            made = maker(chance, number * 1000 + index)
            for file in made if isinstance(made, list) else [made]:
                files[file.path] = file
    for file in files.values():  # as some editors leave them
        file.end = chance.pick(["\r\n", *["\n"] * 9])
        file.mark = chance.pick([codecs.BOM_UTF8, *[b""] * 19])
    return files


def write(folder, seed):
    """Write a seed's files below a folder, with a table of the leaks beside it."""
    table = []
    for file in corpus(seed).values():
        path = Path(folder) / str(seed) / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        table += [f"{file.path}:{line}\t{kind}" for line, kind in file.leaks.items()]
    (Path(folder) / f"{seed}.tsv").write_text("\n".join(table) + "\n", encoding="utf-8")


@dataclass
class Score:
    """What a scanner found of what there is, by kind, and what it found besides.

    Attributes:
        kinds: for each kind how many there are, and how many were found.
        missed, mistaken: places, as `seed path:line` with what it is.
        reported: how many lines the scanner named.
    """

    kinds: dict[str, list[int]] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)
    reported: int = 0

    def add(self, seed, files, found):
        """Count what was found in a seed's files: places as (path, line), with what it is taken for."""
        wanted = {(file.path, line): kind for file in files.values() for line, kind in file.leaks.items()}
        for place, kind in wanted.items():
            counts = self.kinds.setdefault(kind.partition(":")[0], [0, 0])
            counts[0] += 1
            counts[1] += place in found
            if place not in found:
                self.missed.append(f"{seed} {place[0]}:{place[1]} {kind}")
        self.reported += len(found)
        self.mistaken += [f"{seed} {at[0]}:{at[1]} {what}" for at, what in found.items() if at not in wanted]

    @property
    def there(self):
        return sum(there for there, _ in self.kinds.values())

    @property
    def recall(self):
        return sum(found for _, found in self.kinds.values()) / self.there

    @property
    def precision(self):
        return 1 - len(self.mistaken) / self.reported if self.reported else 1.0


def found_by_us(files, engine):
    """The places at which fluxsecrets finds something in a set of files, with the rules."""
    scanner, known, found, problems = Scanner(None, engine=engine), FileSet(), {}, []
    for file in files.values():
        scan = scanner.scan(SourceFile(file.path, (Blob(file.path, file.data),)))
        for scanned in scan.scanned:
            problems += [scanned.problem] if scanned.problem is not None else []
            for each in (*scanned.findings, *known.add(scanned)):
                found[each.location.path, each.location.line] = each.rule
    for each in known.finish():
        found[each.location.path, each.location.line] = each.rule
    assert not problems, problems
    return found


def score_us(seeds, engine):
    """How well fluxsecrets does on some seeds."""
    score = Score()
    for seed in seeds:
        files = corpus(seed)
        score.add(seed, files, found_by_us(files, engine))
    return score


if __name__ == "__main__":
    for each in sys.argv[2:]:
        write(sys.argv[1], each)
