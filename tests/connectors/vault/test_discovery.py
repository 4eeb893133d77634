"""What a reading of Vault finds, and what it says is missing."""

import json

import pytest

from apps.connectors.adapters.contract import (
    CredentialRow,
    GrantRow,
    Header,
    IdentityRow,
    PermissionRow,
    Rejected,
    SystemRow,
)
from apps.connectors.services.payloads import KINDS, staged


def read(adapter, key):
    part = next(part for part in adapter.parts() if part.key == key)
    return list(adapter.discover(part))


def of(rows, kind, **members):
    return [
        row
        for row in rows
        if isinstance(row, kind) and all(getattr(row, k) == v for k, v in members.items())
    ]


def test_each_part_begins_with_its_header_and_its_system(adapter):
    [account] = adapter.accounts()

    for part in adapter.parts():
        header, system, *_ = adapter.discover(part)
        assert isinstance(header, Header)
        assert header.stream == part.stream == f"vault-{part.key}:{account}"
        assert isinstance(system, SystemRow)
        assert (system.kind, system.account) == ("vault", account)


def test_no_row_holds_a_token_or_a_secret_id(world, adapter):
    secret_id, accessor = world.secret_id()
    token, token_accessor, _ = world.signed_in(secret_id)
    loose, _ = world.token()
    world.lease()

    rows = [row for part in adapter.parts() for row in adapter.discover(part)]
    told = json.dumps([staged(row)[2] for row in rows if isinstance(row, tuple(KINDS))])
    told += "".join(str(row) for row in rows)

    own = world.secrets["env:COUNTERSIGN_SECRET_VAULT"]
    for secret in (token, loose, secret_id, own, world.root, adapter.api._http.token):
        assert secret not in told
    assert accessor in told
    assert token_accessor in told


def test_a_role_and_the_entity_of_its_sign_ins_are_one_identity(world, adapter):
    secret_id, _ = world.secret_id()
    _, _, entity = world.signed_in(secret_id)
    alone = world.as_root.post("identity/entity", name=world.name("mailer"))["id"]

    rows = read(adapter, "identities")

    [role] = of(rows, IdentityRow, key=world.role)
    assert (role.name, role.kind) == ("crm", "vault-role")
    assert role.facts["entity_id"] == entity
    assert role.facts["policies"] == [world.name("crm"), "default"]
    assert of(rows, IdentityRow, key=entity) == []
    [mailer] = of(rows, IdentityRow, key=alone)
    assert (mailer.name, mailer.kind) == (world.name("mailer"), "vault-entity")


def test_secret_ids_come_with_their_end_and_where_they_may_be_used_from(world, adapter):
    world.as_root.post(world.role, token_policies=[world.name("crm")], secret_id_ttl="24h")
    ending = world.as_root.post(f"{world.role}/secret-id", cidr_list=["10.1.0.0/16"])
    own = f"auth/{world.name('approle')}/role/countersign"

    rows = read(adapter, "secret-ids")

    [found] = of(rows, CredentialRow, key=ending["secret_id_accessor"])
    assert (found.kind, found.identity) == ("client-secret", world.role)
    assert (found.expires_at - found.created_at).total_seconds() == pytest.approx(86400, abs=2)
    assert found.facts["cidrs"] == ["10.1.0.0/16"]
    [endless] = of(rows, CredentialRow, identity=own)
    assert endless.expires_at is None


def test_tokens_are_told_by_accessor_with_who_has_them(world, adapter):
    secret_id, _ = world.secret_id()
    _, signed_in, _ = world.signed_in(secret_id)
    _, loose = world.token(policies=["default", world.name("crm")])
    world.token(kind="batch")

    rows = read(adapter, "tokens")

    [token] = of(rows, CredentialRow, key=signed_in)
    assert token.identity == world.role
    assert token.facts["type"] == "service"
    assert (token.expires_at - token.created_at).total_seconds() == pytest.approx(3600, abs=2)
    [other] = of(rows, CredentialRow, key=loose)
    [holder] = of(rows, IdentityRow, key=other.identity)
    assert holder.kind == "vault-token-holder"
    held = of(rows, GrantRow, identity=holder.key, level="write")
    assert {grant.service for grant in held} == {"apps"}
    own = [row for row in of(rows, CredentialRow) if "is_own" in row.facts]
    assert len(own) == 1


def test_a_token_of_a_disabled_entity_does_not_count_as_active(world, adapter):
    secret_id, _ = world.secret_id()
    _, accessor, entity = world.signed_in(secret_id)
    world.as_root.post(f"identity/entity/id/{entity}", disabled=True)

    [token] = of(read(adapter, "tokens"), CredentialRow, key=accessor)

    assert not token.active


def test_leases_belong_to_what_makes_them(world, adapter):
    leases = {world.lease(), world.lease()}

    rows = read(adapter, "leases")

    prefix = f"{world.name('pki')}/issue/web"
    assert {row.key for row in of(rows, CredentialRow, identity=prefix)} == leases
    assert [row.kind for row in of(rows, IdentityRow, key=prefix)] == ["vault-dynamic"]


def test_policies_become_grants_by_mount_and_level(world, adapter):
    rows = read(adapter, "grants")

    held = {(row.service, row.level): row for row in of(rows, GrantRow, identity=world.role)}
    assert ("apps", "read") in held
    assert held["apps", "read"].actions == ("list apps/crm/*",)
    write = held["apps", "write"]
    assert "read apps/crm/*" in write.actions
    assert "delete apps/reports/*" in write.actions
    assert set(write.tags) == {"reads-secrets", "changes", "deletes"}
    assert {via.policy for via in write.via} == {world.name("crm")}
    assert "apps/crm/*" in write.resources
    # A policy is found again by its name: a grant carries no other key of it.
    assert {row.policy_key for row in write.statements} == {""}
    own = f"auth/{world.name('approle')}/role/countersign"
    levels = {(row.service, row.level) for row in of(rows, GrantRow, identity=own)}
    assert ("sys", "admin") in levels
    assert ("identity", "admin") in levels
    told = {row.key: row for row in of(rows, PermissionRow)}
    assert told["list apps/crm/*"].level == "read"
    assert told["read apps/crm/*"].level == "write"


def test_what_a_group_gives_names_the_group(world, adapter):
    entity = world.as_root.post("identity/entity", name=world.name("mailer"))["id"]
    policy = world.policy("mail", 'path "apps/mail" { capabilities = ["read"] }')
    world.as_root.post(
        "identity/group",
        name=world.name("senders"),
        policies=[policy],
        member_entity_ids=[entity],
    )

    [grant] = of(read(adapter, "grants"), GrantRow, identity=entity)

    assert [(via.policy, via.group) for via in grant.via] == [(policy, world.name("senders"))]


def test_without_sudo_tokens_are_missing_and_the_rest_is_read(world):
    text = world.adapter().rights(world.told, "reading").replace(', "sudo"', "")
    world.policy("own-reading", text)
    adapter = world.adapter()

    failed = [check.right for check in adapter.check(removal=False) if not check.worked]
    with pytest.raises(Exception, match="permission denied"):
        read(adapter, "tokens")

    assert "list and sudo auth/token/accessors" in failed
    assert of(read(adapter, "identities"), IdentityRow, key=world.role)
    assert of(read(adapter, "secret-ids"), CredentialRow)


def test_a_policy_that_cannot_be_read_hides_nobody(fake):
    server, world = fake
    server.policies[world.name("crm")] = 'path "apps/*" { capabilities = ["read"'

    rows = read(world.adapter(), "grants")

    [rejected] = [row for row in of(rows, Rejected) if row.key == world.role]
    assert "What it may do is not known" in rejected.reason
    assert of(rows, GrantRow, identity=world.role) == []
    assert of(rows, GrantRow) != []


def test_a_mount_whose_roles_are_not_read_is_named(fake):
    server, world = fake
    server.auth["github/"] = "github"

    [rejected] = of(read(world.adapter(), "identities"), Rejected)

    assert rejected.path == "auth/github"


def test_more_leases_than_are_read_are_said_and_nothing_counts_as_gone(fake, monkeypatch):
    _, world = fake
    monkeypatch.setattr("apps.connectors.adapters.vault_discovery.LEASES_AT_MOST", 2)
    for _ in range(3):
        world.lease()

    rows = read(world.adapter(), "leases")

    [rejected] = of(rows, Rejected)
    assert (rejected.kind, rejected.key) == ("credential", "")
    assert len(of(rows, CredentialRow)) == 2


def test_a_mount_that_may_not_be_read_is_named_and_hides_nothing_else(fake):
    server, world = fake
    server.auth["cert-of-others/"] = "cert"

    rows = read(world.adapter(), "identities")

    [rejected] = of(rows, Rejected)
    assert (rejected.path, rejected.kind, rejected.key) == (
        "auth/cert-of-others",
        "identity",
        "",
    )
    assert of(rows, IdentityRow, key=world.role)
