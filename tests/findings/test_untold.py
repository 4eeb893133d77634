"""Calls that carry their run's id, and of which the agent never said a word."""

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.selectors.coverage import coverage_of
from apps.core.actors import System as Countersign
from apps.findings.rules.explained import AttributionLost, UnexplainedCalls
from tests.activity.trails import TRACE, kept
from tests.factories.inventory import BindingFactory
from tests.findings.recorded import ago, call, held, told, whole_log
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
CARRIED = {"correlation": TRACE, "carried_by": "session"}


def named(client, href):
    return sorted(row.record.name for row in client.get(href).context["table"].rows)


def test_what_only_carries_the_run_is_unexplained_until_the_agent_tells_it(  # noqa: PLR0917
    client, system, steward, agent, identity, as_identity, of_agent
):
    whole_log(identity.system)
    kept(
        call(**CARRIED),
        call("s3:DeleteObject", level="write", **CARRIED),
        call("s3:ListBuckets"),
        whose=as_identity,
    )
    kept(told("invocation", "run"), told(), whose=of_agent)
    sign_in(client, steward)

    assert held("identity-unexplained", system) == {
        identity.pk: "2 of 3 API calls of the last 30 days are told by no run"
    }
    href = UnexplainedCalls().counted_href(identity.pk, timezone.now())
    assert named(client, href) == ["s3:DeleteObject", "s3:ListBuckets"]
    (line,) = [
        line
        for group in coverage_of(agent, ago(6), timezone.now(), Countersign("test")).groups
        for line in group.lines
    ]
    assert (line.calls, line.proven, line.unexplained) == (3, 1, 2)
    lists = {"told": ["s3:GetObject"], "untold": ["s3:DeleteObject"]}
    for asked, names in lists.items():
        href = reverse("activity:call_list", query={"agent": agent.pk, asked: "true"})
        assert named(client, href) == names

    kept(told(name="s3:DeleteObject"), whose=of_agent)

    assert held("identity-unexplained", system) == {
        identity.pk: "1 of 3 API calls of the last 30 days are told by no run"
    }


def test_the_findings_of_a_shared_identity_each_lead_to_what_it_counts(  # noqa: PLR0917
    client, system, steward, identity, as_identity, of_agent
):
    BindingFactory(identity=identity)
    kept(call("s3:DeleteObject", **CARRIED), call("s3:ListBuckets"), whose=as_identity)
    kept(told("invocation", "run"), whose=of_agent)
    sign_in(client, steward)

    for rule, name in (
        (UnexplainedCalls(), "s3:DeleteObject"),
        (AttributionLost(), "s3:ListBuckets"),
    ):
        assert held(rule.key, system)[identity.pk].startswith("1 of ")
        assert named(client, rule.counted_href(identity.pk, timezone.now())) == [name]
