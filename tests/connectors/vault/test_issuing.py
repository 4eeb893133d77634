"""Short-lived credentials through Vault: never more than the live grants, never past their end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apps.connectors.adapters.live import Absent, Refused, Scope, Seen
from tests.connectors.vault.world import carry_out, now

READS = ("read apps/crm/*", "list apps/crm/*", "create apps/crm/*", "update apps/crm/*")
ALSO = ("read apps/reports/*", "delete apps/reports/*")


def scope(world, *, seconds=600, actions=(*READS, *ALSO), limits=(), **facts):
    return Scope(
        limits=limits,
        agent="CRM agent",
        correlation_id="4bf92f3577b34da6",
        identity="crm",
        identity_kind="vault-role",
        statements=[{"policy": world.name("crm"), "actions": list(actions)}],
        expires_at=now() + timedelta(seconds=seconds),
        facts=facts,
    )


def test_a_token_has_the_policies_of_the_live_grants_and_ends_with_them(world, adapter):
    issued = adapter.issue(scope(world, path=world.token_path, num_uses=5))

    token = issued.secret["token"]
    told = world.as_root.post("auth/token/lookup-accessor", accessor=issued.external_id)
    assert told["policies"] == [world.name("crm")]
    assert told["explicit_max_ttl"] == pytest.approx(600, abs=3)
    assert told["num_uses"] == 5
    assert told["meta"] == {"agent": "CRM agent", "correlation_id": "4bf92f3577b34da6"}
    assert world.works(token, "apps/crm/customers")
    assert issued.expires_at <= now() + timedelta(seconds=601)
    assert token not in repr(issued)


def test_what_was_issued_is_ended_before_its_time(world, adapter):
    issued = adapter.issue(scope(world, path=world.token_path))
    kept = {"kind": issued.kind, "external_id": issued.external_id, "facts": issued.facts}

    adapter.end_issued(kept)

    assert not world.works(issued.secret["token"], "apps/crm/customers")
    with pytest.raises(Absent):
        adapter.end_issued(kept)


def test_a_policy_that_allows_more_than_the_grants_is_not_given(world, adapter):
    with pytest.raises(Refused, match="also allows"):
        adapter.issue(scope(world, path=world.token_path, actions=READS))


def test_a_policy_that_is_no_live_grant_is_not_given(world, adapter):
    with pytest.raises(Refused, match="not among the live grants"):
        adapter.issue(scope(world, path=world.token_path, policies=["root"]))


def test_nothing_is_issued_from_where_the_connection_does_not_say(world, adapter):
    with pytest.raises(Refused, match="is not to issue"):
        adapter.issue(scope(world, path="database/creds/owner"))


def test_nothing_is_issued_once_the_access_has_ended(world, adapter):
    with pytest.raises(Refused, match="has ended"):
        adapter.issue(scope(world, path=world.token_path, seconds=0))


def certificate(world, *, ttl, seconds=600, **more):
    path = f"{world.name('pki')}/issue/web"
    given = {"actions": [f"update {path}"]} | more
    parameters = {"common_name": "crm.example.com", "ttl": ttl}
    return scope(world, path=path, parameters=parameters, seconds=seconds, **given)


def test_a_dynamic_secret_comes_with_its_lease_and_ends_with_it(world, adapter):
    issued = adapter.issue(certificate(world, ttl="300s"))

    assert issued.secret["private_key"]
    assert issued.secret["private_key"] not in repr(issued)
    assert issued.expires_at <= now() + timedelta(seconds=301)
    assert issued.external_id in lease_ids(world)

    adapter.end_issued({"kind": "lease", "external_id": issued.external_id, "facts": {}})
    assert issued.external_id not in lease_ids(world)


def test_a_dynamic_secret_that_would_outlive_the_access_is_taken_back(world, adapter):
    with pytest.raises(Refused):
        adapter.issue(certificate(world, ttl="3600s", seconds=600))

    assert lease_ids(world) == set()


def test_a_dynamic_secret_needs_a_live_grant_of_its_path(world, adapter):
    with pytest.raises(Refused, match="No live grant"):
        adapter.issue(certificate(world, ttl="300s", actions=READS))


@pytest.mark.parametrize(
    ("actions", "limits"),
    [
        # The closest path speaks alone, and it does not allow it.
        (["update pki/*", "read pki/issue/*"], []),
        # A deny goes before everything on its path.
        (["update pki/*"], ["deny pki/issue/web"]),
        # Reading is not writing.
        (["read pki/issue/web"], []),
    ],
)
def test_a_dynamic_secret_is_refused_where_vault_itself_would(world, adapter, actions, limits):
    there = [name.replace("pki/", f"{world.name('pki')}/") for name in actions]
    back = [name.replace("pki/", f"{world.name('pki')}/") for name in limits]

    with pytest.raises(Refused, match="No live grant"):
        adapter.issue(certificate(world, ttl="300s", actions=there, limits=[{"actions": back}]))

    assert lease_ids(world) == set()


def test_what_a_policy_ties_to_parameters_is_left_to_vault(world, adapter):
    path = f"{world.name('pki')}/issue/web"
    asked = certificate(world, ttl="300s")
    tied = [{"actions": [f"update {path}"], "conditions": {"parameters": ["allowed_parameters"]}}]

    with pytest.raises(Refused, match="to parameters"):
        adapter.issue(replace(asked, statements=tied))

    assert lease_ids(world) == set()


def test_a_policy_that_holds_the_grants_back_comes_along(world, adapter):
    world.policy("back", 'path "apps/crm/board" { capabilities = ["deny"] }\n')
    both = [world.name("crm"), world.name("back")]
    world.as_root.post(f"auth/token/roles/{world.name('agents')}", allowed_policies=both)
    world.as_root.post("apps/crm/board", name="made up")
    limits = [{"policy": world.name("back"), "actions": ["deny apps/crm/board"]}]

    issued = adapter.issue(
        scope(world, path=world.token_path, limits=limits, policies=[world.name("crm")])
    )

    assert world.works(issued.secret["token"], "apps/crm/customers")
    assert not world.works(issued.secret["token"], "apps/crm/board")


def lease_ids(world):
    prefix = f"{world.name('pki')}/issue/web"
    return {f"{prefix}/{key}" for key in world.as_root.keys(f"sys/leases/lookup/{prefix}")}


def test_a_new_secret_id_works_beside_the_old_one_until_that_is_revoked(world, adapter):
    old_id, old_accessor = world.secret_id()
    subject = world.of_secret_id(old_accessor)

    made = adapter.rotate(subject)

    new_id = made.secret["secret_id"]
    assert new_id not in repr(made)
    assert world.works(world.signed_in(new_id)[0])
    assert world.works(world.signed_in(old_id)[0])
    carry_out(adapter, world.wanted(subject, "rotate"))
    assert adapter.verify(world.wanted(subject, "rotate")).seen == Seen.ABSENT
    assert adapter.verify(world.wanted(world.of_secret_id(made.external_id))).seen == Seen.LIVE
    assert world.works(world.signed_in(new_id)[0])


def test_only_a_secret_id_is_rotated(world, adapter):
    with pytest.raises(Refused):
        adapter.rotate(world.of_token("abc"))


def test_a_lease_that_is_not_made_shorter_is_taken_back(fake):
    server, world = fake
    server.stubborn = True

    with pytest.raises(Refused, match="outlive"):
        world.adapter().issue(certificate(world, ttl="3600s", seconds=600))

    assert lease_ids(world) == set()
