"""What machines may do about access: ask for it, look at it, and take it back."""

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Header, Path, Query, Status

from apps.api.base import (
    CHANGING,
    COMMON,
    MOST_ROWS,
    NEWEST_FIRST,
    READS,
    WRITES,
    Call,
    api,
    demand_cursor,
    demand_known,
    named,
)
from apps.api.problems import Conflict
from apps.api.schemas import (
    LARGEST_ID,
    AgentOut,
    AskedOut,
    AskIn,
    Problem,
    ReasonIn,
    RequestOut,
    RequestPage,
)
from apps.approvals.models import AccessRequest
from apps.approvals.services.requests import Ask, request_cancel, request_submit
from apps.approvals.states import RequestState
from apps.core.actors import Machine
from apps.core.keyset import page_of
from apps.core.links import public_url
from apps.inventory.models import Agent, Binding, Task

MOST_IDENTITIES = 500


@api.get(
    "/agent",
    auth=READS,
    response={200: AgentOut, COMMON: Problem},
    operation_id="readAgent",
    summary="Read who you are",
    url_name="agent",
)
def agent_read(request: Call) -> dict[str, Any]:
    """Your agent, the tasks of its purpose, and the identities it acts as: what an ask names."""
    actor = request.actor
    agent = get_object_or_404(Agent.objects.visible_to(actor), pk=actor.agent_id)
    tasks = Task.objects.filter(agent=agent, retired_at__isnull=True).order_by("position", "pk")
    bound = Binding.objects.visible_to(actor).live().filter(agent=agent)
    bindings = bound.select_related("identity__system").order_by("pk")[:MOST_IDENTITIES]
    return {
        "id": agent.pk,
        "name": agent.name,
        "state": agent.state,
        "tasks": [{"id": task.pk, "name": task.title} for task in tasks],
        "identities": [
            {**named(one.identity), "system": named(one.identity.system)} for one in bindings
        ],
    }


@api.get(
    "/requests",
    auth=READS,
    response={200: RequestPage, COMMON: Problem},
    operation_id="listRequests",
    summary="List your agent's requests",
    url_name="requests",
)
def request_list(
    request: Call,
    state: Annotated[RequestState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    after: Annotated[str, Query(max_length=200, description="The `next` of a page.")] = "",
) -> dict[str, Any]:
    """Newest first. A page costs the same at any depth."""
    demand_known(request, {"state", "limit", "after"})
    demand_cursor(after, AccessRequest)
    rows = AccessRequest.objects.visible_to(request.actor).for_table()
    if state is not None:
        rows = rows.in_state(state)
    page = page_of(rows, NEWEST_FIRST, size=limit, after=after)
    return {
        "requests": [_told(row, request.actor) for row in page.rows],
        "next": page.after or None,
    }


@api.post(
    "/requests",
    auth=WRITES,
    response={201: AskedOut, 200: AskedOut, CHANGING: Problem},
    operation_id="createRequest",
    summary="Ask for access",
    url_name="requests",
)
def request_create(
    request: Call,
    ask: AskIn,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=100,
            pattern=r"^[!-~]+$",
            description="Yours to choose, one for each request: the same call made again with it "
            "is answered with the same request.",
        ),
    ],
) -> Status:
    """201 for a new request; 200 where the same is open already, and this joins it."""
    actor = request.actor
    asked = request_submit(
        ask=Ask(
            **{**ask.dict(), "agent_id": actor.agent_id, "idempotency_key": idempotency_key},
        ),
        actor=actor,
    )
    answer = {"request": _told(asked.request, actor), "joined": asked.joined}
    return Status(200 if asked.joined else 201, answer)


@api.get(
    "/requests/{request_id}",
    auth=READS,
    response={200: RequestOut, COMMON: Problem},
    operation_id="readRequest",
    summary="Read a request",
    url_name="request",
)
def request_read(
    request: Call, request_id: Annotated[int, Path(ge=1, le=LARGEST_ID)]
) -> dict[str, Any]:
    return _told(_visible(request, request_id), request.actor)


@api.post(
    "/requests/{request_id}/cancel",
    auth=WRITES,
    response={200: RequestOut, CHANGING: Problem},
    operation_id="cancelRequest",
    summary="Take a request back",
    url_name="request_cancel",
)
def request_take_back(
    request: Call, request_id: Annotated[int, Path(ge=1, le=LARGEST_ID)], why: ReasonIn
) -> dict[str, Any]:
    """Only what this client asked for, until it is in place. Cancelling twice changes nothing."""
    found = _visible(request, request_id)
    if found.state == RequestState.CANCELLED:
        return _told(found, request.actor)
    if not found.is_open:
        raise Conflict(f"The request is {found.get_state_display().lower()} already.")
    request_cancel(request_id=found.pk, reason=why.reason, actor=request.actor)
    return _told(_visible(request, request_id), request.actor)


def _visible(request: Call, request_id: int) -> AccessRequest:
    rows = AccessRequest.objects.visible_to(request.actor).for_table()
    return get_object_or_404(rows, pk=request_id)


def _told(row: AccessRequest, actor: Machine) -> dict[str, Any]:
    """A request as a machine may see it: nothing of who approves, whom it could try to sway."""
    return {
        "id": row.pk,
        "page": public_url(row.get_absolute_url()),
        "state": row.state,
        "says": row.get_state_display(),
        "agent": named(row.agent),
        "system": named(row.system),
        "identity": named(row.identity),
        "is_yours": row.asked_by_client == actor.client_id,
        **{
            name: getattr(row, name)
            for name in (
                "service",
                "level",
                "actions",
                "resources",
                "days",
                "asked",
                "task_id",
                "reason",
                "ticket",
                "submitted_at",
                "lapses_at",
                "decided_at",
                "provisioned_at",
                "access_ends_at",
                "ended_because",
            )
        },
    }
