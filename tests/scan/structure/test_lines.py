"""env-file, config-value, assigned-secret, connection-string: names with values, in lines and any text."""

import pytest

PASSWORD = "hunter2-throwaway"
SHORT = "hunter22"
TOKEN = "kX9vQ2mNp4Lz7Rt1throwaway"


def test_the_sign_of_a_line_break_is_no_part_of_a_name(scanner):
    (finding,) = scanner.findings(f"TEXT = \"a: b\\npassword: '{PASSWORD}'\"\n", "job.py")
    assert finding.message.startswith("password is in plain text")


def test_what_is_filled_in_is_no_value(scanner):
    assert scanner('header = f"token: {kind}-{self.token!r}"\npassword = "{user}-{suffix}"\n', "job.py") == []
    assert scanner('password = f"{user}-kX9vQ2mN"\n', "job.py") == ["1 assigned-secret"]


@pytest.mark.parametrize("path", [".env", "app.env", ".env.production", "a/.envrc"])
def test_environment_files(scanner, path):
    text = (
        f"# PASSWORD=x\nDB_PASSWORD={PASSWORD}\nexport API_TOKEN='{TOKEN}' # from the portal\n"
        f'SMTP_PASSWORD="with spaces and {PASSWORD}"\n'
        "EMPTY_PASSWORD=\n"
        f"OTHER_PASSWORD=${{X}}\n"
        "SECRET_NAME=db\n"
        "PASSWORD_FILE=/run/x\nLOG=1\nTOKEN_TTL=3600\n"
    )
    assert scanner(text, path) == ["2 env-file", "3 env-file"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.ini", f"[db]\nuser = a\npassword = {PASSWORD}\npassword_file = /x\n"),
        ("a.properties", f"db.user=a\n# x\ndb.password={PASSWORD}\ndb.password.length=12\n"),
        ("a.toml", f'[db]\nuser = "a"\npassword = "{PASSWORD}"\ntoken_url = "https://x.example"\n'),
        ("a.tfvars", f'region = "eu"\n# x\ndb_password = "{PASSWORD}"\nsecret_name = "db"\n'),
        ("a.conf", f"listen 80;\n\npassword: {PASSWORD}\n"),
    ],
)
def test_configuration_files(scanner, path, text):
    assert scanner(text, path) == ["3 config-value"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", f'db_password = "{PASSWORD}9"'),
        ("a.go", f'password := "{PASSWORD}9"'),
        ("a.ts", f"const apiKey: string = `{TOKEN}`"),
        ("a.ts", f"apiKey: '{TOKEN}',"),
        ("a.rb", f":api_key => '{TOKEN}'"),
        ("a.sh", f"export API_TOKEN={TOKEN}"),
        ("a.sh", f"curl --data token={TOKEN} https://a.example"),
        ("Dockerfile", f"ENV API_TOKEN={TOKEN}"),
        ("a.md", f"    apiToken: {TOKEN}"),
        ("a.java", f'setPassword("x"); String password = "{PASSWORD}9";'),
        ("a.txt", f'{{\\"password\\": \\"{PASSWORD}9\\"}}'),
    ],
)
def test_code_and_documentation(scanner, path, line):
    assert scanner(f"first\n{line}\n", path) == ["2 assigned-secret"]


@pytest.mark.parametrize(
    "line",
    [
        *(
            'password = os.environ["DB_PASSWORD"]',
            "token = config.get('token')",
            'password = input("Password: ")',
        ),
        *(
            'PASSWORD_FIELD = "password"',
            'raise Error("wrong password: try again")',
            "token: string;",
            "password: str",
        ),
        *(
            'cookie = response.cookies["session-cookie-of-the-user"]',
            "api_key = args.api_key_of_the_provider",
        ),
        *(
            'token_url = "https://id.example/token"',
            'key = f"{user}:{token}"',
            "export PASSWORD=$(pass show x)",
        ),
        *(
            "The password: at least twelve letters.",
            'password: "secret"',
            "password: 'changeme'",
            'apiKey: "xxxx"',
        ),
        *(
            "password = var.db_password_of_the_database",
            "password = random_password.admin.result_of_it",
            "token=$TOKEN",
        ),
        *(
            '"integrity": "sha512-0f3a9c5b7d1e2f4a6c8b0d2e4f6a8c0b=="',
            'password = "password123"',
            "secret: grafana-oauth",
        ),
        *(
            "setPassword(password)",
            "if (token === undefined) return",
            "password ?? defaultPassword",
            '#password => "test"',
        ),
    ],
)
def test_code_that_only_speaks_of_secrets(scanner, line):
    assert scanner(f"{line}\n", "a.py") == []
    assert scanner(f"{line}\n", "a.md") == []


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://app:{PASSWORD}@db.apps.svc:5432/app",
        f"mongodb+srv://app:{PASSWORD}@cluster.x.mongodb.net/app",
        f"redis://:{PASSWORD}@cache:6379/0",
        f"https://ci:{TOKEN}@git.example/a.git",
        f"amqp://a:p%40ss{PASSWORD}@mq",
        f"app:{PASSWORD}@tcp(db:3306)/app",
    ],
)
def test_connection_strings(scanner, text):
    for path, line in (
        ("a.md", text),
        ("a.yaml", f"url: {text}"),
        ("a.go", f'x = "{text}"'),
        ("b.sh", f"psql '{text}'"),
    ):
        assert scanner(f"first: 1\n{line}\n", path) == ["2 connection-string"], path
    (finding,) = scanner.findings(text, "a.md")
    assert PASSWORD not in repr(finding)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "postgres://db:5432/app",
            "https://user@host/x",
            "postgres://user:password@localhost/db",
            "http://a:b@c",
        ),
        *(
            "postgres://postgres:postgres@db/app",
            "postgres://app:${DB_PASSWORD}@db/app",
            "redis://:$PASS@cache",
        ),
        *("postgres://app:{{ .password }}@db", "https://user:pass@example.com", "mysql://root:<password>@db"),
        *(
            "https://host:8443/@scope/pkg",
            "git@github.com:org/repo.git",
            "postgres://%s:%s@%s/db",
            "http://a:8080@b",
        ),
        *(
            "oci://ghcr.io/a/b:1.2.3@sha256:0a0a",
            "docker://a:tag@sha256:00",
            "npm:a@1",
            "redis://user:xxxx@cache",
        ),
    ],
)
def test_what_is_no_connection_string_with_a_password(scanner, text):
    assert scanner(f"{text}\n", "a.md") == []
    assert scanner(f'url: "{text}"\n') == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.sh", f"export DB_PASSWORD={SHORT}"),
        ("a.sh", f"DB_PASS='{SHORT}'"),
        ("bin/run", f"DB_PASSWORD={SHORT} ./app"),
        ("Dockerfile", f"ENV DB_PASSWORD={SHORT}"),
        ("Dockerfile.dev", f"ARG ADMIN_PASSWORD={SHORT}"),
        ("Makefile", f"DB_PASSWORD ?= {SHORT}"),
        ("app.service", f'Environment="DB_PASSWORD={SHORT}"'),
        ("app.container", f"Environment=DB_PASSWORD={SHORT}"),
        ("a.sh", f"cat > .env <<EOF\nDB_PASSWORD={SHORT}\nEOF"),
        ("main.tf", f'password = "{SHORT}"'),
        ("main.tf", f'  admin_pass = "{SHORT}"'),
        ("web.config", f'<add name="x" password="{SHORT}" />'),
        ("settings.ps1", f"$password = '{SHORT}'"),
    ],
)
def test_scripts_and_declarations_hold_short_passwords(scanner, path, line):
    start = "#!/usr/bin/env bash\n" if path == "bin/run" else "first\n"
    (found,) = scanner.findings(f"{start}{line}\n", path)
    assert found.rule == "assigned-secret"
    assert SHORT not in repr(found)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "DB_PASSWORD=$1",
            "DB_PASSWORD=${PASSWORD}",
            'DB_PASSWORD="$(pass show db2)"',
            "DB_PASSWORD=`cat pw2`",
        ),
        *(
            "DB_PASSWORD=password",
            "DB_PASSWORD=test1234",
            "ADMIN_PASSWORD=admin123",
            "PASSWORD_MIN_LENGTH=12",
        ),
        *('read -rsp "Password: " DB_PASSWORD', "echo password: $X", "TEST_PASS=3", "pw=1", "token=app-k8s2"),
        *(
            "DB_PASSWORD=${1:-}",
            "psql ${DB_PASSWORD:-changeme}",
            ': "${ADMIN_SECRET:=admin-secret}"',
            "password_length = 2",
            "PASS: TestX2y",
        ),
        *("SECRET_NAME=db-k8s2", "export PASSWORD_STORE_DIR=~/.pw2", "POSTGRES_PASSWORD=postgres", "SALT=1"),
    ],
)
def test_scripts_that_only_speak_of_secrets(scanner, line):
    for path in ("a.sh", "Makefile", "Dockerfile", "main.tf"):
        assert scanner(f"{line}\n", path) == [], path


@pytest.mark.parametrize(
    "text",
    [
        f"Server=db;Database=app;User Id=app;Password={PASSWORD};Encrypt=true",
        f"Data Source=db,1433;Initial Catalog=app;UID=sa;PWD={PASSWORD}",
        f"Driver={{ODBC Driver 18}};Server=db;Uid=app;Pwd={PASSWORD};",
        f"host=db port=5432 dbname=app user=app password={PASSWORD} sslmode=require",
        f"jdbc:postgresql://db:5432/app?user=app&password={PASSWORD}",
        f"jdbc:sqlserver://db:1433;databaseName=app;password={PASSWORD};",
        f"Password={PASSWORD};Server=db",
    ],
)
def test_connection_strings_of_names_and_values(scanner, text):
    for path, line in (
        ("a.md", text),
        ("a.go", f'x = "{text}"'),
        ("a.xml", f'<a connectionString="{text}"/>'),
    ):
        assert scanner(f"first: 1\n{line}\n", path) == ["2 connection-string"], path
    assert len(scanner(f"first: 1\nurl: {text}\n", "a.yaml")) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("Server=db;User Id=app;Password=$(PASSWORD);", "Server=db;User Id=sa;Password=<password>;"),
        *(
            "host=db user=app password=secret",
            "host=db user=postgres password=postgres",
            "Server=db;Password={0}",
        ),
        *("Server=db;Integrated Security=true", "jdbc:postgresql://db/app?password=${PASSWORD}"),
        "host=%s user=%s password=%s",
    ],
)
def test_connection_strings_without_a_password(scanner, text):
    assert scanner(f"{text}\n", "a.md") == []
    assert scanner(f'x = "{text}"\n', "a.go") == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("wg0.conf", f"PrivateKey = {TOKEN}"),
        ("wg0.conf", f"PresharedKey = {TOKEN}"),
        ("redis.conf", f"requirepass {PASSWORD}"),
        ("slapd.conf", f"rootpw {PASSWORD}"),
        ("ldap.ldif", f"userPassword: {PASSWORD}"),
        ("wpa_supplicant.conf", f'psk="{PASSWORD}"'),
        ("rclone.conf", f"pass = {TOKEN}"),
        (".s3cfg", f"secret_key = {TOKEN}"),
        (".my.cnf", f"password={PASSWORD}"),
        ("grafana.ini", f"admin_password = {PASSWORD}"),
        ("wifi.nmconnection", f"psk={PASSWORD}"),
        ("mosquitto.conf", f"remote_password {PASSWORD}"),
        ("inventory", f"db ansible_host=a ansible_become_pass={PASSWORD}"),
        ("haproxy.cfg", f"  stats auth admin:{PASSWORD}"),
        ("keepalived.conf", f"  auth_pass {PASSWORD}"),
        ("alertmanager.conf", f"smtp_auth_password: {PASSWORD}"),
    ],
)
def test_configuration_of_known_programs(scanner, path, line):
    assert scanner(f"first\n{line}\n", path) == ["2 config-value"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("wordcut.js", "(predicate(value, key, obj) ? pass : failed12A9xyzK3).push(value);\n"),
        ("init.py", 'data = json.dumps({"password": self.admin_password}).encode("utf-8")\n'),
        (
            "README.md",
            f"![x](https://codecov.io/gh/a/b/graph/badge.svg?token={'A1B2C3D4E5F6'})\n",
        ),
        (
            "README.md",
            f"https://sonarcloud.io/api/project_badges/measure?token={'3f2a9c8b7d' * 4}\n",
        ),
        (
            "values.yaml.tmpl",
            'a:\n  adminPassword: "{{ (datasource "db").admin.password }}"\n  x: {{ if .a }}: b\n',
        ),
        (
            "renovate.json5",
            f"// x\nencrypted: {{ username: 'a', 'password': '{'aJeCGj365T2gL9hw' * 21}aJeCGg==' }}\n",
        ),
    ],
)
def test_code_and_badges_with_telling_words_are_silent(scanner, path, text):
    assert scanner(text, path) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("wordcut.js", "f(ok ? token : 'kX9vQ2mZ7tR4wL8p');\n"),
        ("README.md", f"https://codecov.io/api?token={'3f2a9c8b7d' * 4}\n"),
        ("README.md", f"https://badge.example/badge.svg?token={'3f2a9c8b7d' * 4}\n"),
        ("renovate.json5", f"// x\nencrypted: {{}}, password: '{'aJeCGj365T2gL9hw' * 21}aJeCGg=='\n"),
        ("renovate.json5", "// x\nencrypted: { password: 'kX9vQ2mZ7tR4wL8p' }\n"),
    ],
)
def test_a_secret_near_them_counts(scanner, path, text):
    assert [each.partition(" ")[2] for each in scanner(text, path)] == ["assigned-secret"]
