"""No address, query string, or form makes the server fail: what means nothing is refused."""

import importlib
import pkgutil

import pytest
from django.test import Client
from django.urls import reverse

from tests.architecture import url_rows
from tests.architecture.url_matrix import Row
from tests.factories.accounts import UserFactory
from tests.signing_in import sign_in

ROWS: dict[str, Row] = {}
for _module in pkgutil.iter_modules(url_rows.__path__):
    ROWS |= importlib.import_module(f"{url_rows.__name__}.{_module.name}").ROWS

PAST_ANY_KEY = 2**63
# Past what Python reads as a number.
ENDLESS = "9" * 5000
# Every name that a filter, a form, or a view reads.
# fmt: off
FIELDS = [
    "account", "actions", "actor", "address", "after", "agent", "agent_id", "agentless", "agents",
    "autonomy", "before", "by", "calls", "campaign", "channel", "columns", "combinations",
    "command", "current", "days", "days_to_decide", "deadline_on", "denials_end_it", "description",
    "display_name", "disposition", "email", "endless", "environment", "environments",
    "expires_before", "export", "fallback_reviewer", "file", "findings", "format",
    "frequency_reason", "gone", "hours", "identity", "identity_id", "instructions", "interval",
    "is_active", "is_automatic", "is_interim", "item", "items", "justified", "kind",
    "launches_itself", "level", "levels", "manager", "members", "minutes_1", "model", "more",
    "name", "next", "no_answer", "open", "outcome", "over", "owner", "owner_id", "ownerless",
    "page", "permission", "person", "platform", "position", "present", "proof", "purpose", "q",
    "read_after", "read_before", "reason", "record", "recurrence", "request_id", "resources",
    "retired", "review", "reviewer", "role", "rotation_days", "route", "route_1", "rule", "run_by",
    "seat_ends_on", "secret", "seed", "seen", "service", "service_linked", "severity", "share",
    "shared", "since", "size", "sort", "stale", "standing", "starts_on", "state", "status",
    "steps-0-count_1", "steps-0-group_1", "steps-0-hours", "steps-0-kind_1", "steps-0-name",
    "steps-INITIAL_FORMS", "steps-TOTAL_FORMS", "stored_at", "stored_in", "stream", "subjects",
    "system", "system_kind", "systems", "tags", "taken", "target", "task", "task_id",
    "tasks-0-system_0", "tasks-0-title", "tasks-INITIAL_FORMS", "tasks-TOTAL_FORMS", "team",
    "team_id", "teams", "technical_owner", "text", "ticket", "time_zone", "to", "tools",
    "unclassified", "until", "url", "value", "verb", "verdict", "version", "waits",
]
# fmt: on


def _client() -> Client:
    client = Client(raise_request_exception=False)
    sign_in(client, UserFactory(steward=True))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(ROWS))
def test_nothing_sent_to_an_address_makes_it_fail(name):
    row = ROWS[name]
    args = row.build()
    address = reverse(name, args=args)
    client = _client()

    past, endless = (dict.fromkeys(FIELDS, value) for value in (PAST_ANY_KEY, ENDLESS))
    got = [
        client.get(address, past).status_code,
        client.get(address, endless).status_code,
        client.post(address, {**past, "reason": "x\x00y"}, query_params=endless).status_code,
    ]

    assert [code for code in got if code >= 500] == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(ROWS))
def test_an_id_that_no_record_can_have_does_not_exist(name):
    row = ROWS[name]
    args = row.build()
    if not any(isinstance(arg, int) for arg in args):
        return
    past = [PAST_ANY_KEY if isinstance(arg, int) else arg for arg in args]

    response = getattr(_client(), row.method)(reverse(name, args=past))

    assert response.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/trail/record/?q=a%00b", "/inventory/agents/?%00=1", "/trail/record/of/a%00b/1/", "/%00"],
)
def test_an_address_with_a_nul_is_refused(as_steward, address):
    assert as_steward.get(address).status_code == 400
