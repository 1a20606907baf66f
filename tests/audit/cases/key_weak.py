"""An RSA key of 1024 bits."""

from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from audit_tree import as_scalar, encrypted, pem, repository, secret


@cache
def short():
    key = rsa.generate_private_key(65537, 1024)
    return as_scalar(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    )


SILENT = repository(
    files={"clusters/staging/tls.yaml": encrypted(secret("tls", values={"tls.key": pem("sealing.key")}))}
)
TRIGGERS = SILENT.changed(
    {"clusters/staging/tls.yaml": encrypted(secret("tls", values={"tls.key": short()}))}
)
