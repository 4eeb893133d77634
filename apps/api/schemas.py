"""What goes in and out, as the OpenAPI document says it."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict

from apps.approvals.services.wanted import MOST_ACTIONS, MOST_RESOURCES
from apps.approvals.states import RequestState
from apps.grants.states import Level

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


class CancelIn(Said):
    reason: Words


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
