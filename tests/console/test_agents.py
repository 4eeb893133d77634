import pytest
from django.urls import reverse

from apps.console.services.agents import agent_retire
from apps.core.actors import Person
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.inventory.models import Agent, Binding, TaskNeed
from apps.inventory.states import AgentState
from apps.remediation.models import Order
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SystemFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db


def _page(client, view, agent, **data):
    url = reverse(f"console:{view}", args=[agent.pk])
    return client.post(url, data) if data else client.get(url)


def _furnish(agent, count):
    for _ in range(count):
        binding = BindingFactory(agent=agent)
        GrantFactory(identity=binding.identity)
        CredentialFactory(identity=binding.identity)
        task = TaskFactory(agent=agent)
        TaskNeed.objects.create(task=task, system=binding.identity.system, level="write")


def test_the_dossier_costs_the_same_however_much_it_holds(
    as_steward, system, django_assert_max_num_queries
):
    agent = AgentFactory(active=True)
    _furnish(agent, 5)
    fingerprints_refresh(agent_ids=[agent.pk], actor=system)
    _page(as_steward, "agent_detail", agent)

    with django_assert_max_num_queries(30):
        response = _page(as_steward, "agent_detail", agent)
    _furnish(agent, 7)
    with django_assert_max_num_queries(30):
        _page(as_steward, "agent_detail", agent)

    assert response.status_code == 200
    assert len(response.context["dossier"].lines) == 5


def test_the_dossier_holds_permissions_against_the_purpose(as_steward):
    binding = BindingFactory()
    agent, crm = binding.agent, binding.identity.system
    task = TaskFactory(agent=agent, title="Set priority")
    for service, level in (("tickets", "write"), ("mail", "read")):
        TaskNeed.objects.create(task=task, system=crm, service=service, level=level)
    serving = GrantFactory(identity=binding.identity, service="tickets", level="read")
    extra = GrantFactory(identity=binding.identity, service="billing")

    dossier = _page(as_steward, "agent_detail", agent).context["dossier"]

    assert [line.grant for line in dossier.serving_no_task] == [extra]
    assert {line.grant: line.serves for line in dossier.lines}[serving] == (task,)
    assert [str(need) for need in dossier.tasks[0].lacks] == [
        f"write tickets on {crm}",
        f"read mail on {crm}",
    ]


def test_the_graph_reads_from_the_agent_to_the_systems_it_reaches(as_steward):
    binding = BindingFactory()
    grant = GrantFactory(identity=binding.identity, admin=True)

    graph = _page(as_steward, "agent_detail", binding.agent).context["dossier"].graph

    assert {node["kind"] for node in graph["nodes"]} == {
        "agent",
        "identity",
        "permission",
        "system",
    }
    assert {
        "from": f"grant-{grant.pk}",
        "to": f"system-{grant.system_id}",
        "label": "",
        "level": "admin",
    } in graph["edges"]


def test_a_strangers_agent_does_not_exist(as_reviewer, reviewer):
    mine = AgentFactory(technical_owner=reviewer)

    assert _page(as_reviewer, "agent_detail", mine).status_code == 200
    assert _page(as_reviewer, "agent_detail", AgentFactory()).status_code == 404


def test_a_reviewer_proposes_an_agent_of_their_own(as_reviewer, reviewer):
    form = {
        "name": "helper",
        "environment": "production",
        "autonomy": "asks",
        "tools": "search abc\nmail",
    }

    response = as_reviewer.post(reverse("console:agent_new"), form)

    agent = Agent.objects.get()
    assert response.status_code == 302
    assert (agent.owner, agent.state) == (reviewer, AgentState.PROPOSED)
    assert agent.tools == [{"name": "search", "schema_sha256": "abc"}, {"name": "mail"}]


def test_editing_an_agent_keeps_what_was_not_touched(as_steward):
    agent = AgentFactory(tools=[{"name": "search"}], model="large")
    callee = AgentFactory()
    form = {
        "name": agent.name,
        "environment": "production",
        "autonomy": "asks",
        "tools": "search",
        "model": "large",
        "version": "2",
        "calls": [callee.pk],
    }

    response = _page(as_steward, "agent_edit", agent, **form)

    agent.refresh_from_db()
    assert response.status_code == 302
    assert (agent.tools, agent.model, agent.version) == ([{"name": "search"}], "large", "2")
    assert [call.callee for call in agent.calls.all()] == [callee]


def test_the_purpose_is_edited_with_its_tasks(as_reviewer, reviewer):
    agent = AgentFactory(owner=reviewer)
    crm = SystemFactory(owner=reviewer)
    form = {
        "purpose": "Answers tickets.",
        "reason": "",
        "tasks-TOTAL_FORMS": "2",
        "tasks-INITIAL_FORMS": "0",
        "tasks-0-title": "Set priority",
        "tasks-0-system_0": crm.pk,
        "tasks-0-service_0": "tickets",
        "tasks-0-level_0": "write",
        "tasks-1-title": "",
    }

    more = _page(as_reviewer, "agent_change_purpose", agent, more="1", **form)
    saved = _page(as_reviewer, "agent_change_purpose", agent, **form)

    agent.refresh_from_db()
    assert more.status_code == 200
    assert len(more.context["formset"].forms) == 5
    assert saved.status_code == 302
    assert agent.purpose == "Answers tickets."
    assert [str(need) for need in TaskNeed.objects.all()] == [f"write tickets on {crm}"]


def test_more_tasks_than_there_can_be_are_refused_and_not_drawn(as_steward):
    agent = AgentFactory(purpose="Answers.")
    form = {"purpose": "Answers.", "tasks-TOTAL_FORMS": "1000", "tasks-INITIAL_FORMS": "0"}

    refused = _page(as_steward, "agent_change_purpose", agent, **form)
    more = _page(as_steward, "agent_change_purpose", agent, more="1", **form)

    assert refused.status_code == 422
    assert "submit at most 60 forms" in refused.text
    assert len(refused.context["formset"].forms) == len(more.context["formset"].forms) == 60


def test_a_task_with_many_needs_keeps_them_all(as_steward):
    agent = AgentFactory(purpose="Answers.")
    task = TaskFactory(agent=agent)
    for _ in range(6):
        TaskNeed.objects.create(task=task, system=SystemFactory(), level="read", tags=["changes"])
    page = _page(as_steward, "agent_change_purpose", agent)
    form = {"purpose": "Answers more.", "tasks-TOTAL_FORMS": "3", "tasks-INITIAL_FORMS": "1"}
    for name, value in page.context["formset"].forms[0].initial.items():
        form[f"tasks-0-{name}"] = value

    _page(as_steward, "agent_change_purpose", agent, **form)

    assert TaskNeed.objects.filter(task=task, tags=["changes"]).count() == 6


def test_activation_shows_what_is_missing_and_asks_why(as_steward):
    agent = AgentFactory(purpose="Answers.")

    shown = _page(as_steward, "agent_activate", agent)
    refused = _page(as_steward, "agent_activate", agent, reason="")
    _page(as_steward, "agent_activate", agent, reason="A pilot of one week.")

    agent.refresh_from_db()
    assert "Activate all the same" in shown.text
    assert refused.status_code == 422
    assert agent.state == AgentState.ACTIVE
    assert "trail" in agent.activation_gaps


def test_an_identity_is_found_and_bound(as_steward):
    agent = AgentFactory()
    wanted, _ = IdentityFactory(name="svc-mail"), IdentityFactory(name="svc-crm")
    url = f"{reverse('console:agent_bind', args=[agent.pk])}?q=svc-mail"

    found = list(as_steward.get(url).context["form"].fields["identity_id"].queryset)
    as_steward.post(url, {"identity_id": wanted.pk, "reason": ""})

    assert found == [wanted]
    assert Binding.objects.get().identity == wanted


def test_the_manager_accepts_what_the_owner_wrote(client, reviewer):
    manager = UserFactory()
    agent = AgentFactory(owner=reviewer, team=TeamFactory(manager=manager), purpose="Pays.")
    agent.purpose_changed_by, agent.purpose_changed_at = reviewer, agent.created_at
    agent.save()
    client.force_login(reviewer)
    assert _page(client, "agent_accept_purpose", agent).status_code == 403

    client.force_login(manager)
    response = client.post(reverse("console:agent_accept_purpose", args=[agent.pk]), {"reason": ""})

    agent.refresh_from_db()
    assert response.status_code == 302
    assert agent.purpose_explains


def test_retiring_orders_the_removal_of_what_it_alone_holds(steward):
    agent = AgentFactory(active=True)
    own, shared = BindingFactory(agent=agent), BindingFactory(agent=agent)
    BindingFactory(identity=shared.identity)
    grant = GrantFactory(identity=own.identity)
    credential = CredentialFactory(identity=own.identity)
    GrantFactory(identity=shared.identity)

    agent_retire(agent_id=agent.pk, reason="Replaced", actor=Person(steward))

    agent.refresh_from_db()
    assert agent.state == AgentState.RETIRED
    assert set(Order.objects.values_list("grant", "credential")) == {
        (grant.pk, None),
        (None, credential.pk),
    }
