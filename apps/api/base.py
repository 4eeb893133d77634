"""The API itself, and what its operations share."""

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI

from apps.api.ingest.senders import Sender
from apps.api.problems import speak_problems
from apps.api.tokens import MachineAuth, TrailAuth
from apps.core.actors import Machine
from apps.core.errors import DomainError
from apps.core.keyset import Order, cursor_from
from apps.inventory.states import (
    APPEND_TRAIL,
    ISSUE_CREDENTIALS,
    READ_REQUESTS,
    REPORT_LEAKS,
    WRITE_REQUESTS,
)

NEWEST_FIRST = Order(descending=True)
MOST_ROWS = 100
COMMON = frozenset({400, 401, 403, 404, 422, 429})
BODIED = COMMON | {413, 415}
CHANGING = BODIED | {409}

READS = MachineAuth(READ_REQUESTS)
WRITES = MachineAuth(WRITE_REQUESTS)
ISSUES = MachineAuth(ISSUE_CREDENTIALS)
REPORTS = MachineAuth(REPORT_LEAKS)
TELLS = TrailAuth(APPEND_TRAIL)

api = NinjaAPI(
    title="Countersign",
    version="1",
    description="For agents: ask for access, see what became of it, take it back; have short-lived "
    "credentials issued; tell what you do. For scanners: report what leaked.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,
    auth=READS,
)
speak_problems(api)


class Call(HttpRequest):
    """What stands before an operation makes of a request; for annotations only."""

    actor: Machine
    sender: Sender


def demand_known(request: Call, names: set[str]) -> None:
    """Refuse a filter that does not exist: left aside, it would show more than was asked for."""
    for name in request.GET:
        if name not in names:
            raise DomainError("The list knows no such filter.", field=name)


def demand_cursor(after: str, model: Any) -> None:
    if after and cursor_from(after, model, NEWEST_FIRST) is None:
        raise DomainError("That is no cursor of this list.", field="after")


def named(record: Any) -> dict[str, Any]:
    return {"id": record.pk, "name": record.name}
