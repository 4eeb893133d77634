"""A request's whole story as a package, and a period's requests as one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.approvals.models import AccessRequest
from apps.approvals.services.ending import requests_end_due, requests_note_ends
from apps.approvals.services.provisioning import request_provision
from apps.approvals.services.unused import proposal_keep
from apps.approvals.services.upkeep import requests_follow_designs
from apps.approvals.services.votes import Terms, question_answer, question_ask
from apps.approvals.states import Choice
from apps.audit.models import AuditEntry
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.evidence import policies
from apps.evidence.content.files import utc
from apps.evidence.models import Package
from apps.evidence.policies import Period
from apps.evidence.services.access_packages import (
    period_package_request,
    request_package_request,
)
from apps.evidence.services.keys import signing_key_ensure
from apps.evidence.services.packages import package_build, package_download, package_path
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.inventory.models import Agent, SeatSystem
from apps.remediation.models import Order
from apps.remediation.proofs import proof_path
from apps.remediation.services.orders import Proof, order_carried_out, order_confirm
from tests.approvals.conftest import company, pass_days, policy  # noqa: F401  (fixtures)
from tests.evidence.access import build_period, build_request, members, rows
from tests.evidence.handmade import check
from tests.evidence.test_packages import VARYING, keys
from tests.factories.accounts import UserFactory
from tests.factories.approvals import BreakGlassFactory, PolicyFactory, ProposalFactory
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
        request_id=request.pk,
        note_id=question.pk,
        text="For new ones.",
        actor=Person(company.owner),
    )
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person, reason=f"@{person} agrees with the purpose.")
    request_provision(request_id=request.pk, proof="Added it.", actor=Person(company.steward))
    request.refresh_from_db()
    pass_days(request, 31)
    proposal = ProposalFactory(request=request)
    proposal_keep(
        proposal_id=proposal.pk,
        reason="Used at the end of quarters.",
        actor=Person(company.steward),
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


def test_a_package_says_interim_while_the_request_is_open_or_in_place(company, policy):  # noqa: F811
    pending = company.submit()
    first = build_request(pending, company.steward)
    for person in (company.manager, company.system_owner, company.security):
        company.vote(pending, person)
    approved = build_request(pending, company.steward)

    assert [one.status for one in (first, approved)] == ["Interim", "Interim"]
    assert "still open: 1" in json.loads(members(first)["data/access.json"])["note"]
    for name, content in members(first).items():
        if name.endswith(".csv"):
            assert all(row["package_status"] == "INTERIM" for row in rows(first, name)), name
        if name.endswith((".html", ".jsonl")) or name == "data/access.json":
            assert b"INTERIM" in content or not content, name
    code, said = check(package_path(approved), keys())
    assert code == 0, said
    assert "INTERIM: not everything in it is over" in said


@pytest.mark.django_db(transaction=True)
def test_voting_anew_narrowing_and_a_denial_are_told_and_check(company, policy, system):  # noqa: F811
    request = company.submit(actions=[company.write.key], resources=["a", "b"])
    company.vote(request, company.manager)
    company.agent.purpose = "Another design altogether."
    company.agent.save()
    fingerprints_refresh(agent_ids=[company.agent.pk], actor=system)
    requests_follow_designs(actor=system)
    company.vote(request, company.manager, terms=Terms(resources=["a"], days=10))
    company.vote(request, company.system_owner, Choice.DENY, reason="Too wide for this task.")

    package = build_request(request, company.steward)

    assert package.status == "Final"
    told = [(vote["round"], vote["counts"]) for vote in rows(package, "data/votes.csv")]
    assert told == [("1", "no"), ("2", "yes"), ("2", "yes")]
    assert check(package_path(package), keys())[0] == 0


def test_read_access_granted_by_a_rule_checks_without_votes(company):  # noqa: F811
    PolicyFactory(name="Reading", position=1, match={"levels": ["read"]}, is_automatic=True)
    request = company.submit(actions=[company.read.key], task_id=None, days=None)
    request_provision(request_id=request.pk, proof="Added it.", actor=Person(company.steward))

    package = build_request(request, company.steward)

    assert rows(package, "data/policies.csv")[0]["by_rule"] == "yes"
    assert check(package_path(package), keys())[0] == 0


# Committed as it goes: in one transaction the entry would be as old as the test and its votes not.
@pytest.mark.django_db(transaction=True)
def test_a_later_owner_does_not_undo_an_approval(company, policy):  # noqa: F811
    """Who approved and came to own the agent afterwards did not benefit when they approved."""
    request = company.place()
    with transaction.atomic():
        Agent.objects.filter(pk=company.agent.pk).update(owner=company.manager)
        entry = record(
            actor=Person(company.steward),
            verb=Verb.AGENT_OWNER_CHANGED,
            target=company.agent,
            changes={"owner": ("Owner", "Manager")},
        )

    package = build_request(request, company.steward)

    owner = [row for row in rows(package, "data/beneficiaries.csv") if row["why"].startswith("ow")]
    assert [(row["person"], row["since"][:19]) for row in owner] == [
        ("Manager", utc(entry.occurred_at)[:19])
    ]


def test_a_period_lists_each_of_its_requests_once_and_its_emergencies(company, policy):  # noqa: F811
    before, within, after = (company.submit(resources=[name]) for name in "abc")
    moved = {before: -40, within: -20, after: 0}
    for request, days in moved.items():
        at = timezone.now() + timedelta(days=days)
        AccessRequest.objects.filter(pk=request.pk).update(submitted_at=at)
    use = BreakGlassFactory(reviewed=True, taken_at=timezone.now() - timedelta(days=15))
    BreakGlassFactory(taken_at=timezone.now() - timedelta(days=50))
    since, until = today() - timedelta(days=30), today() - timedelta(days=10)

    package = build_period(since, until, company.steward)

    assert [row["request"] for row in rows(package, "data/requests.csv")] == [str(within.pk)]
    [told] = rows(package, "data/break_glass.csv")
    assert (told["use"], told["verdict_words"]) == (str(use.pk), "It was warranted")
    gaps = {row["what"]: row["count"] for row in rows(package, "data/not_covered.csv")}
    assert gaps["Requests asked for before the period, and not over when it began"] == "1"
    assert package.about == f"Requests of {since} to {until}"
    assert check(package_path(package), keys())[0] == 0


def test_a_period_of_one_system_holds_nothing_of_another(company, policy):  # noqa: F811
    company.submit()
    BreakGlassFactory(reviewed=True)

    package = build_period(today(), today(), company.steward, SystemFactory(name="Other"))

    assert rows(package, "data/requests.csv") == []
    assert rows(package, "data/break_glass.csv") == []
    assert package.status == "Interim"
    assert "the period is not over" in json.loads(members(package)["data/access.json"])["note"]


def test_a_period_that_is_over_with_all_that_is_in_it_is_final(company, policy, system):  # noqa: F811
    request = ended(company, system)
    asked = timezone.now() - timedelta(days=40)
    AccessRequest.objects.filter(pk=request.pk).update(submitted_at=asked)

    package = build_period(asked.date(), asked.date(), company.steward)

    assert package.status == "Final"
    assert package.claims["dispositions"] == {"ended": 1}


def test_two_builds_of_one_state_are_alike_member_by_member(company, policy, system):  # noqa: F811
    request = ended(company, system)
    one, two = (members(build_request(request, company.steward)) for _ in range(2))
    day = today()
    first, second = (members(build_period(day, day, company.steward)) for _ in range(2))

    for left, right in ((one, two), (first, second)):
        assert set(left) == set(right)
        assert {name for name in left if left[name] != right[name]} <= VARYING


def test_asking_twice_while_it_is_being_built_gives_one_package(company, policy):  # noqa: F811
    request, actor = company.submit(), Person(company.steward)

    one, two = (request_package_request(request_id=request.pk, actor=actor) for _ in range(2))

    assert one.pk == two.pk
    assert AuditEntry.objects.filter(verb=Verb.PACKAGE_REQUESTED).count() == 1


def test_a_download_is_recorded(company, policy, auditor):  # noqa: F811
    package = build_request(company.submit(), company.steward)

    package_download(package_id=package.pk, actor=Person(auditor))

    assert AuditEntry.objects.get(verb=Verb.PACKAGE_DOWNLOADED).actor == auditor


def test_a_proof_file_lies_in_the_package_under_its_digest(company, policy):  # noqa: F811
    request = company.approve()
    file = SimpleUploadedFile("console.txt", b"the console after it was added")
    steward = Person(company.steward)
    request_provision(request_id=request.pk, proof="", actor=steward, file=file)

    package = build_request(request, company.steward)

    [proof] = rows(package, "data/provisioning.csv")
    raw = members(package)[f"data/raw/{proof['file_sha256']}"]
    assert raw == b"the console after it was added"
    proof_path(proof["file_sha256"]).unlink()
    with pytest.raises(DomainError, match=f"of request {request.pk} cannot be read"):
        build_request(request, company.steward)


def test_names_of_other_systems_grants_stay_out(company, policy):  # noqa: F811
    request = company.submit()
    part = {"does": "reads secrets", "by": ["vault · secrets · read"], "more": 0}
    told = {"name": "Secrets out", "severity": "high", "parts": [part], "broken_by": []}
    AccessRequest.objects.filter(pk=request.pk).update(combinations=[told])

    files = members(build_request(request, company.steward))

    assert b"Secrets out" in files["data/requests.jsonl"]
    assert not [name for name, content in files.items() if b"vault \xc2\xb7 secrets" in content]


def test_an_auditor_exports_and_reads_within_their_seat(company, policy, auditor):  # noqa: F811
    request = company.submit()
    there = build_request(request, company.steward)
    whole = build_period(today(), today(), company.steward)
    own = build_period(today(), today(), company.steward, company.system)
    seat, actor = auditor.seat, Person(auditor)

    def readable():
        return set(Package.objects.visible_to(actor))

    assert readable() == {there, whole, own}
    seat.limited_to_systems = True
    seat.save()
    assert readable() == set()
    with pytest.raises(PermissionDenied, match="outside your seat"):
        request_package_request(request_id=request.pk, actor=actor)
    SeatSystem.objects.create(seat=seat, system=company.system)
    assert readable() == {there, own}
    assert not policies.can_export_period(actor, Period(today(), today()))
    assert policies.can_export_period(actor, Period(today(), today(), company.system.pk))
    seat.period_from, seat.period_until = today() - timedelta(9), today() - timedelta(1)
    seat.save()
    assert readable() == set()
    with pytest.raises(PermissionDenied, match="outside your seat"):
        request_package_request(request_id=request.pk, actor=actor)


def test_a_reviewer_exports_nothing_not_even_what_they_asked_for(company, policy):  # noqa: F811
    request = company.submit()
    build_request(request, company.steward)

    with pytest.raises(PermissionDenied, match="Only stewards and auditors"):
        request_package_request(request_id=request.pk, actor=Person(company.owner))

    assert not Package.objects.visible_to(Person(company.owner)).exists()


def test_the_database_takes_one_subject_and_no_other(company, policy):  # noqa: F811
    request = company.submit()
    for wrong in (
        {},
        {"request": request, "period_from": today(), "period_to": today()},
        {"period_from": today()},
        {"period_from": today(), "period_to": today() - timedelta(days=1)},
        {"request": request, "number": 1},
    ):
        with pytest.raises(IntegrityError, match="one_subject"), transaction.atomic():
            Package.objects.create(is_interim=True, **wrong)


def test_the_command_builds_requests_and_periods(company, policy, tmp_path, capsys):  # noqa: F811
    request, out = company.submit(), tmp_path / "out.zip"

    call_command("evidence_build", str(out), "--request", str(request.pk))
    assert check(out, keys())[0] == 0
    day = today().isoformat()
    call_command("evidence_build", str(out), "--from", day, "--to", day, "--system", "CRM")
    assert check(out, keys())[0] == 0
    assert f"requests-{day}-{day}-system-{company.system.pk}" in capsys.readouterr().out

    for wrong, why in (
        (["--from", day], "Name one"),
        (["--request", "999999"], "There is no request 999999"),
        (["--from", day, "--to", day, "--system", "Nowhere"], "There is no system 'Nowhere'"),
        (["--request", str(request.pk), "Quarterly"], "Name one"),
    ):
        with pytest.raises(CommandError, match=why):
            call_command("evidence_build", *wrong, str(out))


def test_building_reads_at_a_constant_cost(company, policy, django_assert_max_num_queries):  # noqa: F811
    for name in "abcdef":
        company.submit(resources=[name])
    signing_key_ensure(actor=Person(company.steward))
    package = period_package_request(period=Period(today(), today()), actor=Person(company.steward))

    with django_assert_max_num_queries(70) as few:
        package_build(package_id=package.pk, actor=Person(company.steward))

    assert len(few) > 0
