"""What of an agent's own account a call belongs to that only carries its run's id."""

from itertools import permutations

import pytest
from django.core.management import call_command

from apps.activity.headers import Whose
from apps.activity.models import DeedHour, Event, Link
from tests.activity.trails import TRACE, api, kept, said
from tests.factories.grants import PermissionFactory
from tests.factories.inventory import BindingFactory, SystemFactory

pytestmark = pytest.mark.django_db
CARRIED = {"correlation": TRACE, "carried_by": "session", "outcome": "ok"}


@pytest.fixture
def binding(db):
    return BindingFactory(identity__system__kind="aws")


@pytest.fixture
def of_agent(binding):
    return Whose(agent_id=binding.agent_id, agent=binding.agent.name)


@pytest.fixture
def as_identity(binding):
    return Whose(identity_id=binding.identity_id, system_id=binding.identity.system_id)


def deed(name, at, lasting=1, kind="action", **more):
    return said(kind, name, at, lasting, **{"outcome": "ok", **more})


def given():
    """Which deed each call is of, by their names; of none where the agent never said it."""
    names = dict(Event.objects.values_list("leaf_index", "name"))
    links = Link.objects.filter(confidence__gte=3).order_by("call_leaf")
    links = links.values_list("call_leaf", "action_leaf")
    return [(names[call], names.get(action, "")) for call, action in links]


def confirmed():
    return sorted(DeedHour.objects.filter(confirmed__gt=0).values_list("name", "confirmed"))


def test_one_call_confirms_one_of_many_actions(of_agent, as_identity):
    kept(*(deed(f"refund-{n}", 10 + n) for n in range(10)), whose=of_agent)

    kept(api(at=14, **CARRIED), whose=as_identity)

    assert confirmed() == [("refund-4", 1)]


def test_an_action_accounts_for_all_that_went_on_within_it_and_for_one_beside_it(
    of_agent, as_identity
):
    kept(deed("refund", 100, 30), deed("mail", 300), whose=of_agent)

    times = (101, 120, 131, 220, 240, 290, 500)
    calls = [api(f"x:{at}", at=at, level="read", **CARRIED) for at in times]
    kept(*calls, whose=as_identity)

    assert given() == [
        ("x:101", "refund"),
        ("x:120", "refund"),
        ("x:131", "refund"),
        ("x:220", "mail"),
        ("x:240", ""),
        ("x:290", ""),
        ("x:500", ""),
    ]


def test_a_told_call_accounts_for_its_name_and_then_its_action_for_no_other_of_that_service(
    of_agent, as_identity
):
    kept(
        deed("tidy", 100, 30, span_id="c" * 16),
        deed("s3:GetObject", 105, 20, kind="call", parent_id="c" * 16),
        whose=of_agent,
    )

    names = ("s3:GetObject", "s3:DeleteObject", "sqs:SendMessage")
    kept(*(api(name, at=110 + n, **CARRIED) for n, name in enumerate(names)), whose=as_identity)

    assert given() == [
        ("s3:GetObject", "s3:GetObject"),
        ("s3:DeleteObject", ""),
        ("sqs:SendMessage", "tidy"),
    ]


def test_who_says_that_it_reads_has_said_nothing_of_a_write(of_agent, as_identity):
    kept(deed("look up", 100, 30, level="read"), whose=of_agent)

    kept(
        api("s3:GetObject", at=105, level="read", **CARRIED),
        api("s3:DeleteObject", at=106, level="write", **CARRIED),
        whose=as_identity,
    )

    assert given() == [("s3:GetObject", "look up"), ("s3:DeleteObject", "")]


@pytest.mark.parametrize(
    ("says", "level", "expected"),
    [("", "write", ""), ("", "", ""), ("", "read", "drain"), ("write", "write", "drain")],
)
def test_beside_an_action_no_write_is_of_it_unless_it_says_that_it_writes(
    of_agent, as_identity, says, level, expected
):
    kept(deed("drain", 100, 30, level=says), whose=of_agent)

    kept(api("storage.delete", at=160, level=level, **CARRIED), whose=as_identity)

    assert given() == [("storage.delete", expected)]


@pytest.mark.parametrize(("level", "expected"), [("read", "look up"), ("write", "")])
def test_what_a_log_gives_no_level_has_that_of_the_catalogue(
    of_agent, as_identity, binding, level, expected
):
    kind = binding.identity.system.kind
    PermissionFactory(system_kind=kind, key="Peek.all", level=level)
    kept(deed("look up", 100, 30, level="read"), whose=of_agent)

    kept(api("Peek.all", at=110, **CARRIED), whose=as_identity)

    assert given() == [("Peek.all", expected)]


def test_an_action_on_another_system_accounts_for_nothing_here(of_agent, as_identity, binding):
    elsewhere = Whose(
        agent_id=of_agent.agent_id, agent=of_agent.agent, system_id=SystemFactory().pk
    )
    kept(deed("refund", 100, 30), whose=elsewhere)
    kept(deed("open ticket", 101, 30, system="jira"), whose=of_agent)

    kept(api(at=105, system="aws", **CARRIED), whose=as_identity)

    assert given() == [("s3:GetObject", "")]
    assert confirmed() == []


def test_a_told_call_whose_request_was_found_accounts_for_no_other(of_agent, as_identity):
    told = {"kind": "call", "request_id": "R1"}
    kept(deed("s3:GetObject", 100, 10, **told), whose=of_agent)

    kept(
        api(at=101, request_id="R1", **CARRIED),
        api(at=102, request_id="R2", **CARRIED),
        whose=as_identity,
    )

    assert given() == [("s3:GetObject", "s3:GetObject"), ("s3:GetObject", "")]


def test_in_whatever_order_they_come_each_call_is_of_the_same_deed(of_agent, as_identity):
    found = set()
    for number, order in enumerate(permutations(range(4))):
        trace = f"{number + 1:032x}"
        carried = CARRIED | {"correlation": trace}
        sides = [
            deed("early", 100, 10, trace=trace),
            deed("late", 105, 10, trace=trace),
            api("x:1", at=107, **carried),
            api("x:2", at=103, **carried),
        ]
        for place in order:
            kept(sides[place], whose=of_agent if place < 2 else as_identity)
        found.add(tuple(sorted(given())))
        Link.objects.all().delete()

    assert found == {(("x:1", "late"), ("x:2", "early"))}


def test_all_of_it_can_be_told_anew(of_agent, as_identity):
    kept(deed("refund", 100, 30), deed("mail", 300), whose=of_agent)
    kept(*(api(f"x:{at}", at=at, **CARRIED) for at in (101, 240, 500)), whose=as_identity)
    before = given(), confirmed()

    Link.objects.update(action_leaf=None, confidence=0)
    call_command("trail_rebuild")

    assert (given(), confirmed()) == before
    assert ("x:101", "refund") in before[0]
