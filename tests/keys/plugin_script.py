"""A small age plugin for tests, on its own: age-plugin-xor, whose stanzas hide nothing.

PLUGIN_MODE in the environment makes it behave badly. It notes its runs in the file PLUGIN_LOG.
"""

import base64
import os
import sys
import time
from pathlib import Path

MODE = os.environ.get("PLUGIN_MODE", "")


def read():
    line = sys.stdin.readline().rstrip("\n")
    if not line.startswith("-> "):
        raise SystemExit(9)
    body = ""
    while True:
        part = sys.stdin.readline().rstrip("\n")
        body += part
        if len(part) < 64:
            break
    return line[3:].split(" "), base64.b64decode(body + "=" * (-len(body) % 4))


def send(*words, body=b""):
    text = base64.b64encode(body).decode().rstrip("=")
    lines = [text[start : start + 64] for start in range(0, len(text) + 1, 64)]
    sys.stdout.write("-> " + " ".join(words) + "\n" + "\n".join(lines) + "\n")
    sys.stdout.flush()


def hidden(data):
    return bytes(byte ^ 0x55 for byte in data)


def misbehave():
    if MODE == "silent":
        time.sleep(60)
    if MODE == "ends":
        raise SystemExit(0)
    if MODE == "rubbish":
        sys.stdout.write("rubbish\n" * 10)
        sys.stdout.flush()
        time.sleep(60)
    if MODE == "endless":
        while True:
            send("grease")
            read()
    if MODE == "error":
        send("error", "internal", body=b"the device is not plugged in\nmore")
        read()
    if MODE == "leak":
        send("error", "internal", body=b"bad identity AGE-PLUGIN-XOR-1QQQQQ")
        read()
    if MODE == "asks":
        send("msg", body=b"touch it")
        read()
        send("request-secret", body=b"PIN?")
        answer, pin = read()
        if (answer, pin) != (["ok"], b"1234"):
            send("error", "internal", body=b"wrong PIN")
            read()
        yes, no = (base64.b64encode(word).decode().rstrip("=") for word in (b"go on", b"stop"))
        send("confirm", yes, no, body=b"sure?")
        answer, _ = read()
        if answer != ["ok", "yes"]:
            send("error", "internal", body=b"not sure")
            read()
    send("grease-1", "x", body=bytes(48))
    assert read()[0] == ["unsupported"]


def recipient_v1():
    keys = []
    while True:
        (kind, *_), body = read()
        if kind == "wrap-file-key":
            keys.append(body)
        if kind == "done":
            break
    misbehave()
    for number, key in enumerate(keys):
        send(
            "recipient-stanza", str(number), "scrypt" if MODE == "scrypt" else "xor", "arg", body=hidden(key)
        )
        assert read()[0] == ["ok"]
    send("done")


def identity_v1():
    stanzas = []
    while True:
        words, body = read()
        if words[0] == "recipient-stanza":
            stanzas.append((words[2], body))
        if words[0] == "done":
            break
    misbehave()
    for kind, body in stanzas:
        if kind == "xor":
            key = hidden(body)
            send("file-key", "1" if MODE == "index" else "0", body=key[:-1] if MODE == "short" else key)
            assert read()[0] == ["ok"]
            break
    send("done")


if __name__ == "__main__":
    if os.environ.get("PLUGIN_LOG"):
        with Path(os.environ["PLUGIN_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{sys.argv[1]} {Path.cwd()}\n")
    {"--age-plugin=recipient-v1": recipient_v1, "--age-plugin=identity-v1": identity_v1}[sys.argv[1]]()
