"""Packages of requests that somebody changed: the verifier names what was done to them."""

import json
import subprocess
import sys

import pytest
from django.db import transaction
from django.utils import timezone

from apps.approvals.models import AccessRequest, RequestNote, Vote
from apps.approvals.services.provisioning import request_provision
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.evidence.models import Package
from apps.evidence.services.packages import package_path
from apps.evidence.verify import verify
from tests.approvals.conftest import company, policy  # noqa: F401  (fixtures)
from tests.evidence.access import (
    build_period,
    build_request,
    members,
    put,
    signed_anew,
    table,
)
from tests.evidence.handmade import check, rewrite
from tests.evidence.test_access_packages import today
from tests.evidence.test_packages import keys
from tests.factories.approvals import BreakGlassFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(company, policy):  # noqa: F811
    """Two requests, of which the first is in place by three votes, and one emergency."""
    placed = company.submit()
    company.submit(resources=["other"])
    for person in (company.manager, company.system_owner, company.security):
        company.vote(placed, person)
    request_provision(request_id=placed.pk, proof="Added it.", actor=Person(company.steward))
    BreakGlassFactory(reviewed=True)
    return company, placed, build_period(today(), today(), company.steward)


def edit(name, change):
    """Alter the rows of one table."""

    def altered(files):
        columns, rows = table(files, name)
        put(files, name, columns, change(rows))

    return altered


def spoilt(row, **values):
    return {**row, **values}


def without(at):
    return lambda rows: [row for place, row in enumerate(rows) if place != at]


def change_first(**values):
    return lambda rows: [spoilt(rows[0], **values), *rows[1:]]


def all_of(*changes):
    def altered(files):
        for change in changes:
            change(files)

    return altered


def without_votes_entries(files):
    """Remove the vote of the first approver, and its entry in the record as well."""
    edit("data/votes.csv", without(0))(files)
    lines = files["data/governance.jsonl"].splitlines(keepends=True)
    first = next(line for line in lines if b"approvals.vote.cast" in line)
    lines.remove(first)
    files["data/governance.jsonl"] = b"".join(lines)


def without_last_request(files):
    last = table(files, "data/requests.csv")[1][-1]["request"]
    for name in list(files):
        if name.endswith(".csv") and "request" in table(files, name)[0][:1]:
            columns, rows = table(files, name)
            put(files, name, columns, [row for row in rows if row["request"] != last])
    lines = files["data/requests.jsonl"].splitlines(keepends=True)
    files["data/requests.jsonl"] = b"".join(lines[:-1])


FORGERIES = {
    "a vote turned round": (
        edit("data/votes.csv", change_first(choice="deny")),
        ["vote {vote} is not what is in the record", "step 1 is not met by different people"],
    ),
    "a vote left out": (
        edit("data/votes.csv", without(0)),
        ["vote {vote} is in the record and not in votes.csv", "step 1 is not met"],
    ),
    "a vote left out, and its entry": (without_votes_entries, ["step 1 is not met"]),
    "a reason put into somebody's mouth": (
        edit("data/votes.csv", change_first(reason="I never looked at it.")),
        ["vote {vote} is not what is in the record"],
    ),
    "a vote bound to something else": (
        edit("data/votes.csv", change_first(digest="0" * 64)),
        ["vote {vote} is bound to something else than its terms"],
    ),
    "a vote of an earlier round made to count": (
        edit("data/votes.csv", change_first(round="0")),
        ["vote {vote} is of round 0, of 1"],
    ),
    "one person in the place of two": (
        edit(
            "data/votes.csv",
            lambda rows: [*rows[:2], spoilt(rows[2], person_id=rows[1]["person_id"])],
        ),
        ["who voted in that round already", "step 2 is not met by different people"],
    ),
    "who benefits votes": (
        edit("data/votes.csv", change_first(person_id="{owner}", person="Owner")),
        ["of Owner, who benefits: asked for it", "of Owner, whom step 1 does not ask"],
    ),
    "a requirement made smaller": (
        edit("data/approvers.csv", without(0)),
        ["whom step 1 does not ask", "step 1 is not met"],
    ),
    "a request left out": (
        without_last_request,
        ["request {last} is in the record and not in requests.csv", "1 requests are not the 2"],
    ),
    "a request listed twice": (
        edit("data/requests.csv", lambda rows: [rows[0], *rows]),
        ["request {first}: it is listed twice"],
    ),
    "another reason for asking": (
        edit("data/requests.csv", change_first(reason="It is harmless.")),
        ["request {first}: requests.csv and requests.jsonl do not agree"],
    ),
    "another state": (
        edit("data/requests.csv", change_first(state="denied", outcome="denied")),
        ["request {first}: it is denied, and in the record provisioned", "denied: 1 requests"],
    ),
    "no proof": (
        edit("data/provisioning.csv", without(0)),
        ["request {first}: it is in place, and nothing proves that"],
    ),
    "an emergency reviewed by who took it": (
        edit(
            "data/break_glass.csv",
            lambda rows: [spoilt(rows[0], reviewed_by_id=rows[0]["taken_by_id"])],
        ),
        ["was reviewed by who took it"],
    ),
    "an emergency left out": (
        edit("data/break_glass.csv", without(0)),
        ["0 uses, and access.json says 1"],
    ),
    "an order of nothing": (
        edit(
            "data/orders.csv",
            lambda rows: [dict.fromkeys(["order", "request", "break_glass"], "99")],
        ),
        ["order 99 is of a request or use that is not listed"],
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_changed_is_named_even_if_it_was_signed_anew(made, tmp_path, system, forgery):
    company, placed, package = made  # noqa: F811
    change, wanted = FORGERIES[forgery]
    first = placed.votes.order_by("pk").first()
    names = {
        "vote": first.pk,
        "first": placed.pk,
        "last": AccessRequest.objects.latest("pk").pk,
        "owner": company.owner.pk,
    }

    def named(files):
        change(files)
        for name in files:
            if name.endswith(".csv"):
                files[name] = files[name].replace(b"{owner}", str(company.owner.pk).encode())

    forged = signed_anew(package, tmp_path, system, named)

    code, said = check(forged, keys())
    assert code == 50, said
    for words in wanted:
        assert words.format(**names) in said


def test_signed_anew_without_a_change_it_passes(made, tmp_path, system):
    forged = signed_anew(made[2], tmp_path, system, lambda files: None)

    code, said = check(forged, keys())

    assert code == 0, said


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("data/votes.csv", lambda content: content.replace(b"approve", b"deny", 1)),
        ("data/votes.csv", lambda content: content[: content[:-2].rfind(b"\r\n") + 2]),
        ("data/votes.csv", lambda content: content.replace(b"its task", b"no task", 1)),
        ("data/requests.csv", lambda content: content[: content[:-2].rfind(b"\r\n") + 2]),
    ],
    ids=["vote changed", "vote removed", "reason changed", "request removed"],
)
def test_the_verifier_from_outside_exits_with_the_name_of_the_file(made, tmp_path, name, change):
    package = made[2]
    content = change(members(package)[name])
    assert content != members(package)[name]
    broken = rewrite(package_path(package), change={name: content})
    key_file = tmp_path / "countersign-log.json"
    key_file.write_text(keys())

    done = subprocess.run(
        [sys.executable, "-I", verify.__file__, str(broken), "--key", str(key_file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 10
    assert f"{name} was changed" in done.stdout
    assert done.stderr == ""


def test_what_does_not_add_up_in_the_database_is_not_kept(company, policy, data_dir):  # noqa: F811
    """Whoever gets at the tables past the services does not get a package out of it."""
    request = company.submit()
    with transaction.atomic():
        moved = {"state": ("pending", "approved")}
        record(
            actor=Person(company.owner), verb=Verb.REQUEST_APPROVED, target=request, changes=moved
        )
        AccessRequest.objects.filter(pk=request.pk).update(
            state="approved", decided_at=timezone.now()
        )

    with pytest.raises(DomainError, match="step 1 is not met by different people"):
        build_request(request, company.steward)

    assert Package.objects.get().built_at is None
    assert list((data_dir / "evidence").iterdir()) == []


def test_an_answer_that_was_never_given_is_not_kept(company, policy):  # noqa: F811
    request = company.submit()
    RequestNote.objects.create(
        request=request, kind="joined", text="Me too.", author_label="somebody"
    )

    with pytest.raises(DomainError, match=f"request {request.pk}: note .* is not what is in"):
        build_request(request, company.steward)


def test_a_vote_without_an_entry_is_not_kept(company, policy):  # noqa: F811
    request = company.submit()
    vote = Vote.objects.create(
        request=request,
        round=1,
        step_at=1,
        person=company.manager,
        choice="approve",
        reason="As if",
        digest=request.digest,
        terms=request.asked,
    )

    with pytest.raises(DomainError, match=f"vote {vote.pk} is not in the record"):
        build_request(request, company.steward)


def test_a_malformed_file_is_no_crash(made, tmp_path, system):
    def ruin(files):
        facts = json.loads(files["data/access.json"])
        facts["period_from"] = 7
        files["data/access.json"] = json.dumps(facts).encode()

    code, said = check(signed_anew(made[2], tmp_path, system, ruin), keys())

    assert code == 50
    assert "a file is not as it must be" in said
