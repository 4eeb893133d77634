"""What the logs of systems have of each thing that an agent says it did, wherever that is told."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import EventRow, Invocation
from apps.findings.services import findings_recheck
from tests.activity.listing import listed
from tests.activity.trails import kept
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.findings import recorded
from tests.findings.recorded import ago, call, told

pytestmark = pytest.mark.django_db


LOGS = {
    "whole": "No system&#x27;s log has it",
    "none": "Not known: no log is read",
    "new": "Too new to tell",
    "gap": "Not known: the system&#x27;s log is not whole for that hour",
}


def beside(client, run):
    """What a run's page loads after itself, into places of its story."""
    htmx = {"HX-Request": "true", "HX-Target": "invocation-access"}
    return client.get(reverse("console:invocation_access", args=[run.pk]), headers=htmx).text


@pytest.mark.parametrize("log", LOGS)
def test_beside_an_action_without_a_call_stands_what_the_logs_say_of_it(
    as_steward, identity, some_trail, of_agent, log
):
    """On the run and on its record, by the rules of the figures: a whole log that lacks it, none
    that is read, one that is not whole for the hour, or too little time since then."""
    spans = {"whole": ago(60), "new": ago(60), "gap": ago(1)}
    if log in spans:
        recorded.whole_log(identity.system, since=spans[log])
    moment = timezone.now() if log == "new" else ago(3)
    trace = "7" * 32
    kept(
        told("invocation", "alone", moment=moment, trace=trace),
        told("call", system="aws", moment=moment, trace=trace),
        told("action", "pay out", outcome="failed", moment=moment, trace=trace),
        whose=of_agent,
    )
    deed = EventRow.objects.get(trace_id=trace, kind="call")
    run = Invocation.objects.get(name="alone")

    story = beside(as_steward, run)
    assert f'<div id="shown-{deed.leaf_index}"' in as_steward.get(run.get_absolute_url()).text
    record = as_steward.get(deed.get_absolute_url()).text

    for page in (story, record):
        assert [says for says in LOGS.values() if says in page] == [LOGS[log]]
    assert "It says that it failed" in story
    missed = as_steward.get(
        reverse("activity:deed_list", query={"agent": of_agent.agent_id, "unconfirmed": "true"})
    )
    assert (deed in missed.context["listing"].table.data.data) is (log == "whole")


def test_an_action_that_a_call_within_it_proves_is_not_said_to_be_missed(
    as_steward, of_agent, as_identity, whole_log
):
    kept(
        told("invocation", "nested", span_id="a" * 16),
        told("action", "refund", system="aws", span_id="b" * 16, parent_id="a" * 16),
        told("call", system="aws", span_id="c" * 16, parent_id="b" * 16, request_id="R1"),
        whose=of_agent,
    )
    kept(call(request_id="R1"), whose=as_identity)

    page = beside(as_steward, Invocation.objects.get())

    assert "A system&#x27;s log has it" in page
    assert "No system&#x27;s log has it" not in page


def test_runs_with_an_action_that_no_log_has_are_found_and_no_others(
    as_steward, identity, some_trail, of_agent, as_identity
):
    """Of a run with one proven call an action may still be missed; without a log nothing is."""
    kept(
        told("invocation", "proven", trace="8" * 32),
        told(request_id="R8", system="aws", trace="8" * 32),
        whose=of_agent,
    )
    kept(call(request_id="R8"), whose=as_identity)
    url = reverse("activity:invocation_list", query={"unproven": "true"})
    assert listed(as_steward, url) == 0

    recorded.whole_log(identity.system)

    assert listed(as_steward, url) == 1
    assert "refund round" in as_steward.get(url).text


def test_the_agents_that_home_cannot_explain_say_why_and_lead_to_what_it_counts(  # noqa: PLR0917
    as_steward, system, agent, identity, some_trail, whole_log, as_identity
):
    """Of one its calls and an action, of two what they share, of one that it has no trail."""
    agent.trail_connected = True
    agent.save()
    shared = BindingFactory(agent__trail_connected=True, agent__name="one of two")
    BindingFactory(agent__trail_connected=True, identity=shared.identity)
    of_both = Whose(identity_id=shared.identity_id, system_id=shared.identity.system_id)
    kept(call(), call(), call(), whose=of_both)
    AgentFactory(name="dark", trail_connected=False)
    rules = ["identity-unexplained", "agent-unconfirmed", "identity-attribution-lost"]
    findings_recheck(actor=system, rules=rules)
    url = reverse("activity:reconstruction_list", query={"unexplained": "true"})

    page = as_steward.get(url).text

    told = {}
    for row in page.split("<tr")[2:]:
        (name,) = re.findall(r'href="/trail/checks/\d+/">([^<]+)<', row)
        why = row.partition('data-label="Not explained"')[2].partition("</td>")[0]
        told[name] = [(words, href) for href, words in re.findall(r'href="([^"]+)">([^<]+)', why)]
    assert {name: [words for words, _ in of] for name, of in told.items()} == {
        "helper": ["calls that no run tells of", "actions that no system confirms"],
        "one of two": ["calls of one of several agents"],
        shared.identity.bindings.last().agent.name: ["calls of one of several agents"],
        "dark": ["no trail"],
    }
    assert [listed(as_steward, href) for _, href in told["helper"]] == [2, 1]
    assert [listed(as_steward, href) for _, href in told["one of two"]] == [3]
    exported = b"".join(as_steward.get(f"{url}&export=csv").streaming_content).decode()
    assert "calls that no run tells of; actions that no system confirms" in exported
