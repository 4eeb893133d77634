"""The rules over what systems recorded against what agents said.

Each is shown true, no longer true, and not known.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.services.settings import setting_change
from apps.activity.services.hours import bindings_heed, hours_count
from apps.core.actors import Person
from apps.findings.models import Finding
from apps.findings.rules import rule_named
from apps.findings.states import FindingState
from tests.activity.trails import kept
from tests.factories.inventory import BindingFactory
from tests.findings.recorded import ago, call, held, told, whole_log

pytestmark = pytest.mark.django_db


def test_calls_of_no_run_are_a_finding_until_a_run_claims_them(
    system, agent, identity, as_identity, of_agent
):
    kept(call(request_id="R1"), call(request_id="R2"), whose=as_identity)
    kept(told(request_id="R1"), whose=of_agent)
    assert held("identity-unexplained", system) == {
        identity.pk: "1 of 2 API calls of the last 30 days are told by no run"
    }
    assert Finding.objects.get().agent == agent

    kept(told(request_id="R2"), whose=of_agent)

    assert held("identity-unexplained", system) == {}
    assert Finding.objects.get().state == FindingState.RESOLVED


def test_a_call_near_a_run_is_not_explained_by_it(system, identity, as_identity, of_agent):
    kept(told("invocation", "run"), whose=of_agent)
    kept(call(), whose=as_identity)

    assert identity.pk in held("identity-unexplained", system)


def test_a_call_that_a_late_batch_may_explain_is_no_finding_yet(system, as_identity, steward):
    kept(call(moment=ago(hours=3)), whose=as_identity)
    assert held("identity-unexplained", system) == {}

    setting_change(
        key="settling_hours", value=1, reason="Batches come at once.", actor=Person(steward)
    )

    assert len(held("identity-unexplained", system)) == 1


def test_a_steward_says_from_how_many_unexplained_calls_on(system, as_identity, steward):
    kept(call(), call(), whose=as_identity)
    setting_change(
        key="unexplained_calls", value=3, reason="A few are noise.", actor=Person(steward)
    )
    assert held("identity-unexplained", system) == {}

    kept(call(moment=ago(4)), whose=as_identity)

    assert len(held("identity-unexplained", system)) == 1


def test_of_a_shared_identity_calls_are_not_unexplained_but_nobodys_in_particular(
    system, identity, as_identity, of_agent
):
    BindingFactory(identity=identity)
    kept(call(request_id="R1"), call(request_id="R2"), whose=as_identity)
    kept(told(request_id="R1"), whose=of_agent)

    assert held("identity-unexplained", system) == {}
    assert held("identity-attribution-lost", system) == {
        identity.pk: "1 of 2 API calls of the last 30 days are of one of its 2 agents,"
        " and nobody can say of which"
    }

    kept(told(request_id="R2"), whose=of_agent)

    assert held("identity-attribution-lost", system) == {}


def test_an_action_that_a_whole_log_does_not_hold_is_unconfirmed(
    system, agent, identity, as_identity, of_agent
):
    whole_log(identity.system)
    kept(call(moment=ago(5)), whose=as_identity)
    kept(told(request_id="R1", system="aws"), whose=of_agent)
    assert held("agent-unconfirmed", system) == {agent.pk: "1 of 1 actions of the last 30 days"}

    kept(call(request_id="R1"), whose=as_identity)

    assert held("agent-unconfirmed", system) == {}


@pytest.mark.parametrize(
    "log",
    [
        None,
        {"until": ago(4)},
        {"since": ago(2)},
    ],
)
def test_without_a_whole_log_of_that_time_nothing_is_unconfirmed(
    system, identity, as_identity, of_agent, log
):
    if log is not None:
        whole_log(identity.system, **log)
    kept(call(moment=ago(5)), whose=as_identity)

    kept(told(request_id="R1", system="aws"), whose=of_agent)

    assert held("agent-unconfirmed", system) == {}


def test_a_call_of_a_name_that_the_log_never_holds_is_not_missed(system, identity, of_agent):
    whole_log(identity.system)

    kept(told(request_id="R1", system="aws"), whose=of_agent)

    assert held("agent-unconfirmed", system) == {}


def test_an_action_that_says_it_failed_or_names_no_system_is_not_missed(
    system, identity, as_identity, of_agent
):
    whole_log(identity.system)
    kept(call(moment=ago(5)), whose=as_identity)

    kept(told(system="aws", outcome="failed"), told("action", "refund"), whose=of_agent)

    assert held("agent-unconfirmed", system) == {}


@pytest.mark.parametrize(
    ("rule", "before", "after", "detail"),
    [
        (
            "identity-new-address",
            {"address": "10.0.0.1"},
            {"address": "203.0.113.9"},
            "From 203.0.113.9 · not seen in the 21 days or more before",
        ),
        (
            "identity-new-client",
            {"client": "Boto3/1.28"},
            {"client": "curl/8.1"},
            "With curl · not seen in the 21 days or more before",
        ),
    ],
)
def test_a_use_as_never_before_is_told_once_the_identity_is_known_for_weeks(  # noqa: PLR0917
    system, identity, as_identity, rule, before, after, detail
):
    kept(call(moment=ago(20), **before), whose=as_identity)
    kept(call(moment=ago(2), **after), whose=as_identity)
    assert held(rule, system) == {}, "twenty days are no baseline"

    kept(call(moment=ago(40), **before), whose=as_identity)
    assert held(rule, system) == {identity.pk: detail}

    kept(call(moment=ago(35), **after), whose=as_identity)
    assert held(rule, system) == {}, "a late record shows that it is not new"


def test_a_new_version_of_a_client_is_no_new_client(system, as_identity):
    kept(call(moment=ago(40), client="Boto3/1.28"), whose=as_identity)
    kept(call(moment=ago(2), client="Boto3/1.29"), whose=as_identity)

    assert held("identity-new-client", system) == {}


def test_an_identity_that_always_comes_from_elsewhere_has_no_new_address(system, as_identity):
    many = [call(moment=ago(40), address=f"10.0.0.{number}") for number in range(21)]
    kept(*many, whose=as_identity)
    kept(call(moment=ago(2), address="203.0.113.9"), whose=as_identity)

    assert held("identity-new-address", system) == {}


def test_an_hour_of_the_day_at_which_it_never_worked_is_told(system, identity, as_identity):
    noon = datetime.now(tz=UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    for days in range(40, 1, -1):
        kept(call(moment=noon - timedelta(days=days)), whose=as_identity)
    assert held("identity-new-hour", system) == {}

    kept(call(moment=noon - timedelta(days=2, hours=9)), whose=as_identity)

    assert held("identity-new-hour", system) == {
        identity.pk: "In the hour (UTC) of 03 · not seen in the 21 days or more before"
    }


def test_each_new_hour_is_told_and_led_to(as_steward, system, identity, as_identity):
    noon = datetime.now(tz=UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    for days in range(40, 1, -1):
        kept(call(moment=noon - timedelta(days=days)), whose=as_identity)
    for hours in (33, 32, 57):
        kept(
            call(f"s3:Get{hours}", moment=noon - timedelta(days=1, hours=hours)), whose=as_identity
        )

    assert held("identity-new-hour", system) == {
        identity.pk: "In the hour (UTC) of 03, 04 · not seen in the 21 days or more before"
    }
    finding = Finding.objects.get(rule="identity-new-hour")
    href = rule_named(finding.rule).counted_href(identity.pk, timezone.now())
    listed = set(re.findall(r"s3:Get\w+", as_steward.get(href).text))
    assert listed == {"s3:Get33", "s3:Get32", "s3:Get57"}


def test_a_client_that_no_run_shows_uses_the_identity_besides_its_agent(
    system, identity, as_identity, of_agent
):
    kept(told(request_id="R1"), whose=of_agent)
    kept(call(request_id="R1", client="Boto3/1"), call(client="curl/8"), whose=as_identity)
    assert held("identity-used-by-no-agent", system) == {identity.pk: "By curl"}

    kept(told(request_id="R2"), whose=of_agent)
    kept(call(request_id="R2", client="curl/8"), whose=as_identity)

    assert held("identity-used-by-no-agent", system) == {}


def test_who_comes_again_is_a_stranger_still(system, identity, as_identity, of_agent):
    kept(told(request_id="R1"), whose=of_agent)
    kept(call(request_id="R1", client="Boto3/1"), call(client="curl/8"), whose=as_identity)

    kept(call(moment=timezone.now(), client="curl/8"), whose=as_identity)

    assert held("identity-used-by-no-agent", system) == {identity.pk: "By curl"}


def test_who_came_just_now_is_waited_for(system, as_identity, of_agent):
    kept(told(request_id="R1"), whose=of_agent)
    kept(call(request_id="R1", client="Boto3/1"), whose=as_identity)

    kept(call(moment=timezone.now(), client="curl/8"), whose=as_identity)

    assert held("identity-used-by-no-agent", system) == {}


def test_where_no_run_shows_any_client_it_is_not_known_which_is_strange(system, as_identity):
    kept(call(client="Boto3/1"), call(client="curl/8"), whose=as_identity)

    assert held("identity-used-by-no-agent", system) == {}


@pytest.mark.parametrize(
    ("strange", "detail"),
    [
        ({"client": "Mozilla/5.0 (X11)"}, "By mozilla"),
        ({"name": "signin:ConsoleLogin"}, "By a sign-in at the console"),
    ],
)
def test_a_person_at_the_console_is_no_agent(system, identity, as_identity, strange, detail):
    kept(call(**strange), whose=as_identity)

    assert held("identity-used-by-no-agent", system) == {identity.pk: detail}


def test_a_shared_identity_that_ends_to_be_shared_is_explained_anew(system, identity, as_identity):
    other = BindingFactory(identity=identity)
    kept(call(), whose=as_identity)
    assert len(held("identity-attribution-lost", system)) == 1

    other.ended_at = timezone.now()
    other.save(update_fields=["ended_at"])
    bindings_heed()
    hours_count()

    assert held("identity-attribution-lost", system) == {}
    assert len(held("identity-unexplained", system)) == 1
