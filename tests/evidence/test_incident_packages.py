"""A killed credential as a package: what it did by address, what it made, and how it ended."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Person
from apps.evidence import tasks
from apps.evidence.models import Package
from apps.evidence.services.incident_packages import incident_package_request
from apps.evidence.services.keys import signing_key_ensure
from apps.evidence.services.packages import package_build, package_path
from apps.inventory.models import SeatSystem
from apps.remediation.models import Incident
from apps.remediation.services import orders
from tests.evidence.access import build_incident, members, rows, signed_anew
from tests.evidence.handmade import check
from tests.evidence.incident import AWAY, HOME, WHY, killed, over
from tests.evidence.test_access_forged import change_first, edit
from tests.evidence.test_packages import VARYING, keys
from tests.factories.inventory import SystemFactory
from tests.remediation.aws import Company

pytestmark = pytest.mark.django_db
LIST = reverse("evidence:package_list")


def door(incident) -> str:
    return reverse("evidence:incident_package_create", args=[incident.pk])


def sheet(package) -> str:
    with zipfile.ZipFile(io.BytesIO(members(package)["data/index.xlsx"])) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def test_the_index_fits_on_paper_can_be_filtered_and_shows_its_times(steward):
    told = sheet(build_incident(over(steward), steward))

    assert '<col min="1" max="1" width="21.' in told
    assert "<autoFilter ref=" in told
    assert 'orientation="landscape"' in told
    assert 'fitToHeight="0"' in told


def test_an_incident_that_is_over_is_a_final_package_that_checks(steward):
    package = build_incident(over(steward), steward)

    code, said = check(package_path(package), keys())
    assert code == 0, said
    assert package.status == "Final"
    assert package.claims["dispositions"] == {"by_hand": 1, "taken_back": 1}
    assert set(members(package)) >= {
        "data/README.html",
        "data/report.pdf",
        "data/addresses.csv",
        "data/agents.csv",
        "data/calls.csv",
        "data/calls.jsonl",
        "data/contacts.csv",
        "data/controls.csv",
        "data/credentials.csv",
        "data/governance.jsonl",
        "data/incident.json",
        "data/index.csv",
        "data/index.xlsx",
        "data/keys/vkeys.txt",
        "data/leaks.csv",
        "data/made.csv",
        "data/not_covered.csv",
        "data/orders.csv",
        "data/people.csv",
        "data/proofs.csv",
        "data/sources.csv",
        "data/steps.csv",
        "data/verify/verify.py",
        *VARYING,
    }


def test_it_tells_what_the_key_did_by_address_and_who_did_what(steward):
    package = build_incident(over(steward), steward)

    told = [
        (row["address"], row["calls"], row["refused"])
        for row in rows(package, "data/addresses.csv")
    ]
    assert told == [(AWAY, "2", "1"), (HOME, "1", "0")]
    assert [row["name"] for row in rows(package, "data/calls.csv")] == [
        "CreateUser",
        "DeleteTrail",
        "ListUsers",
    ]
    [credential] = rows(package, "data/credentials.csv")
    assert credential["external_id"] == "AKIASP2TPHJSQH3FJRUX"
    [agent] = rows(package, "data/agents.csv")
    assert (agent["agent"], agent["owner"]) == ("Invoice agent", "Owner of the agent")
    kill, back = rows(package, "data/orders.csv")
    assert (kill["kind"], kill["reason"]) == ("kill", f"'{WHY}")
    assert (kill["decided_by"], kill["confirmed_by"]) == ("The steward", "Another steward")
    assert all(kill[at] for at in ("decided_at", "executed_at", "verified_at"))
    assert back["kind"] == "takeback"
    assert [row["words"] for row in rows(package, "data/made.csv")] == [
        "Taken back",
        "Nothing here can take it back",
    ]
    acts = {(row["person"], row["did"]) for row in rows(package, "data/people.csv")}
    assert acts >= {("Another steward", "confirmed the kill"), ("The steward", "ordered it")}
    assert [row["kinds"] for row in rows(package, "data/leaks.csv")] == ["aws-key"]
    what = [row["what"] for row in rows(package, "data/index.csv")]
    assert what[:3] == ["exposed since", "call", "made"]
    assert what.count("call") == 3
    assert what.count("order confirmed not to work") == 1
    assert not {"order seen to be refused", "order seen not to work"} & set(what)
    assert what[-1] == "incident closed"
    verbs = {
        json.loads(line)["verb"] for line in members(package)["data/governance.jsonl"].splitlines()
    }
    assert verbs >= {
        "remediation.incident.opened",
        "remediation.incident.closed",
        "remediation.leak.reported",
        "remediation.order.kill_confirmed",
    }
    page = members(package)["data/README.html"].decode()
    assert AWAY in page
    assert "iam.amazonaws.com DeleteTrail (AccessDenied)" in sheet(package)


def test_it_says_interim_on_every_page_while_anything_is_open(steward):
    package = build_incident(killed(steward).incident, steward)

    assert package.status == "Interim"
    note = json.loads(members(package)["data/incident.json"])["note"]
    for words in ("the incident is open", "orders not settled: 1", "nobody else confirmed: 1"):
        assert words in note
    for name, content in members(package).items():
        if name.endswith(".csv"):
            assert all(row["package_status"] == "INTERIM" for row in rows(package, name)), name
        if name.endswith((".html", ".jsonl")) or name == "data/incident.json":
            assert b"INTERIM" in content, name
    assert "INTERIM" in sheet(package)
    code, said = check(package_path(package), keys())
    assert code == 0, said
    assert "INTERIM: not everything in it is over" in said


def test_what_the_log_did_not_tell_is_named(steward):
    incident = killed(steward).incident
    Incident.objects.filter(pk=incident.pk).update(is_cut=True, read_at=timezone.now(), problem="")

    package = build_incident(incident, steward)

    gaps = {row["what"]: row["why"] for row in rows(package, "data/not_covered.csv")}
    assert gaps["Calls beyond those listed"] == "There were more than are kept."
    assert "Calls that the log delivers late" in gaps
    assert "The secret itself" in gaps


def test_two_builds_of_one_state_are_alike_member_by_member(steward):
    incident = over(steward)

    one, two = (members(build_incident(incident, steward)) for _ in range(2))

    assert set(one) == set(two)
    assert {name for name in one if one[name] != two[name]} <= VARYING


def test_its_cost_does_not_grow_with_the_calls(steward, django_assert_max_num_queries):
    incident = killed(steward).incident
    for number in range(50):
        incident.calls.create(
            event_id=f"more-{number}",
            at=timezone.now(),
            service="s3.amazonaws.com",
            name="GetObject",
            address=f"192.0.2.{number}",
            read_only=True,
        )
    signing_key_ensure(actor=Person(steward))
    package = incident_package_request(incident_id=incident.pk, actor=Person(steward))

    with django_assert_max_num_queries(70):
        package = package_build(package_id=package.pk, actor=Person(steward))

    assert len(rows(package, "data/addresses.csv")) == 52


def test_the_page_of_an_incident_leads_to_its_package(as_steward, steward):
    incident = killed(steward).incident
    assert door(incident) in as_steward.get(incident.get_absolute_url()).content.decode()
    assert "the incident is open" in as_steward.get(door(incident)).content.decode()

    response = as_steward.post(door(incident))

    package = Package.objects.get()
    assert response.headers["Location"] == package.get_absolute_url()
    assert (package.incident, package.requested_by) == (incident, steward)
    assert tasks.build_package(package.job_id) == 1
    page = as_steward.get(package.get_absolute_url()).content.decode()
    assert "RESULT every claim holds" in page
    assert incident.get_absolute_url() in page
    download = as_steward.post(reverse("evidence:package_download", args=[package.pk]))
    package.refresh_from_db()
    assert b"".join(download.streaming_content) == package_path(package).read_bytes()
    again = build_incident(incident, steward)
    assert again.get_absolute_url() in as_steward.get(package.get_absolute_url()).content.decode()


def test_a_failed_build_leads_back_to_the_same_door(as_steward, steward):
    incident = over(steward)
    incident.order.__class__.objects.filter(pk=incident.order_id).update(reason="It was old.")
    as_steward.post(door(incident))
    package = Package.objects.get()

    assert tasks.build_package(package.job_id) == 0

    assert door(incident) in as_steward.get(package.get_absolute_url()).content.decode()


def test_the_list_shows_incidents_and_finds_them(as_steward, steward):
    package = build_incident(over(steward), steward)
    link = f'href="{package.get_absolute_url()}"'

    for query in (
        {},
        {"subject": "incident"},
        {"q": "AKIASP2"},
        {"incident": package.incident_id},
    ):
        assert link in as_steward.get(LIST, query).content.decode(), query
    assert link not in as_steward.get(LIST, {"subject": "request"}).content.decode()


def test_an_auditor_exports_and_reads_within_their_seat(steward, auditor):
    made = killed(steward)
    package = build_incident(made.incident, steward)
    seat, actor = auditor.seat, Person(auditor)

    def reads() -> bool:
        return Package.objects.visible_to(actor).filter(pk=package.pk).exists()

    assert reads()
    assert incident_package_request(incident_id=made.incident.pk, actor=actor)
    seat.limited_to_systems = True
    seat.save()
    SeatSystem.objects.create(seat=seat, system=SystemFactory(name="Another"))
    assert not reads()
    with pytest.raises(PermissionDenied, match="outside your seat"):
        incident_package_request(incident_id=made.incident.pk, actor=actor)
    SeatSystem.objects.create(seat=seat, system=made.credential.identity.system)
    assert reads()
    seat.period_until = timezone.now().date() - timedelta(days=2)
    seat.save()
    assert not reads()


def test_a_reviewer_exports_no_incident(steward, reviewer):
    incident = killed(steward).incident

    with pytest.raises(PermissionDenied, match="Only stewards and auditors"):
        incident_package_request(incident_id=incident.pk, actor=Person(reviewer))


def test_the_database_takes_no_incident_beside_another_subject(steward):
    incident = killed(steward).incident
    for wrong in ({"number": 1}, {"period_from": timezone.now(), "period_to": timezone.now()}):
        with pytest.raises(IntegrityError, match="one_subject"), transaction.atomic():
            Package.objects.create(incident=incident, is_interim=True, **wrong)


def test_the_command_builds_an_incident(steward, tmp_path, capsys):
    incident, out = over(steward), tmp_path / "out.zip"

    call_command("evidence_build", str(out), "--incident", str(incident.pk))

    assert check(out, keys())[0] == 0
    assert f"incident-{incident.pk}" in capsys.readouterr().out
    with pytest.raises(CommandError, match="There is no incident 999999"):
        call_command("evidence_build", str(out), "--incident", "999999")


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("ministack")
def test_the_words_of_the_system_are_those_of_the_record(
    ministack,
    monkeypatch,
    steward,
    system,
    tmp_path,
):
    held = Company(ministack, monkeypatch).key(issued_at=timezone.now() - timedelta(hours=1))
    held.works()
    orders.credential_kill(credential_id=held.credential.pk, reason=WHY, actor=Person(steward))
    incident = Incident.objects.get()
    orders.order_run(order_id=incident.order_id, actor=system)

    package = build_incident(incident, steward)

    code, said = check(package_path(package), keys())
    assert code == 0, said
    done = [row for row in rows(package, "data/steps.csv") if row["status"] == "done"]
    assert done
    assert all(row["said"] and row["done_at"] for row in done)
    [order] = rows(package, "data/orders.csv")
    assert order["executed_at"] <= order["effective_by"]
    assert rows(package, "data/calls.csv")
    what = [row["what"] for row in rows(package, "data/index.csv")]
    assert what.count("order seen not to work") == 1
    forged = signed_anew(
        package,
        tmp_path,
        system,
        edit("data/steps.csv", change_first(said="It was never there.")),
        "data/incident.json",
    )
    code, said = check(forged, keys())
    assert code == 50
    assert "what the system answered is not as in the record" in said
