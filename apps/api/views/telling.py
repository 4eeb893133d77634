"""An agent without OpenTelemetry tells what it does: a run begins, and its records follow."""

import hashlib
from typing import Annotated, Any

import orjson
from django.urls import reverse
from ninja import Path, Status
from ninja.errors import HttpError

from apps.activity.conventions.native import WORDS, readings_of, root_span
from apps.activity.conventions.spans import Unreadable
from apps.activity.services.append import Delivery, deliveries_append
from apps.api.base import CHANGING, TELLS, Call, api
from apps.api.schemas import Problem
from apps.api.telling import BeginIn, BegunOut, KeptOut, TellIn
from apps.core.correlation import correlation_new
from apps.core.errors import DomainError
from apps.core.links import public_url


@api.post(
    "/invocations",
    auth=TELLS,
    response={201: BegunOut, CHANGING: Problem},
    operation_id="beginInvocation",
    summary="Begin a run",
    url_name="invocations",
)
def invocation_begin(request: Call, ask: BeginIn) -> Status:
    """Gives out an id, and keeps nothing yet. Carry the id along wherever a system takes it."""
    correlation = correlation_new()
    page = reverse("api:invocation_records", args=[correlation])
    return Status(
        201,
        {
            "id": correlation,
            "traceparent": f"00-{correlation}-{root_span(correlation)}-01",
            "session_name": f"cs-{correlation}",
            "records": public_url(page),
        },
    )


@api.post(
    "/invocations/{correlation_id}/records",
    auth=TELLS,
    response={201: KeptOut, 200: KeptOut, CHANGING: Problem},
    operation_id="tellRecords",
    summary="Tell what happened",
    url_name="invocation_records",
)
def records_tell(
    request: Call,
    correlation_id: Annotated[
        str, Path(pattern=r"^[0-9a-f]{32}$", description="An id from here, or any W3C trace id.")
    ],
    ask: TellIn,
) -> Status:
    """Steps, actions, and at the end the invocation itself with its outcome: one by one or many
    at once, in any order. 201 once all are kept for good; 200 where the same body came before."""
    if not correlation_id.strip("0"):
        raise DomainError("A trace id of zeros names no trace.", field="correlation_id")
    try:
        readings = readings_of(correlation_id, _records(request, ask), agent=ask.agent or "")
    except Unreadable as error:
        raise DomainError(str(error)) from error
    sender = request.sender
    digest = hashlib.sha256(f"{request.path}\n".encode() + request.body).digest()
    (receipt,) = deliveries_append([Delivery(sender.name, digest, sender.attributed(readings))])
    answer: dict[str, Any] = {"kept": receipt.count, "repeat": receipt.is_repeat}
    return Status(200 if receipt.is_repeat else 201, answer)


def _records(request: Call, ask: TellIn) -> list[dict[str, Any]]:
    """What is free to be anything is read as strictly as it is written: no NaN, no half letters."""
    try:
        said = orjson.loads(request.body)["records"]
    except orjson.JSONDecodeError as error:
        raise HttpError(400, "The body is not JSON.") from error
    return [
        one.dict() | {word: free[word] for word in WORDS if word in free}
        for one, free in zip(ask.records, said, strict=True)
    ]
