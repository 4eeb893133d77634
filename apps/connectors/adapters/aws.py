"""AWS: users, roles, keys, and policies of an account, and of others by their roles."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from apps.connectors.adapters import (
    aws_checks,
    aws_discovery,
    aws_finding,
    aws_issuing,
    aws_issuing_checks,
    aws_logs,
    aws_made,
    aws_placing,
    aws_removal,
    aws_rights,
    aws_sightings,
    aws_steps,
    aws_trail,
)
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.contract import Row
from apps.connectors.adapters.live import (
    Adapter,
    Beside,
    Call,
    Capability,
    Check,
    Clue,
    Issued,
    Located,
    Made,
    Outcome,
    Part,
    Place,
    Rotated,
    Scope,
    Setting,
    Sighting,
)
from apps.connectors.adapters.log_parts import LogPart, LogPiece
from apps.connectors.adapters.removal import Plan, Subject, Wanted

# The services themselves: not what customers put below the same domain.
OWN_HOSTS = re.compile(r"[a-z-]+(\.[a-z]{2}(-[a-z]+)+-[0-9])?\.amazonaws\.com(\.cn)?", re.ASCII)
AMBIENT, REFERENCES = "ambient", "references"


class AwsAdapter(Adapter):
    kind: ClassVar[str] = "aws"
    title: ClassVar[str] = "AWS"
    own_hosts = OWN_HOSTS
    log_format = "cloudtrail"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.DISCOVER,
            Capability.DISABLE,
            Capability.DELETE,
            Capability.END_SESSIONS,
            Capability.REMOVE_GRANT,
            Capability.NARROW_GRANT,
            Capability.FIND,
            Capability.LOG,
            Capability.WHOLE_LOG,
            Capability.ROTATE,
            Capability.ISSUE,
            Capability.PLACE,
        }
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "auth",
            "Signs in as",
            help="The host's own identity needs no secret at all: an instance profile, a "
            "container's or a pod's role.",
            required=True,
            choices=(
                (AMBIENT, "The host's own identity"),
                (REFERENCES, "An access key, by reference"),
            ),
        ),
        Setting("access_key_id", "Access key id", reference=True),
        Setting("secret_access_key", "Secret access key", reference=True),
        Setting("session_token", "Session token", reference=True),
        Setting(
            "regions",
            "Regions",
            help="Where secrets and the log are read; the first is where AWS is called. Name the "
            "one that records IAM too (us-east-1).",
            required=True,
            several=True,
        ),
        Setting(
            "roles",
            "Roles of further accounts",
            help="ARNs of roles to assume, one for each further account.",
            several=True,
        ),
        Setting(
            "place_secrets",
            "May write new secrets to",
            help="ARNs of secrets in Secrets Manager into which rotation puts a new key.",
            several=True,
        ),
        Setting(
            "trails",
            "Where trails write",
            help="s3://bucket/folder, of the folder that holds CloudTrail/ (s3://logs/AWSLogs/"
            "123456789012), one for each account. Without one its log is read from the history of "
            "events: calls of management alone, of 90 days.",
            several=True,
        ),
        Setting("external_id", "External id", help="Where those roles ask for one."),
        Setting(
            "endpoint",
            "Endpoint",
            help="Only where AWS is not called at its own address. Its host has to be named in "
            "CONNECTION_HOSTS by whoever runs Countersign.",
            address=True,
        ),
    )
    cannot: ClassVar[tuple[str, ...]] = (
        "End one session alone: it ends all older sessions of a user or role.",
        "Change what is root's.",
        "Change a group, a policy of AWS's own, or a policy that others use too: there a deny for "
        "the one identity stays.",
        "See policies of the organisation, of resources, and of Identity Center.",
        "Switch a console password off: it can only be deleted.",
        "Prove that a key is dead by trying it, unless its secret is at hand.",
    )

    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        super().__init__(told, secret)
        self.clients = Clients(told, secret)

    @classmethod
    def plan(cls, wanted: Wanted) -> Plan:
        return aws_removal.plan(wanted)

    @classmethod
    def rights(cls, told: Mapping[str, Any], purpose: str) -> str:
        return aws_rights.rights(told, purpose)

    def accounts(self) -> Sequence[str]:
        return self.clients.accounts()

    def check(self, *, removal: bool, issuing: bool = False) -> Iterator[Check]:
        accounts: list[str] = []
        yield from aws_checks.check(self.clients, removal=removal, accounts=accounts)
        if accounts:
            yield from aws_logs.check(self.clients, self.told)
        if issuing and accounts:
            yield from aws_issuing_checks.check_issuing(self.clients, accounts)

    def parts(self) -> Sequence[Part]:
        return aws_discovery.parts(self.clients)

    def discover(self, part: Part) -> Iterator[Row]:
        return aws_discovery.discover(self.clients, part)

    def run(self, op: str, arguments: Mapping[str, Any]) -> Outcome:
        return aws_steps.run(self.clients, op, arguments)

    def undo(self, op: str, arguments: Mapping[str, Any], undo: Mapping[str, Any]) -> Outcome:
        return aws_steps.undo(self.clients, op, arguments, undo)

    def verify(self, wanted: Wanted) -> Sighting:
        return aws_sightings.verify(self.clients, wanted)

    def try_out(self, clue: Clue) -> Sighting:
        return aws_sightings.try_out(self.clients, clue)

    def find(self, clue: Clue) -> Located | None:
        return aws_finding.find(self.clients, clue)

    def calls(self, subject: Subject, *, since: datetime) -> Iterator[Call]:
        return aws_trail.calls(self.clients, subject, since)

    def log_complete_until(self, now: datetime) -> datetime | None:
        return now - aws_trail.COMPLETE_AFTER

    def log_parts(self) -> Sequence[LogPart]:
        return aws_logs.parts(self.clients, self.told)

    def log_read(self, part: LogPart, *, since: datetime, now: datetime) -> Iterator[LogPiece]:
        return aws_logs.read(self.clients, part, since, now)

    def made_with(self, subject: Subject, *, since: datetime) -> Sequence[Made]:
        return aws_made.made_with(self.clients, subject, since)

    def rotate(self, subject: Subject) -> Rotated:
        return aws_issuing.rotate(self.clients, subject)

    def beside(self, subject: Subject) -> Sequence[Beside]:
        return aws_placing.beside(self.clients, subject)

    def place_look(self, where: str) -> Place:
        return aws_placing.look(self.clients, self.told, where)

    def place(self, where: str, secret: Mapping[str, str], *, mark: str, after: str) -> Outcome:
        return aws_placing.put(self.clients, self.told, where, secret, mark=mark, after=after)

    def issue(self, scope: Scope) -> Issued:
        return aws_issuing.issue(self.clients, scope)

    def end_issued(self, issued: Mapping[str, Any]) -> Outcome:
        return aws_issuing.end(self.clients, issued)
