"""Names of resources in AWS: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`."""

from __future__ import annotations

from fluxsecrets.namedtuples import NamedTuple

from .recipients import Recipient, attribute_of


class Arn(NamedTuple):
    """The parts of an ARN. They come from files: any character may be in them.

    Attributes:
        partition: such as `aws`, `aws-cn` or `aws-us-gov`: separate clouds with accounts of their own.
        region: empty for services without regions.
        resource: such as `key/…`, `alias/…` or `role/…`.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @property
    def is_alias(self) -> bool:
        """Whether it names a key through an alias, which can be given to another key."""
        return self.resource.startswith("alias/")

    @property
    def is_multi_region(self) -> bool:
        """Whether it is a key with replicas in other regions."""
        return self.resource.startswith("key/mrk-")


def read_arn(text: str) -> Arn | None:
    """Return the parts of an ARN, or None for another text."""
    start, *parts = text.split(":", 5)
    return Arn(*parts) if start == "arn" and len(parts) == 5 else None


def key_arn(recipient: Recipient) -> Arn | None:
    """Return the ARN of an AWS key; None for other kinds, and for what is not one."""
    arn = read_arn(recipient.id) if recipient.kind == "kms" else None
    return arn if arn is not None and arn.service == "kms" else None


def role_arn(recipient: Recipient) -> Arn | None:
    """Return the ARN of the role that an AWS key is used through, or None."""
    role = attribute_of(recipient, "role") if recipient.kind == "kms" else None
    return read_arn(role) if isinstance(role, str) else None
