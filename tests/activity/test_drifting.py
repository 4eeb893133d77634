"""Purpose drift: API calls that no task of the agent's purpose needs."""

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import DriftedCall
from apps.activity.services.drifting import drift_measure
from apps.findings.rules.use import PurposeDrift
from apps.inventory.models import TaskNeed
from tests.activity.use import used
from tests.factories.grants import PermissionFactory
from tests.factories.inventory import AgentFactory, BindingFactory, SystemFactory, TaskFactory

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

    assert "1 of its API calls serves no task" in page
    assert "its tasks need read there, and this is write" in page
    assert "nobody has checked yet whether what it did can be told" in page


def test_without_tasks_the_agent_says_that_drift_is_not_known(as_reviewer, binding):
    url = reverse("activity:agent_standing", args=[binding.agent_id])

    assert "not known: its purpose names no task" in as_reviewer.get(url).content.decode()
