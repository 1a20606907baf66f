"""Ciphertexts that sops wrote, and values that only look like one: every detector is fed with both."""

import re
from pathlib import Path

VECTORS = Path(__file__).parent / "vectors" / "sops"

DATA, IV, TAG = "aHVudGVyMg==", "A" * 43 + "=", "A" * 22 + "=="
WHOLE = f"ENC[AES256_GCM,data:{DATA},iv:{IV},tag:{TAG},type:str]"
SHORT_NONCE = WHOLE.replace(IV, "A" * 16)
"""12 bytes, which older versions wrote."""

DATA, IV, TAG = "aHVudGVyMg==", "A" * 43 + "=", "A" * 22 + "=="
WHOLE = f"ENC[AES256_GCM,data:{DATA},iv:{IV},tag:{TAG},type:str]"
NEAR_MISSES = {
    "missing bracket": "ENC[AES256_GCM,my-real-password",
    "both ends only": "ENC[AES256_GCM,my-real-password-kX9vQ2mL]",
    "ends touch": "ENC[AES256_GCM,]",
    "one field only": f"ENC[AES256_GCM,data:{DATA}]",
    "no data": f"ENC[AES256_GCM,data:,iv:{IV},tag:{TAG},type:str]",
    "data is no base64": f"ENC[AES256_GCM,data:my-password!,iv:{IV},tag:{TAG},type:str]",
    "no nonce": f"ENC[AES256_GCM,data:{DATA},tag:{TAG},type:str]",
    "short nonce": f"ENC[AES256_GCM,data:{DATA},iv:AAAA,tag:{TAG},type:str]",
    "long nonce": f"ENC[AES256_GCM,data:{DATA},iv:{'A' * 64},tag:{TAG},type:str]",
    "no tag": f"ENC[AES256_GCM,data:{DATA},iv:{IV},type:str]",
    "short tag": f"ENC[AES256_GCM,data:{DATA},iv:{IV},tag:AAAA,type:str]",
    "no type": f"ENC[AES256_GCM,data:{DATA},iv:{IV},tag:{TAG}]",
    "a type of nobody": f"ENC[AES256_GCM,data:{DATA},iv:{IV},tag:{TAG},type:password]",
    "another order": f"ENC[AES256_GCM,iv:{IV},data:{DATA},tag:{TAG},type:str]",
    "one more field": f"ENC[AES256_GCM,data:{DATA},iv:{IV},tag:{TAG},type:str,note:hunter2]",
    "text before": f"hunter2 {WHOLE}",
    "text behind": f"{WHOLE}hunter2]",
    "a second one": f"{WHOLE},{WHOLE}",
    "cut off": WHOLE[:-1],
    "other cipher": WHOLE.replace("AES256_GCM", "AES256_CBC"),
    "lower case": WHOLE.lower(),
    "data cut short": WHOLE.replace(DATA, DATA[:-1]),
    "padding within": WHOLE.replace(DATA, "aH=udGVyMg=="),
    "nonce of 31 bytes": WHOLE.replace(IV, "A" * 42 + "=="),
    "other key length": WHOLE.replace("AES256_GCM", "AES128_GCM"),
    "a comment in front": f"#{WHOLE}",
    "a line within": WHOLE.replace(",iv:", ",\niv:"),
}


def real_ciphertexts():
    """Every ciphertext in the files that sops wrote, by the file and type that it is of."""
    return {
        f"{path.parent.name}{path.suffix} {match['kind']}": match[0]
        for path in sorted(VECTORS.glob("*/encrypted*"))
        for match in re.finditer(r"ENC\[[^\]]*type:(?P<kind>[a-z]+)\]", path.read_text(encoding="utf-8"))
    }
