"""Further registries and forges: anyone who has one of these changes what you install."""

from __future__ import annotations

from fluxsecrets.findings import Severity

from .checks import check_jwt
from .model import TokenRule
from .parts import UUID, assigned, named

RULES = (
    TokenRule(
        id="quay-token",
        title="Quay robot or OAuth token",
        severity=Severity.CRITICAL,
        pattern=assigned("quay", "[0-9A-Z]{64}|[0-9A-Za-z]{40}"),
        group=1,
        keywords=(b"quay",),
        entropy=3.8,
        explanation="It pulls or pushes the images that it was made for.",
        fix="regenerate the robot's token under Robot Accounts",
        positives=("QUAY_TOKEN={upper:64}",),
        negatives=("QUAY_TOKEN=${QUAY_TOKEN}", "QUAY_revision: {upper:64}"),
    ),
    TokenRule(
        id="harbor-robot-secret",
        title="Harbor robot secret",
        severity=Severity.CRITICAL,
        pattern=named(
            r"harbor[\w.-]{0,24}(?:secret|token|passw(?:or)?d|robot)[\w.-]{0,12}", "[0-9A-Za-z]{32}"
        ),
        group=1,
        keywords=(b"harbor",),
        entropy=3.8,
        explanation="It pulls or pushes the images of its projects.",
        fix="refresh the robot's secret under Robot Accounts",
        positives=("HARBOR_ROBOT_SECRET={base62:32}",),
        negatives=(
            "HARBOR_ROBOT_SECRET=${HARBOR_ROBOT_SECRET}",
            "harbor_revision: {base62:32}",
        ),
    ),
    TokenRule(
        id="harbor-robot-login",
        title="Harbor robot secret beside its name",
        severity=Severity.CRITICAL,
        pattern=(
            r"""\brobot\$[\w.+-]{1,80}[\"']?(?:[\s,:]{1,12}(?:-p|--password|[\"']?(?:password|"""
            r"""secret|token)[\"']?[:=])?[\s=\"']{0,6})([0-9A-Za-z]{32})\b"""
        ),
        group=1,
        keywords=(b"robot$",),
        entropy=3.8,
        explanation="It pulls or pushes the images of its projects.",
        fix="refresh the robot's secret under Robot Accounts",
        positives=(
            "docker login -u 'robot$wad+ci' -p {base62:32} harbor.wad.example",
            '"username": "robot$ci", "password": "{base62:32}"',
        ),
        negatives=("robot$wad+ci", "robot$ci: password"),
    ),
    TokenRule(
        id="cloudsmith-key",
        title="Cloudsmith key",
        severity=Severity.CRITICAL,
        pattern=assigned("cloudsmith", "[0-9a-f]{40}|csa_[0-9a-f]{30}[0-9A-Za-z]{6}"),
        group=1,
        keywords=(b"cloudsmith",),
        entropy=3.0,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="reset it in the account's settings",
        positives=("CLOUDSMITH_API_KEY={hex:40}",),
        negatives=(
            "CLOUDSMITH_API_KEY=${CLOUDSMITH_API_KEY}",
            "CLOUDSMITH_revision: {hex:40}",
        ),
    ),
    TokenRule(
        id="packagecloud-token",
        title="packagecloud or Gemfury token",
        severity=Severity.CRITICAL,
        pattern=assigned(
            "packagecloud|gemfury|fury", "[0-9a-f]{48}|[0-9A-Za-z]{20,22}|[0-9A-Za-z]{6}-[0-9A-Za-z]{20,32}"
        ),
        group=1,
        keywords=(b"packagecloud", b"gemfury", b"fury"),
        entropy=3.2,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="regenerate it in the account's settings",
        positives=("PACKAGECLOUD_TOKEN={hex:48}",),
        negatives=(
            "PACKAGECLOUD_TOKEN=${PACKAGECLOUD_TOKEN}",
            "PACKAGECLOUD_revision: {hex:48}",
        ),
    ),
    TokenRule(
        id="packagist-token",
        title="Private Packagist token",
        severity=Severity.CRITICAL,
        pattern=r"\bpackagist_[a-z]{3}_[0-9a-f]{60,100}\b",
        keywords=(b"packagist_",),
        entropy=3.0,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="revoke it in the organization's settings, and make a new one",
        positives=("COMPOSER_AUTH=packagist_ack_{hex:68}",),
        negatives=("packagist_ack_{hex:8}",),
    ),
    TokenRule(
        id="hex-pm-key",
        title="Hex.pm key",
        severity=Severity.CRITICAL,
        pattern=assigned("hex", "[0-9a-f]{32}"),
        group=1,
        keywords=(b"hex_", b"hex-", b"hexpm"),
        entropy=3.0,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="revoke it with `mix hex.user key revoke`, and make one for CI",
        positives=("HEX_API_KEY={hex:32}",),
        negatives=("HEX_API_KEY=${HEX_API_KEY}", "HEX_revision: {hex:32}"),
    ),
    TokenRule(
        id="open-vsx-token",
        title="Open VSX token",
        severity=Severity.CRITICAL,
        pattern=rf"\bovsx[ap]t?_{UUID}\b",
        keywords=(b"ovsx",),
        entropy=3.0,
        explanation="It publishes extensions in its owner's name.",
        fix="delete it in the settings under Access Tokens, and make a new one",
        positives=("OVSX_PAT=ovsxat_{uuid}",),
        negatives=("ovsxat_{hex:8}",),
    ),
    TokenRule(
        id="anaconda-token",
        title="Anaconda token",
        severity=Severity.CRITICAL,
        pattern=assigned("anaconda|conda", rf"[a-z]{{2}}-{UUID}"),
        group=1,
        keywords=(b"anaconda", b"conda"),
        entropy=3.0,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="remove it with `anaconda auth --remove`, and make a new one",
        positives=("ANACONDA_API_TOKEN=wa-{uuid}",),
        negatives=(
            "ANACONDA_API_TOKEN=${ANACONDA_API_TOKEN}",
            "ANACONDA_revision: wa-{uuid}",
        ),
    ),
    TokenRule(
        id="chocolatey-key",
        title="Chocolatey or PowerShell Gallery key",
        severity=Severity.CRITICAL,
        pattern=assigned("chocolatey|choco|psgallery", rf"{UUID}|oy2[0-9a-z]{{43}}"),
        group=1,
        keywords=(b"chocolatey", b"choco", b"psgallery"),
        entropy=3.0,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="regenerate it in the account",
        positives=("CHOCOLATEY_API_KEY={uuid}",),
        negatives=(
            "CHOCOLATEY_API_KEY=${CHOCOLATEY_API_KEY}",
            "CHOCOLATEY_revision: {uuid}",
        ),
    ),
    TokenRule(
        id="maven-central-token",
        title="Maven Central or Gradle token",
        severity=Severity.CRITICAL,
        pattern=assigned(
            "sonatype|ossrh|maven_?central|central_?portal|gradle_?publish",
            "[0-9A-Za-z+/]{43,44}|[0-9A-Za-z]{32}",
        ),
        group=1,
        keywords=(b"sonatype", b"ossrh", b"maven", b"portal", b"gradle"),
        entropy=3.8,
        explanation="It publishes packages in its owner's name, or reads private ones.",
        fix="revoke the user token in the account, and make a new one",
        positives=("OSSRH_TOKEN_PASSWORD={base62:44}",),
        negatives=(
            "OSSRH_TOKEN_PASSWORD=${OSSRH_TOKEN_PASSWORD}",
            "OSSRH_revision: {base62:44}",
        ),
    ),
    TokenRule(
        id="jfrog-identity-token",
        title="JFrog identity token",
        severity=Severity.CRITICAL,
        pattern=assigned(
            "jfrog|artifactory|jf", r"eyJ[0-9A-Za-z_-]{20,300}\.eyJ[0-9A-Za-z_-]{40,}\.[0-9A-Za-z_-]{80,700}"
        ),
        group=1,
        keywords=(b"jfrog", b"artifactory", b"jf_", b"jf-"),
        check=check_jwt,
        explanation="It reads or writes artefacts as its owner.",
        fix=("revoke it under User management, Access tokens, and make one with the scope that is needed"),
        positives=("JF_ACCESS_TOKEN={jwt}",),
        negatives=("JF_ACCESS_TOKEN=${JF_ACCESS_TOKEN}",),
    ),
    TokenRule(
        id="gitee-token",
        title="Gitee, Codeup or CNB token",
        severity=Severity.CRITICAL,
        pattern=assigned("gitee|codeup|cnb", "[0-9a-f]{32}"),
        group=1,
        keywords=(b"gitee", b"codeup", b"cnb"),
        entropy=3.0,
        explanation="It reads and writes the repositories of its owner.",
        fix="delete it in the account's settings, and make a new one",
        positives=("GITEE_ACCESS_TOKEN={hex:32}",),
        negatives=("GITEE_ACCESS_TOKEN=${GITEE_ACCESS_TOKEN}", "GITEE_revision: {hex:32}"),
    ),
)
