"""Purpose drift: what an agent did that no task of its purpose needs."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import DeedHour, DriftedCall
from apps.activity.services.drifting import drift_measure
from apps.findings.models import Finding
from apps.findings.rules.use import PurposeDrift
from apps.findings.services import findings_recheck
from apps.inventory.models import TaskNeed
from tests.activity.listing import listed
from tests.activity.trails import kept
from tests.activity.use import used
from tests.factories.accounts import UserFactory
from tests.factories.grants import PermissionFactory
from tests.factories.inventory import AgentFactory, BindingFactory, SystemFactory, TaskFactory
from tests.findings.recorded import ago, call
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def binding(reviewer):
    return BindingFactory(agent=AgentFactory(active=True, owner=reviewer))


def needs(binding, level="read", service="customers", system=None, tags=()):
    return TaskNeed.objects.create(
        task=TaskFactory(agent=binding.agent),
        system=system or binding.identity.system,
        service=service,
        level=level,
        tags=list(tags),
    )


def does(binding, name, calls=1, ago=1):
    used(binding.identity, name, calls, ago, agent_id=binding.agent_id)


def outside(binding):
    drift_measure(moment=timezone.now())
    rows = DriftedCall.objects.filter(agent_id=binding.agent_id).order_by("name")
    return [(row.name, row.why) for row in rows]


def test_what_a_task_needs_is_inside(binding):
    needs(binding, "write")
    does(binding, "customers:Get")
    does(binding, "customers:Update")

    assert outside(binding) == []


@pytest.mark.parametrize(
    ("need", "why"),
    [
        ({"service": "mail", "level": "admin"}, "no task needs customers there"),
        ({"level": "read"}, "its tasks need read there, and this is write"),
    ],
)
def test_another_service_or_a_higher_level_is_outside(binding, need, why):
    needs(binding, **need)
    does(binding, "customers:Update", 4)

    assert outside(binding) == [("customers:Update", why)]
    assert DriftedCall.objects.get().calls == 4


def test_another_system_is_outside(binding):
    needs(binding, "admin", "", system=SystemFactory())
    does(binding, "customers:Get")

    assert outside(binding) == [("customers:Get", "no task needs customers there")]


def test_a_blank_service_needs_any_of_it(binding):
    needs(binding, "write", service="")
    does(binding, "customers:Update")

    assert outside(binding) == []


def test_what_the_catalogue_says_of_a_call_goes_before_its_name(binding):
    PermissionFactory(key="customers:GetAll", level="admin", tags=["grants-access"])
    needs(binding, "write")
    does(binding, "customers:GetAll")

    assert outside(binding) == [
        ("customers:GetAll", "its tasks need write there, and this is admin")
    ]


def test_what_a_call_makes_possible_beyond_the_need_is_outside(binding):
    PermissionFactory(key="customers:Mail", level="write", tags=["changes", "sends-out"])
    needs(binding, "write", tags=["changes"])
    does(binding, "customers:Mail")

    assert outside(binding) == [("customers:Mail", "no task needs what sends-out")]


def test_without_tasks_nothing_is_outside(binding):
    does(binding, "customers:Update")

    assert outside(binding) == []


def test_it_is_over_when_a_task_is_named_or_the_window_has_passed(binding):
    needs(binding, "read")
    does(binding, "customers:Update")
    assert outside(binding)

    needs(binding, "write")
    assert outside(binding) == []

    does(binding, "mail:Send", ago=91)
    assert outside(binding) == []


@pytest.mark.django_db(transaction=True)
def test_who_measures_at_the_same_time_waits(binding):
    needs(binding)
    for number in range(300):
        does(binding, f"customers:Update{number}")
    barrier = Barrier(4)

    def measure(_number):
        barrier.wait(timeout=10)
        try:
            return drift_measure(moment=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(measure, range(4))) == [300] * 4


def test_it_is_a_finding_about_the_agent_with_the_newest_call(binding):
    needs(binding)
    does(binding, "customers:Delete", ago=4)
    does(binding, "customers:Update", ago=2)
    drift_measure(moment=timezone.now())

    found = PurposeDrift().subjects(timezone.now())

    assert [(row.pk, row.finding_detail) for row in found] == [
        (binding.agent_id, "No task needs 2 of its API calls; the newest: customers:Update")
    ]


def test_the_agent_says_which_calls_serve_no_task(as_reviewer, binding):
    needs(binding)
    does(binding, "customers:Update", 3)
    drift_measure(moment=timezone.now())

    url = reverse("activity:agent_standing", args=[binding.agent_id])
    page = " ".join(as_reviewer.get(url).content.decode().split())

    assert "3 of its API calls serve no task" in page
    assert "its tasks need read there, and this is write" in page
    assert "nobody has checked yet whether what it did can be told" in page


def test_without_tasks_the_agent_says_that_drift_is_not_known(as_reviewer, binding):
    url = reverse("activity:agent_standing", args=[binding.agent_id])

    assert "not known: its purpose names no task" in as_reviewer.get(url).content.decode()


def tells(binding, name, system=None, *, kind="action", ago=1, **more):
    """The agent says it did so, on a system or nobody knows where."""
    at = timezone.now() - timedelta(days=ago)
    hour = at.replace(minute=0, second=0, microsecond=0)
    figures = {"deeds": 1, "confirmed": 0, "unconfirmed": 1, "failed": 0, "flagged": 0} | more
    DeedHour.objects.create(
        log_id=1,
        hour=hour,
        agent_id=binding.agent_id,
        system_id=system.pk if system else 0,
        name=name,
        kind=kind,
        first_at=at,
        last_at=at,
        **figures,
    )


def test_a_told_action_on_a_system_that_no_task_needs_is_outside(binding):
    needs(binding)
    tells(binding, "send_newsletter", SystemFactory(name="Mail"), deeds=3)

    assert outside(binding) == [("send_newsletter", "no task needs anything there")]
    row = DriftedCall.objects.get()
    assert (row.is_told, row.identity_id, row.calls) == (True, 0, 3)


def test_what_a_tools_name_means_is_judged_only_where_the_catalogue_knows_it(binding):
    system = binding.identity.system
    needs(binding, "read")
    tells(binding, "wipe_everything", system)
    assert outside(binding) == []

    PermissionFactory(
        system_kind=system.kind, key="wipe_everything", level="admin", service="customers"
    )

    assert outside(binding) == [("wipe_everything", "its tasks need read there, and this is admin")]


def test_a_told_action_that_a_recorded_call_proves_is_judged_by_that_call_alone(binding):
    needs(binding)
    tells(binding, "send_newsletter", SystemFactory(), deeds=2, confirmed=2, unconfirmed=0)

    assert outside(binding) == []


def test_of_what_was_done_nobody_knows_where_it_cannot_be_told(as_reviewer, binding):
    needs(binding)
    tells(binding, "send_newsletter", deeds=2)
    tells(binding, "post", SystemFactory(name="Mail"))
    assert outside(binding) == [("post", "no task needs anything there")]

    url = reverse("activity:agent_standing", args=[binding.agent_id])
    page = " ".join(as_reviewer.get(url).content.decode().split())

    assert "Of 2 actions it tells of it is not known on which system they were done" in page


def test_a_told_action_is_shown_apart_from_what_systems_recorded(as_steward, binding):
    mail = SystemFactory(name="Mail")
    needs(binding)
    does(binding, "customers:Update")
    tells(binding, "post", mail, deeds=4)
    drift_measure(moment=timezone.now())

    url = reverse("activity:agent_standing", args=[binding.agent_id])
    page = " ".join(as_steward.get(url).content.decode().split())

    assert "1 of its API calls serves no task; 4 of the actions it tells of serve no task" in page
    assert "4 times</a> by its own account, which no recorded call proves" in page
    assert f"system={mail.pk}&amp;name=post&amp;unproven=true" in page
    found = PurposeDrift().subjects(timezone.now())
    assert [row.finding_detail for row in found] == [
        "No task needs 1 of its API calls, nor 4 of the actions it tells of; the newest: post"
    ]


def test_calls_outside_a_task_are_counted_and_not_their_names(as_steward, system, binding):
    """The finding, the page it leads to, and the list on that page all say the same."""
    needs(binding)
    does(binding, "customers:Delete", calls=5)
    does(binding, "customers:Update", calls=3)
    drift_measure(moment=timezone.now())
    findings_recheck(actor=system, rules=["agent-purpose-drift"])
    finding = Finding.objects.get(rule="agent-purpose-drift")

    page = as_steward.get(finding.get_absolute_url()).text
    (href,) = re.findall(r'href="([^"]+)"><i[^>]+></i>What it counts<', page)
    counted = " ".join(as_steward.get(href).text.split())

    assert finding.detail.startswith("No task needs 8 of its API calls")
    assert "8 of its API calls serve no task" in counted
    assert sum(map(int, re.findall(r">(\d+) calls?</a>", counted))) == 8


def test_a_count_leads_to_the_calls_that_it_counts(client, binding):
    """By identity and system, by the time they happened, and of this agent alone."""
    needs(binding, service="ec2")
    other = BindingFactory(agent=binding.agent, identity__system=binding.identity.system)
    shared = BindingFactory(agent=binding.agent, identity__system=binding.identity.system)
    BindingFactory(identity=shared.identity)
    as_identity, of_other, of_both = (
        Whose(identity_id=one.identity_id, system_id=one.identity.system_id)
        for one in (binding, other, shared)
    )
    kept(call(), call(request_id="R1"), call(moment=ago(100), request_id="R2"), whose=as_identity)
    kept(call(request_id="R3"), call(request_id="R4"), call(request_id="R5"), whose=of_other)
    kept(call(request_id="R6"), whose=of_both)
    drift_measure(moment=timezone.now())
    sign_in(client, UserFactory(steward=True))

    page = client.get(reverse("activity:agent_standing", args=[binding.agent_id])).text
    counts = re.findall(r'href="([^"]+)">(\d+) call', page)

    assert sorted(int(count) for _, count in counts) == [2, 3]
    assert [listed(client, href) for href, _ in counts] == [int(count) for _, count in counts]
