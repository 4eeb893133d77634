"""Finding what somebody pasted, trying it, and what a connection may do."""

import pytest

from apps.connectors.adapters.live import Clue, How, Refused, Seen
from tests.connectors.vault.world import now


def test_a_pasted_token_is_found_by_its_accessor_and_tried(world, adapter):
    secret_id, _ = world.secret_id()
    token, accessor, entity = world.signed_in(secret_id)
    clue = Clue("vault", secret=token)

    found = adapter.find(clue)
    tried = adapter.try_out(clue)

    assert found.active
    assert found.subject.credential == accessor
    assert found.subject.identity_kind == "vault-role"
    assert found.subject.identity_id == world.role
    assert found.subject.identity_facts["entity_id"] == entity
    assert token not in repr(found)
    assert token not in repr(clue)
    assert (tried.seen, tried.how) == (Seen.LIVE, How.WORKED)


def test_a_found_token_can_be_killed_with_what_was_found(world, adapter):
    token, _ = world.token()
    clue = Clue("vault", secret=token)
    wanted = world.wanted(adapter.find(clue).subject, "kill", sessions_before=now())

    for step in adapter.plan(wanted).steps:
        adapter.run(step.op, step.arguments)

    tried = adapter.try_out(clue)
    assert (tried.seen, tried.how) == (Seen.ABSENT, How.REFUSED)
    assert adapter.find(clue) is None
    assert adapter.verify(wanted).seen == Seen.ABSENT


def test_a_token_whose_entity_is_disabled_is_refused_though_it_is_known(world, adapter):
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    world.as_root.post(f"identity/entity/id/{entity}", disabled=True)
    clue = Clue("vault", secret=token)

    assert adapter.try_out(clue).seen == Seen.DISABLED
    assert not adapter.find(clue).active


def test_accessors_secret_ids_and_leases_are_found_by_what_they_are_called(world, adapter):
    _, accessor = world.token()
    secret_id, secret_id_accessor = world.secret_id()
    lease_id = world.lease()

    by_id = [adapter.find(Clue("id", name)) for name in (accessor, secret_id_accessor, lease_id)]
    by_itself = adapter.find(Clue("guid", secret_id))

    kinds = [found.subject.credential_kind for found in by_id]
    assert kinds == ["token", "client-secret", "lease"]
    assert by_itself.subject.credential == secret_id_accessor
    assert by_itself.subject.identity_id == world.role
    assert adapter.find(Clue("id", "9f1c2d7e")) is None
    assert adapter.find(Clue("vault", secret="hvs.made-up-and-never-issued")) is None


def test_a_batch_token_is_found_and_cannot_be_revoked(world, adapter):
    token, _ = world.token(kind="batch")

    found = adapter.find(Clue("vault", secret=token))

    assert found.subject.facts["type"] == "batch"
    assert not adapter.plan(world.wanted(found.subject)).can_run


def test_only_a_token_is_tried(adapter):
    with pytest.raises(Refused):
        adapter.try_out(Clue("guid", secret="0d1eaf00-6287-a6ea-7d01-804621d2c8fc"))


def test_the_rights_it_asks_for_are_the_rights_it_needs(world, adapter):
    checks = list(adapter.check(removal=True))

    assert [one for one in checks if not one.worked] == []
    assert {one.needed_for for one in checks} == {"reading", "removal", "issuing"}
    assert len(checks) > 20


def test_a_connection_that_only_reads_is_told_which_rights_it_lacks(world):
    world.as_root.post(
        f"auth/{world.name('approle')}/role/countersign",
        token_policies=[world.name("own-reading")],
    )

    checks = list(world.adapter().check(removal=True))

    assert all(one.worked for one in checks if one.needed_for == "reading")
    lacking = {one.right: one.said for one in checks if not one.worked}
    assert "update auth/token/revoke-accessor" in lacking
    assert f"update {world.token_path}" in lacking
    assert all("The token has" in said for said in lacking.values())


def test_a_call_that_is_refused_is_named(world):
    world.policy("own-reading", 'path "sys/auth" { capabilities = ["read"] }')
    world.policy("own-removal", 'path "sys/mounts" { capabilities = ["read"] }')
    world.policy("own-issuing", "# nothing")

    checks = list(world.adapter().check(removal=False))

    refused = {one.right: one.said for one in checks if not one.worked}
    assert "list and sudo auth/token/accessors" in refused
    assert "permission denied" in refused["list identity/entity/id"]
    assert [one.right for one in checks if one.worked][:3] == [
        "Sign in",
        "read sys/auth",
        "read sys/mounts",
    ]


def test_a_wrong_secret_is_one_failed_check(world):
    world.secrets["env:COUNTERSIGN_SECRET_VAULT"] = "wrong"

    [check] = world.adapter().check(removal=True)

    assert (check.right, check.worked) == ("Sign in", False)
    assert "invalid role or secret" in check.said


def test_a_connection_speaks_for_one_cluster(adapter):
    [account] = adapter.accounts()

    assert len(account) == 36


def test_what_belongs_elsewhere_is_not_sent_to_vault(fake):
    server, world = fake
    adapter = world.adapter()
    adapter.accounts()
    asked = len(server.calls)

    for clue in (
        Clue("azure", secret="s.a8Q~made-up-secret-of-somebody-else"),
        Clue("github", secret="ghp_made-up"),
        Clue("aws-key", "AKIAIOSFODNN7EXAMPLE"),
        Clue("jwt", "a-subject", secret="eyJ"),
    ):
        assert adapter.find(clue) is None

    assert len(server.calls) == asked
