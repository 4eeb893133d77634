"""A user or a role of an account, as IAM's calls name it."""

from dataclasses import dataclass
from typing import Any

from apps.connectors.adapters.removal import Subject


@dataclass(frozen=True, slots=True)
class Holder:
    kind: str
    name: str
    account: str
    partition: str = "aws"

    @property
    def option(self) -> dict[str, str]:
        """As the command line names it."""
        return {f"{self.kind}_name": self.name}

    @property
    def param(self) -> dict[str, Any]:
        """As the API names it."""
        return {f"{self.kind.title()}Name": self.name}

    @property
    def told(self) -> dict[str, Any]:
        """As the arguments of a step."""
        return {
            "account": self.account,
            "holder": self.kind,
            "name": self.name,
            "partition": self.partition,
        }

    def policy_arn(self, name: str) -> str:
        """The ARN of a managed policy of ours, made for this holder."""
        return f"arn:{self.partition}:iam::{self.account}:policy/countersign/{name}"


def holder_of(subject: Subject) -> Holder:
    parts = subject.identity_id.split(":")
    is_arn = len(parts) > 5 and parts[0] == "arn"
    return Holder(
        kind="role" if subject.is_role else "user",
        name=subject.identity,
        account=subject.account or (parts[4] if is_arn else ""),
        partition=parts[1] if is_arn else "aws",
    )


def holder_told(arguments: Any) -> Holder:
    """The holder that a step's arguments name."""
    return Holder(
        kind=arguments["holder"],
        name=arguments["name"],
        account=arguments["account"],
        partition=arguments.get("partition", "aws"),
    )
