"""What goes in and out, as the OpenAPI document says it."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, JsonValue

from apps.approvals.services.wanted import MOST_ACTIONS, MOST_RESOURCES
from apps.approvals.states import RequestState
from apps.grants.states import Level
from apps.issuing.states import IssuanceState

LARGEST_ID = 2**63 - 1
# The database keeps no NUL in a text.
PLAIN = r"^[^\x00]*$"
SAYS_SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"


def _whole(value: Any) -> Any:
    """To JSON Schema 30.0 is a whole number; text and true are none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Id = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_whole)]
Days = Annotated[int, Field(ge=1, le=3650), BeforeValidator(_whole)]
Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=SAYS_SOMETHING)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=SAYS_SOMETHING)]
Resource = Annotated[str, Field(min_length=1, max_length=500, pattern=SAYS_SOMETHING)]


class Said(Schema):
    """Input: exactly the fields named, of exactly their kinds."""

    model_config = ConfigDict(extra="forbid", strict=True)


class AskIn(Said):
    identity_id: Id = Field(description="Which of your identities is to hold it: see /agent.")
    service: Annotated[str, Field(min_length=1, max_length=80, pattern=SAYS_SOMETHING)]
    actions: list[Name] = Field(
        min_length=1,
        max_length=MOST_ACTIONS,
        description="Keys of permissions in the catalogue of the identity's system.",
    )
    resources: list[Resource] = Field(
        default=["*"], min_length=1, max_length=MOST_RESOURCES, description="* means all of them."
    )
    task_id: Id | None = Field(
        default=None, description="The task of your purpose it serves. Needed for write and admin."
    )
    days: Days | None = Field(default=None, description="For how long. Needed for write and admin.")
    reason: Words
    ticket: Annotated[str, Field(max_length=80, pattern=PLAIN)] = ""


class ReasonIn(Said):
    reason: Words


Address = Annotated[str, Field(min_length=1, max_length=300, pattern=SAYS_SOMETHING)]


class FederationIn(Said):
    """Which trust is to be there, so that no secret is needed."""

    application: Address = Field(description="Object id of the application.")
    issuer: Address
    subject: Address
    audience: Address | None = None


class WantedIn(Said):
    """Which of several things is meant. It widens nothing: what may be issued is cut to your live
    grants, and to what the connection is told it may issue."""

    path: Address | None = Field(
        default=None,
        description="Vault: where it is issued, as database/creds/crm or auth/token/create/crm.",
    )
    parameters: Annotated[dict[str, JsonValue], Field(max_length=20)] | None = Field(
        default=None, description="Vault: what that path takes. Never kept."
    )
    policies: Annotated[list[Name], Field(min_length=1, max_length=20)] | None = Field(
        default=None, description="Vault: fewer policies for a token than your grants have."
    )
    num_uses: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_whole)] | None = Field(
        default=None, description="Vault: how often a token may be used."
    )
    vault: Address | None = Field(default=None, description="Azure: the address of the Key Vault.")
    secret: Address | None = Field(
        default=None, description="Azure, AWS: the name of a secret to hand over for one use."
    )
    federation: FederationIn | None = Field(
        default=None, description="Azure: look whether this federation stands; no secret is given."
    )


class IssueIn(Said):
    identity_id: Id = Field(description="As which of your identities: see /agent.")
    grant_ids: Annotated[list[Id], Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Cut to these of its grants; without them, to all that stand."
    )
    ttl_seconds: Annotated[int, Field(ge=60, le=43_200), BeforeValidator(_whole)] | None = Field(
        default=None,
        description="For how long at most. Never longer than the house allows, nor past the end "
        "of a grant.",
    )
    correlation_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        default=None,
        description="A W3C trace id. The system's own log will name it; one is made without it.",
    )
    wanted: WantedIn = Field(default_factory=WantedIn)


class Named(Schema):
    id: int
    name: str


class Terms(Schema):
    actions: list[str]
    resources: list[str]
    days: int | None


class RequestOut(Schema):
    id: int
    page: str = Field(description="Where people see it.")
    state: RequestState
    says: str = Field(description="The state in words.")
    agent: Named
    system: Named
    identity: Named
    service: str
    level: Level
    actions: list[str] = Field(description="On the table now: an approver may take away.")
    resources: list[str]
    days: int | None
    asked: Terms = Field(description="What was asked for at first.")
    task_id: int | None
    reason: str
    ticket: str
    is_yours: bool = Field(description="Whether this client asked, and so may cancel it.")
    submitted_at: datetime
    lapses_at: datetime
    decided_at: datetime | None
    provisioned_at: datetime | None
    access_ends_at: datetime | None
    ended_because: str


class AskedOut(Schema):
    request: RequestOut
    joined: bool = Field(description="The same was asked for already; this is that request.")


class RequestPage(Schema):
    requests: list[RequestOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class IdentityOut(Named):
    system: Named


class AgentOut(Named):
    state: str
    tasks: list[Named] = Field(description="What its purpose says it does.")
    identities: list[IdentityOut] = Field(description="As what it acts.")


class IssuedOut(Schema):
    id: int
    page: str = Field(description="Where people see it.")
    state: IssuanceState
    says: str = Field(description="The state in words.")
    identity: Named
    system: Named
    grant_ids: list[int] = Field(description="The grants that it was cut from.")
    kind: str
    external_id: str = Field(description="What the system calls it. Not a secret.")
    correlation_id: str
    asked_at: datetime
    issued_at: datetime | None
    expires_at: datetime = Field(description="When it stops by itself, at the latest.")
    ends_with: str = Field(description="How far it can be ended before that.")
    end_reason: str
    ended_at: datetime | None
    ended_how: str


class HandedOut(Schema):
    credential: IssuedOut
    secret: dict[str, str] = Field(
        description="Told this once, and kept nowhere. Empty where none is needed."
    )


class IssuedPage(Schema):
    credentials: list[IssuedOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class LeaksOut(Schema):
    reported: int = Field(description="How many credentials it names.")
    known: bool = Field(description="Whether any of them is in the inventory.")


class Wrong(Schema):
    field: str
    detail: str


class Problem(Schema):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Wrong] = []
