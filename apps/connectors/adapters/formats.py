"""The formats an import may name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.connectors.adapters import (
    aws_authorization,
    aws_credential_report,
    countersign,
)
from apps.connectors.adapters.contract import Row
from apps.connectors.adapters.opening import SourceFile


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    title: str
    made_by: str
    unseen: str
    read: Callable[[SourceFile, str], Iterator[Row]]


def _unnamed(
    read: Callable[[SourceFile], Iterator[Row]],
) -> Callable[[SourceFile, str], Iterator[Row]]:
    """Fit a format whose account names its stream."""
    return lambda source, stream: read(source)


FORMATS = {
    held.name: held
    for held in (
        Format(
            aws_authorization.FORMAT,
            "AWS account authorization details",
            aws_authorization.COMMAND,
            "Policies of the organisation, of resources, and of sessions, and Identity Center "
            "assignments: they may allow more or less. Access keys are in the credential report.",
            _unnamed(aws_authorization.read),
        ),
        Format(
            aws_credential_report.FORMAT,
            "AWS credential report",
            aws_credential_report.COMMAND,
            "Ids of access keys, credentials made for one service, and what the keys may do.",
            _unnamed(aws_credential_report.read),
        ),
        Format(
            countersign.FORMAT,
            "Countersign inventory (JSON or CSV)",
            "manage.py inventory_export",
            "Whatever the file leaves out. It is what somebody declared, not what a system said.",
            countersign.read,
        ),
    )
}
