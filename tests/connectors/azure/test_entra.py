"""Entra by Microsoft Graph, against a small one that pages, throttles, and refuses."""

from datetime import timedelta

import pytest

from apps.connectors.adapters.azure_permissions import level_of, tags_of
from apps.connectors.adapters.contract import (
    AgentRow,
    BindingRow,
    CredentialRow,
    GrantRow,
    IdentityRow,
    Rejected,
)
from apps.connectors.adapters.live import Absent, Clue, Refused, Seen, Unavailable
from tests.connectors.azure.subjects import (
    carry_out,
    everything,
    of,
    of_credential,
    read,
    wanted,
)


def test_principals_applications_and_managed_identities_are_told_page_by_page(azure, adapter):
    apps = [azure.application(f"crm-{at}") for at in range(7)]
    alone = azure.application("alone", with_principal=False)
    managed = azure.principal("vm-crm", kind="ManagedIdentity")

    rows = read(adapter, "identities")

    kinds = {row.key: row.kind for row in of(rows, IdentityRow)}
    assert [kinds[azure.principal_of(one)] for one in apps] == ["entra-service-principal"] * 7
    assert kinds[alone] == "entra-application"
    assert kinds[managed] == "entra-managed-identity"
    [graph] = of(rows, IdentityRow, name="Microsoft Graph")
    assert graph.service_linked
    assert of(rows, IdentityRow, key=azure.principal_of(apps[0]))[0].facts["application"] == apps[0]


def test_an_agent_identity_comes_with_its_sponsors_as_owners(azure, adapter):
    agent = azure.principal("Invoice agent", kind="ServiceIdentity", agent=True)
    azure.sponsors[agent] = [
        {"@odata.type": "#microsoft.graph.group", "id": "g", "displayName": "Finance"},
        {"@odata.type": "#microsoft.graph.user", "id": "u", "mail": "ada@example.com"},
        {"@odata.type": "#microsoft.graph.user", "id": "v", "userPrincipalName": "bo@example.com"},
    ]

    rows = read(adapter, "agents")

    [told] = of(rows, AgentRow)
    assert (told.name, told.owner, told.technical_owner) == (
        "Invoice agent",
        "ada@example.com",
        "bo@example.com",
    )
    [binding] = of(rows, BindingRow)
    assert (binding.agent, binding.identity) == ("Invoice agent", agent)
    [identity] = of(read(adapter, "identities"), IdentityRow, key=agent)
    assert identity.kind == "entra-agent-identity"


def test_without_the_right_to_agents_the_rest_is_read_and_it_is_said(azure, make):
    azure.principal("Invoice agent", agent=True)
    azure.roles.remove("AgentIdentity.ReadWrite.All")
    adapter = make()

    rows = read(adapter, "identities")

    [rejected] = of(rows, Rejected)
    assert "Insufficient privileges" in rejected.reason
    assert of(rows, IdentityRow, name="Invoice agent")
    with pytest.raises(Refused):
        read(adapter, "agents")


def test_credentials_are_told_by_id_with_hint_and_end(azure, adapter):
    app = azure.application("crm")
    password, secret = azure.password(app, "deploy", days=30)
    certificate = azure.certificate(app, "web")
    federation = azure.federation(app, "ci", "https://ci.example.com", "repo:crm")
    managed = azure.principal("vm-crm", kind="ManagedIdentity")

    rows = read(adapter, "credentials")

    principal = azure.principal_of(app)
    by_key = {row.key: row for row in of(rows, CredentialRow, identity=principal)}
    told = by_key[password["keyId"]]
    assert (told.kind, told.label, told.facts["hint"]) == ("client-secret", "deploy", secret[:3])
    assert told.expires_at - told.created_at == timedelta(days=30)
    assert by_key[certificate["keyId"]].fingerprint == certificate["customKeyIdentifier"]
    assert by_key[federation["id"]].facts["subject"] == "repo:crm"
    [of_managed] = of(rows, CredentialRow, identity=managed)
    assert (of_managed.kind, of_managed.expires_at) == ("managed", None)
    assert secret not in str(everything(adapter))
    assert azure.own_secret not in str(everything(adapter))


def test_a_credential_of_a_disabled_principal_does_not_count_as_active(azure, adapter):
    app = azure.application("crm")
    password, _ = azure.password(app, "deploy")
    azure.principals[azure.principal_of(app)]["accountEnabled"] = False

    [told] = of(read(adapter, "credentials"), CredentialRow, key=password["keyId"])

    assert not told.active


def test_app_roles_and_consents_become_grants_by_level(azure, adapter):
    principal = azure.principal_of(azure.application("crm"))
    azure.assign(principal, "Mail.Send")
    azure.assign(principal, "RoleManagement.ReadWrite.Directory")
    azure.consent(principal, "User.Read Mail.Read")

    held = {row.level: row for row in of(read(adapter, "grants"), GrantRow, identity=principal)}

    assert set(held) == {"read", "write", "admin"}
    assert held["write"].actions == ("Mail.Send",)
    assert set(held["write"].tags) == {"sends-out", "changes"}
    assert held["admin"].tags["grants-access"]
    assert set(held["read"].actions) == {"User.Read", "Mail.Read"}
    assert {"reads-private", "takes-untrusted"} <= set(held["read"].tags)
    assert held["read"].service == "Microsoft Graph"


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Mail.Read", "read"),
        ("Mail.ReadBasic.All", "read"),
        ("Mail.ReadWrite", "write"),
        ("Mail.Send", "write"),
        ("User.Read.All", "read"),
        ("openid", "read"),
        ("Application.ReadWrite.OwnedBy", "admin"),
        ("AppRoleAssignment.ReadWrite.All", "admin"),
        ("RoleManagement.ReadWrite.Directory", "admin"),
        ("RoleManagement.Read.All", "read"),
        ("Directory.ReadWrite.All", "admin"),
        ("Sites.FullControl.All", "admin"),
        ("Sites.ReadWrite.All", "write"),
        ("Contoso API/user_impersonation", "admin"),
        ("Contoso API/orders", "write"),
        ("Contoso API/Orders.Read", "read"),
    ],
)
def test_a_permission_has_the_level_its_name_tells(name, level):
    assert level_of(name) == level
    assert ("grants-access" in tags_of(name)) == (level == "admin")


# Finding.


def test_a_secret_is_narrowed_down_by_its_first_characters_and_never_proven(azure, adapter):
    app = azure.application("crm")
    password, secret = azure.password(app, "deploy")
    clue = Clue("azure", secret=secret)

    found = adapter.find(clue)

    assert found.subject.credential == password["keyId"]
    assert found.subject.identity_id == azure.principal_of(app)
    assert "Only its first three characters" in found.said
    assert secret not in repr(found)
    assert carry_out(adapter, wanted(found.subject, "kill"))
    assert adapter.find(clue) is None


def test_secrets_that_begin_alike_are_all_named(azure, adapter):
    app = azure.application("crm")
    made = [azure.password(app, name) for name in ("deploy", "backup")]
    for one, _ in made:
        one["hint"] = "abc"

    with pytest.raises(Refused, match="2 may be meant") as raised:
        adapter.find(Clue("azure", secret="abc8Q~made-up"))

    assert all(one["keyId"] in raised.value.said for one, _ in made)


def test_a_key_is_found_by_its_id_and_an_application_by_its_only_one(azure, adapter):
    app = azure.application("crm")
    password, _ = azure.password(app, "deploy")
    app_id = azure.applications[app]["appId"]

    by_key = adapter.find(Clue("guid", password["keyId"]))
    by_app = adapter.find(Clue("jwt", app_id, account="https://sts.example.com"))

    assert by_key.subject == by_app.subject
    assert adapter.find(Clue("guid", "0" * 8 + "-0000-0000-0000-" + "0" * 12)) is None
    azure.password(app, "second")
    with pytest.raises(Refused, match="2 may be meant"):
        adapter.find(Clue("guid", app_id))


# What a connection may do, and what goes wrong.


def test_the_rights_it_asks_for_are_the_rights_it_needs(adapter):
    checks = list(adapter.check(removal=True))

    assert [one for one in checks if not one.worked] == []
    assert {one.needed_for for one in checks} == {"reading", "removal"}


def test_a_connection_that_only_reads_is_told_which_rights_it_lacks(azure, make):
    azure.roles[:] = ["Application.Read.All", "DelegatedPermissionGrant.Read.All"]
    azure.vault_rights = {"list"}

    checks = {one.right: one for one in make().check(removal=True)}

    lacking = {name for name, one in checks.items() if not one.worked}
    assert {one.needed_for for one in checks.values() if one.worked} == {"reading"}
    assert "Application.ReadWrite.All" in lacking
    host = next(iter(azure.vaults))
    assert f"update and delete secrets of {host}" in lacking
    assert "AgentIdentity.ReadWrite.All: agent identities" in lacking
    assert "not authorized" in checks[f"update and delete keys of {host}"].said


def test_checking_changes_nothing(azure, adapter):
    before = (str(azure.vaults), str(azure.applications), str(azure.principals))

    list(adapter.check(removal=True))

    assert (str(azure.vaults), str(azure.applications), str(azure.principals)) == before


def test_a_wrong_secret_is_one_failed_check_and_is_not_in_its_words(azure, make):
    azure.own_secret = "wrong-and-secret"

    [check] = make().check(removal=True)

    assert not check.worked
    assert "AADSTS7000215" in check.said
    assert "wrong-and-secret" not in check.said


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (409, Unavailable),
        (400, Refused),
        (403, Refused),
        (404, Absent),
    ],
)
def test_an_error_of_graph_says_whether_trying_again_may_heal_it(azure, adapter, code, error):
    password, _ = azure.password(azure.application("crm"), "deploy")
    order = wanted(of_credential(adapter, password["keyId"]))
    azure.fail(code, on="removePassword", retry_after=11)

    with pytest.raises(error) as raised:
        carry_out(adapter, order)

    assert raised.value.said == "injected: the words of the service"
    assert raised.value.retry_after == 11
    assert adapter.verify(order).seen == Seen.LIVE


def test_graph_that_throttles_is_waited_for_while_reading(azure, adapter):
    azure.fail(429, on="GET /v1.0/servicePrincipals", times=2, retry_after=0)

    assert of(read(adapter, "identities"), IdentityRow)


def test_sign_in_that_does_not_answer_may_heal(azure, make):
    azure.fail(503, on="oauth2/v2.0/token", times=9)

    with pytest.raises(Unavailable):
        make().accounts()


def test_a_page_on_another_host_is_not_followed(azure, adapter):
    azure.page, azure.links = 1, "https://elsewhere.example.com"

    with pytest.raises(Refused, match="another host"):
        read(adapter, "identities")


def test_rights_lost_meanwhile_do_not_count_as_gone(azure, make):
    app = azure.application("crm")
    password, _ = azure.password(app, "deploy")
    order = wanted(of_credential(make(), password["keyId"]))
    azure.roles[:] = []

    with pytest.raises(Refused, match="Insufficient privileges"):
        make().verify(order)
    with pytest.raises(Refused, match="Insufficient privileges"):
        carry_out(make(), order)

    assert azure.applications[app]["passwordCredentials"]


def test_a_connection_speaks_for_its_tenant_and_its_vaults(azure, adapter):
    assert list(adapter.accounts()) == [adapter.api.tenant, *azure.vaults]
