"""kubeconfig, docker-config and login-file: what programs log in with."""

from base64 import b64encode

import pytest

KUBECONFIG = (
    "apiVersion: v1\nkind: Config\nclusters: []\nusers:\n  - name: ci\n    user:\n      {field}: {value}\n"
)
SECRET = "kX9vQ2mNp4Lz-throwaway"


def auth(text):
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize("field", ["token", "password", "client-key-data"])
def test_what_lets_somebody_into_the_cluster(scanner, field):
    (finding,) = scanner.findings(KUBECONFIG.format(field=field, value=SECRET), "kubeconfig")
    assert finding.rule == "kubeconfig"
    assert str(finding.severity) == "critical"
    assert finding.message == f"the kubeconfig has a {field} for the user 'ci'"


@pytest.mark.parametrize("field", ["client-certificate-data", "username", "tokenFile"])
def test_what_does_not(scanner, field):
    assert scanner(KUBECONFIG.format(field=field, value="Y2VydA=="), "kubeconfig") == []
    assert scanner(KUBECONFIG.format(field="token", value="${TOKEN}"), "kubeconfig") == []


@pytest.mark.parametrize("field", ["password", "identitytoken", "registrytoken"])
def test_docker_passwords_and_tokens(scanner, field):
    text = f'{{\n  "auths": {{\n    "ghcr.io": {{"{field}": "{SECRET}"}}\n  }}\n}}\n'
    assert scanner(text, "config.json") == ["3 docker-config"]
    assert scanner(text.replace(SECRET, "REPLACE_ME"), "config.json") == []


@pytest.mark.parametrize(
    ("text", "found"), [(f"robot:{SECRET}", 1), ("robot:REPLACE_ME", 0), ("robot:", 0), ("", 0)]
)
def test_docker_auth_is_looked_into(scanner, text, found):
    content = f'{{"auths": {{"ghcr.io": {{"auth": "{auth(text)}"}}}}}}'
    assert scanner(content, "config.json") == ["1 docker-config"] * found


@pytest.mark.parametrize(
    ("path", "text", "lines"),
    [
        (
            ".netrc",
            f"machine a login b password {SECRET}\nmachine c\n  login d\n  password {SECRET}\n",
            [1, 4],
        ),
        (
            ".npmrc",
            f"registry=https://a.example\n//a.example/:_authToken={SECRET}\n//b/:_authToken=${{T}}\n",
            [2],
        ),
        (".npmrc", f"_auth={auth('a:b')}\n_password={SECRET}\n", [1, 2]),
        (".pypirc", f"[pypi]\nusername = __token__\npassword = {SECRET}\n", [3]),
        (".pgpass", f"# host:port:db:user:pw\ndb:5432:a:b:{SECRET}\ndb:5432:a:b:REPLACE_ME\n", [2]),
        ("files/pgpass.conf", f"db:5432:a:b\\:c:{SECRET}\n", [1]),
        (".vault-token", f"{SECRET}\n", [1]),
    ],
)
def test_login_files(scanner, path, text, lines):
    assert scanner(text, f"ci/{path}") == [f"{line} login-file" for line in lines]


HASH = "$2y$05$" + "c3Vyv9LJ2kQ1mZ8xW4tR6u" + "Xh1Gf2Dd3Sa4Pp5Oo6Ii7Uu8Yy9Tt0"
"""What htpasswd writes; it is the hash of nothing."""


@pytest.mark.parametrize(
    ("path", "text", "severity"),
    [
        (".htpasswd", f"# users\nadmin:{HASH}\n", "medium"),
        ("nginx/app.htpasswd", f"# users\nadmin:{{SHA}}{'a1B2' * 7}\n", "medium"),
        (".htpasswd", f"\nadmin:{SECRET}\n", "high"),
        ("shadow", f"\nroot:{HASH}:19000:0:99999:7:::\n", "medium"),
        ("mosquitto/passwd", "\nci:$7$101$c2FsdA==$aGFzaA==\n", "medium"),
        ("pgbouncer/userlist.txt", f'\n"app" "{SECRET}"\n', "high"),
        ("pgbouncer/userlist.txt", f'\n"app" "md5{"0a" * 16}"\n', "medium"),
        ("root/db.pgpass", f"\ndb:5432:app:app:{SECRET}\n", "high"),
    ],
)
def test_files_of_passwords_and_of_their_hashes(scanner, path, text, severity):
    (finding,) = scanner.findings(text, path)
    assert finding.rule == "login-file"
    assert finding.location.line == 2
    assert str(finding.severity) == severity
    assert SECRET not in repr(finding)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".htpasswd", "# nobody\nadmin:<password>\n"),
        ("passwd", "root:x:0:0:root:/root:/bin/bash\nnobody:*:65534:65534::/:/bin/false\n"),
        ("shadow", "root:!:19000:0:99999:7:::\n"),
        ("userlist.txt", '"app" "${PASSWORD}"\nWords, one per line\n'),
    ],
)
def test_files_of_users_without_a_password(scanner, path, text):
    assert scanner(text, path) == []
