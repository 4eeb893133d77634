"""The pages that tell what is explained, and that each figure leads to exactly what it counts."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Stream
from apps.activity.selectors.coverage import coverage_of
from apps.core.actors import System as Countersign
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from tests.activity.listing import listed
from tests.activity.trails import kept
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory
from tests.findings.recorded import ago, call, told
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


def links(page, text):
    """Where each link with these words leads."""
    return [unescape(href) for href in re.findall(rf'href="([^"]+)">(?:<[^>]+>)*{text}<', page)]


def test_coverage_is_told_by_day_system_and_identity(agent, identity, some_trail, whole_log):
    told_of = coverage_of(agent, ago(6), timezone.now(), Countersign("test"))

    groups = [group for group in told_of.groups if group.lines]
    (line,) = [line for group in groups for line in group.lines]
    assert (line.identity, line.calls, line.proven, line.unexplained) == (identity, 3, 1, 2)
    assert (line.coverage, line.is_known, line.is_shared) == (33, True, False)


@pytest.mark.parametrize(("first_until", "is_known"), [(4, False), (1, True)])
def test_between_two_logs_of_a_system_nothing_is_known(
    agent, identity, some_trail, first_until, is_known
):
    """The calls are of two and three days ago: in the gap, or where both logs reach."""
    spans = {"cloudtrail": (ago(60), ago(first_until)), "generic": (ago(1), timezone.now())}
    for log_format, (since, until) in spans.items():
        Stream.objects.create(
            system=identity.system,
            log_format=log_format,
            complete_from=since,
            complete_until=until,
        )

    told_of = coverage_of(agent, ago(6), timezone.now(), Countersign("test"))

    (line,) = [line for group in told_of.groups for line in group.lines]
    assert line.is_known is is_known
    if not is_known:
        assert [silence.since for silence in told_of.not_known] == [spans["generic"][0]]


@pytest.mark.parametrize(
    ("since", "until"), [(None, None), (ago(60), ago(4)), (ago(2), timezone.now())]
)
def test_without_a_whole_log_coverage_is_not_known(agent, identity, some_trail, since, until):
    if until:
        Stream.objects.create(
            system=identity.system,
            log_format="cloudtrail",
            complete_from=since,
            complete_until=until,
        )

    told_of = coverage_of(agent, ago(6), timezone.now(), Countersign("test"))

    (line,) = [line for group in told_of.groups for line in group.lines]
    assert (line.coverage, line.is_known) == (None, False)
    assert [silence.system for silence in told_of.not_known] == [identity.system]
    deeds = [group.told for group in told_of.groups if group.told and group.system]
    assert {one.unconfirmed for one in deeds} == {0}
    assert sum(one.unjudged for one in deeds) == 1


def test_a_log_that_comes_a_little_later_is_no_gap(agent, whole_log, as_identity):
    kept(call(moment=ago(minutes=50)), call(moment=ago(3)), whose=as_identity)
    whole_log.complete_until = timezone.now() - timedelta(hours=2)
    whole_log.save()

    seen = coverage_of(agent, ago(6), timezone.now(), Countersign("test"))

    assert seen.not_known == []
    newest, older = (group.lines[0] for group in seen.groups)
    assert (newest.is_known, newest.is_new) == (False, True)
    assert (older.is_known, older.is_new) == (True, False)


def test_a_log_that_stays_behind_is_one(agent, whole_log, as_identity, as_steward):
    kept(call(moment=ago(3)), whose=as_identity)
    whole_log.complete_until = timezone.now() - timedelta(days=2)
    whole_log.save()

    page = as_steward.get(reverse("activity:agent_explained", args=[agent.pk])).text

    assert "Not known on" in page


def test_each_figure_leads_to_exactly_what_it_counts(
    as_steward, agent, some_trail, whole_log, as_identity
):
    other = BindingFactory(identity_id=as_identity.identity_id).agent
    kept(
        told("invocation", trace="1" * 32),
        told(request_id="R5", trace="1" * 32),
        whose=Whose(agent_id=other.pk),
    )
    kept(call(request_id="R5"), whose=as_identity)
    page = as_steward.get(reverse("activity:agent_explained", args=[agent.pk])).text

    of_calls = re.findall(r'href="(/trail/calls/[^"]+)">([^<]+)<', page)
    of_deeds = re.findall(r'href="(/trail/deeds/[^"]+)">([^<]+)<', page)

    assert [words.strip() for _, words in of_calls] == ["3", "33 %", "2"]
    assert [listed(as_steward, href) for href, _ in of_calls] == [3, 1, 2]
    counted = [(int(words), listed(as_steward, href)) for href, words in of_deeds]
    assert counted
    assert all(said == found for said, found in counted)
    assert sum(said for said, _ in counted) == 3 + 1 + 1


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("identity-unexplained", 2),
        ("agent-unconfirmed", 1),
        ("identity-used-by-no-agent", 1),
        ("identity-new-address", 1),
    ],
)
def test_a_finding_leads_to_exactly_what_it_counts(  # noqa: PLR0917
    as_steward, system, some_trail, whole_log, as_identity, of_agent, rule, count
):
    kept(told("call", request_id="N"), told("call", request_id="O"), whose=of_agent)
    kept(
        call(request_id="N", moment=ago(40), client="Boto3/1", address="10.0.0.1"),
        call(request_id="O", moment=ago(4), client="curl/8", address="203.0.113.7"),
        whose=as_identity,
    )
    if rule == "identity-used-by-no-agent":
        kept(call(client="Mozilla/5.0"), whose=as_identity)
    findings_recheck(actor=system, rules=[rule])
    finding = Finding.objects.get()

    page = as_steward.get(finding.get_absolute_url()).text
    (href,) = re.findall(r'href="([^"]+)"><i[^>]+></i>What it counts<', page)

    assert listed(as_steward, href) == count


def test_a_list_asks_whose_it_is_before_it_walks_through_everything(as_steward, some_trail):
    calls = as_steward.get(reverse("activity:call_list"))
    deeds = as_steward.get(reverse("activity:deed_list"))

    assert calls.context["listing"].count.value == deeds.context["listing"].count.value == 0
    assert "Open this list from an agent, an identity" in calls.text
    assert "Open this list from an agent." in deeds.text


def test_a_list_looks_back_thirty_days_unless_it_is_told_more(as_steward, identity, as_identity):
    kept(call(moment=ago(40)), call(), whose=as_identity)
    of_it = reverse("activity:call_list", query={"identity": identity.pk})

    assert listed(as_steward, of_it) == 1
    assert listed(as_steward, f"{of_it}&since={ago(50):%Y-%m-%d}") == 2


def test_a_call_says_what_joins_it_to_which_run(as_steward, identity, some_trail):
    page = as_steward.get(reverse("activity:call_list", query={"identity": identity.pk})).text

    assert "Same request id" in page
    assert "Same identity, during the run" in page
    assert "refund round" in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"name": "s3:PutObject,s3:Nothing"}, 1),
        ({"told": "true"}, 1),
        ({"unexplained": "true"}, 2),
        ({"outcome": "denied"}, 0),
        ({"start": "not a time"}, 3),
        ({"address": "10.0.0.9"}, 0),
    ],
)
def test_calls_are_filtered(as_steward, identity, some_trail, query, count):
    href = reverse("activity:call_list", query={"identity": identity.pk, **query})

    assert listed(as_steward, href) == count


@pytest.mark.parametrize("by", ["agent", "system", "credential"])
def test_calls_are_found_by_agent_system_and_credential(as_steward, agent, identity, by):
    credential = CredentialFactory(identity=identity)
    whose = Whose(
        identity_id=identity.pk, system_id=identity.system_id, credential_id=credential.pk
    )
    kept(call(), whose=whose)
    kept(call(), whose=Whose(identity_id=BindingFactory().identity_id))
    pk = {"agent": agent.pk, "system": identity.system_id, "credential": credential.pk}[by]

    assert listed(as_steward, reverse("activity:call_list", query={by: pk})) == 1


def test_a_strangers_calls_and_deeds_are_not_listed(client, reviewer, agent, identity, some_trail):
    sign_in(client, reviewer)
    calls = reverse("activity:call_list", query={"identity": identity.pk})
    deeds = reverse("activity:deed_list", query={"agent": agent.pk})
    assert (listed(client, calls), listed(client, deeds)) == (0, 0)

    agent.owner = reviewer
    agent.save(update_fields=["owner"])

    assert (listed(client, calls), listed(client, deeds)) == (3, 3)


def test_an_export_carries_the_rows_with_their_names(as_steward, identity, some_trail):
    href = reverse("activity:call_list", query={"identity": identity.pk, "export": "csv"})

    lines = b"".join(as_steward.get(href).streaming_content).decode().splitlines()

    assert len(lines) == 4
    assert all(identity.name in line for line in lines[1:])


@pytest.mark.parametrize("of", ["identity", "credential"])
def test_the_page_of_an_identity_or_credential_tells_its_calls(as_steward, identity, of):
    credential = CredentialFactory(identity=identity)
    subject = {"identity": identity, "credential": credential}[of]
    panel = reverse(f"activity:{of}_calls", args=[subject.pk])
    assert panel in as_steward.get(subject.get_absolute_url()).text
    assert "not known: no log of" in as_steward.get(panel).text

    Stream.objects.create(system=identity.system, log_format="cloudtrail")
    assert "holds no API call of it" in as_steward.get(panel).text

    whose = Whose(
        identity_id=identity.pk, system_id=identity.system_id, credential_id=credential.pk
    )
    kept(call(), call("s3:PutObject"), whose=whose)
    page = as_steward.get(panel).text
    (href,) = links(page, "2 API calls")
    assert listed(as_steward, href) == 2


@pytest.mark.parametrize("runs", [1, 12])
def test_a_page_costs_the_same_however_much_there_is(  # noqa: PLR0917
    as_steward, agent, identity, as_identity, of_agent, runs, django_assert_max_num_queries
):
    for number in range(runs):
        kept(
            call(request_id=f"R{number}", moment=ago(number % 6 + 1)),
            whose=as_identity,
        )
        kept(
            told(request_id=f"R{number}", trace=f"{number + 1:032x}", moment=ago(number % 6 + 1)),
            whose=of_agent,
        )

    with django_assert_max_num_queries(14):
        as_steward.get(reverse("activity:agent_explained", args=[agent.pk]))
    with django_assert_max_num_queries(10):
        as_steward.get(reverse("activity:call_list", query={"identity": identity.pk}))
    with django_assert_max_num_queries(10):
        as_steward.get(reverse("activity:deed_list", query={"agent": agent.pk}))


def test_an_agent_of_which_nothing_was_told_is_not_called_quiet(as_steward):
    agent = AgentFactory()

    page = as_steward.get(reverse("activity:agent_explained", args=[agent.pk])).text

    assert "That is no proof that nothing happened" in page


def test_more_days_than_are_shown_are_said_to_be_left_out(
    as_steward, agent, some_trail, monkeypatch
):
    page = reverse("activity:agent_explained", args=[agent.pk])
    assert "Choose a shorter time" not in as_steward.get(page).text

    monkeypatch.setattr("apps.activity.selectors.coverage.MOST_GROUPS", 1)

    assert "Choose a shorter time" in as_steward.get(page).text
