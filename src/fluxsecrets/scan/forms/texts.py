"""Passwords in statements, markup and templates: SQL, XML, Terraform, Helm, Jinja, the shell's defaults."""

from __future__ import annotations

from fluxsecrets.scan.names import TELLING_NAME

from .model import BARE, NAMES, Form, Place

_TEXT = Place.TEXT
_NAME = rf"((?i:{TELLING_NAME}))"
_LITERAL = r"""\\?["'`]([^"'`\r\n{}\\]+)\\?["'`]"""
_BLOCK = r"(?:[^{}]|\{[^{}]*\})*?"
_SET_DEFAULT = r"\bdefault[ \t]*=[ \t]*\"([^\"\r\n]+)\""
_IS_SENSITIVE = r"\bsensitive[ \t]*=[ \t]*true\b"
_IN_BRACES = r"\{\{[^{}\r\n]*?"
_HOLDERS = (
    "add|property|prop|entry|param|parameter|setting|set|string|variable|env|environmentVariable|option"
    "|attribute|arg|field|item|data|system-property|key"
)
_TAG = r"[A-Za-z_][\w.-]*:"

SQL = Form(
    "the password of a database user",
    _TEXT,
    r"(?i:\bIDENTIFIED[ \t]+(?:WITH[ \t]+\S+[ \t]+)?(?:BY|AS)[ \t]+(?:PASSWORD[ \t]+)?"
    r"|\b(?:USER|ROLE|LOGIN|GROUP)\b[^;'\r\n]*?(?:'[^'\r\n]*'[^;'\r\n]*?)*?\bPASSWORD[ \t]*=?[ \t]*"
    r"|\bSET[ \t]+PASSWORD\b[^;=\r\n]*=[ \t]*|\bPASSWORD\()N?(?:'([^'\r\n]+)'|\"([^\"\r\n]+)\")",
    (b"identified", b"password"),
    (
        "CREATE USER 'app'@'%' IDENTIFIED BY '§';",
        "ALTER ROLE app WITH LOGIN PASSWORD '§';",
        "create user app with encrypted password '§';",
        "CREATE LOGIN app WITH PASSWORD = N'§';",
        "SET PASSWORD FOR 'root'@'localhost' = PASSWORD('§');",
        "ALTER USER app IDENTIFIED WITH mysql_native_password BY '§';",
        "psql -c \"ALTER USER app PASSWORD '§'\"",
    ),
    (
        "CREATE USER app IDENTIFIED BY '${PASSWORD}';",
        "CREATE USER app IDENTIFIED BY 'password';",
        "ALTER ROLE app WITH PASSWORD :'password';",
        "ALTER ROLE app WITH PASSWORD '%s';",
        "ALTER ROLE app PASSWORD 'md5{0}';",
        "ALTER ROLE app PASSWORD NULL; SELECT '§'",
    ),
)
ELEMENT = Form(
    "",
    _TEXT,
    rf"<(?:{_TAG})?{_NAME}(?:[ \t][^<>]*)?>\s*(?:<!\[CDATA\[)?([^<>\s\]][^<>\r\n\]]*)(?:\]\]>)?\s*</",
    (b"</",),
    (
        "<server>\n  <password>§</password>\n</server>",
        "<d:clientSecret>§§</d:clientSecret>",
        '<password encrypted="false">§</password>',
        "<privateKey><![CDATA[§§]]></privateKey>",
    ),
    (
        "<password>${env.PASSWORD}</password>",
        "<password>{COQLCE6DU6GtcS5P=}</password>",
        "<password>password</password>",
        "<label for='password'>Password</label>",
        "<td>password</td><td>§</td>",
    ),
    name=1,
)
ATTRIBUTE = Form(
    "",
    _TEXT,
    rf"""<(?:{_HOLDERS})\b[^<>]*\b(?:name|key|id)=["']{_NAME}["'][^<>]*?(?:\bvalue=["']([^"'<>\r\n]+)["']|>([^<>\r\n]+)</)""",
    (b"name=", b"key=", b"id="),
    (
        '<add key="DbPassword" value="§"/>',
        '<property name="connection.password" value="§" />',
        '<property name="connection.password">§</property>',
        '<entry key="db.password">§</entry>',
    ),
    (
        '<add key="DbPassword" value="${DB_PASSWORD}"/>',
        '<input type="text" name="password" value="§">',
        '<string name="password">Password</string>',
        '<string name="enter_password">Enter your password</string>',
        '<add key="PasswordLength" value="§"/>',
    ),
    name=1,
)
VARIABLE = Form(
    "",
    _TEXT,
    rf"\bvariable[ \t]+\"{_NAME}\"[ \t]*\{{{_BLOCK}{_SET_DEFAULT}",
    (b"variable",),
    (
        'variable "db_password" {\n  type = string\n  default = "§"\n}',
        'variable "db_password" { default = "§" }',
    ),
    (
        'variable "db_password" {\n  type = string\n}\nvariable "a" {\n  default = "§"\n}',
        'variable "db_password" {\n  default = ""\n}',
        'variable "db_password_name" { default = "§" }',
    ),
    name=1,
)
SENSITIVE = Form(
    "the default of a sensitive variable",
    _TEXT,
    rf"\bvariable[ \t]+\"[^\"]+\"[ \t]*\{{{_BLOCK}(?:{_IS_SENSITIVE}{_BLOCK}{_SET_DEFAULT}"
    rf"|{_SET_DEFAULT}{_BLOCK}{_IS_SENSITIVE})",
    (b"sensitive",),
    (
        'variable "pin" {\n  sensitive = true\n  default = "§"\n}',
        'variable "pin" {\n  default = "§"\n  sensitive = true\n}',
    ),
    ('variable "pin" {\n  sensitive = true\n  default = ""\n}', 'variable "pin" {\n  default = "§"\n}'),
)
ENCODED = Form(
    "the literal that a template encodes",
    _TEXT,
    r"""\{\{-?[ \t]*\(?[ \t]*["`]([^"`{}\r\n]+)["`][ \t]*\)?[ \t]*\|[^{}]*b64enc""",
    (b"b64enc",),
    ('  smtp: {{ "§" | b64enc }}', '  a: {{- "§" | b64enc | quote }}'),
    (
        "  password: {{ .Values.password | b64enc }}",
        '  a: {{ "true" | b64enc }}',
        '  a: {{ printf "%s" .a | b64enc }}',
    ),
)
LITERAL = Form(
    "",
    _TEXT,
    rf"{_NAME}[\"']?[ \t]*[:=][ \t]*[\"']?\{{\{{-?[ \t]*\(?[ \t]*{_LITERAL}",
    (b"{{",),
    ('  password: {{ "§" | quote }}', "DB_PASSWORD={{ '§' }}"),
    (
        "  password: {{ .Values.password | quote }}",
        '  password: {{ "a" | lookup "§" }}',
        "  passwordKey: {{ '§' }}",
    ),
    name=1,
)
DEFAULT = Form(
    "",
    _TEXT,
    rf"{_NAME}[\"']?[ \t]*[:=][ \t]*[\"']?{_IN_BRACES}(?:\b(?:default|coalesce|or|d)\b[ \t(]*"
    rf"[^\"'`{{}}\r\n]*?{_LITERAL}|\bternary[ \t]+{_LITERAL})",
    (b"{{",),
    (
        '  password: {{ .Values.password | default "§" | quote }}',
        '  password: {{ default "§" .Values.password }}',
        "db_password: \"{{ lookup('env', 'X') | default('§') }}\"",
        "db_password: \"{{ pw or '§' }}\"",
    ),
    (
        '  password: {{ .Values.password | default "changeme" }}',
        "  password: {{ .Values.password | default (randAlphaNum 16) }}",
        '  passwordLength: {{ .Values.a | default "§" }}',
        "  password: {{ .Values.password | default .Values.other }}",
    ),
    name=1,
)
DEFAULT_OF = Form(
    "",
    _TEXT,
    rf"{_IN_BRACES}(?:(?i:{TELLING_NAME})[ \t]*(?:\|[ \t]*(?:default|d)\b[ \t(]*|\bor\b[ \t]*){_LITERAL}"
    rf"|\bdefault[ \t]+{_LITERAL}[ \t]+[$.\w]*\.(?i:{TELLING_NAME})\b)",
    (b"{{",),
    (
        'url: {{ .Values.db.password | default "§" }}',
        "conf: x-{{ admin_password | default('§') }}",
        'a: {{ default "§" .Values.db.password }}',
        "a: {{ admin_password or '§' }}",
    ),
    ('a: {{ .Values.passwordKey | default "§" }}', 'a: {{ .Values.password | default "password" }}'),
)
SHELL_DEFAULT = Form(
    "",
    _TEXT,
    rf"\$\{{{_NAME}:?[-=](?:\"([^\"$\r\n}}]+)\"|'([^'\r\n}}]+)'|({BARE}))\}}",
    (b"${",),
    (
        "psql ${DB_PASSWORD:-§}",
        'a="${DB_PASSWORD:=§}"',
        "environment:\n  - DB=${DB_PASSWORD:-§}",
        "x ${ADMIN_PASSWORD-'§'}",
    ),
    (
        "psql ${DB_PASSWORD:-}",
        "${DB_PASSWORD:-changeme}",
        "${DB_PASSWORD:-$OTHER}",
        "${DB_PASSWORD:?is not set}",
    ),
    name=1,
)
GETENV = Form(
    "",
    _TEXT,
    rf"""(?i:\b(?:get_?env|env|get|fetch|getProperty|lookup|var|str|string|config|setting))\s*\(\s*["']{_NAME}["']"""
    r"""\s*,\s*(?:default\s*=\s*)?(?:"([^"\r\n\\]+)"|'([^'\r\n\\]+)')""",
    NAMES,
    (
        'os.environ.get("DB_PASSWORD", "§")',
        "os.getenv('DB_PASSWORD', '§')",
        "'password' => env('DB_PASSWORD', '§'),",
        'ENV.fetch("DB_PASSWORD", "§")',
        'config("DB_PASSWORD", default="§")',
    ),
    (
        'os.environ.get("DB_PASSWORD", "")',
        "os.getenv('DB_PASSWORD', 'changeme')",
        'os.getenv("DB_PASSWORD_FILE", "§")',
        'request.get("token", "missing")',
    ),
    name=1,
)
OR_ELSE = Form(
    "",
    _TEXT,
    rf"""\benv(?:\.|\[["']){_NAME}(?:["']\])?\s*(?:\|\||\?\?)\s*(?:"([^"\r\n\\]+)"|'([^'\r\n\\]+)'|`([^`\r\n\\$]+)`)""",
    (b"env",),
    ('const pw = process.env.DB_PASSWORD || "§"', "import.meta.env['DB_PASSWORD'] ?? '§'"),
    ('const pw = process.env.DB_PASSWORD || ""', "const pw = process.env.DB_PASSWORD ?? 'password'"),
    name=1,
)
JOINED = Form(
    "",
    _TEXT,
    rf"""{_NAME}\s*(?::=|=|:)\s*(?:"([^"\r\n\\]+)"\s*(?:\+|\.\.|\.|&|\\\r?\n)\s*"[^"\r\n\\]+"|'([^'\r\n\\]+)'\s*"""
    r"""(?:\+|\.\.|\.|&|\\\r?\n)\s*'[^'\r\n\\]+')""",
    NAMES,
    ('db_password = "§" + "more"', "const password = '§' +\n  'more'", '$password = "§" . "more";'),
    ('password = "a" + "§"[1]', 'password = prefix + "§"'),
    name=1,
)

TEXTS = (
    *(
        SQL,
        ELEMENT,
        ATTRIBUTE,
        VARIABLE,
        SENSITIVE,
        ENCODED,
        LITERAL,
        DEFAULT,
        DEFAULT_OF,
        SHELL_DEFAULT,
        GETENV,
        OR_ELSE,
        JOINED,
    ),
)
