from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.grants.tables import GrantTable, JustificationTable, PermissionTable
from apps.inventory.models import Agent, System
from apps.inventory.states import AgentState, CredentialKind
from apps.inventory.tables import (
    AgentTable,
    BindingTable,
    CredentialTable,
    IdentityTable,
    SystemTable,
)
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import TeamFactory
from tests.factories.grants import GrantFactory, JustificationFactory, PermissionFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SourceFactory,
    SystemFactory,
)
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "table",
    [
        AgentTable,
        SystemTable,
        IdentityTable,
        BindingTable,
        CredentialTable,
        GrantTable,
        PermissionTable,
        JustificationTable,
    ],
)
def test_a_list_sorts_only_where_an_index_serves(table):
    assert_sorts_are_indexed(table)


LISTS = {
    "inventory:agent_list": AgentFactory,
    "inventory:system_list": SystemFactory,
    "inventory:identity_list": IdentityFactory,
    "inventory:binding_list": BindingFactory,
    "inventory:credential_list": CredentialFactory,
    "grants:grant_list": GrantFactory,
    "grants:permission_list": PermissionFactory,
    "grants:justification_list": JustificationFactory,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_however_many_rows(as_steward, name, django_assert_max_num_queries):
    LISTS[name]()
    as_steward.get(reverse(name))
    for _ in range(7):
        LISTS[name]()

    with django_assert_max_num_queries(9):
        response = as_steward.get(reverse(name))

    assert response.status_code == 200
    assert response.context["listing"].count.value == 8


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_exported_as_it_is_filtered(as_steward, name):
    LISTS[name]()

    response = as_steward.get(reverse(name), {"export": "csv"})

    lines = b"".join(response.streaming_content).decode().splitlines()
    assert response["Content-Type"].startswith("text/csv")
    assert len(lines) == 2


def test_somebody_sees_only_what_their_agents_reach(as_reviewer, reviewer):
    mine = BindingFactory(agent__owner=reviewer)
    managed = AgentFactory(team=TeamFactory(manager=reviewer))
    CredentialFactory(identity=mine.identity)
    GrantFactory(identity=mine.identity)
    foreign = BindingFactory()
    CredentialFactory(identity=foreign.identity)
    GrantFactory(identity=foreign.identity)

    seen = {
        name: as_reviewer.get(reverse(name)).context["listing"].count.value
        for name in LISTS
        if not name.startswith("grants:p") and "justification" not in name
    }

    assert seen == {
        "inventory:agent_list": 2,
        "inventory:system_list": 1,
        "inventory:identity_list": 1,
        "inventory:binding_list": 1,
        "inventory:credential_list": 1,
        "grants:grant_list": 1,
    }
    assert managed in Agent.objects.filter(team__manager=reviewer)
    assert as_reviewer.get(foreign.identity.get_absolute_url()).status_code == 404
    assert as_reviewer.get(mine.identity.get_absolute_url()).status_code == 200


def _count(client, name, **query):
    return client.get(reverse(name), query).context["listing"].count.value


def test_the_questions_of_home_are_filters_in_words(as_steward):
    endless = CredentialFactory()
    CredentialFactory(rotation_days=30)
    CredentialFactory(kind=CredentialKind.MANAGED)
    BindingFactory(identity=endless.identity)
    BindingFactory(identity=endless.identity)
    AgentFactory(owner=None)
    AgentFactory(owner=None, state=AgentState.RETIRED)
    IdentityFactory(is_service_linked=True)
    SourceFactory(stream="aws:1")
    CredentialFactory(gone_at=timezone.now(), stream="aws:1")

    assert _count(as_steward, "inventory:credential_list", endless="on") == 1
    assert _count(as_steward, "inventory:credential_list", shared="on") == 1
    assert _count(as_steward, "inventory:credential_list", gone="on") == 1
    assert _count(as_steward, "inventory:credential_list", stream="aws:1") == 1
    assert _count(as_steward, "inventory:agent_list", ownerless="on") == 1
    assert _count(as_steward, "inventory:agent_list", trail="none") == 3
    assert _count(as_steward, "inventory:identity_list", agentless="on") == 4


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("inventory:credential_list", CredentialFactory),
        ("grants:grant_list", GrantFactory),
    ],
)
def test_before_a_day_means_the_readers_own_day(as_steward, steward, name, build):
    steward.time_zone = "Pacific/Auckland"
    steward.save()
    build(expires_at=datetime(2090, 1, 2, 10, 30, tzinfo=UTC))
    build(expires_at=datetime(2090, 1, 2, 11, 30, tzinfo=UTC))

    assert _count(as_steward, name, expires_before="2090-01-02") == 0
    assert _count(as_steward, name, expires_before="2090-01-03") == 1
    assert _count(as_steward, name, expires_before="2090-01-04") == 2


def test_a_list_says_the_name_of_the_record_that_a_link_chose(as_steward):
    binding = BindingFactory(agent__name="Ticket triage", identity__name="svc-triage")
    GrantFactory(identity=binding.identity)
    GrantFactory()
    chosen = {"agent": binding.agent_id, "identity": binding.identity_id}

    page = as_steward.get(reverse("grants:grant_list"), chosen)

    chips = page.context["listing"].chips
    assert [(chip.label, chip.value) for chip in chips] == [
        ("Agent", "Ticket triage"),
        ("Identity", "svc-triage"),
    ]
    assert page.context["listing"].count.value == 1
    assert f'<input type="hidden" name="agent" value="{binding.agent_id}"' in page.text


def test_a_list_never_says_the_name_of_a_strangers_record(as_reviewer):
    stranger = BindingFactory(agent__name="Ticket triage").agent

    page = as_reviewer.get(reverse("grants:grant_list"), {"agent": stranger.pk})

    assert "Ticket triage" not in page.text
    assert [chip.value for chip in page.context["listing"].chips] == ["one that you may not open"]


def test_a_source_is_chosen_by_its_name_where_sources_may_be_read(client, steward, reviewer):
    SourceFactory(stream="aws:1", label="The account of support")
    CredentialFactory(stream="aws:1")
    CredentialFactory()
    url = reverse("inventory:credential_list")

    sign_in(client, steward)
    chosen = client.get(url, {"stream": "aws:1"})
    sign_in(client, reviewer)
    hidden = client.get(url)

    assert chosen.context["listing"].count.value == 1
    assert chosen.context["listing"].chips[0].value == "The account of support"
    assert "The account of support" not in hidden.text
    assert 'name="stream"' not in hidden.text


def test_grants_are_found_by_level_and_whether_a_reason_stands(as_steward):
    GrantFactory()
    GrantFactory(read=True)
    admin = GrantFactory(admin=True)
    admin.justification = JustificationFactory(grant=admin)
    admin.save()

    writing = {"level": ["write", "admin"]}
    assert _count(as_steward, "grants:grant_list", **writing) == 2
    assert _count(as_steward, "grants:grant_list", justified="no", **writing) == 1
    assert _count(as_steward, "grants:grant_list", justified="yes", **writing) == 1


@pytest.mark.parametrize(
    "build",
    [
        SystemFactory,
        lambda: BindingFactory().identity,
        lambda: CredentialFactory(identity=BindingFactory().identity),
        lambda: JustificationFactory().grant,
        PermissionFactory,
    ],
)
def test_every_record_has_a_page(as_steward, build):
    record = build()

    response = as_steward.get(record.get_absolute_url())

    assert response.status_code == 200
    assert str(record) in response.text


def test_who_answers_for_it_justifies_a_grant_in_the_dialog(as_reviewer, reviewer, htmx):
    grant = GrantFactory(identity=BindingFactory(agent__owner=reviewer).identity)
    url = reverse("grants:grant_justify", args=[grant.pk])

    refused = as_reviewer.post(url, {"reason": ""}, headers=htmx("dialog"))
    given = as_reviewer.post(
        url, {"reason": "It closes tickets for the desk."}, headers=htmx("dialog")
    )

    grant.refresh_from_db()
    assert refused.status_code == 422
    assert given.status_code == 204
    assert "grant:changed" in given["HX-Trigger"]
    assert grant.justification.given_by == reviewer


def test_a_system_is_added_and_changed_in_the_dialog(as_steward, steward, htmx):
    form = {"name": "CRM", "kind": "crm", "environment": "production", "owner_id": steward.pk}

    added = as_steward.post(reverse("inventory:system_new"), form, headers=htmx("dialog"))
    system = System.objects.get()
    changed = as_steward.post(
        reverse("inventory:system_edit", args=[system.pk]),
        {"environment": "staging", "owner_id": "", "tags": "CDE, SOX"},
        headers=htmx("dialog"),
    )

    assert (added.status_code, changed.status_code) == (204, 204)
    assert system.owner == steward
    system.refresh_from_db()
    assert (system.environment, system.owner, system.tags) == ("staging", None, ["CDE", "SOX"])


def test_a_steward_says_who_acts_as_an_identity_and_who_answers(as_steward, htmx):
    identity = IdentityFactory()
    first, second = AgentFactory(), AgentFactory()
    bind = reverse("inventory:binding_new", args=[identity.pk])
    for agent in (first, second):
        as_steward.post(bind, {"agent_id": agent.pk, "reason": ""}, headers=htmx("dialog"))

    as_steward.post(
        reverse("inventory:identity_accountable", args=[identity.pk]),
        {"agent_id": second.pk, "reason": "It uses it most."},
    )
    as_steward.post(
        reverse("inventory:binding_end", args=[identity.bindings.get(agent=first).pk]),
        {"reason": "It moved to another one."},
    )

    identity.refresh_from_db()
    assert identity.accountable_agent == second
    assert identity.bindings.live().get().agent == second


def test_where_a_secret_is_kept_is_said_in_the_dialog(as_steward):
    credential = CredentialFactory()
    form = {"stored_in": "code", "stored_at": "helper.py", "rotation_days": "30", "reason": ""}

    as_steward.post(reverse("inventory:credential_edit", args=[credential.pk]), form)

    credential.refresh_from_db()
    assert (credential.stored_in, credential.rotation_days) == ("code", 30)


def test_a_steward_classifies_a_permission(as_steward):
    permission = PermissionFactory()
    form = {"level": "read", "tags": ["reads-private"], "reason": "It only looks at customers."}

    as_steward.post(reverse("grants:permission_override", args=[permission.pk]), form)

    permission.refresh_from_db()
    assert (permission.level, permission.tags) == ("read", ["reads-private"])
