"""What every repository has, and what looks like a leak to a scanner that reads names or randomness alone.

One entry per kind: a path, and a text in which `§h64§` becomes 64 random hex digits, `§b32§` the base64 of 32
random bytes, `§a20§` 20 random letters and digits, `§n10§` a hash as names of objects have it.
"""

import re

EVERYDAY = {
    "sudoers": (
        "ansible/roles/user/tasks/main-{}.yml",
        """\
- name: let the user become root
  ansible.builtin.copy:
    content: "{{ ansible_user }} ALL=(ALL:ALL) NOPASSWD:ALL"
    dest: /etc/sudoers.d/ops
- ansible.builtin.lineinfile:
    line: "%sudo ALL=(ALL) NOPASSWD: /usr/bin/systemctl"
""",
    ),
    "names that contain pass": (
        "apps/proxy/values-{}.yaml",
        """\
bypass: true
passthrough: §a20§
compass: "§a20§"
args:
  - --passphrase-file=/run/secrets/passphrase
  - --password-file /run/secrets/password
  - --bypass=§a20§
""",
    ),
    "names of Secrets": (
        "apps/db/names-{}.yaml",
        """\
existingSecret: pg-creds-§n10§
secretName: pg-creds-§n10§
passwordSecretRef: pg-creds-§n10§
passwordSecret: pg-creds-§n10§
tokenSecretName: git-§n10§
authSecret: auth-§n10§
imagePullSecret: regcred-§n10§
adminPasswordSecretKey: admin-password-§n10§
credentialsSecret: s3-creds-§n10§
secretKeyRef: {name: db-§n10§, key: password}
passwordKey: postgres-password
metadata:
  annotations:
    secret.example.com/token: pg-creds-§n10§
    checksum/secret: §h64§
""",
    ),
    "ExternalSecret": (
        "apps/db/external-{}.yaml",
        """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db}
spec:
  target:
    name: pg-creds-§n10§
    template:
      data:
        password: "{{ .password }}"
        url: "postgres://{{ .user }}:{{ .password }}@db/app"
        app.ini: |
          password = {{ .password }}
          token = {{ .token }}
  data:
    - secretKey: token
      remoteRef: {key: token-§n10§, property: api_token}
""",
    ),
    "delimiters of templates": (
        "templates/config-{}.yaml",
        """\
a:
  password: "#{ db.password }#"
  db_password: "#% if x %##{ db.password }##% endif %#"
  admin_password: "[[ .db.password ]]"
  user_password: "<% db.password %>"
  smtp_password: ${{ secrets.PASSWORD }}
  redis_password: $(DB_PASSWORD)
  mysql_password: ((db_password))
  old_password: "@@DB_PASSWORD@@"
  new_password: "%{DB_PASSWORD}"
  root_password: __DB_PASSWORD__
  ldap_password: "#{DbPassword}#"
  mail_password: $${DB_PASSWORD}
  api_token: <<API_TOKEN>>
  s3_password: "{env.S3_PASSWORD}"
  web_password: "{{ inventory_hostname }}-{{ db_password }}"
  home_password: !secret home_password
  git_password: "$GIT_PASSWORD"
""",
    ),
    "template of a secret file": (
        "templates/secret-{}.sops.yaml.j2",
        """\
#% if enabled %#
apiVersion: v1
kind: Secret
metadata:
  name: tunnel
stringData:
  username: admin
  password: "#{ tunnel.password | encrypt }#"
  credentials.json: |
    {"AccountTag": "#{ account }#", "TunnelSecret": "#{ tunnel('Secret') }#"}
#% endif %#
""",
    ),
    "variables of envsubst": (
        "tmpl/cluster/secrets-{}.yaml",
        """\
apiVersion: v1
kind: Secret
metadata:
  name: cluster-secrets
stringData:
  SECRET_ADMIN_EMAIL: $SECRET_ADMIN_EMAIL
  SECRET_TUNNEL: '${BOOTSTRAP_TUNNEL}'
""",
    ),
    "package-lock.json": (
        "web/app-{}/package-lock.json",
        """\
{"packages": {"node_modules/js-tokens": {"version": "4.0.0", "integrity": "sha512-§b64§"},
 "node_modules/aws-secret": {"integrity": "sha1-§b20§"}},
 "dependencies": {"js-tokens": "^3.0.0 || ^4.0.0",
  "csrf-token": "^1.0.0-beta.20231004a1",
  "password": "npm:@waddle/password@1.2.3-rc9x1"}}
""",
    ),
    "pnpm-lock.yaml": (
        "web/app-{}/pnpm-lock.yaml",
        """\
lockfileVersion: '9.0'
packages:
  /csrf-token/1.0.0:
    resolution: {integrity: sha512-§b64§}
    dependencies:
      auth-token: 5.0.0_§h26§
      api-token: 1.2.3(§h32§)
""",
    ),
    "Cargo.lock": (
        "tools/cli-{}/Cargo.lock",
        """\
[[package]]
name = "secret-token"
version = "0.1.0"
checksum = "§h64§"

[metadata]
"checksum secret-token 0.1 (registry+x)" = "§h64§"
""",
    ),
    "flake.lock": (
        "nix/host-{}/flake.lock",
        '{"nodes": {"agenix-token": {"locked": {"narHash": "sha256-§b32§", "rev": "§h40§"}}}}\n',
    ),
    "Renovate's encrypted": (
        ".github/renovate-{}.json",
        '{"hostRules": [{"matchHost": "registry.example", "encrypted": {"password": "§b256§"}}]}\n',
    ),
    "translation": (
        "web/src/i18n/part-{}/de.json",
        """\
{"password": "Passwort",
 "newPassword": "Neues Passwort",
 "forgotPassword": "Passwort vergessen?",
 "login": {"passphrase": "Kennwort", "token": "Zugriffstoken"}}
""",
    ),
    "schema": (
        "schemas/login-{}.json",
        """\
{"properties": {"password": {"type": "string", "description": "The password: at least 8 characters"},
 "token": {"type": "string", "default": "", "pattern": "^[A-Za-z0-9]{32}$"},
 "apiKey": {"$ref": "#/definitions/ApiKey"}}}
""",
    ),
    "dashboard": (
        "dashboards/vault-{}.json",
        """\
{"panels": [{"targets": [{"expr": "sum(rate(vault_token_creation{token_type=\\"service\\"}[5m]))"}],
 "title": "Token: count"}],
 "templating": {"list": [{"name": "token", "query": "label_values(token)"}]}, "uid": "§a12§"}
""",
    ),
    "Prometheus rules": (
        "monitoring/rules-{}.yaml",
        """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: vault}
spec:
  groups:
    - name: vault
      rules:
        - alert: VaultTokenExpires
          expr: vault_token_ttl{token="root"} < 3600 and on(token) increase(failed_password_total[5m]) > 0
          annotations:
            summary: "token: {{ $labels.token }} expires"
        - record: token:rate5m
          expr: sum by (secret) (kube_secret_info{secret=~"pg-creds-§n10§.*"})
""",
    ),
    "policy": (
        "policies/no-password-{}.yaml",
        """\
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: no-password}
spec:
  rules:
    - name: no-password
      validate:
        message: "password: must be from a Secret"
        pattern:
          spec: {containers: [{env: [{name: "*PASSWORD*", valueFrom: {secretKeyRef: {name: "?*"}}}]}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
  - {apiGroups: [""], resources: [secrets], resourceNames: [pg-creds-§n10§], verbs: [get]}
""",
    ),
    "page": (
        "web/login-{}.html",
        """\
<label for="password">Password:</label>
<input type="password" name="password" placeholder="Password123" id="password-input">
<input type="hidden" name="csrf-token" value="{{ csrf }}"><a href="/reset?token=">reset</a>
""",
    ),
    "style sheet": (
        "web/style-{}.css",
        """\
.password:focus { color: #fff8f3a2; }
.token:hover{background:url(data:image/png;base64,iVBORw0KGgo)}
.token.comment { color: slategray }
""",
    ),
    "typed code": (
        "tools/login_{}.py",
        """\
def login(password: str = None, token: Optional[str] = None, api_key: str = "") -> str: ...
secret: SecretStr = Field(..., env="SECRET")
token: str = Depends(oauth2_scheme)
password = getpass.getpass("Password: ")
body = {"username": self.admin_username, "password": self.admin_password}
logger.info("password: %s", "hidden")
headers = {"Authorization": f"Bearer {token}", "X-API-Key": api_key}
PASSWORD_RE = re.compile(r"password=([^&]+)")
KINDS = {"SealedSecret": Verdict.SEALED, "Secret": Verdict.PLAIN}
""",
    ),
    "Go code": (
        "tools/config_{}.go",
        """\
type Config struct {
	Password string `json:"password,omitempty" yaml:"password" env:"DB_PASSWORD" validate:"required,min=8"`
	Token    *string `mapstructure:"token"`
}
pw := os.Getenv("DB_PASSWORD")
token := string(secret.Data["token"])
const passwordKey = "postgres-password"
flag.StringVar(&password, "password", "", "the password")
Secret: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "db-§n10§"}},
fmt.Sprintf("password=%s host=%s", p, h)
""",
    ),
    "TypeScript": (
        "web/src/login-{}.ts",
        """\
interface User { password: string; token: string; apiKey?: string }
const token: string = await getToken();
const { password, token } = req.body;
headers: { Authorization: `Bearer ${token}` },
const apiKey = process.env.API_KEY ?? "";
password: this.form.value.password,
const stripe = loadStripe("pk_live_§a24§");
mapboxgl.accessToken = 'pk.eyJ1IjoieCJ9.§a22§';
""",
    ),
    "protobuf": (
        "api/login-{}.proto",
        "message Login {\n  string password = 1;\n  optional bytes secret_key = 3;\n  string token = 2;\n}\n",
    ),
    "script": (
        "scripts/setup-{}.sh",
        """\
#!/bin/sh
read -s -p "Password: " password
usage() { echo "usage: $0 --password PASSWORD --token TOKEN [--api-key=KEY]"; }
export PGPASSWORD="$(kubectl get secret pg -o jsonpath='{.data.password}' | base64 -d)"
export X_PASSWORD="$(echo -n "${X_PASSWORD}" | gitops get bcrypt-hash)"
sed -i "s~VAULT_ROOT_TOKEN=\\".*\\"~VAULT_ROOT_TOKEN=\\"$VAULT_ROOT_TOKEN\\"~" .env
sed -i 's/^password=.*/password=REDACTED/' app.conf
grep -E 'password: [A-Za-z0-9]{16,}' -r .
curl -H "Authorization: Bearer $TOKEN" -u "$USER:$PASSWORD" https://a.example
gh auth login --with-token <<<$(echo -n $TOKEN)
if [ "$password" = "$password2" ]; then :; fi
PASSWORD=${1:-}
""",
    ),
    "printed examples": (
        "docs/examples-{}.md",
        """\
The password: at least 12 characters, such as `Password123!`. Default login: see the notes of the release.
`password: changeme` `DB_PASSWORD=supersecret` `password: "MySecretPassword123"`
AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
kubeadm join --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:§h64§
https://user:pass@example.com/x
![up](https://img.shields.io/uptimerobot/status/m123456789-§h24§)
""",
    ),
    "printed examples in manifests": (
        "apps/minio/example-{}.yaml",
        """\
apiVersion: v1
kind: Secret
metadata: {name: minio}
# AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
stringData:
  AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE
  AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
""",
    ),
    "Ansible Vault": (
        "ansible/group_vars/vars-{}.yml",
        "db_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  §h80§\n  §h80§\n  §h80§\n  §h80§\n",
    ),
    "armored age": (
        "keys/backup-{}.sops.age",
        "-----BEGIN AGE ENCRYPTED FILE-----\n§b300§\n-----END AGE ENCRYPTED FILE-----\n",
    ),
    "workflow": (
        ".github/workflows/build-{}.yaml",
        """\
jobs:
  build:
    env: {TOKEN: "${{ secrets.TOKEN }}", PASSWORD: "${{ env.PASSWORD }}"}
    permissions: {id-token: write, contents: read}
    steps:
      - uses: actions/create-github-app-token@§h40§ # v1
        with: {app-id: 1, private-key: "${{ secrets.KEY }}"}
      - run: echo "password=$PASSWORD" >> $GITHUB_OUTPUT
""",
    ),
    "Terraform": (
        "terraform/variables-{}.tf",
        """\
variable "db_password" {
  type        = string
  default     = ""
  description = "The password: 12 characters"
}
resource "x" "y" {
  password  = random_password.x.result
  secret_id = aws_secretsmanager_secret.db.id
  api_key   = file("${path.module}/key")
}
""",
    ),
    "log": (
        "docs/log-{}.txt",
        """\
2026-01-01 INFO token: refreshed for pod app-§n10§-x2k9p
level=info msg="invalid password" user=x secret=default/pg-creds-§n10§
""",
    ),
}
"""By kind: the path with the place of a number, and the text."""

_PLACE = re.compile(r"§([hban])(\d+)§")


def fill(chance, text):
    """The text of an entry with its random parts."""
    import base64
    import string

    def made(match):
        size = int(match[2])
        if match[1] == "b":
            return base64.b64encode(chance.random.randbytes(size)).decode()
        alphabet = {
            "h": "0123456789abcdef",
            "n": "bcdfghkmt2456789",
            "a": string.ascii_letters + string.digits,
        }
        return chance.some(alphabet[match[1]], size)

    return _PLACE.sub(made, text)
