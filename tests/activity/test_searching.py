"""The search of the trail: its words, what it finds for whom, and what it takes away."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.activity.headers import Whose
from apps.activity.models import Event, SavedSearch
from apps.activity.searching import UnclearSearch, terms_of
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from tests.activity.runs import TRACE, api, keep, run
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.grants import PermissionFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.signing_in import sign_in

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SEARCH = "activity:search"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour:red", "colour:"),
        ("outcome:maybe", "maybe"),
        ("agent:", "agent:"),
        ("after:yesterday", "after:"),
        ("after:2026-13-45", "after:"),
        ("refunds", "refunds"),
        ('agent:"refunds', "quotation"),
        ("after:1d before:2d", "before:"),
        ("x" * 501, "500"),
        ("kind:api " * 21, "20 words"),
    ],
)
def test_what_cannot_be_read_is_named(text, named):
    with pytest.raises(UnclearSearch, match=named):
        terms_of(text, now=NOW)


def test_words_are_read():
    terms = terms_of(
        f'agent:"refund agent" outcome:ok outcome:failed after:2d before:2026-11-20 {TRACE}',
        now=NOW,
    )

    assert terms.of("agent") == ["refund agent"]
    assert terms.of("outcome") == ["ok", "failed"]
    assert terms.of("corr") == [TRACE]
    assert terms.after == NOW - timedelta(days=2)
    assert terms.before == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def kept(db):
    """One agent's run, and a call of an identity that it alone acts as."""
    binding = BindingFactory()
    agent, identity = binding.agent, binding.identity
    keep(*run(), whose=Whose(agent_id=agent.pk, agent=agent.name))
    whose = Whose(identity_id=identity.pk, identity=identity.name, system_id=identity.system_id)
    keep(api(request_id="REQ1", address="203.0.113.9", level="read"), whose=whose)
    return agent


def found(client, text, **more):
    return client.get(reverse(SEARCH, query={"q": text, **more}))


def names(response):
    return sorted(row.event.name for row in response.context["found"].rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind:action", ["refund"]),
        ("kind:api", ["s3:GetObject"]),
        ("outcome:failed", ["refund"]),
        ("request:REQ1", ["s3:GetObject", "s3:GetObject"]),
        ("address:203.0.113.9 level:read", ["s3:GetObject"]),
        ("action:ref* kind:action", ["refund"]),
        ("action:ref", []),
        (TRACE, ["chat", "refund", "refunds", "s3:GetObject"]),
        ("kind:api before:2026-01-01", []),
    ],
)
def test_each_word_narrows_what_is_found(client, kept, text, expected):
    sign_in(client, UserFactory(steward=True))

    assert names(found(client, text)) == expected


def test_a_call_without_a_level_is_found_by_that_of_the_catalogue(client, db):
    identity = BindingFactory().identity
    of = {"identity_id": identity.pk, "system_id": identity.system_id}
    for name in ("customers:Read", "customers:Strange"):
        keep(api(name=name, level=""), whose=Whose(**of))
    PermissionFactory(key="customers:read", system_kind=identity.system.kind, level="read")
    PermissionFactory(key="customers:strange", system_kind="another", level="read")
    sign_in(client, UserFactory(steward=True))

    assert names(found(client, "level:read kind:api")) == ["customers:Read"]
    assert names(found(client, "level:write kind:api")) == []


def test_an_agents_name_finds_what_it_said_and_what_it_alone_did(client, kept):
    sign_in(client, UserFactory(steward=True))

    assert len(names(found(client, f'agent:"{kept.name}"'))) == 5
    assert names(found(client, "agent:nobody-of-this-name")) == []


def test_nobody_finds_what_they_may_not_see(client, kept):
    sign_in(client, UserFactory())
    assert names(found(client, TRACE)) == []

    sign_in(client, kept.owner)
    assert len(names(found(client, f"agent:{kept.pk}"))) == 5

    sign_in(client, SeatFactory(limited_to_systems=True).user)
    assert names(found(client, "request:REQ1")) == []


def test_what_is_unclear_is_said_and_nothing_is_found(client, kept):
    sign_in(client, UserFactory(steward=True))

    response = found(client, "colour:red")

    assert response.status_code == 422
    assert "Nobody knows colour: here" in response.content.decode()


def test_older_records_follow_without_a_gap(client, kept):
    sign_in(client, UserFactory(steward=True))
    whose = Whose(agent_id=kept.pk, agent=kept.name)
    for number in range(60):
        keep(api(f"call:{number}"), whose=whose)

    first = found(client, "action:call:*")
    older = found(client, "action:call:*", **{"from": first.context["found"].next_leaf})

    told = [row.event.name for page in (first, older) for row in page.context["found"].rows]
    assert told == [f"call:{number}" for number in reversed(range(60))]


def test_the_exact_lines_are_taken_away(client, kept):
    sign_in(client, UserFactory(steward=True))

    lines = found(client, "kind:action", export="jsonl").getvalue().decode().splitlines()
    table = found(client, "kind:action", export="csv").getvalue().decode().splitlines()

    assert lines == [Event.objects.get(kind="action").header]
    assert json.loads(lines[0])["name"] == "refund"
    assert len(table) == 2
    assert "refund" in table[1]


def test_a_list_costs_the_same_for_any_number_of_records(
    client, kept, django_assert_max_num_queries
):
    sign_in(client, UserFactory(steward=True))
    whose = Whose(agent_id=kept.pk, agent=kept.name)
    keep(*(api(f"call:{number}", correlation=TRACE) for number in range(40)), whose=whose)
    found(client, "kind:action")

    with django_assert_max_num_queries(14):
        found(client, "action:call:*")


def test_a_search_is_kept_for_oneself_and_forgotten(client, kept):
    one, other = UserFactory(steward=True), UserFactory(steward=True)
    sign_in(client, one)
    client.post(reverse("activity:search_save"), {"q": "kind:api", "name": "Calls"})
    saved = SavedSearch.objects.get()

    assert (saved.person, saved.text) == (one, "kind:api")
    assert "Calls" in found(client, "").content.decode()
    sign_in(client, other)
    assert "Calls" not in found(client, "").content.decode()
    assert client.post(reverse("activity:search_forget", args=[saved.pk])).status_code == 404
    sign_in(client, one)
    client.post(reverse("activity:search_forget", args=[saved.pk]))
    assert not SavedSearch.objects.exists()


def test_keeping_the_same_search_again_is_no_change(client, kept):
    sign_in(client, UserFactory(steward=True))
    for _ in range(2):
        client.post(reverse("activity:search_save"), {"q": "kind:api", "name": "Calls"})

    assert SavedSearch.objects.get().text == "kind:api"
    assert AuditEntry.objects.filter(verb=Verb.SEARCH_SAVED).count() == 1


def test_a_name_that_nothing_bears_is_said(client, kept):
    sign_in(client, UserFactory(steward=True))

    page = found(client, 'agent:refund-assistent system:"Nowhere at all"').text

    assert "No agent that you may see is called <b>refund-assistent</b>" in page
    assert "No system that you may see is called <b>Nowhere at all</b>" in page
    assert "is called" not in found(client, f"agent:{kept.name}").text
    nothing = found(client, f"agent:{kept.name} action:never").text
    assert "is called" not in nothing
    assert "No record matches" in nothing


def test_a_strangers_agent_is_called_as_little_as_none(client, kept):
    sign_in(client, UserFactory())

    assert "No agent that you may see is called" in found(client, f"agent:{kept.name}").text


def test_what_cannot_be_read_is_not_kept(client, kept):
    sign_in(client, UserFactory(steward=True))

    response = client.post(reverse("activity:search_save"), {"q": "colour:red", "name": "x"})

    assert response.status_code == 422
    assert not SavedSearch.objects.exists()


def test_an_agent_of_another_name_does_not_match_by_its_beginning(client, kept):
    AgentFactory(name=f"{kept.name} two")
    sign_in(client, UserFactory(steward=True))

    assert names(found(client, f'agent:"{kept.name} two"')) == []


def test_a_call_that_is_proven_leads_to_its_run(client, kept):
    sign_in(client, UserFactory(steward=True))

    (row,) = found(client, "kind:api").context["found"].rows

    assert row.run.name == "refunds"
