"""Ten thousand open requests that all wait for one person, and the pages that show them."""

from collections.abc import Iterator

from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.approvals.models import Policy
from apps.core.actors import Role
from tests.bench.measure import Measured, page

OPEN_REQUESTS = 10_000
INBOX_BOUND = 100

STATEMENTS = (
    """INSERT INTO approvals_accessrequest (kind, agent_id, identity_id, system_id, service, level,
         tags, label, actions, resources, days, asked, held_before, scope_sha256, reason, ticket,
         asked_by_id, asked_by_client, asked_by_label, policy_id, policy_name,
         combinations, denials_end_it, step_at, step_due_at, round, is_unmeetable, design_digest,
         digest, state, lapses_at, provisioned_how, ended_because)
       SELECT 'new', b.agent_id, b.identity_id, i.system_id, 'service-9', 'write', '{}',
         'agent-' || b.agent_id || ' · System ' || i.system_id || ' · service-9 · ' || b.id,
         '["items.write"]', '["*"]', 30, '{}', '[]', md5(b.id::text) || md5('s' || b.id),
         'Measured only.', '', 1 + b.id %% 200, '', 'Person ' || (1 + b.id %% 200),
         %(policy)s, 'Measured', '[]', 1, 1, now() + interval '2 days', 1, false, '',
         md5(b.id::text) || md5('d' || b.id), 'pending', now() + interval '30 days', '', ''
       FROM (SELECT * FROM inventory_binding ORDER BY id LIMIT %(requests)s) b
       JOIN inventory_identity i ON i.id = b.identity_id""",
    """INSERT INTO approvals_requeststep (request_id, position, name, hours, opened_at)
       SELECT id, 1, 'Manager', 48, now() FROM approvals_accessrequest
       WHERE policy_id = %(policy)s""",
    """INSERT INTO approvals_requestrequirement (step_id, position, kind, label, count)
       SELECT s.id, 1, 'stewards', 'Stewards', 1 FROM approvals_requeststep s
       JOIN approvals_accessrequest r ON r.id = s.request_id WHERE r.policy_id = %(policy)s""",
    """INSERT INTO approvals_approver (requirement_id, request_id, step_at, person_id, found_by)
       SELECT q.id, s.request_id, 1, %(judge)s, 'policy' FROM approvals_requestrequirement q
       JOIN approvals_requeststep s ON s.id = q.step_id
       JOIN approvals_accessrequest r ON r.id = s.request_id WHERE r.policy_id = %(policy)s""",
    "ANALYZE approvals_accessrequest, approvals_approver",
)


def requests_make(judge: User, count: int) -> None:
    """Have so many requests wait for this person, unless they do already."""
    policy, is_new = Policy.objects.get_or_create(name="Measured", defaults={"position": 1})
    if not is_new:
        return
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, {"policy": policy.pk, "judge": judge.pk, "requests": count})


def inbox_pages(client: Client, count: int) -> Iterator[Measured]:
    """What waits for a steward, and all there is, while `count` requests are open."""
    requests_make(User.objects.get(role=Role.STEWARD), count)
    for tab in ("waiting", "all"):
        url = reverse("approvals:request_tab", args=[tab])
        yield page(client, f"{count:,} requests, {tab}", url, bound=INBOX_BOUND)
        for query in ("q=agent-19", "level=write", "sort=label", "sort=-submitted_at"):
            found = f"{count:,} requests, {tab} ?{query}"
            yield page(client, found, f"{url}?{query}", bound=INBOX_BOUND)
    yield page(client, f"home, {count:,} requests waiting", reverse("console:home"), bound=200)
