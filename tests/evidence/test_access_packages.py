"""A request's whole story as a package, and a period's requests as one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.approvals.models import AccessRequest
from apps.approvals.services.ending import requests_end_due, requests_note_ends
from apps.approvals.services.unused import proposal_keep
from apps.approvals.services.votes import question_answer, question_ask
from apps.approvals.states import Choice, NoteKind
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.evidence.models import Package
from apps.evidence.services.access_packages import request_package_request
from apps.evidence.services.packages import package_download, package_path
from apps.remediation.models import Order
from apps.remediation.services.orders import Proof, order_carried_out, order_confirm
from tests.approvals.conftest import company, policy  # noqa: F401  (fixtures)
from tests.evidence.access import build_period, build_request, members, rows
from tests.evidence.handmade import check
from tests.evidence.test_packages import VARYING, keys
from tests.factories.accounts import UserFactory
from tests.factories.approvals import BreakGlassFactory, ProposalFactory
from tests.factories.inventory import SystemFactory

pytestmark = pytest.mark.django_db


def today():
    return datetime.now(UTC).date()


def ended(company, system) -> AccessRequest:  # noqa: F811
    """Asked for, questioned, approved, in place, kept though unused, and removed by order."""
    request = company.submit(reason="=cmd|' /C calc'!A0 sets the priority")
    asker = Person(company.manager)
    question = question_ask(request_id=request.pk, text="For all tickets?", actor=asker)
    question_answer(
        request_id=request.pk, note_id=question.pk, text="For new ones.", actor=Person(company.owner)
    )
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person, reason=f"@{person} agrees with the purpose.")
    from tests.approvals.conftest import pass_days

    from apps.approvals.services.provisioning import request_provision

    request_provision(request_id=request.pk, proof="Added it.", actor=Person(company.steward))
    request.refresh_from_db()
    pass_days(request, 31)
    proposal = ProposalFactory(request=request)
    proposal_keep(
        proposal_id=proposal.pk, reason="Used at the end of quarters.", actor=Person(company.steward)
    )
    requests_end_due(moment=timezone.now(), actor=system)
    [order] = Order.objects.all()
    done = Proof(text="Removed it in the console.")
    order_carried_out(order_id=order.pk, proof=done, actor=Person(company.steward))
    order_confirm(order_id=order.pk, proof=done, actor=Person(UserFactory(steward=True)))
    requests_note_ends(actor=system)
    request.refresh_from_db()
    assert request.access_ended_at is not None
    return request


def test_a_request_from_asking_to_end_is_a_final_package_that_checks(company, policy, system):  # noqa: F811
    request = ended(company, system)

    package = build_request(request, company.steward)

    code, said = check(package_path(package), keys())
    assert code == 0, said
    assert package.status == "Final"
    assert package.claims["dispositions"] == {"ended": 1}
    assert "What was approved was approved by enough different people" in said
    [told] = rows(package, "data/requests.csv")
    assert told["reason"] == "'=cmd|' /C calc'!A0 sets the priority"
    assert told["outcome_words"] == "Was in place, and is over"
    votes = rows(package, "data/votes.csv")
    assert [vote["person"] for vote in votes] == ["Manager", "System owner", "Security"]
    assert {vote["digest"] for vote in votes} == {request.digest}
    assert votes[0]["reason"] == "'@Manager agrees with the purpose."
    assert [note["text"] for note in rows(package, "data/notes.csv")] == [
        "For all tickets?",
        "For new ones.",
    ]
    assert [row["turns_to"] for row in rows(package, "data/chain.csv")] == [
        "Team manager",
        "System owner",
        "Security",
    ]
    assert rows(package, "data/provisioning.csv")[0]["text"] == "Added it."
    assert rows(package, "data/proposals.csv")[0]["reason"] == "Used at the end of quarters."
    [order] = rows(package, "data/orders.csv")
    assert (order["request"], order["state"]) == (str(request.pk), "confirmed")
    assert {row["why"] for row in rows(package, "data/beneficiaries.csv")} >= {
        "asked for it",
        "owner of the agent",
    }
    assert rows(package, "data/contacts.csv")
