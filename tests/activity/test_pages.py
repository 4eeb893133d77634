"""What people read of the trail: a run, a record, a credential, what lies around."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.urls import reverse

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation, Stream
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from tests.activity.runs import NOW, SECOND, START, TRACE, api, keep, run, said, shifted
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.inventory import BindingFactory, CredentialFactory
from tests.proof.tampering import as_owner
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def binding():
    return BindingFactory()


@pytest.fixture
def invocation(binding):
    agent, identity = binding.agent, binding.identity
    told = shifted(run(), NOW)
    told[2].body = {"did": "refund order 7", "result": "declined by the bank"}
    keep(*told, whose=Whose(agent_id=agent.pk, agent=agent.name))
    whose = Whose(
        identity_id=identity.pk,
        identity=identity.name,
        system_id=identity.system_id,
        system=identity.system.name,
    )
    keep(api(at=NOW + 1, request_id="REQ1"), api("s3:ListBuckets", at=NOW + 3), whose=whose)
    return Invocation.objects.get()


def page(client, who, invocation, query=""):
    sign_in(client, who)
    return client.get(f"{invocation.get_absolute_url()}{query}").content.decode()


def test_what_was_said_stands_beside_what_was_recorded(client, invocation, binding):
    text = page(client, binding.agent.owner, invocation)

    assert "Same request id" in text
    assert "Seen near this run" in text
    assert "s3:ListBuckets" in text
    assert "refund order 7" not in text
    assert "verified now" in text


def test_a_run_leads_to_all_use_of_its_credential_from_its_first_call_on(client, binding):
    credential = CredentialFactory(identity=binding.identity)
    whose = Whose(identity_id=binding.identity_id, credential_id=credential.pk)
    keep(*shifted(run(), NOW), whose=Whose(agent_id=binding.agent_id))
    keep(api(at=NOW - 900), api(at=NOW + 1, request_id="REQ1"), api(at=NOW + 900), whose=whose)

    text = page(client, UserFactory(steward=True), Invocation.objects.get())
    (href,) = re.findall(r'href="([^"]+)">All use of', text)

    assert client.get(unescape(href)).context["listing"].count.value == 2


@pytest.mark.parametrize(("until", "says"), [(30, "and not yet over this run"), (90, "")])
def test_near_a_run_it_is_said_until_when_the_logs_reach(client, invocation, binding, until, says):
    """The run lasts a minute."""
    system = binding.identity.system
    text = page(client, binding.agent.owner, invocation)
    assert "no log of it is read that far" in text
    reached = invocation.started_at + timedelta(seconds=until)
    since = invocation.started_at - timedelta(hours=1)
    Stream.objects.create(
        system=system, log_format="cloudtrail", complete_from=since, complete_until=reached
    )

    text = page(client, binding.agent.owner, invocation)

    assert "its log is complete until" in text
    assert f"{reached:%Y-%m-%dT%H:%M:%SZ}" in text
    assert ("and not yet over this run" in text) is bool(says)


@pytest.mark.parametrize(("outcome", "word"), [("ok", "succeeded"), ("", "not said")])
def test_a_story_ends_with_how_the_run_ended(client, binding, outcome, word):
    root, *others = shifted(run(), NOW)
    root.outcome = outcome
    keep(root, *others, whose=Whose(agent_id=binding.agent_id))

    story = page(client, binding.agent.owner, Invocation.objects.get())

    assert f"<div>Ended: <b>{word}</b>" in story.partition('<ol class="story">')[2]


def test_a_story_without_a_record_of_the_whole_run_has_no_end_yet(client, binding):
    _, *others = shifted(run(), NOW)
    keep(*others, whose=Whose(agent_id=binding.agent_id))

    story = page(client, binding.agent.owner, Invocation.objects.get())

    assert "It has not told its end" in story
    assert "Ended: <b" not in story


def test_a_call_that_only_names_a_run_is_marked_wherever_it_is_listed(client, invocation, binding):
    """Its identity is another agent's: in a search and around the run it is not taken for its."""
    other = BindingFactory(identity__system=binding.identity.system)
    keep(
        api("s3:DeleteBucket", NOW + 5, request_id="REQ1"),
        whose=Whose(identity_id=other.identity_id, system_id=other.identity.system_id),
    )
    sign_in(client, UserFactory(steward=True))
    around = reverse("console:around", args=["activity.invocation", invocation.pk])

    for listed in (client.get(around), client.get(reverse("activity:search"), {"q": "kind:api"})):
        rows = (listed.context.get("told") or listed.context["found"]).rows
        marked = {row.event.name: row.is_contested for row in rows if row.event.kind == "api"}
        assert marked == {
            "s3:GetObject": False, "s3:ListBuckets": False, "s3:DeleteBucket": True,
        }  # fmt: skip
        assert listed.text.count("whose agent does not act as this identity") == 1


def test_the_waterfall_shows_every_record(client, invocation, binding):
    text = page(client, binding.agent.owner, invocation, "?view=waterfall")

    assert text.count('class="waterfall-row') == 5


def test_words_are_opened_one_by_one_or_all_and_noted(client, invocation, binding):
    sign_in(client, binding.agent.owner)
    leaf = Event.objects.get(kind="action").leaf_index

    one = client.post(reverse("activity:payload_open", args=[leaf])).content.decode()
    every = client.post(reverse("activity:payloads_open", args=[invocation.pk])).content.decode()

    assert "declined by the bank" in one
    assert "declined by the bank" in every
    entries = AuditEntry.objects.filter(verb=Verb.PAYLOAD_OPENED).order_by("pk")
    assert [entry.changes["records"][1] for entry in entries] == [[leaf], [leaf]]


def test_an_auditor_reads_words_only_where_the_seat_includes_them(client, invocation):
    leaf = Event.objects.get(kind="action").leaf_index
    sign_in(client, SeatFactory().user)
    assert client.post(reverse("activity:payload_open", args=[leaf])).status_code == 403

    sign_in(client, SeatFactory(sees_payloads=True).user)
    assert client.post(reverse("activity:payload_open", args=[leaf])).status_code == 200


def test_a_seats_period_bounds_what_an_auditor_sees(client, invocation):
    seat = SeatFactory(period_until="2026-01-01")
    sign_in(client, seat.user)

    assert client.get(invocation.get_absolute_url()).status_code == 404


def test_a_record_shows_what_it_is_joined_to_and_its_exact_header(client, invocation, binding):
    sign_in(client, binding.agent.owner)
    call = Event.objects.get(kind="api", request_id="REQ1")

    text = client.get(reverse("activity:record_detail", args=[call.leaf_index])).content.decode()

    assert invocation.name in text
    assert "own log says this" in text
    assert "&quot;request&quot;:&quot;REQ1&quot;" in text


def test_a_record_that_was_changed_is_seen(client, invocation, binding, owner_of_tables):
    call = Event.objects.get(kind="api", request_id="REQ1")
    owner_of_tables(
        "UPDATE activity_event SET header = replace(header, 'REQ1', 'REQ2') WHERE leaf_index = %s",
        [call.leaf_index],
    )
    sign_in(client, binding.agent.owner)

    text = client.get(reverse("activity:record_detail", args=[call.leaf_index])).content.decode()

    assert "does not hold" in text


def test_words_that_are_no_json_are_shown_as_they_stand_beside_the_others(client, invocation):
    action = Event.objects.get(kind="action")
    as_owner(
        "activity_payload",
        "UPDATE activity_payload SET body = 'half of a {\"text' WHERE leaf_index = %s",
        action.leaf_index,
    )
    sign_in(client, UserFactory(role="steward"))

    one = client.post(reverse("activity:payload_open", args=[action.leaf_index]))
    every = client.post(reverse("activity:payloads_open", args=[invocation.pk]))

    for answer in (one, every):
        assert answer.status_code == 200
        assert "half of a {&quot;text" in answer.content.decode()
        assert "Plain text, not JSON" in answer.content.decode()


@pytest.mark.parametrize("header", ["half of a {", "[7]"])
def test_pages_stand_and_say_so_where_a_header_is_no_json(client, invocation, header):
    event = Event.objects.get(kind="action")
    as_owner(
        "activity_event",
        "UPDATE activity_event SET header = %s WHERE leaf_index = %s",
        header,
        event.leaf_index,
    )
    sign_in(client, UserFactory(role="steward"))

    detail = client.get(reverse("activity:record_detail", args=[event.leaf_index]))
    story = client.get(invocation.get_absolute_url())
    listed = client.get(reverse("activity:search"), {"q": "kind:action"})
    words = client.post(reverse("activity:payload_open", args=[event.leaf_index]))

    assert [one.status_code for one in (detail, story, listed, words)] == [200] * 4
    assert header in detail.content.decode()
    assert "header is not JSON" in detail.content.decode()
    assert "does not hold" in detail.content.decode()
    assert reverse("activity:payload_open", args=[event.leaf_index]) in story.content.decode()
    assert "These are not the words that were sealed" in words.content.decode()


@pytest.fixture
def owner_of_tables():
    """Who owns the database can do what the application cannot: take the guard away."""

    def execute(sql, values):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE activity_event DISABLE TRIGGER USER")
            cursor.execute(sql, values)
            cursor.execute("ALTER TABLE activity_event ENABLE TRIGGER USER")

    return execute


def test_a_credentials_use_is_told_by_address(client, binding):
    credential = CredentialFactory(identity=binding.identity)
    whose = Whose(identity_id=binding.identity_id, credential_id=credential.pk)
    keep(
        api(address="203.0.113.9"),
        api(address="203.0.113.9", outcome="denied", at=2),
        api("iam:CreateUser", address="198.51.100.7", at=3),
        whose=whose,
    )
    sign_in(client, UserFactory(steward=True))

    response = client.get(
        reverse("activity:credential_use", args=[credential.pk]), {"since": "2020-01-01"}
    )

    told = {row.address: (row.calls, row.refused, row.names) for row in response.context["rows"]}
    assert told == {
        "203.0.113.9": (2, 1, ["s3:GetObject"]),
        "198.51.100.7": (1, 0, ["iam:CreateUser"]),
    }
    late = api(address="203.0.113.9", at=-30)
    keep(late, whose=whose)  # it came in today, and happened before
    since = datetime.fromtimestamp(START // SECOND, tz=UTC).date() + timedelta(days=1)
    keep(api(address="203.0.113.9", at=3 * 86400), whose=whose)
    for day in ("2020-01-01", since.isoformat()):
        page = client.get(response.request["PATH_INFO"], {"since": day})
        figures = re.findall(r'href="(/trail/calls/[^"]+)">(\d+)</a>', page.text)
        assert figures
        for href, figure in figures:
            assert client.get(unescape(href)).context["listing"].count.value == int(figure)


def test_around_a_run_stand_its_records_and_what_was_done(client, invocation, binding):
    sign_in(client, UserFactory(steward=True))

    response = client.get(
        reverse("console:around", args=["activity.invocation", invocation.pk]), {"span": "10m"}
    )

    assert {row.event.name for row in response.context["told"].rows} == {
        "refunds", "chat", "refund", "s3:GetObject", "s3:ListBuckets",
    }  # fmt: skip


@pytest.mark.parametrize("asked", [{"kind": "action"}, {"name": "s3:GetObject", "kind": "api"}])
def test_around_a_record_stands_what_else_was_said_and_seen(client, invocation, binding, asked):
    event = Event.objects.get(**asked)
    sign_in(client, binding.agent.owner)
    around = reverse("console:around", args=["activity.event", event.leaf_index])

    record = client.get(reverse("activity:record_detail", args=[event.leaf_index])).text
    told = client.get(around).context["told"]

    assert f'href="{around}"' in record
    assert told.at == event.happened_at
    assert {row.event.name for row in told.rows} >= {"refunds", "refund", "s3:ListBuckets"}
    assert told.looked_until is None
    old = client.get(around, {"at": "2020-01-01T00:00"})
    assert "is not among these" in old.text


def test_around_a_record_that_is_not_theirs_there_is_nothing(client, invocation):
    sign_in(client, BindingFactory().agent.owner)
    leaf = Event.objects.get(kind="action").leaf_index

    assert client.get(reverse("console:around", args=["activity.event", leaf])).status_code == 404


@pytest.mark.parametrize("kind", ["activity.event", "no.such", "accounts.seat", "x"])
def test_around_what_has_no_page_there_is_nothing(client, kind):
    sign_in(client, UserFactory(steward=True))

    assert client.get(reverse("console:around", args=[kind, 1])).status_code == 404


def test_a_story_costs_the_same_for_any_number_of_records(
    client, invocation, binding, django_assert_max_num_queries
):
    whose = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    more = [said("action", f"more {n}", NOW + 3, span_id=f"{n:016x}") for n in range(1, 40)]
    keep(*more, whose=whose)
    page(client, binding.agent.owner, invocation)

    with django_assert_max_num_queries(25):
        page(client, binding.agent.owner, invocation)


def test_words_that_come_as_log_events_are_not_called_missing(client, invocation, binding):
    whose = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    bare = said("step", "chat", NOW + 4, trace=TRACE, warnings=("content not captured",))
    keep(bare, whose=whose)
    assert "Content not captured" in page(client, binding.agent.owner, invocation)

    keep(
        said("other", "gen_ai.user.message", NOW + 4, trace=TRACE, body={"told": "Refund it"}),
        whose=whose,
    )

    assert "Content not captured" not in page(client, binding.agent.owner, invocation)


def test_what_was_said_past_the_records_shown_is_not_called_silence(client, invocation, binding):
    whose = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    steps = [said("step", "chat", NOW + 4 + n // 100, trace=TRACE) for n in range(500)]
    late = said("action", "late", NOW + 50, trace=TRACE, request_id="REQ2")
    keep(*steps, late, whose=whose)
    identity = binding.identity
    keep(
        api("s3:PutObject", NOW + 50, request_id="REQ2"),
        api("s3:DeleteObject", NOW + 600, correlation=TRACE, carried_by="header"),
        whose=Whose(identity_id=identity.pk, system_id=identity.system_id),
    )

    text = page(client, binding.agent.owner, invocation)

    record = reverse("activity:record_detail", args=[Event.objects.get(name="late").leaf_index])
    assert f'is not among these: <a class="text-decoration-underline" href="{record}"' in text
    assert text.count("Nothing said by the agent") == 1


def test_the_search_says_that_its_times_are_of_arrival(client):
    sign_in(client, UserFactory(steward=True))

    text = client.get(reverse("activity:search")).text

    assert "came in until then; of a day, until its end" in text
    assert "go by when a record came in here" in text
