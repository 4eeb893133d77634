"""Asking for packages of what agents did, in the browser, by command, and within a seat."""

from datetime import timedelta

import bagit
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.core.models import Job
from apps.evidence import tasks
from apps.evidence.models import Package
from apps.evidence.services.packages import package_path
from apps.evidence.services.trail_packages import (
    agent_package_request,
    everything_package_request,
    invocation_package_request,
)
from apps.inventory.models import SeatSystem
from tests.evidence.access import members
from tests.evidence.handmade import check
from tests.evidence.test_packages import keys
from tests.evidence.trail import (
    TRACE,
    build_agent,
    build_everything,
    build_run,
    keep,
    ran,
    said,
    today,
)
from tests.factories.approvals import AccessRequestFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory, IdentityFactory, SystemFactory

pytestmark = pytest.mark.django_db
LIST = reverse("evidence:package_list")


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


def door(run) -> str:
    return reverse("evidence:invocation_package_create", args=[run.pk])


def test_a_run_is_asked_for_built_and_taken_away(as_steward, steward, made):
    assert (
        "what is not signed yet is counted"
        in as_steward.get(door(made.run)).content.decode().lower()
    )

    response = as_steward.post(door(made.run))

    package = Package.objects.get()
    assert response.headers["Location"] == package.get_absolute_url()
    assert (package.trace_id.hex, package.with_payloads) == (TRACE, False)
    assert tasks.build_package(package.job_id) == 1
    page = as_steward.get(package.get_absolute_url()).content.decode()
    assert "RESULT every claim holds" in page
    assert "Left out, and listed as left out." in page
    assert made.run.get_absolute_url() in page
    download = as_steward.post(reverse("evidence:package_download", args=[package.pk]))
    package.refresh_from_db()
    assert b"".join(download.streaming_content) == package_path(package).read_bytes()


def test_its_progress_is_what_was_written_and_of_no_made_up_whole(as_steward, made):
    as_steward.post(door(made.run))
    package = Package.objects.get()
    Job.objects.filter(pk=package.job_id).update(status="running", done=60)

    page = as_steward.get(package.get_absolute_url()).text

    assert "60 done" in page
    assert "60 of" not in page


def test_words_are_given_who_asks_for_them_and_that_is_recorded(as_steward, made):
    as_steward.post(door(made.run), {"words": "on"})

    package = Package.objects.get()
    assert tasks.build_package(package.job_id) == 1
    package.refresh_from_db()
    assert b"refunded" in members(package)["data/payloads.jsonl"]
    assert AuditEntry.objects.filter(verb=Verb.PACKAGE_WORDS_ASKED, target_id=package.pk).exists()
    assert check(package_path(package), keys())[0] == 0


def test_periods_are_asked_for_by_day(as_steward, made):
    days = {"since": today().since, "until": today().until}
    of_agent = reverse("evidence:agent_package_create", args=[made.agent.pk])
    everything = reverse("evidence:everything_package_create")
    assert everything in as_steward.get(LIST).content.decode()

    as_steward.post(of_agent, days)
    as_steward.post(everything, days)

    agent, whole = Package.objects.order_by("pk")
    assert (agent.agent, agent.is_whole) == (made.agent, False)
    assert whole.is_whole
    for package in (agent, whole):
        assert tasks.build_package(package.job_id) == 1
        assert (
            "RESULT every claim holds"
            in as_steward.get(package.get_absolute_url()).content.decode()
        )
    wrong = as_steward.post(everything, {"since": "2026-02-02", "until": "2026-02-01"})
    assert wrong.status_code == 422
    assert "ends before it begins" in wrong.content.decode()


def test_the_list_shows_and_finds_them(as_steward, steward, made):
    packages = {
        "invocation": build_run(made.run, steward),
        "agent": build_agent(made.agent, steward),
        "whole": build_everything(steward),
    }
    found = {
        "invocation": {"q": TRACE},
        "agent": {"q": "refund"},
        "whole": {"subject": "whole"},
    }
    for subject, package in packages.items():
        for query in ({}, {"subject": subject}, found[subject]):
            assert package.get_absolute_url() in as_steward.get(LIST, query).content.decode()
        other = "campaign" if subject != "campaign" else "agent"
        page = as_steward.get(LIST, {"subject": other}).content.decode()
        assert package.get_absolute_url() not in page


def test_an_auditor_takes_what_their_seat_covers(steward, auditor, made):
    package = build_run(made.run, steward)
    with_words = build_run(made.run, steward, with_payloads=True)
    seat, actor = auditor.seat, Person(auditor)

    def read() -> set[int]:
        return set(Package.objects.visible_to(actor).values_list("pk", flat=True))

    assert read() == {package.pk}
    with pytest.raises(PermissionDenied, match="does not let you read what was said"):
        invocation_package_request(invocation_id=made.run.pk, with_payloads=True, actor=actor)
    seat.sees_payloads = True
    seat.save()
    assert read() == {package.pk, with_words.pk}
    assert invocation_package_request(invocation_id=made.run.pk, with_payloads=True, actor=actor)
    seat.limited_to_systems = True
    seat.save()
    SeatSystem.objects.create(seat=seat, system=SystemFactory(name="Another"))
    assert read() == set()
    with pytest.raises(PermissionDenied, match="outside your seat"):
        invocation_package_request(invocation_id=made.run.pk, actor=actor)
    with pytest.raises(PermissionDenied, match="outside your seat"):
        agent_package_request(agent_id=made.agent.pk, period=today(), actor=actor)
    with pytest.raises(PermissionDenied, match="limited to systems"):
        everything_package_request(period=today(), actor=actor)
    SeatSystem.objects.create(seat=seat, system=made.binding.identity.system)
    assert read() >= {package.pk, with_words.pk}
    seat.period_until = timezone.now().date() - timedelta(days=2)
    seat.save()
    assert read() == set()
    with pytest.raises(PermissionDenied, match="beyond that of your seat"):
        agent_package_request(agent_id=made.agent.pk, period=today(), actor=actor)


@pytest.fixture
def limited(auditor, made):
    """An auditor whose seat covers the one system that the agent acts on."""
    auditor.seat.limited_to_systems = True
    auditor.seat.save()
    SeatSystem.objects.create(seat=auditor.seat, system=made.binding.identity.system)
    return Person(auditor)


def reaches(made, how) -> None:
    """Let the agent reach another system too."""
    system = SystemFactory(name="Another")
    identity = made.binding.identity
    if how == "a binding of the past":
        past = BindingFactory(agent=made.agent, identity__system=system)
        past.ended_at = timezone.now()
        past.save()
    elif how == "a grant":
        GrantFactory(identity=identity, system=system)
    elif how == "a request":
        AccessRequestFactory(agent=made.agent, identity=identity, system=system)
    elif how == "a call":
        elsewhere = IdentityFactory(system=system)
        whose = Whose(identity_id=elsewhere.pk, system_id=system.pk, system=system.name)
        keep(said("api", "s3:GetObject", 2, 0, "", request_id="REQ1"), whose=whose)
    else:
        whose = Whose(agent_id=made.other.pk, agent=made.other.name)
        keep(said("action", "theirs", 3, 1, TRACE), whose=whose)


@pytest.mark.parametrize(
    "how",
    ["a binding of the past", "a grant", "a request", "a call", "somebody else in the run"],
)
def test_what_reaches_beyond_a_seat_is_in_no_package_for_it(
    as_auditor, steward, limited, made, how
):
    """A package holds all of an agent or a run, so a part outside the seat withholds it."""
    agent_too = how != "somebody else in the run"
    of_run, of_agent = build_run(made.run, steward), build_agent(made.agent, steward)
    sees = Package.objects.visible_to(limited)
    assert set(sees) == {of_run, of_agent}

    reaches(made, how)

    assert set(sees.all()) == (set() if agent_too else {of_agent})
    with pytest.raises(PermissionDenied, match="outside your seat"):
        invocation_package_request(invocation_id=made.run.pk, actor=limited)
    assert "a package is one whole" in as_auditor.get(door(made.run)).content.decode()
    page = reverse("evidence:agent_package_create", args=[made.agent.pk])
    assert ("a package is one whole" in as_auditor.get(page).content.decode()) is agent_too
    if agent_too:
        with pytest.raises(PermissionDenied, match="outside your seat"):
            agent_package_request(agent_id=made.agent.pk, period=today(), actor=limited)


def test_a_reviewer_exports_no_run(reviewer, made):
    with pytest.raises(PermissionDenied, match="Only stewards and auditors"):
        invocation_package_request(invocation_id=made.run.pk, actor=Person(reviewer))


def test_nothing_is_built_of_a_trail_that_nobody_signed(tmp_path, steward):
    made = ran(tmp_path / "signer", signed=False)

    with pytest.raises(DomainError, match="No checkpoint of the trail is signed yet"):
        build_run(made.run, steward)


def test_the_database_takes_no_run_beside_another_subject(made):
    day = timezone.now().date()
    for wrong in (
        {"trace_id": made.run.trace_id, "number": 1},
        {"trace_id": made.run.trace_id, "agent": made.agent},
        {"agent": made.agent},
        {"is_whole": True},
        {"period_from": day, "period_to": day, "is_whole": True, "agent": made.agent},
    ):
        with pytest.raises(IntegrityError, match="one_subject"), transaction.atomic():
            Package.objects.create(is_interim=True, **wrong)
    with pytest.raises(IntegrityError, match="words_of_the_trail"), transaction.atomic():
        Package.objects.create(is_interim=True, with_payloads=True, period_from=day, period_to=day)


@pytest.mark.filterwarnings("ignore:'count' is passed:DeprecationWarning")
def test_the_package_is_a_valid_bag(steward, made, tmp_path):
    package = build_everything(steward)
    folder = tmp_path / "bag"
    for name, content in members(package).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    bag = bagit.Bag(str(folder))

    assert bag.validate()
    assert bag.version_info == (1, 0)
    (folder / "data" / "links.csv").write_bytes(b"")
    with pytest.raises(bagit.BagValidationError):
        bag.validate()


def test_the_command_builds_them(made, tmp_path, capsys):
    day = today().since.isoformat()
    asked = {
        "invocation": ["--invocation", made.run.trace],
        "agent": ["--agent", made.agent.name, "--from", day, "--to", day],
        "everything": ["--everything", "--from", day, "--to", day],
    }
    for name, arguments in asked.items():
        out = tmp_path / f"{name}.zip"
        call_command("evidence_build", str(out), *arguments)
        assert check(out, keys())[0] == 0
        assert f"of itself: {name}-" in capsys.readouterr().out
