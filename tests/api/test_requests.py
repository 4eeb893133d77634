import pytest

from apps.approvals.models import AccessRequest, RequestNote
from apps.approvals.services.requests import request_cancel
from apps.audit.models import AuditEntry
from apps.core.actors import Person
from tests.factories.approvals import AccessRequestFactory
from tests.factories.inventory import AgentFactory

pytestmark = pytest.mark.django_db


def test_an_agent_learns_who_it_is_and_what_an_ask_names(caller, company):
    told = caller.get("agent").json()

    assert (told["id"], told["name"], told["state"]) == (
        company.agent.pk,
        company.agent.name,
        "active",
    )
    assert told["tasks"] == [{"id": company.task.pk, "name": "Set priorities"}]
    assert told["identities"] == [
        {
            "id": company.identity.pk,
            "name": company.identity.name,
            "system": {"id": company.system.pk, "name": "CRM"},
        }
    ]


def test_an_agent_asks_for_access_and_people_are_asked_to_approve(caller, company, policy, ask):
    answer = caller.post("requests", body=ask(), key="first")

    told = answer.json()["request"]
    request = AccessRequest.objects.get()
    assert (answer.status_code, answer.json()["joined"]) == (201, False)
    assert (told["id"], told["state"], told["level"], told["is_yours"]) == (
        request.pk,
        "pending",
        "write",
        True,
    )
    assert told["page"].endswith(request.get_absolute_url())
    assert (request.asked_by, request.asked_by_client) == (None, caller.client.oauth_client_id)
    entry = AuditEntry.objects.get(verb="approvals.accessrequest.submitted")
    assert (entry.actor, entry.channel, entry.actor_label) == (None, "api", str(caller.client))
    assert entry.request_id == answer.headers["X-Request-ID"]


def test_the_same_call_again_is_answered_alike_and_makes_nothing(caller, policy, ask):
    first = caller.post("requests", body=ask(), key="first")
    entries = AuditEntry.objects.count()

    again = caller.post("requests", body=ask(), key="first")

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (AccessRequest.objects.count(), AuditEntry.objects.count()) == (1, entries)


def test_a_key_that_stood_for_another_call_is_refused(caller, policy, ask):
    caller.post("requests", body=ask(), key="first")

    answer = caller.post("requests", body=ask(days=7), key="first")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert AccessRequest.objects.count() == 1


def test_asking_for_what_a_person_asked_for_joins_that_and_again_changes_nothing(
    caller, company, policy, ask
):
    open_one = company.submit()

    answers = [caller.post("requests", body=ask(reason="I do."), key="mine") for _ in range(2)]

    assert [(one.status_code, one.json()["joined"]) for one in answers] == [(200, True)] * 2
    told = answers[0].json()["request"]
    assert (told["id"], told["is_yours"]) == (open_one.pk, False)
    assert "Owner" not in answers[0].text
    assert RequestNote.objects.count() == 1


def test_its_own_open_request_asked_for_by_another_key_is_that_request(caller, policy, ask):
    first = caller.post("requests", body=ask(), key="first").json()["request"]

    again = caller.post("requests", body=ask(), key="second")

    assert (again.status_code, again.json()["request"]["id"]) == (200, first["id"])
    assert not RequestNote.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"days": "30"}, "days"),
        ({"days": None}, "days"),
        ({"task_id": None}, "task_id"),
        ({"task_id": 2**62}, "task_id"),
        ({"identity_id": 2**62}, "identity_id"),
        ({"identity_id": 2**63}, "identity_id"),
        ({"actions": []}, "actions"),
        ({"actions": ["customers:Unknown"]}, "actions"),
        ({"actions": ["a\x00b"]}, "actions.0"),
        ({"resources": [" "]}, "resources.0"),
        ({"reason": " \n"}, "reason"),
        ({"reason": "\ud800"}, "reason"),
        ({"agent_id": 1}, "agent_id"),
    ],
)
def test_what_is_said_wrongly_is_named_and_leaves_nothing(caller, policy, ask, changes, field):
    answer = caller.post("requests", body=ask(**changes), key="wrong")

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 101])
def test_a_request_needs_a_key_of_plain_characters(caller, policy, ask, key):
    answer = caller.post("requests", body=ask(), key=key)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not AccessRequest.objects.exists()


def test_a_request_is_read_by_its_own_agent_alone(caller, company, policy):
    own, strange = company.submit(), AccessRequestFactory()

    assert caller.get("request", own.pk).json()["id"] == own.pk
    for unknown in (strange.pk, 2**40, 2**63, 0, -1, "x", "1.5", "9" * 5000):
        answer = caller.get("request", unknown)
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


def test_the_list_holds_the_agents_own_newest_first_and_is_walked_by_cursor(caller, company):
    own = [AccessRequestFactory(agent=company.agent, identity=company.identity) for _ in range(5)]
    AccessRequestFactory()

    pages, after = [], ""
    while after is not None:
        told = caller.get("requests", limit=2, after=after).json()
        pages.append([one["id"] for one in told["requests"]])
        after = told["next"]

    expected = [one.pk for one in reversed(own)]
    assert pages == [expected[:2], expected[2:4], expected[4:]]


def test_the_list_takes_as_many_queries_for_one_as_for_many(
    caller, company, django_assert_num_queries
):
    AccessRequestFactory(agent=company.agent, identity=company.identity)
    caller.get("requests")
    with django_assert_num_queries(4):
        caller.get("requests")
    for _ in range(10):
        AccessRequestFactory(agent=company.agent, identity=company.identity)
    with django_assert_num_queries(4):
        assert len(caller.get("requests").json()["requests"]) == 11


def test_the_list_is_narrowed_by_state(caller, company, policy):
    ended, waiting = company.submit(), company.submit(days=7, resources=["one"])
    request_cancel(request_id=ended.pk, reason="A typo.", actor=Person(company.owner))

    told = caller.get("requests", state="cancelled").json()["requests"]

    assert [one["id"] for one in told] == [ended.pk]
    assert waiting.pk != ended.pk


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "nonsense"}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"state": "done"}, "state"),
        ({"status": "pending"}, "status"),
    ],
)
def test_a_query_that_means_nothing_is_named(caller, query, field):
    answer = caller.get("requests", **query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_an_agent_takes_back_what_it_asked_for_and_twice_changes_nothing(caller, policy, ask):
    pk = caller.post("requests", body=ask(), key="first").json()["request"]["id"]

    answer = caller.post("request_cancel", pk, body={"reason": "Not needed any more."})
    entries = AuditEntry.objects.count()
    again = caller.post("request_cancel", pk, body={"reason": "Not needed any more."})

    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer.json()["ended_because"] == "Not needed any more."
    assert (again.json(), AuditEntry.objects.count()) == (answer.json(), entries)


def test_what_others_asked_for_and_what_is_over_is_not_taken_back(caller, company, policy):
    others = company.submit()
    over = AccessRequestFactory(
        agent=company.agent, identity=company.identity, state="lapsed", ended_because="Time."
    )
    reason = {"reason": "Not needed any more."}

    answers = [
        caller.post("request_cancel", others.pk, body=reason),
        caller.post("request_cancel", over.pk, body=reason),
        caller.post("request_cancel", AccessRequestFactory().pk, body=reason),
        caller.post("request_cancel", others.pk, body={"reason": " "}),
    ]

    assert [one.status_code for one in answers] == [403, 409, 404, 422]
    assert answers[0].json()["detail"] == "Another client asked for this."
    others.refresh_from_db()
    assert others.state == "pending"


def test_an_agent_asks_for_no_other(caller, company, policy, ask):
    stranger = AgentFactory(active=True)

    answer = caller.post("requests", body=ask(agent_id=stranger.pk), key="first")

    assert answer.status_code == 422
    assert not AccessRequest.objects.exists()
