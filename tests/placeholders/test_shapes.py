"""Each shape: what stays of a value, and what does not."""

import json
import re
import tomllib
from base64 import b64decode, b64encode, urlsafe_b64decode
from ipaddress import ip_network

import pytest
import yaml

from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.placeholders.values import placeholder, shape_of
from tables import each_row

KEY = PlaceholderKey.derived(b"a throw-away test key")
MARK = r"masked(?:-[a-z]{5}){4,15}"


def masked(text, name="value"):
    return placeholder(text, KEY, name=name)


def base64(text):
    return b64encode(text.encode()).decode()


@each_row(
    ("text", "shape", "form"),
    [
        ("https://api.example.com", "url", "https://api.example.com"),
        ("https://u:p@api.example.com:8443/v1/x?token=y#z", "url", "https://M:M@api.example.com:8443/v1/M?token=M#M"),
        ("postgres://app:hun/t@r2@postgres:5432/app", "url", "postgres://M:M@postgres:5432/M"),
        ("jdbc:postgresql://db:5432/app", "url", "jdbc:postgresql://db:5432/M"),
        ("mongodb+srv://u:p@a.example.com,b.example.com:27017", "url", "mongodb+srv://M:M@a.example.com,b.example.com:27017"),
        ("redis://[fd00::1]:6379", "url", r"redis://\[2001:db8:[0-9a-f:]+\]:6379"),
        ("https://hunter2", "url", "https://M"),
        ("redis://redis:6379/0?ssl=true", "url", r"redis://redis:6379/\d\?ssl=(true|false)"),
        ("postgres://u:p@hunter.secret?x@db.example.com/app", "url", r"postgres://M:M@M\?M"),
        ("https://S3cr3tT0ken@h", "url", "https://M@M"),
        ("https://xK9qz83.ngrok.io", "url", "https://M.ngrok.io"),
        ("https://db.example.com:99999", "url", "https://db.example.com:M"),
        ("postgres://${DB_USER}:${DB_PASS}@pg.${DOMAIN}:5432", "url", "postgres://${DB_USER}:${DB_PASS}@pg.${DOMAIN}:5432"),
        ("hunter2://example.com", "text", "M"),
        ("user:pw@tcp(db:3306)/app", "connection string", "M:M@tcp(db:3306)/M"),
        ("Host=db.example.com,1433;User=x", "connection string", "Host=db.example.com,1433;User=M"),
        ("host=db port=5432 password='hun ter'", "connection string", "host=db port=5432 password=M"),
        ("${USER}:hunter2", "references", "${USER}M"),
        ("${USER}:${PASS}", "references", "${USER}:${PASS}"),
        ("${A:=hunter2}", "references", "${A:=M}"),
        ("${xK9qz8}", "text", "M"),
        ("10.0.0.1", "ip", r"198\.1[89]\.\d+\.\d+"),
        ("10.0.0.0/16", "ip", r"198\.1[89]\.\d+\.\d+/16"),
        ("v1.22.333-rc.1", "version", r"v\d\.\d\d\.\d\d\d"),
        ("/etc/ssl/private/hunter2.pem", "path", "/M"),
        ("fe80::1", "ip", r"2001:db8(:[0-9a-f]{4}){6}"),
        ("alice@example.org", "email", "M@example.com"),
        ("db.example.org", "host", "M.example.com"),
        ("db.example.org:5432", "host and port", "M.example.com:5432"),
        ("hunter2:5432", "host and port", "M:5432"),
        ("$2y$05$" + "a" * 53, "password hash", r"\$2y\$10\$[./A-Za-z0-9]{53}"),
        ("admin:{SHA}" + "a" * 27 + "=", "password hash", r"M:\{SHA\}[+/A-Za-z0-9]{27}="),
        ("deadbeefdeadbeef0123", "hex", "[0-9a-f]{20}"),
        ("DEADBEEFDEADBEEF0123", "hex", "[0-9A-F]{20}"),
        ("- one\n- two", "lines", "- M\n- M"),
        ("$${A}${B}", "references", "$${A}${B}"),
        ("{{${A}}}", "references", "M${A}M"),
        ("first line\n  second line\n{\n", "lines", "M\n  M\n{\n"),
        ("key=value", "text", "M"),
        ("{{ .Values.password }}", "text", "M"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "text", "M"),
    ],
)  # fmt: skip
def test_what_stays(text, shape, form):
    found = masked(text)
    assert shape_of(text) == shape
    shown = re.sub(MARK, "M", found)
    assert shown == form or re.fullmatch(form, shown)
    assert shape_of(found) == shape


@pytest.mark.parametrize("size", [16, 24, 32, 64])
def test_base64_of_a_key_has_its_length(size):
    for encode in (b64encode, lambda data: b64encode(data, altchars=b"-_")):
        text = encode(bytes(range(180, 180 + size))).decode()
        found = masked(text)
        assert len(urlsafe_b64decode(found.replace("+", "-").replace("/", "_"))) == size
        assert found.endswith("=") == text.endswith("=")


def test_base64_of_text_is_masked_inside():
    assert b64decode(masked(base64('{"a": "hunter2"}'))).decode() == masked('{"a": "hunter2"}')


def test_a_word_is_not_base64():
    assert re.fullmatch(MARK, masked("correcthorse"))


def test_a_jwt_decodes_and_keeps_its_algorithm_and_the_names_of_claims():
    parts = ('{"alg":"RS256","kid":"hunter2"}', '{"sub":"alice","exp":1764460800}')
    token = ".".join(base64(part).rstrip("=") for part in parts) + ".c2lnbmF0dXJlc2lnbmF0dXJl"
    header, claims, _ = (part + "=" * (-len(part) % 4) for part in masked(token).split("."))
    assert json.loads(urlsafe_b64decode(header)) == {"alg": "RS256", "typ": "JWT"}
    assert json.loads(urlsafe_b64decode(claims)).keys() == {"sub", "exp"}


def test_json_keeps_its_layout_and_its_types():
    text = '{\n  "a": "hunter2",\n  "n": [1, 2.5, 1e5, true, null],\n  "a": {}\n}'
    found = masked(text)
    assert re.sub(r"\s", "", found).startswith('{"a":"masked-')
    assert [type(each) for each in json.loads(found)["n"]] == [int, float, float, bool, type(None)]
    assert found.count('"a":') == 2


def test_a_compact_json_stays_compact():
    assert re.fullmatch(rf'\{{"a":"{MARK}","b":\["{MARK}"\]\}}', masked('{"a":"x","b":["y"]}'))


def test_keys_that_are_not_names_are_masked():
    found = json.loads(masked('{"xK9qz83": 1, "apiKey": {"AKIAIOSFODNN7EXAMPLE": 2}}'))  # fluxsecrets:allow
    assert [re.fullmatch(MARK, key) is not None for key in found] == [True, False]
    assert re.fullmatch(MARK, next(iter(found["apiKey"])))


def test_a_docker_login_agrees_with_itself_and_keeps_its_registries():
    text = json.dumps(
        {
            "auths": {
                "ghcr.io": {"username": "robot", "password": "hunter2", "auth": base64("robot:hunter2")},
                "https://index.docker.io/v1/": {"auth": base64("robot:hunter2")},
                "registry.example.com:5000": {},
            }
        }
    )
    found = json.loads(masked(text, ".dockerconfigjson"))["auths"]
    assert list(found)[:2] == ["ghcr.io", "https://index.docker.io/v1/"]
    assert re.fullmatch(r"registry\.example\.com:\d+", list(found)[2])
    one = found["ghcr.io"]
    assert one["auth"] == base64(f"{one['username']}:{one['password']}")
    assert found["https://index.docker.io/v1/"]["auth"] == one["auth"]


def test_yaml_keeps_its_structure_and_loses_its_comments():
    text = "# hunter2\na: hunter2\nb:\n  - 1\n  - c: true\n    d: |\n      x\n      y\n"
    text += "e: {}\nf: '5'\n---\ng: 1.5\n"
    found = masked(text)
    one, other = yaml.safe_load_all(found)
    assert "#" not in found
    assert one["a"] == masked("hunter2")
    assert isinstance(one["b"][0], int)
    assert isinstance(one["b"][1]["c"], bool)
    assert one["b"][1]["d"].count("\n") == 2
    assert one["e"] == {}
    assert isinstance(one["f"], str)
    assert isinstance(other["g"], float)


def test_toml_keeps_its_tables():
    text = '# hunter2\n[global]\nuser = "alice"\n[a.b]\nn = 1\nlist = ["q", 2]\nt = { x = true }\n'
    text += "d = 2026-11-23\n"
    found = tomllib.loads(masked(text))
    assert found["global"] == {"user": masked("alice")}
    assert found["a"]["b"].keys() == {"n", "list", "t", "d"}
    assert isinstance(found["a"]["b"]["t"]["x"], bool)


def test_lines_of_assignments_keep_their_names_and_quotes():
    text = "# hunter2\nexport DB_PASSWORD='hunter2'\nURL=\"https://u:p@db.example.com\"\n\n"
    text += "N=5432\n[section]\na = x # hunter2\n"
    found = masked(text)
    assert re.fullmatch(
        rf"# {MARK}\nexport DB_PASSWORD='{MARK}'\nURL=\"https://{MARK}:{MARK}@db\.example\.com\"\n\nN=\d+\n"
        rf"\[section\]\na = {MARK}\n",
        found,
    )
    assert masked("hunter2") in found


def test_one_line_is_an_assignment_only_in_a_file_of_them():
    assert re.fullmatch(rf"PASSWORD={MARK}\n", masked("PASSWORD=hunter2\n", "app.env"))
    assert re.fullmatch(f"{MARK}\n", masked("PASSWORD=hunter2\n", "password"))


def test_an_address_is_one_for_tests_of_networks():
    assert ip_network("198.18.0.0/15").supernet_of(ip_network(masked("192.168.1.1")))


def test_json_in_json_stays_json_down_to_the_last_number():
    text = "{}"
    for _ in range(9):
        text = json.dumps({"port": 5432, "inner": text})
    found, depth = masked(text), 0
    while found.startswith("{"):
        inner = json.loads(found)
        assert isinstance(inner["port"], int | float)
        found, depth = inner["inner"], depth + 1
    assert depth > 3


def test_texts_in_texts_are_taken_apart_up_to_a_depth():
    text = "hunter2"
    for _ in range(20):
        text = json.dumps({"a": text})
    found = masked(text)
    assert "hunter2" not in found
    assert found.count("\\") < 10_000
