"""What goes in and out where an agent tells of a run, as the OpenAPI document says it."""

from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, JsonValue

from apps.activity.conventions.native import MOMENT
from apps.api.schemas import PLAIN, SAYS_SOMETHING, Name, Said, _whole

MOST_RECORDS = 1000
Mark = Annotated[str, Field(min_length=1, max_length=100, pattern=SAYS_SOMETHING)]
Moment = Annotated[str, Field(pattern=MOMENT, max_length=40)]
Short = Annotated[str, Field(max_length=200, pattern=PLAIN)]
Severity = Annotated[int, Field(ge=0, le=4), BeforeValidator(_whole)]


class BeginIn(Said):
    """Nothing has to be said to begin."""


class RecordIn(Said):
    kind: Literal["invocation", "step", "action", "call", "guard", "other"] = Field(
        description="invocation: the run as a whole, or a sub-agent's. step: it thought. action: "
        "it did something. call: a request it made to a system. guard: a check of it."
    )
    name: Name = Field(description="Of the agent, the model, the tool, or the operation.")
    started_at: Moment = Field(description="RFC 3339, as 2026-11-29T10:00:00.25Z.")
    ended_at: Moment | None = None
    id: Mark | None = Field(default=None, description="Your own name for it, within the run.")
    parent: Mark | None = Field(
        default=None, description="The id of what it is a part of; without it, the run."
    )
    target: Short | None = Field(default=None, description="What it was done to.")
    level: Literal["read", "write", "admin"] | None = None
    status: Literal["ok", "failed", "denied"] | None = None
    system: Short | None = Field(default=None, description="The kind of system: aws, vault, ...")
    request_id: Annotated[str, Field(max_length=128, pattern=PLAIN)] | None = Field(
        default=None, description="The id the system gave the request: it joins the two exactly."
    )
    conversation: Short | None = None
    severity: Severity | None = Field(default=None, description="1 to 4 flags an anomaly.")
    told: JsonValue | None = Field(default=None, description="What it was asked.")
    instructions: JsonValue | None = None
    decided: JsonValue | None = Field(default=None, description="Its reasoning.")
    did: JsonValue | None = Field(default=None, description="Arguments of an action.")
    result: JsonValue | None = Field(default=None, description="What came back.")
    outcome: JsonValue | None = Field(default=None, description="What it answered in the end.")
    anomaly: JsonValue | None = Field(default=None, description="What it flags, in its words.")


class TellIn(Said):
    records: list[RecordIn] = Field(min_length=1, max_length=MOST_RECORDS)
    agent: Name | None = Field(
        default=None, description="Of a collector: which of its agents this was."
    )


class BegunOut(Schema):
    id: str = Field(description="The correlation id: a W3C trace id that is a UUIDv7 as well.")
    traceparent: str = Field(description="Send it with every request that the run makes.")
    session_name: str = Field(description="Where a system takes a name of a session, as AWS does.")
    records: str = Field(description="Where to post what happens.")


class KeptOut(Schema):
    kept: int = Field(description="How many records are kept for good.")
    repeat: bool = Field(description="Whether they were kept already, by the same call before.")
