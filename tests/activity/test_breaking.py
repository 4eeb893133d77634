"""What would break: the runs that would have failed without a credential or a grant."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Invocation
from apps.activity.readings import Reading
from apps.activity.selectors import breaking
from apps.activity.selectors.breaking import (
    breaks_without,
    breaks_without_credential,
    breaks_without_grant,
)
from apps.activity.selectors.measured import measured_of
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from apps.core.actors import Person
from tests.activity.runs import keep
from tests.activity.use import granted, logged
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
)
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

TRACES = [f"{number:032x}" for number in range(1, 6)]


@pytest.fixture
def credential():
    return CredentialFactory(identity=IdentityFactory(system=SystemFactory(kind="aws")))


def ran(agent, trace, name="refunds", ago=3):
    at = int((timezone.now() - timedelta(days=ago)).timestamp() * 1e9)
    told = Reading("invocation", name, at, at + 10**9, trace_id=trace, span_id="a" * 16)
    keep(told, whose=Whose(agent_id=agent.pk, agent=agent.name))


def called(credential, name, trace="", ago=3, **more):
    at = int((timezone.now() - timedelta(days=ago)).timestamp() * 1e9)
    more = {"correlation": trace, "carried_by": "header" if trace else "", "outcome": "ok"} | more
    keep(
        Reading("api", name, at, at, **more),
        whose=Whose(
            identity_id=credential.identity_id,
            credential_id=credential.pk,
            system_id=credential.identity.system_id,
        ),
    )


def measured():
    hours_count()
    use_measure()


def test_the_runs_that_signed_in_with_a_credential_would_have_failed(credential, steward):
    busy, idle = AgentFactory(name="busy"), AgentFactory(name="idle")
    for trace in TRACES[:3]:
        ran(busy, trace)
        called(credential, "s3:GetObject", trace)
    ran(idle, TRACES[3])
    called(credential, "s3:GetObject", TRACES[3])
    ran(idle, TRACES[4])

    breaks = breaks_without_credential(credential, Person(steward))

    assert breaks.runs == 4
    assert [(hit.agent, hit.runs) for hit in breaks.hits] == [(busy, 3), (idle, 1)]
    assert "4 runs would have failed without it." in breaks.in_words
    assert breaks.hits[1].samples == (Invocation.objects.get(trace_id=TRACES[3]),)


def test_calls_that_no_run_accounts_for_are_told_apart(credential, steward):
    called(credential, "s3:GetObject")
    called(credential, "s3:PutObject")

    breaks = breaks_without_credential(credential, Person(steward))

    assert (breaks.runs, breaks.untraced) == (0, 2)
    assert "0 runs would have failed without it, and 2 calls that no run accounts for." in (
        breaks.in_words
    )


def test_what_was_denied_or_is_long_ago_breaks_nothing(credential, steward):
    called(credential, "s3:GetObject", outcome="denied")
    called(credential, "s3:GetObject", ago=120)

    assert breaks_without_credential(credential, Person(steward)).calls == 0


def test_nothing_is_only_said_where_the_log_is_complete(credential, steward):
    told = breaks_without_credential(credential, Person(steward)).in_words
    assert told == "What would break is not known: no log of the system is connected."

    logged(credential.identity.system)

    told = breaks_without_credential(credential, Person(steward)).in_words
    assert told == "Nothing seen in 90 days would have failed without it."


def test_runs_of_one_name_are_told_apart_by_when_they_were(credential, as_steward):
    agent = AgentFactory()
    for number, ago in enumerate((2, 5)):
        ran(agent, TRACES[number], ago=ago)
        called(credential, "s3:GetObject", TRACES[number], ago=ago)

    page = shown(as_steward, credential)

    assert re.findall(r"\((\d days ago)\)", page) == ["2 days ago", "5 days ago"]


def test_what_is_not_known_is_said_once(credential, as_steward):
    assert shown(as_steward, credential).count("What would break is not known") == 1
    assert "What would break:" not in shown(as_steward, credential)


def shown(client, credential):
    page = client.get(reverse("activity:credential_breaks", args=[credential.pk])).text
    return re.sub(r"<[^>]+>", "", page)


def test_a_grant_breaks_only_what_no_other_would_have_allowed(credential, steward):
    agent = AgentFactory()
    wide = granted(credential.identity, "s3:*")
    narrow = granted(credential.identity, "s3:Get*")
    for trace, name in zip(TRACES, ("s3:GetObject", "s3:PutObject", "s3:PutObject"), strict=False):
        ran(agent, trace)
        called(credential, name, trace)
    measured()

    without_wide = breaks_without_grant(wide, Person(steward))
    without_narrow = breaks_without_grant(narrow, Person(steward))

    assert (without_wide.runs, without_wide.calls) == (2, 2)
    assert (without_narrow.runs, without_narrow.calls) == (0, 0)


def test_runs_of_strangers_are_counted_and_not_shown(credential, reviewer):
    ran(AgentFactory(), TRACES[0], "the stranger's run")
    called(credential, "s3:GetObject", TRACES[0])

    breaks = breaks_without_credential(credential, Person(reviewer))

    assert (breaks.runs, breaks.hits, breaks.hidden) == (1, (), 1)


def test_the_dialog_of_revoking_names_and_links_the_runs(as_steward, credential):
    agent = AgentFactory(name="refunder")
    BindingFactory(agent=agent, identity=credential.identity)
    ran(agent, TRACES[0])
    called(credential, "s3:GetObject", TRACES[0])

    page = as_steward.get(reverse("remediation:credential_revoke", args=[credential.pk]))

    shown = page.content.decode()
    assert "1 run would have failed without it" in shown
    assert Invocation.objects.get().get_absolute_url() in shown


def test_the_page_of_a_grant_shows_its_use_and_what_would_break(as_steward, credential):
    agent, grant = AgentFactory(), granted(credential.identity, "s3:*")
    ran(agent, TRACES[0])
    called(credential, "s3:GetObject", TRACES[0])
    measured()

    shown = as_steward.get(reverse("activity:grant_use", args=[grant.pk])).content.decode()

    assert "Used once in 13 weeks" in shown
    assert "1 run would have failed without it" in shown
    assert Invocation.objects.get().get_absolute_url() in shown


def listed(client, href):
    """The runs that a list shows, by their traces."""
    page = client.get(href)
    assert page.status_code == 200
    shown = page.content.decode()
    return {one.trace_id.hex for one in Invocation.objects.all() if one.get_absolute_url() in shown}


def test_each_number_of_runs_leads_to_exactly_these(as_steward, credential, steward):
    busy, idle = AgentFactory(name="busy"), AgentFactory(name="idle")
    for trace, agent in zip(TRACES, (busy, busy, busy, idle, busy), strict=True):
        ran(agent, trace)
    for trace in TRACES[:4]:
        called(credential, "s3:GetObject", trace)
    called(CredentialFactory(identity=credential.identity), "s3:GetObject", TRACES[4])
    grant = granted(credential.identity, "s3:*")
    measured()

    of_credential = breaks_without_credential(credential, Person(steward)).hits
    of_grant = breaks_without_grant(grant, Person(steward)).hits
    of_both = breaks_without(
        [credential.pk], [grant.pk], [credential.identity.system_id], Person(steward)
    ).hits

    for hits, of_busy in ((of_credential, 3), (of_grant, 4), (of_both, 4)):
        assert [(hit.agent, hit.runs) for hit in hits] == [(busy, of_busy), (idle, 1)]
        assert listed(as_steward, hits[0].href) == set(TRACES[:3]) | (
            {TRACES[4]} if of_busy == 4 else set()
        )
        assert listed(as_steward, hits[1].href) == {TRACES[3]}
    assert "one credential" in as_steward.get(of_credential[0].href).content.decode()


@pytest.mark.parametrize("asked", ["x", "grant-c-g1-1", "all-c9-g-" + "9" * 16, "credential-c-g-0"])
def test_an_address_of_what_is_not_there_lists_nothing(as_steward, asked):
    ran(AgentFactory(), TRACES[0])

    assert (
        listed(as_steward, reverse("activity:invocation_list", query={"without": asked})) == set()
    )


def test_the_address_of_a_strangers_credential_lists_nothing(client, credential, reviewer, steward):
    agent = AgentFactory()
    ran(agent, TRACES[0])
    called(credential, "s3:GetObject", TRACES[0])
    href = breaks_without_credential(credential, Person(steward)).hits[0].href
    sign_in(client, reviewer)

    assert listed(client, href) == set()


def test_what_no_address_can_hold_is_no_link(credential, steward, monkeypatch):
    monkeypatch.setattr(breaking, "MOST_IN_ADDRESS", 0)
    ran(AgentFactory(), TRACES[0])
    called(credential, "s3:GetObject", TRACES[0])

    (hit,) = breaks_without_credential(credential, Person(steward)).hits

    assert (hit.runs, hit.href) == (1, "")


def test_where_the_log_names_no_credential_more_may_break(credential, steward):
    logged(credential.identity.system)
    called(credential, "s3:GetObject")
    measured()
    assert breaks_without_credential(credential, Person(steward)).is_known

    called(CredentialFactory.build(identity=credential.identity), "s3:GetObject")
    measured()

    told = breaks_without_credential(credential, Person(steward))
    assert not told.is_known
    assert "More may: for some calls of its identity the log names no credential." in told.in_words


def test_where_its_source_tells_of_later_use_the_log_is_not_believed(credential, steward):
    logged(credential.identity.system)
    told_at = timezone.now() - timedelta(days=2)
    grant = granted(credential.identity, "s3:Get*", use_is_known=True, last_used_at=told_at)
    measured()

    told = breaks_without_grant(grant, Person(steward))
    use = measured_of([grant], Person(steward), days=90)[grant.pk]

    why = "its source tells of later use than the log of the system holds"
    assert told.in_words == f"What would break is not known: {why}."
    assert (use.in_words, use.coverage) == ("not known", why)

    called(credential, "s3:GetObject", ago=1)
    measured()
    assert measured_of([grant], Person(steward), days=90)[grant.pk].is_known
