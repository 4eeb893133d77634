"""What is counted by the hour, in whatever order records and joins come, and made anew the same."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import DeedHour, HourDue, Sighting, UseHour
from apps.activity.services.hours import bindings_heed, hours_count
from tests.activity.trails import START, TRACE, api, kept, run
from tests.factories.inventory import AgentFactory, BindingFactory

pytestmark = pytest.mark.django_db

HOUR = datetime(2023, 11, 14, 22, tzinfo=UTC)


@pytest.fixture
def agent(db):
    return AgentFactory()


@pytest.fixture
def of_agent(agent):
    return Whose(agent_id=agent.pk, agent=agent.name)


@pytest.fixture
def as_identity(agent):
    binding = BindingFactory(agent=agent, identity__system__kind="aws")
    return Whose(identity_id=binding.identity_id, system_id=binding.identity.system_id)


def uses(**chosen):
    names = "hour", "name", "agent_id", "calls", "proven", "failed", "denied"
    return sorted(UseHour.objects.filter(**chosen).values_list(*names))


def deeds(**chosen):
    names = "name", "kind", "deeds", "confirmed", "unconfirmed", "failed", "flagged"
    return sorted(DeedHour.objects.filter(**chosen).values_list(*names))


def everything():
    rows = (UseHour, DeedHour, Sighting)
    hidden = {"id"}
    return [
        sorted(
            str(sorted((k, str(v)) for k, v in row.items() if k not in hidden))
            for row in model.objects.values()
        )
        for model in rows
    ]


def test_calls_are_counted_by_hour_name_and_whose_run_they_are_of(agent, of_agent, as_identity):
    kept(*run(), whose=of_agent)
    kept(
        api(request_id="REQ1"),
        api(at=5, outcome="denied"),
        api(at=6, outcome="failed"),
        api("s3:PutObject", at=7, outcome="ok"),
        api(at=3600, outcome="ok"),
        whose=as_identity,
    )

    assert uses() == [
        (HOUR, "s3:GetObject", agent.pk, 3, 1, 1, 1),
        (HOUR, "s3:PutObject", agent.pk, 1, 0, 0, 0),
        (HOUR + timedelta(hours=1), "s3:GetObject", agent.pk, 1, 0, 0, 0),
    ]
    assert not HourDue.objects.exists()


def test_what_an_agent_said_it_did_is_counted_and_confirmed(agent, of_agent, as_identity):
    kept(*run(), whose=of_agent)
    assert deeds() == [
        ("refund", "action", 1, 0, 0, 1, 0),
        ("s3:GetObject", "call", 1, 0, 1, 0, 0),
    ]

    kept(api(request_id="REQ1"), whose=as_identity)

    assert deeds(kind="call") == [("s3:GetObject", "call", 1, 1, 0, 0, 0)]
    assert deeds(kind="action") == [("refund", "action", 1, 0, 0, 1, 0)]


def test_a_call_within_an_action_confirms_the_action_too(of_agent, as_identity):
    told = run()
    told[2].span_id, told[2].outcome = "c" * 16, "ok"
    kept(*told, whose=of_agent)

    kept(api(request_id="REQ1"), whose=as_identity)

    assert [row[3:5] for row in deeds()] == [(1, 0), (1, 0)]


def test_a_call_that_carries_the_run_confirms_what_went_on_at_that_time_only(of_agent, as_identity):
    told = run()
    told[2].outcome = "ok"
    told[3].happened_at += 600 * 10**9
    told[3].ended_at = told[3].happened_at
    kept(*told, whose=of_agent)

    kept(api(at=3, correlation=TRACE, carried_by="header"), whose=as_identity)

    assert [(row[0], row[3]) for row in deeds()] == [("refund", 1), ("s3:GetObject", 0)]


def test_the_system_of_a_deed_is_the_only_one_of_its_kind_that_its_agent_acts_on(
    agent, of_agent, as_identity
):
    told = run()
    told[3].system = "aws"
    kept(*told, whose=of_agent)
    assert dict(DeedHour.objects.values_list("name", "system_id")) == {
        "refund": 0,
        "s3:GetObject": as_identity.system_id,
    }

    BindingFactory(agent=agent, identity__system__kind="aws")
    bindings_heed()
    hours_count()

    assert set(DeedHour.objects.values_list("system_id", flat=True)) == {0}


def test_a_header_that_holds_a_nul_is_counted_all_the_same(of_agent, as_identity):
    kept(api(client="nul\0inside"), whose=as_identity)
    told = run()
    told[2].target = "nul\0inside"
    kept(*told, whose=of_agent)

    assert uses()[0][3] == 1
    assert len(deeds()) == 2
    assert set(Sighting.objects.values_list("trait", flat=True)) == {"hour"}


def test_the_order_in_which_records_come_makes_no_difference(of_agent, as_identity):
    sums = set()
    for number, order in enumerate(permutations(range(4))):
        told = [*run(f"{number + 1:032x}", request=f"R{number}"), api(request_id=f"R{number}")]
        told = [told[0], told[2], told[3], told[4]]
        for place in order:
            kept(told[place], whose=as_identity if told[place].kind == "api" else of_agent)
        sums.add((number + 1, uses()[0][3], uses()[0][4], deeds(kind="call")[0][3]))

    assert sums == {(number, number, number, number) for number in range(1, 25)}


def test_counting_all_anew_gives_what_was_counted_as_it_came(agent, of_agent, as_identity):
    shared = BindingFactory(agent=AgentFactory(), identity_id=as_identity.identity_id)
    for number in range(3):
        kept(api(at=number * 4000, request_id=f"R{number}", address="10.0.0.1"), whose=as_identity)
        kept(api(at=number * 50, client="Boto3/1.2 x", address="10.0.0.2"), whose=as_identity)
        kept(*run(f"{number + 1:032x}", request=f"R{number}"), whose=of_agent)
    binding_end_for(shared)
    bindings_heed()
    hours_count()
    as_it_came = everything()
    assert all(as_it_came)

    call_command("trail_rebuild")
    assert everything() == as_it_came

    for model in (UseHour, DeedHour, Sighting):
        model.objects.all().delete()
    call_command("trail_rebuild")
    assert everything() == as_it_came


def test_a_binding_that_ends_changes_whose_the_calls_are(agent, as_identity):
    other = BindingFactory(identity_id=as_identity.identity_id)
    kept(api(), whose=as_identity)
    assert uses()[0][2] is None

    binding_end_for(other)
    bindings_heed()
    hours_count()

    assert uses()[0][2] == agent.pk


def test_where_from_and_with_what_an_identity_was_used_is_kept_without_versions(as_identity):
    kept(api(at=50, address="10.0.0.1", client="[Boto3/1.28 Botocore/2]"), whose=as_identity)
    kept(api(at=10, address="10.0.0.1", client="Boto3/1.29"), whose=as_identity)

    start = datetime.fromtimestamp(START / 1e9, tz=UTC)
    seen = {
        (one.trait, one.value): (one.first_at - start, one.last_at - start)
        for one in Sighting.objects.all()
    }
    span = (timedelta(seconds=10), timedelta(seconds=50))
    assert seen == {("address", "10.0.0.1"): span, ("client", "boto3"): span, ("hour", "22"): span}


def binding_end_for(binding):
    binding.ended_at = timezone.now()
    binding.save(update_fields=["ended_at"])
