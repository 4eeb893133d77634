"""Scanners report what they found. The alert is looked at and forgotten."""

from typing import Annotated, Any

from django.views.decorators.debug import sensitive_variables
from ninja import Body

from apps.api.base import BODIED, REPORTS, Call, api
from apps.api.schemas import LeaksOut, Problem
from apps.remediation.services.leaks import leaks_report


@api.post(
    "/leaks",
    auth=REPORTS,
    response={200: LeaksOut, BODIED: Problem},
    operation_id="reportLeak",
    summary="Report a leak",
    url_name="leaks",
)
@sensitive_variables("alert", "found")
def leak_report(request: Call, alert: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Any scanner's alert, as JSON. Each credential it names is marked as leaked, and whoever is
    on call is paged. The same one at the same place is reported once."""
    found = leaks_report(text=request.body.decode(errors="replace"), actor=request.actor)
    return {"reported": len(found), "known": any(leak.credential_id for leak in found)}
