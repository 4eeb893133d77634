import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.activity.models import DeedHour, Invocation
from apps.activity.services.hours import hours_count
from apps.approvals.models import AccessRequest, BreakGlass, RemovalProposal
from apps.approvals.states import GroupKey
from apps.audit.models import AuditEntry
from apps.console.sample.document import company_document
from apps.console.sample.load import sample_load
from apps.console.sample.schedule import named, quarterly, quarters_of, templates_load
from apps.console.timelines import kinds_in_words
from apps.core.actors import Person, Role, System
from apps.findings.models import Finding
from apps.inventory.models import Agent, Source
from apps.notices.models import Notice
from apps.remediation.models import Order
from apps.reviews.selectors.calendar import LATE_AFTER, calendar_of
from apps.reviews.services.schedule import schedule_run
from tests.factories.approvals import KnownGroupFactory

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SIZES = {"agents": 40, "systems": 15, "identities": 60, "credentials": 90, "grants": 300}


class ClosedPipe(io.StringIO):
    """Whoever listened went away after the first line: the load stops half way."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


def test_the_invented_company_has_the_size_it_should_have():
    company = company_document(NOW)

    assert {kind: len(company[kind]) for kind in SIZES} == SIZES


def test_no_two_entries_of_the_invented_company_are_one():
    company = company_document(NOW)

    names = [(one["system"], one["name"]) for one in company["identities"]]
    held = [
        (one["system"], one["identity"], one["service"], one["level"]) for one in company["grants"]
    ]
    assert len(set(names)) == len(names)
    assert len(set(held)) == len(held)


def test_identities_of_the_invented_company_differ_in_what_they_hold():
    grants = company_document(NOW)["grants"]

    counts = Counter((one["system"], one["identity"]) for one in grants)
    assert len(set(counts.values())) > 5
    assert Counter(one["level"] for one in grants)["admin"] == 18


@pytest.mark.django_db
def test_the_invented_company_has_asked_for_access_and_judged_it():
    for key in GroupKey:
        KnownGroupFactory(key=key)

    list(sample_load(password="a long enough password"))

    requests = AccessRequest.objects.all()
    assert Counter(requests.values_list("state", flat=True)) == {
        "pending": 9,
        "approved": 1,
        "provisioned": 4,
        "denied": 1,
        "cancelled": 1,
        "lapsed": 1,
    }
    assert requests.filter(is_unmeetable=True).count() == 1
    ending = requests.get(access_ends_at__lt=timezone.now() + timedelta(days=3))
    assert Notice.objects.about(ending).filter(kind="access-ends").exists()
    assert RemovalProposal.objects.open().get().use_is_known
    use = BreakGlass.objects.get()
    assert (use.state, use.grant.state) == ("reviewed", "revoked")
    assert use.taken_at < timezone.now() - timedelta(days=20)
    found = Finding.objects.standing().filter(rule="grant-unrequested")
    assert sorted(finding.agent.name for finding in found) == [
        "data-steward",
        "log-explainer",
        "pipeline-doctor",
    ]
    assert requests.get(kind="found").agent.name == "pipeline-doctor"
    assert Order.objects.removing().get(origin_type="grants.grant").grant.service == "jobs"
    unmeetable = Finding.objects.standing().get(rule="request-unmeetable")
    assert unmeetable.subject_id == requests.get(is_unmeetable=True).pk
    assert Source.objects.filter(stream=Source.objects.current().get().stream).count() == 2


@pytest.mark.django_db
def test_agents_of_the_invented_company_told_what_they_did_and_systems_saw_some_of_it():
    list(sample_load(password="a long enough password"))

    runs = Invocation.objects.all()
    assert runs.count() >= 12
    assert {one.outcome for one in runs} == {"ok", "denied", "failed"}
    assert not runs.filter(agent_id=None).exists()
    assert runs.filter(proven__gt=0).exists()
    assert runs.filter(actions__gt=0, proven=0).exists()
    assert runs.flagged().exists()
    assert runs.filter(near__gt=0, proven__gt=0).exists()
    hours_count()
    on = set(DeedHour.objects.values_list("system_id", flat=True))
    assert 0 not in on  # what agents say they did is known to be of a system
    refunds = Agent.objects.get(name="refund-assistant")
    assert refunds.trail_connected


@pytest.mark.django_db
def test_the_control_calendar_of_the_invented_company_shows_every_state():
    list(sample_load(password="a long enough password"))
    now = timezone.now()
    year, steward = timedelta(days=366), Person(User.objects.filter(role=Role.STEWARD)[0])

    told = calendar_of(steward, now - year, now + year / 2, now).occurrences

    quarterly = [one for one in told if one.template.name == "Quarterly write access"]
    assert [one.state for one in quarterly] == [
        *("missed", "held", "late", "held"),
        *["coming"] * (len(quarterly) - 4),
    ]
    assert [one.campaign.state for one in quarterly if one.campaign] == [
        "acknowledged",
        "acknowledged",
        "running",
    ]
    assert quarterly[2].why == "It was launched 11 days after it was due."
    half_yearly = [one for one in told if one.template.name == "All access in scope"]
    assert half_yearly[0].state == "due"
    assert schedule_run(moment=now, actor=System("test")) == 0


@pytest.mark.parametrize(
    "day", [(2026, 3, 1), (2026, 5, 31), (2026, 12, 31), (2027, 1, 2), (2028, 2, 29), (2028, 3, 1)]
)
def test_the_company_has_had_four_quarters_whatever_the_day_is(steward, day):
    now = datetime(*day, 0, 30, tzinfo=UTC)
    steward.time_zone = "America/Los_Angeles"
    templates_load(people={"administrator": steward}, now=now, actor=Person(steward))

    quarters = quarters_of(quarterly(), now)

    assert len({named(quarterly(), quarter) for quarter in quarters}) == len(quarters) == 4
    assert timedelta(0) < now - quarters[-1] < LATE_AFTER


@pytest.mark.django_db
def test_every_kind_that_the_record_tells_of_can_be_searched_for():
    list(sample_load(password="a long enough password"))

    kinds = set(AuditEntry.objects.values_list("target_type", flat=True))

    assert kinds - {kind for kind, _ in kinds_in_words()} == set()


@pytest.mark.django_db
def test_a_load_that_is_stopped_half_way_leaves_nothing_and_can_be_started_again():
    with pytest.raises(BrokenPipeError):
        call_command("sample_data", password="a long enough password", stdout=ClosedPipe())

    assert not User.objects.exists()
    assert not Team.objects.exists()
    assert not AuditEntry.objects.exists()
