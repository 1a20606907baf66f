"""Stores of secrets and backups: anyone who has one of these reads all that you put there."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .checks import check_jwt, check_uuid4
from .model import TokenRule
from .parts import UUID, assigned, named

RULES = (
    TokenRule(
        id="vault-approle-secret-id",
        title="Vault AppRole secret id",
        severity=Severity.CRITICAL,
        pattern=named(r"(?:vault|bao|openbao|approle)[\w.-]{0,20}secret[_-]?id", UUID),
        group=1,
        keywords=(b"secret",),
        check=check_uuid4,
        entropy=3.0,
        explanation=(
            "With its role id it logs in to Vault or OpenBao, and reads what the role's policies allow."
        ),
        fix=("destroy it with `vault write auth/approle/role/NAME/secret-id/destroy`, and make a new one"),
        positives=("VAULT_SECRET_ID={uuid}",),
        negatives=("VAULT_SECRET_ID=${VAULT_SECRET_ID}", "VAULT_ROLE_ID={uuid}"),
    ),
    TokenRule(
        id="vault-unseal-key",
        title="Vault unseal or recovery key",
        severity=Severity.CRITICAL,
        pattern=(
            r"(?i:(?:unseal|recovery)[ _-]?keys?(?:[ _-]?(?:share|b64|hex|[0-9]{1,2})"
            r"""){0,2}[\"']?\s{0,8}[:=][\s\[\"']{0,12})([0-9A-Za-z+/]{44}|[0-9A-Za-z+/]"""
            r"{43}=|[0-9a-f]{66}|[0-9a-f]{64})(?:[^0-9A-Za-z+/=]|$)"
        ),
        group=1,
        keywords=(b"unseal", b"recovery"),
        entropy=3.2,
        explanation="Enough of them open Vault or OpenBao with everything in it.",
        fix="rekey with `vault operator rekey`, and hand each share to one person only",
        positives=(
            "Unseal Key 1: {base64:44}",
            "VAULT_UNSEAL_KEY={base64:44}",
            '"unseal_keys_hex": ["{hex:66}"',
        ),
        negatives=("Unseal Key 1: ...", "unseal_key_threshold: 3"),
    ),
    TokenRule(
        id="bitwarden-access-token",
        title="Bitwarden Secrets Manager access token",
        severity=Severity.CRITICAL,
        pattern=rf"\b(0\.{UUID}\.[0-9A-Za-z]{{30}}:[0-9A-Za-z+/]{{22}}==)",
        group=1,
        keywords=(b"0.",),
        explanation=(
            "It reads, and perhaps writes, the secrets of the projects that its machine account sees."
        ),
        fix="revoke it under Machine accounts, Access tokens, and make one that expires",
        positives=("BWS_ACCESS_TOKEN=0.{uuid}.{base62:30}:{base64:22}==",),
        negatives=("0.{uuid}", "0.{uuid}.{base62:8}"),
    ),
    TokenRule(
        id="bitwarden-client-secret",
        title="Bitwarden API key",
        severity=Severity.CRITICAL,
        pattern=assigned("bw|bitwarden", "[0-9A-Za-z]{30}"),
        group=1,
        keywords=(b"bw_", b"bw-", b"bwclient", b"bitwarden"),
        entropy=3.8,
        explanation="With its client id it logs in as the user; the vault also needs the master password.",
        fix="rotate it in the account's security settings",
        positives=("BW_CLIENTSECRET={base62:30}",),
        negatives=("BW_CLIENTSECRET=${BW_CLIENTSECRET}", "bitwarden_version: {base62:30}"),
    ),
    TokenRule(
        id="onepassword-connect-credentials",
        title="1Password Connect credentials",
        severity=Severity.CRITICAL,
        pattern=r'"uniqueKey"\s{0,8}:\s{0,8}\{[^{}]{0,300}"k"\s{0,8}:\s{0,8}"([0-9A-Za-z_-]{43})"',
        group=1,
        keywords=(b'"uniquekey"',),
        entropy=4.0,
        explanation="With a token it decrypts the vaults that the Connect server sees.",
        fix="delete the Connect server in 1Password, and set up a new one",
        positives=('"uniqueKey":{"alg":"A256GCM","ext":true,"k":"{base64url:43}","key_ops":["encrypt"]}',),
        negatives=('"uniqueKey":{"alg":"A256GCM","k":""}',),
    ),
    TokenRule(
        id="onepassword-connect-token",
        title="1Password Connect token",
        severity=Severity.CRITICAL,
        pattern=named(
            "(?:op|onepassword|1password)[_-]?connect[_-]?token",
            r"eyJ[0-9A-Za-z_-]{20,400}\.eyJ[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{40,400}",
        ),
        group=1,
        keywords=(b"connect",),
        check=check_jwt,
        explanation=(
            "It reads the vaults that it was made for, from anywhere the Connect server is reached."
        ),
        fix="revoke the token of the Connect server in 1Password, and make a new one",
        positives=("OP_CONNECT_TOKEN={jwt}",),
        negatives=("OP_CONNECT_TOKEN=${OP_CONNECT_TOKEN}",),
    ),
    TokenRule(
        id="akeyless-access-key",
        title="Akeyless access key",
        severity=Severity.CRITICAL,
        pattern=assigned("akeyless", "[0-9A-Za-z+/]{43}="),
        group=1,
        keywords=(b"akeyless",),
        entropy=4.0,
        explanation="With its access id it reads the secrets that its role allows.",
        fix="reset the key of the auth method, and prefer one without a key",
        positives=("AKEYLESS_ACCESS_KEY={base64:43}=",),
        negatives=(
            "AKEYLESS_ACCESS_KEY=${AKEYLESS_ACCESS_KEY}",
            "akeyless_access_id: p-{alnum:14}",
        ),
    ),
    TokenRule(
        id="conjur-api-key",
        title="CyberArk Conjur API key",
        severity=Severity.CRITICAL,
        pattern=assigned("conjur", "[0-9a-z]{48,60}"),
        group=1,
        keywords=(b"conjur",),
        entropy=3.8,
        explanation="It logs in as the host or user, and reads its variables.",
        fix="rotate it with `conjur host rotate-api-key`",
        positives=("CONJUR_AUTHN_API_KEY={alnum:54}",),
        negatives=(
            "CONJUR_AUTHN_API_KEY=${CONJUR_AUTHN_API_KEY}",
            "CONJUR_revision: {alnum:54}",
        ),
    ),
    TokenRule(
        id="infisical-secret",
        title="Infisical client secret or key",
        severity=Severity.CRITICAL,
        pattern=assigned("infisical", "[0-9a-f]{64}|[0-9a-f]{32}|[0-9A-Za-z+/]{43}="),
        group=1,
        keywords=(b"infisical",),
        entropy=3.0,
        explanation=(
            "A client secret logs in as a machine identity; an encryption key opens the instance's database."
        ),
        fix="delete the client secret of the identity, and make a new one that expires",
        positives=("INFISICAL_CLIENT_SECRET={hex:64}", "INFISICAL_ENCRYPTION_KEY={hex:32}"),
        negatives=(
            "INFISICAL_CLIENT_SECRET=${INFISICAL_CLIENT_SECRET}",
            "INFISICAL_CLIENT_ID={uuid}",
            "infisical_image: {hex:64}",
        ),
    ),
    TokenRule(
        id="keeper-one-time-token",
        title="Keeper Secrets Manager token",
        severity=Severity.CRITICAL,
        pattern=assigned("ksm|keeper", "(?:US|EU|AU|CA|GOV|JP):[0-9A-Za-z_-]{43}"),
        group=1,
        keywords=(b"ksm", b"keeper"),
        entropy=4.0,
        explanation="It sets up one client for the application's secrets, if nobody did before.",
        fix="remove the client device of the application, and make a new token",
        positives=("KSM_TOKEN=US:{base64url:43}",),
        negatives=("KSM_TOKEN=${KSM_TOKEN}", "KSM_revision: US:{base64url:43}"),
    ),
    TokenRule(
        id="dotenv-vault-key",
        title="dotenv-vault key",
        severity=Severity.CRITICAL,
        pattern=r"dotenv://:(key_[0-9a-f]{64,70})@",
        group=1,
        keywords=(b"dotenv://",),
        explanation="It decrypts the environment's .env.vault file.",
        fix="rotate it with `dotenv-vault rotatekey`",
        positives=("DOTENV_KEY=dotenv://:key_{hex:64}@dotenv.org/vault/.env.vault?environment=production",),
        negatives=("dotenv://:key_1234@dotenv.org",),
    ),
    TokenRule(
        id="dotenvx-private-key",
        title="dotenvx private key",
        severity=Severity.CRITICAL,
        pattern=named(r"dotenv_private_key[\w.-]{0,30}", "[0-9a-f]{64}"),
        group=1,
        keywords=(b"dotenv_private_key",),
        entropy=3.0,
        explanation="It decrypts the .env files of its environment.",
        fix="rotate it with `dotenvx rotate`, and change the values",
        positives=("DOTENV_PRIVATE_KEY_PRODUCTION={hex:64}",),
        negatives=("DOTENV_PUBLIC_KEY_PRODUCTION=02{hex:64}",),
    ),
    TokenRule(
        id="phase-token",
        title="Phase token",
        severity=Severity.CRITICAL,
        pattern=(
            r"\bpss_(?:service|user):v[0-9]:[0-9a-f]{64}:[0-9a-f]{64}:[0-9a-f]{64,200}(?::[0-9a-f]"
            r"{64})?"
        ),
        keywords=(b"pss_",),
        explanation="It reads the secrets of the app or user.",
        fix="delete it in the console, and make a new one",
        positives=("PHASE_SERVICE_TOKEN=pss_service:v2:{hex:64}:{hex:64}:{hex:64}:{hex:64}",),
        negatives=("pss_service:v2:{hex:8}",),
    ),
    TokenRule(
        id="docker-swarm-join-token",
        title="Docker Swarm token",
        severity=Severity.CRITICAL,
        pattern=r"\bSWM(?:TKN|KEY)-1-(?:[0-9a-z]{50}-[0-9a-z]{25}|[0-9A-Za-z+/]{43})\b",
        keywords=(b"swmtkn-1-", b"swmkey-1-"),
        entropy=3.8,
        explanation="It joins a machine to the swarm, or unlocks its managers.",
        fix=("rotate it with `docker swarm join-token --rotate` or `docker swarm unlock-key --rotate`"),
        positives=(
            "docker swarm join --token SWMTKN-1-{alnum:50}-{alnum:25} 10.0.0.1:2377",
            "key: SWMKEY-1-{base64:42}a",
        ),
        negatives=("SWMTKN-1-{alnum:8}",),
    ),
    TokenRule(
        id="restic-repository-password",
        title="Kopia or restic repository password",
        severity=Severity.CRITICAL,
        pattern=assigned("restic|kopia|volsync", "[0-9A-Za-z+/]{43}=|[0-9A-Za-z]{32,64}"),
        group=1,
        keywords=(b"restic", b"kopia", b"volsync"),
        entropy=3.8,
        explanation="It decrypts the backups, wherever they are.",
        fix=(
            "add a new key with `restic key add` or change it with `kopia repository change- "
            "password`, then remove this one"
        ),
        positives=("RESTIC_PASSWORD={base62:40}", "KOPIA_PASSWORD={base64:43}="),
        negatives=("RESTIC_PASSWORD=${RESTIC_PASSWORD}", "restic_revision: {base62:40}"),
    ),
    TokenRule(
        id="borg-passphrase",
        title="Borg passphrase or BorgBase key",
        severity=Severity.CRITICAL,
        pattern=assigned(
            "borg|borgbase|borgmatic", "[0-9A-Za-z+/]{43}=|[0-9A-Za-z]{32,64}|[0-9A-Za-z_./-]{140,160}"
        ),
        group=1,
        keywords=(b"borg", b"borgbase", b"borgmatic"),
        entropy=3.8,
        explanation="It decrypts the backups, or manages where they are.",
        fix="change it with `borg key change-passphrase`, or delete the API key",
        positives=("BORG_PASSPHRASE={base62:40}",),
        negatives=("BORG_PASSPHRASE=${BORG_PASSPHRASE}", "borg_revision: {base62:40}"),
    ),
    TokenRule(
        id="nix-signing-key",
        title="Nix signing key",
        severity=Severity.CRITICAL,
        pattern=r"[0-9a-z]-[0-9]{1,2}:([0-9A-Za-z+/]{86}==)",
        group=1,
        keywords=(b"==",),
        entropy=4.2,
        explanation="It signs store paths that machines install without a question.",
        fix=("make a new pair with `nix key generate-secret`, and take the old public key off every machine"),
        positives=("cache.wad.example-1:{base64:86}==",),
        negatives=("cache.wad.example-1:{base64:43}=",),
    ),
)
