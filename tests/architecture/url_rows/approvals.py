from datetime import timedelta

from django.utils import timezone

from apps.approvals.states import NoteKind
from tests.architecture.url_matrix import EVERYBODY, RECORD, STEWARDS, Row, inside
from tests.factories.approvals import (
    AccessRequestFactory,
    BreakGlassFactory,
    GroupFactory,
    PolicyFactory,
    ProposalFactory,
)
from tests.factories.grants import GrantFactory, PermissionFactory
from tests.factories.inventory import AgentFactory, BindingFactory


def _request():
    return [AccessRequestFactory(pending=True).pk]


def _approved():
    return [AccessRequestFactory(approved=True).pk]


def _questioned():
    request = AccessRequestFactory(pending=True)
    note = request.notes.create(kind=NoteKind.QUESTION, text="Why?", author_label="test")
    return [request.pk, note.pk]


def _policy():
    return [PolicyFactory().pk]


def _group():
    return [GroupFactory().pk]


def _agent():
    return [AgentFactory(active=True).pk]


def _permission():
    binding = BindingFactory(agent=AgentFactory(active=True))
    permission = PermissionFactory(system_kind=binding.identity.system.kind)
    return [binding.agent_id, binding.identity_id, permission.pk]


def _in_place():
    return [AccessRequestFactory(in_place=True).pk]


def _ending():
    """A grant with an end to which no request led, held by an agent that a steward may ask for."""
    grant = GrantFactory(expires_at=timezone.now() + timedelta(days=9))
    BindingFactory(identity=grant.identity, agent=AgentFactory(active=True))
    return [grant.pk]


def _found():
    """Write access that no request explains, of an agent that a steward may ask for."""
    grant = GrantFactory()
    BindingFactory(identity=grant.identity, agent=AgentFactory(active=True))
    return [grant.pk]


def _proposal():
    return [ProposalFactory().pk]


def _use():
    return [BreakGlassFactory().pk]


def _use_over():
    return [BreakGlassFactory(over=True).pk]


def _about():
    return ["agent", AgentFactory().pk]


# A stranger's agent does not exist for a reviewer; auditors ask for nothing.
ASK = inside(404, 200, 403, 403)
# Only those who are asked judge: a steward reads it, and is told why not.
JUDGE = inside(404, 403, 403, 404)
WORK = inside(404, 200, 403, 404)
# Nobody of these is named for emergencies.
NAMED_ALONE = inside(403, 403, 403, 403)

ROWS = {
    "approvals:request_list": Row(EVERYBODY),
    "approvals:request_tab": Row(EVERYBODY, lambda: ["waiting"]),
    "approvals:ask_agent": Row(ASK, _agent),
    "approvals:ask_permission": Row(ASK, _permission),
    "approvals:ends_panel": Row(RECORD, _ending),
    "approvals:grant_renew": Row(WORK, _ending),
    "approvals:found_ask": Row(WORK, _found),
    "approvals:found_remove": Row(WORK, _found),
    "approvals:request_renew": Row(WORK, _in_place),
    "approvals:proposal_keep": Row(WORK, _proposal),
    "approvals:proposal_order": Row(WORK, _proposal),
    "approvals:about_panel": Row(RECORD, _about),
    "approvals:break_glass_list": Row(EVERYBODY),
    "approvals:break_glass_find": Row(NAMED_ALONE),
    "approvals:break_glass_choose": Row(JUDGE, _agent),
    "approvals:break_glass_take": Row(JUDGE, _permission),
    "approvals:break_glass_detail": Row(RECORD, _use),
    "approvals:break_glass_end": Row(WORK, _use),
    "approvals:break_glass_review": Row(WORK, _use_over),
    "approvals:policy_list": Row(EVERYBODY),
    "approvals:policy_new": Row(STEWARDS),
    "approvals:policies_ready": Row(STEWARDS, method="post"),
    "approvals:policy_try": Row(EVERYBODY),
    "approvals:policy_detail": Row(EVERYBODY, _policy),
    "approvals:policy_change": Row(STEWARDS, _policy),
    "approvals:policy_retire": Row(STEWARDS, _policy),
    "approvals:group_new": Row(STEWARDS),
    "approvals:group_detail": Row(EVERYBODY, _group),
    "approvals:group_change": Row(STEWARDS, _group),
    "approvals:request_detail": Row(RECORD, _request),
    "approvals:request_approve": Row(JUDGE, _request),
    "approvals:request_deny": Row(JUDGE, _request),
    "approvals:request_question": Row(WORK, _request),
    "approvals:request_answer": Row(JUDGE, _questioned),
    "approvals:request_cancel": Row(WORK, _request),
    "approvals:request_provision": Row(WORK, _approved),
}
