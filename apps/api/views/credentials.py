"""Short-lived credentials for an agent, by its own client. The secret is in the answer alone."""

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from django.views.decorators.debug import sensitive_variables
from ninja import Header, Path, Query, Status

from apps.api.base import (
    CHANGING,
    COMMON,
    ISSUES,
    MOST_ROWS,
    NEWEST_FIRST,
    Call,
    api,
    demand_cursor,
    demand_known,
    named,
)
from apps.api.problems import Conflict, Unanswered
from apps.api.schemas import (
    LARGEST_ID,
    HandedOut,
    IssuedOut,
    IssuedPage,
    IssueIn,
    Problem,
    ReasonIn,
)
from apps.core.keyset import page_of
from apps.core.links import public_url
from apps.issuing.errors import AskedBefore, NotAnswered
from apps.issuing.models import Issuance
from apps.issuing.services.asking import credential_issue
from apps.issuing.services.cutting import Ask
from apps.issuing.services.ending import issuance_end
from apps.issuing.states import IssuanceState


@api.post(
    "/credentials",
    auth=ISSUES,
    response={201: HandedOut, CHANGING | {503}: Problem},
    operation_id="issueCredential",
    summary="Have a short-lived credential issued",
    url_name="credentials",
)
@sensitive_variables("issue", "ask", "handed")
def credential_create(
    request: Call,
    issue: IssueIn,
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=100,
            pattern=r"^[!-~]+$",
            description="Yours to choose, one for each credential. A key that was used is a 409: a "
            "secret is handed over once. Ask with another key.",
        ),
    ],
) -> Status:
    """Cut to your live grants, and never past their end. When a grant ends or is suspended, what
    was cut from it is ended too, as far as its system allows: `ends_with` says how far."""
    ask = Ask(
        identity_id=issue.identity_id,
        key=idempotency_key,
        grant_ids=issue.grant_ids,
        ttl_seconds=issue.ttl_seconds,
        correlation_id=issue.correlation_id or "",
        wanted=issue.wanted.dict(exclude_none=True),
    )
    try:
        handed = credential_issue(ask=ask, actor=request.actor)
    except AskedBefore as error:
        raise Conflict(str(error)) from error
    except NotAnswered as error:
        raise Unanswered(str(error)) from error
    told = _told(_visible(request, handed.issuance.pk))
    return Status(201, {"credential": told, "secret": handed.secret})


@api.get(
    "/credentials",
    auth=ISSUES,
    response={200: IssuedPage, COMMON: Problem},
    operation_id="listCredentials",
    summary="List what your agent was issued",
    url_name="credentials",
)
def credential_list(
    request: Call,
    state: Annotated[IssuanceState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
    after: Annotated[str, Query(max_length=200, description="The `next` of a page.")] = "",
) -> dict[str, Any]:
    """Newest first, without any secret. A page costs the same at any depth."""
    demand_known(request, {"state", "limit", "after"})
    demand_cursor(after, Issuance)
    rows = Issuance.objects.visible_to(request.actor).for_machines()
    if state is not None:
        rows = rows.in_state(state)
    page = page_of(rows, NEWEST_FIRST, size=limit, after=after)
    return {"credentials": [_told(row) for row in page.rows], "next": page.after or None}


@api.post(
    "/credentials/{credential_id}/end",
    auth=ISSUES,
    response={200: IssuedOut, CHANGING: Problem},
    operation_id="endCredential",
    summary="End a credential before its time",
    url_name="credential_end",
)
def credential_finish(
    request: Call, credential_id: Annotated[int, Path(ge=1, le=LARGEST_ID)], why: ReasonIn
) -> dict[str, Any]:
    """In the background: the list says when it is done. Ending it twice changes nothing."""
    found = _visible(request, credential_id)
    if found.state in {IssuanceState.ENDING, IssuanceState.ENDED}:
        return _told(found)
    if found.state not in {IssuanceState.ACTIVE, IssuanceState.END_FAILED}:
        raise Conflict(f"There is nothing to end: {found.get_state_display().lower()}.")
    issuance_end(issuance_id=found.pk, reason=why.reason, actor=request.actor)
    return _told(_visible(request, credential_id))


def _visible(request: Call, pk: int) -> Issuance:
    return get_object_or_404(Issuance.objects.visible_to(request.actor).for_machines(), pk=pk)


def _told(row: Issuance) -> dict[str, Any]:
    return {
        "id": row.pk,
        "page": public_url(row.get_absolute_url()),
        "says": row.get_state_display(),
        "identity": named(row.identity),
        "system": named(row.identity.system),
        "grant_ids": [cut.grant_id for cut in row.cuts.all()],
        **{
            name: getattr(row, name)
            for name in (
                "state",
                "kind",
                "external_id",
                "correlation_id",
                "asked_at",
                "issued_at",
                "expires_at",
                "ends_with",
                "end_reason",
                "ended_at",
                "ended_how",
            )
        },
    }
