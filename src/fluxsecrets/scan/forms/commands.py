"""Passwords on command lines and in requests: scripts, pipelines, images, documentation."""

from __future__ import annotations

from fluxsecrets.scan.names import TELLING_NAME

from .model import AFTER, BARE, LOGIN, MORE, NAMES, OPTION, VALUE, Form, Place

_COMMAND = Place.COMMAND
_GAP = r"[ \t]+"
_HEADER = r"""authorization\\?["']?[ \t]*[:=,]?[ \t]*\\?["'`]?"""
_KEY = r"[A-Za-z0-9_.-]+"

CURL = Form(
    "the password of `curl -u`",
    _COMMAND,
    rf"\bcurl\b{MORE}{OPTION}(?:-[a-zA-Z]*[uU](?:{AFTER})?|--(?:proxy-)?user{AFTER}){LOGIN}",
    (b"curl",),
    (
        "curl -u admin:§ https://a.example",
        "curl -fsS --user 'admin:§' https://a.example",
        'curl -sk \\\n  --user="admin:§" \\\n  https://a.example',
        "curl -X POST -uadmin:§ https://a.example",
        'command: ["curl", "-u", "admin:§", "https://a.example"]',
        "curl --proxy-user p:§ https://a.example",
        "curl -u ':§' https://a.example",
        "curl --user ci:'§' https://a.example",
    ),
    (
        'curl -u "admin:$PASSWORD" https://a.example',
        "curl -u admin:password https://a.example",
        "curl -u USER:PASSWORD https://a.example",
        "curl -u <user>:<password> https://a.example",
        "curl -u ${USER}:${PASSWORD} https://a.example",
        "curl -u admin https://a.example:8443/x",
        "curl -u 1000:1000 https://a.example",
        "curl -u {{ user }}:{{ password }} https://a.example",
    ),
)
CURL_KEY = Form(
    "the key of `curl -u`",
    _COMMAND,
    rf"\bcurl\b{MORE}{OPTION}(?:-[a-zA-Z]*u(?:{AFTER})?|--user{AFTER})"
    rf"[\"']?([^\s\"':$;|&<>(){{}}\[\],\\]+):[\"'\s]",
    (b"curl",),
    ("curl https://a.example/v1 -u §: -d a=b", 'curl --user "§:" https://a.example'),
    (
        "curl -u admin: https://a.example",
        "curl -u $TOKEN: https://a.example",
        "curl -u app-k8s2: https://a.example",
    ),
    random=True,
)
HTTPIE = Form(
    "the password of `http -a`",
    _COMMAND,
    rf"\b(?:https?|xh|etcdctl)[ \t](?:{MORE}{OPTION})?(?:-a|--auth|--user){AFTER}{LOGIN}",
    (b"http", b"xh", b"etcdctl"),
    ("http -a admin:§ a.example", "etcdctl --user root:§ get /"),
    ("http -a $USER:$PASSWORD a.example", "http --auth token https://a.example:443/§"),
)
BASIC = Form(
    "the password of an Authorization header",
    _COMMAND,
    rf"""(?i:{_HEADER}Basic)[ \t]+([A-Za-z0-9+/][A-Za-z0-9+/]+=?=?)""",
    (b"authorization",),
    (
        "curl -H 'Authorization: Basic §' https://a.example",
        'proxy_set_header Authorization "Basic §";',
        '{"Authorization": "Basic §"}',
        "git config http.extraheader 'AUTHORIZATION: basic §'",
    ),
    (
        "Authorization: Basic $TOKEN",
        "Authorization: Basic YWRtaW46cGFzc3dvcmQ=",
        "Authorization: Basic <credentials>",
    ),
    basic=True,
)
BEARER = Form(
    "the token of an Authorization header",
    _COMMAND,
    rf"""(?i:{_HEADER}(?:Bearer|(?:Api-?)?Token|Bot|Api-?Key|GenieKey|Splunk|PVEAPIToken))"""
    rf"(?:[ \t]+(?:token=)?|=)({BARE})",
    (b"authorization",),
    (
        'curl -H "Authorization: Bearer §" https://a.example',
        "-H 'Authorization: token §'",
        '"Authorization": "Bearer §"',
        "authorization: Splunk §",
    ),
    (
        'curl -H "Authorization: Bearer $TOKEN" https://a.example',
        "Authorization: Bearer <token>",
        "Authorization: Bearer YOUR_API_TOKEN",
        "Authorization: Bearer {{ token }}",
        "Authorization: Bearer token-of-the-provider",
    ),
    random=True,
)
NAMED = Form(
    "",
    _COMMAND,
    rf"""(?:(?m:^)|[\s"'`(=\[])(?i:--?({TELLING_NAME})){AFTER}{VALUE}""",
    NAMES,
    (
        "wget --user a --password=§ https://a.example",
        "kubectl create secret docker-registry r --docker-server=a.example --docker-password=§",
        "flux create secret git a --username=git --password §",
        'args: ["--password=§"]',
        'args: ["--db-password", "§"]',
        "args:\n  - --db-password\n  - §",
        "keytool -importkeystore -deststorepass §",
        "gpg --batch --passphrase '§' -c a.txt",
        "mysql --user=a --password='§' db",
        "redis-server --requirepass §",
    ),
    (
        "wget --password=$PASSWORD https://a.example",
        "tool --password PASSWORD",
        "tool --password <password>",
        "tool --password=password",
        "tool --password string   the password of §",
        "tool --password-file=/run/secrets/§",
        "tool --password=$(cat §)",
        "tool --password `cat §`",
        'tool --password "$(op read op://a/b/c)"',
        "tool --token {{ .Values.token }}",
        "tool [--password PASSWORD] §",
    ),
    name=1,
)
MYSQL = Form(
    "the password of `mysql -p`",
    _COMMAND,
    rf"\b(?:mysql|mariadb)(?:-?(?:dump|admin|import|show|check|slap|binlog))?\b{MORE}{OPTION}-p(?:\"([^\"$\r\n]+)\"|'([^'\r\n]+)'"
    rf"|({BARE}))",
    (b"mysql", b"mariadb"),
    ("mysql -uroot -p§ db", "mysqldump -h db -u root -p'§' db > a.sql", "mariadb-dump --user root -p§ db"),
    (
        "mysql -uroot -p$PASSWORD db",
        "mysql -uroot -p db",
        "docker run --name mysql -p3306:3306 mysql:8",
        "mysql -u root -ppassword",
        "mysql -u root -psecret",
        "mysql -P 3306 -p",
    ),
)
LOGIN_P = Form(
    "the password of a login",
    _COMMAND,
    r"\b(?:docker|podman|nerdctl|skopeo|buildah|crane|oras|regctl|helm|az|oc|cf|ibmcloud|argocd|rancher|bao|vault)\b"
    rf"{MORE}\blogin\b{MORE}{OPTION}-p[ \t]*{VALUE}",
    (b"login",),
    (
        "docker login -u robot -p § registry.example",
        "az login --service-principal -u a -p '§' --tenant b",
        "helm registry login a.example -u robot -p §",
    ),
    (
        'docker login -u robot -p "$TOKEN" a.example',
        "docker login -u robot -p ${{ secrets.TOKEN }} a.example",
    ),
)
SHORT_P = Form(
    "the password of a client",
    _COMMAND,
    rf"\b(?:sshpass{_GAP}(?:-[a-oq-zA-Z]+{_GAP})*-p[ \t]*"
    rf"|(?:redis|valkey|keydb)-cli\b{MORE}{OPTION}-a[ \t]*"
    rf"|(?:mongo(?:sh|dump|restore|export|import|stat)?|cqlsh|nodetool)\b{MORE}{OPTION}-p[ \t]*"
    rf"|(?:sqlcmd|bcp|mosquitto_pub|mosquitto_sub|mosquitto_rr|ipmitool|zip|unzip)\b{MORE}{OPTION}-P[ \t]*"
    rf"|(?i:psexec(?:64)?)(?:\.exe)?\b{MORE}{OPTION}-p[ \t]*"
    rf"|ldap(?:search|modify|add|delete|passwd|whoami|compare)\b{MORE}{OPTION}-w[ \t]*"
    rf"|(?:smbclient|rpcclient)\b{MORE}{OPTION}-U[ \t=]*[\w\\./-]+%){VALUE}",
    (
        *(b"sshpass", b"-cli", b"mongo", b"cqlsh", b"nodetool", b"sqlcmd", b"bcp", b"mosquitto"),
        *(b"ipmitool", b"zip", b"ldap", b"smbclient", b"rpcclient", b"psexec"),
    ),
    (
        "sshpass -p § ssh root@a.example",
        "sshpass -p'§' scp a b:",
        "redis-cli -h cache -a § ping",
        "mongosh -u root -p § --host db",
        "sqlcmd -S db -U sa -P '§' -Q 'select 1'",
        "ldapsearch -x -D cn=admin -w § -b dc=a",
        "smbclient //nas/share -U backup%§",
        "PsExec.exe \\\\host -u DOMAIN\\admin -p § cmd",
        "ipmitool -I lanplus -H bmc -U admin -P § power on",
    ),
    (
        "sshpass -p $PASSWORD ssh root@a.example",
        'redis-cli -a "$REDIS_PASSWORD" ping',
        "redis-cli -h cache -p 6379 ping",
        "mongodump --port 27017 -p",
        "sshpass -f /run/secrets/§ ssh a",
        "ldapsearch -x -W -D cn=admin",
    ),
)
OPENSSL = Form(
    "the password of an openssl command",
    _COMMAND,
    rf"\bopenssl\b{MORE}{OPTION}-(?:passin|passout|pass)(?:[ \t]+|=)[\"']?pass:({BARE})",
    (b"openssl",),
    ("openssl rsa -in a.pem -passin pass:§ -out b.pem", "openssl enc -aes-256-cbc -pass 'pass:§' -in a"),
    (
        "openssl rsa -in a.pem -passin pass:$PASSWORD",
        "openssl rsa -in a.pem -passin file:§",
        "-passin pass:password",
    ),
)
HTPASSWD = Form(
    "the password of `htpasswd -b`",
    _COMMAND,
    rf"\bhtpasswd(?:{_GAP}-[A-Za-z0-9]+)*{_GAP}-[A-Za-z0-9]*b[A-Za-z0-9]*(?:{_GAP}-[A-Za-z0-9]+)*"
    rf"(?:{_GAP}[^\s\"'$-][^\s\"']*)?{_GAP}[\"']?[^\s\"'$-][^\s\"']*[\"']?{_GAP}{VALUE}",
    (b"htpasswd",),
    (
        "htpasswd -nbB admin § > auth",
        "htpasswd -bc .htpasswd admin '§'",
        "docker run httpd htpasswd -nb admin §",
    ),
    ("htpasswd -nb admin $PASSWORD", "htpasswd -c .htpasswd admin", 'htpasswd -nbB admin "$(cat a)"'),
)
FROM_LITERAL = Form(
    "",
    _COMMAND,
    rf"--from-literal(?:=|[ \t]+)(?:[\"']?({_KEY})=({BARE})|\"{_KEY}=([^\"\r\n]+)\"|'{_KEY}=([^'\r\n]+)')",
    (b"--from-literal",),
    (
        "kubectl create secret generic db --from-literal=password=§",
        "kubectl -n a create secret generic db \\\n  --from-literal=user=app \\\n  --from-literal 'pin=§'",
        'kubectl create secret generic db --from-literal="a=§" --dry-run=client -o yaml',
    ),
    (
        "kubectl create secret generic db --from-literal=password=$PASSWORD",
        "kubectl create secret generic db --from-literal=password=<password>",
        "kubectl create secret generic db --from-literal=password=password",
        "kubectl create configmap a --from-literal=name=§",
        "kubectl create secret generic db --from-file=password=./db.txt",
    ),
    name=1,
    before=rb"\bsecret\b[^|;]*$",
)
NAME_VALUE = Form(
    "",
    _COMMAND,
    r"(?:(?m:^)|[\s\"'`])(?:--set(?:-string|-literal)?|--?var|-e|--env|--build-arg|--extra-vars|export)"
    rf"(?:[ \t]+|=|[\"'],[ \t]*)[\"']?(?:[^\s\"',=]+=[^\s\"',]*[, ])*?((?i:{TELLING_NAME}))={VALUE}",
    (b"--set", b"-var", b"-e", b"--env", b"--build-arg", b"--extra-vars", b"export"),
    (
        "helm install a ./a --set auth.password=§",
        "helm upgrade a ./a --set a.b=1,postgresql.auth.password=§ --wait",
        "helm install a ./a --set-string 'adminPassword=§'",
        "terraform apply -var 'db_password=§'",
        'terraform apply -var="db_password=§"',
        "docker run -e DB_PASSWORD=§ postgres:17",
        "docker build --build-arg API_PASSWORD=§ .",
        "ansible-playbook a.yml -e 'user=a ansible_password=§'",
        "export DB_PASSWORD=§",
    ),
    (
        "helm install a ./a --set auth.password=$PASSWORD",
        "helm install a ./a --set auth.existingSecret=app-auth2",
        "docker run -e POSTGRES_PASSWORD=password postgres:17",
        "docker run -e POSTGRES_PASSWORD=mysecretpassword -d postgres",
        "docker run -e DB_PASSWORD postgres:17",
        "export DB_PASSWORD=$(pass show db)",
        "export DB_PASSWORD=<your password>",
    ),
    name=1,
)
VARIABLE = Form(
    "",
    _COMMAND,
    rf"\b(PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH|SSHPASS|RESTIC_PASSWORD|BORG_PASSPHRASE)={VALUE}",
    (
        b"pgpassword",
        b"mysql_pwd",
        b"rediscli_auth",
        b"sshpass",
        b"restic_password",
        b"borg_passphrase",
        b"ldap_admin",
    ),
    ("PGPASSWORD=§ psql -h db -U app", "MYSQL_PWD='§' mysql -u root", "env REDISCLI_AUTH=§ redis-cli ping"),
    ("PGPASSWORD=$PASSWORD psql", "PGPASSWORD=postgres psql -U postgres", 'PGPASSWORD="$(cat §)" psql'),
    name=1,
)
STORE = Form(
    "",
    _COMMAND,
    rf"\b(?:(?:vault|bao){_GAP}(?:kv{_GAP}(?:put|patch)|write){_GAP}{MORE}[ \t]((?i:{TELLING_NAME}))="
    rf"|configure{_GAP}set{_GAP}(?i:{TELLING_NAME}){_GAP}"
    rf"|npm{_GAP}(?:config{_GAP})?set{_GAP}\S*(?i:token|_auth|_password)[= ]){VALUE}",
    (b"vault", b"bao", b"configure", b"npm"),
    ("vault kv put secret/db user=app password=§", "aws configure set aws_secret_access_key §"),
    (
        "vault kv put secret/db password=$PASSWORD",
        "vault kv put secret/db password=@a.txt",
        "npm config set registry §",
    ),
    name=1,
)
ALIAS = Form(
    "the secret key of `mc alias set`",
    _COMMAND,
    rf"\bmc{_GAP}(?:--?\S+{_GAP})*(?:alias{_GAP}(?:set|s)|config{_GAP}host{_GAP}add){_GAP}\S+{_GAP}\S+{_GAP}\S+"
    rf"{_GAP}{VALUE}",
    (b"mc",),
    (
        "mc alias set minio http://minio:9000 admin §",
        'mc --insecure alias set m "https://a.example" admin "§"',
    ),
    (
        "mc alias set minio http://minio:9000 $USER $PASSWORD",
        "mc alias set minio http://minio:9000 minio minio123",
    ),
)
ECHO = Form(
    "the password in a pipe",
    _COMMAND,
    r"\b(?:echo|printf)[ \t]+(?:-n[ \t]+|-e[ \t]+)?"
    r"(?:\"(?:[^\"\s:$]+:)?([^\"\r\n$]+)\"|'(?:[^'\s:]+:)?([^'\r\n]+)'"
    rf"|(?:[^\s\"'`:$;|&<>()]+:)?({BARE}))[ \t]*\|"
    rf"[ \t]*(?:sudo{_GAP}(?:-\S+{_GAP})*(?:-S|chpasswd)|chpasswd"
    r"|passwd[ \t]+--stdin|[^|\r\n]*(?:--password-stdin|--pass-stdin|--passphrase-fd))",
    (b"echo", b"printf"),
    (
        "echo § | sudo -S apt-get update",
        "echo '§' | docker login -u robot --password-stdin a.example",
        "echo 'root:§' | chpasswd",
        "echo root:§ | sudo chpasswd",
    ),
    (
        'echo "$PASSWORD" | docker login --password-stdin',
        "echo ${{ secrets.TOKEN }} | docker login --password-stdin",
    ),
)
HERE = Form(
    "the password in a here-string",
    _COMMAND,
    rf"\b(?:chpasswd|sudo{_GAP}-S|[a-z]+-stdin)\b[^\r\n|;]*<<<[ \t]*(?:\"(?:[^\"\s:$]+:)?([^\"\r\n$]+)\""
    rf"|'(?:[^'\s:]+:)?([^'\r\n]+)'|(?:[^\s\"'`:$;|&<>()]+:)?({BARE}))",
    (b"<<<",),
    ("docker login -u robot --password-stdin a.example <<< §", "chpasswd <<< 'root:§'"),
    ('docker login --password-stdin <<< "$TOKEN"', "cat <<< §"),
)
EXPECT = Form(
    "the password that an expect script sends",
    _COMMAND,
    r"(?i:pass(?:word|phrase))[^\r\n]*\s*(?:\{\s*)?(?:exp_)?send[ \t]+(?:--?[ \t]+)?\"([^\"\r\n\\$]+)\\[rn]",
    (b"send",),
    (
        'expect "*password:*"\nsend "§\\r"',
        'expect "assword:" { send -- "§\\n" }'.replace("assword", "Password"),
    ),
    ('expect "*password:*"\nsend "$password\\r"', 'expect "*password:*"\nsend "yes\\r"'),
)
DOCKERFILE = Form(
    "",
    _COMMAND,
    rf"(?m:^)[ \t]*(?:ENV|set -gx|setx)[ \t]+((?i:{TELLING_NAME}))[ \t]+{VALUE}",
    (b"env", b"set"),
    ("FROM a:1\nENV DB_PASSWORD §", "set -gx DB_PASSWORD §"),
    ("FROM a:1\nENV DB_PASSWORD $DB_PASSWORD", "ENV PASSWORD_FILE /run/§"),
    name=1,
)
POWERSHELL = Form(
    "the text of ConvertTo-SecureString",
    _COMMAND,
    r"(?i:ConvertTo-SecureString)[ \t]+(?:-(?i:String)[ \t]+)?(?:\"([^\"\r\n$]+)\"|'([^'\r\n]+)')",
    (b"convertto-securestring",),
    ("$p = ConvertTo-SecureString '§' -AsPlainText -Force",),
    ('$p = ConvertTo-SecureString "$env:PASSWORD" -AsPlainText -Force',),
)

COMMANDS = (
    *(
        CURL,
        CURL_KEY,
        HTTPIE,
        BASIC,
        BEARER,
        MYSQL,
        LOGIN_P,
        SHORT_P,
        OPENSSL,
        HTPASSWD,
        FROM_LITERAL,
        NAME_VALUE,
        VARIABLE,
    ),
    *(STORE, ALIAS, ECHO, HERE, EXPECT, DOCKERFILE, POWERSHELL, NAMED),
)
