"""What goes wrong on the way, told by whether trying again may heal it."""

import pytest

from apps.connectors.adapters.live import Absent, Refused, Seen, Unavailable
from apps.connectors.adapters.vault import VaultAdapter
from apps.connectors.adapters.vault_calls import VaultCalls
from tests.connectors.vault.test_discovery import of, read
from tests.connectors.vault.world import carry_out, now


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (412, Unavailable),
        (307, Unavailable),
        (400, Refused),
        (403, Refused),
        (405, Refused),
        (404, Absent),
    ],
)
def test_an_error_says_whether_trying_again_may_heal_it(fake, code, error):
    server, world = fake
    _, accessor = world.token()
    server.fail(code, on="revoke-accessor", times=2, said="the words of the server")

    with pytest.raises(error) as raised:
        carry_out(world.adapter(), world.wanted(world.of_token(accessor)))

    assert raised.value.call == "POST auth/token/revoke-accessor"
    assert code == 307 or raised.value.said == "the words of the server"


def test_a_busy_server_is_waited_for_while_reading(fake):
    server, world = fake
    server.fail(429, on="LIST identity/entity/id", times=2, retry_after=0)

    assert of(read(world.adapter(), "identities"), object)


def test_what_the_server_asks_to_wait_is_passed_on(fake):
    server, world = fake
    server.fail(429, on="revoke-accessor", retry_after=7)

    with pytest.raises(Unavailable) as raised:
        world.adapter().run("revoke-token", {"accessor": "any"})

    assert raised.value.retry_after == 7


def test_a_server_that_does_not_answer_may_heal(fake, monkeypatch):
    server, world = fake
    adapter = world.adapter()
    adapter.accounts()
    adapter.api._http._kwargs["timeout"] = 0.2
    server.fail(500, on="revoke-accessor", hang=0.6)

    with pytest.raises(Unavailable, match="ReadTimeout"):
        adapter.run("revoke-token", {"accessor": "any"})

    nobody = VaultAdapter({**world.told, "address": "http://127.0.0.1:1"}, world.secrets.get)
    with pytest.raises(Unavailable, match="ConnectionError"):
        nobody.accounts()


def test_a_sealed_server_may_heal(fake):
    server, world = fake
    server.sealed = True

    with pytest.raises(Unavailable, match="sealed"):
        world.adapter().accounts()
    with pytest.raises(Unavailable, match="sealed"):
        world.adapter().run("revoke-token", {"accessor": "any"})


def test_a_session_that_ran_out_is_begun_anew(fake):
    server, world = fake
    adapter = world.adapter()
    _, accessor = world.token(ttl="9h")
    adapter.api.own_accessor()
    server.later(3700)

    adapter.run("revoke-token", {"accessor": accessor})


def test_rights_lost_meanwhile_are_refused_and_do_not_count_as_gone(fake):
    server, world = fake
    adapter = world.adapter()
    token, accessor = world.token()
    wanted = world.wanted(world.of_token(accessor))
    adapter.verify(wanted)
    for name in list(server.policies):
        if "own-" in name:
            server.policies[name] = "# nothing"

    with pytest.raises(Refused, match="permission denied"):
        carry_out(adapter, wanted)
    with pytest.raises(Refused, match="permission denied"):
        adapter.verify(wanted)

    assert world.works(token)


def test_a_lease_whose_system_does_not_answer_waits_and_is_never_forced(fake):
    server, world = fake
    lease_id = world.lease()
    server.stuck.add(lease_id)
    wanted = world.wanted(world.subject(credential=lease_id, credential_kind="lease"))

    with pytest.raises(Unavailable, match="no route to its system"):
        carry_out(world.adapter(), wanted)

    assert world.adapter().verify(wanted).seen == Seen.LIVE
    assert not any("force" in path for _, path in server.calls)


def test_a_lease_whose_revocation_is_queued_is_polled(fake, monkeypatch):
    server, world = fake
    monkeypatch.setattr("apps.connectors.adapters.vault_steps.POLL_SECONDS", 0.01)
    lease_id = world.lease()
    server.queued.add(lease_id)
    wanted = world.wanted(world.subject(credential=lease_id, credential_kind="lease"))

    with pytest.raises(Unavailable, match="waits in its queue"):
        carry_out(world.adapter(), wanted)

    server.queued.clear()
    carry_out(world.adapter(), wanted)
    assert world.adapter().verify(wanted).seen == Seen.ABSENT


def test_what_is_half_deleted_is_deleted_to_the_end(fake):
    _, world = fake
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    world.as_root.delete(world.role)
    wanted = world.wanted(world.subject(identity_facts={"entity_id": entity}))
    disable, role, last = world.adapter().plan(wanted).steps

    world.adapter().run(disable.op, disable.arguments)
    with pytest.raises(Absent):
        world.adapter().run(role.op, role.arguments)
    world.adapter().run(last.op, last.arguments)

    assert not world.works(token)
    assert world.adapter().verify(wanted).seen == Seen.ABSENT


def test_a_deny_whose_policy_alone_was_written_is_completed(fake):
    server, world = fake
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    arguments = {"entity_id": entity, "policy": "countersign-suspend-7", "paths": ["apps/crm/*"]}
    server.fail(500, on=f"POST identity/entity/id/{entity}")

    with pytest.raises(Unavailable):
        world.adapter().run("deny", arguments)
    assert world.works(token, "apps/crm/customers")
    world.adapter().run("deny", arguments)

    assert not world.works(token, "apps/crm/customers")


@pytest.mark.parametrize("skew", [-900, 900])
def test_a_server_whose_clock_is_off_ends_the_right_sessions(fake, skew):
    server, world = fake
    server.later(skew)
    secret_id, accessor = world.secret_id()
    before, _, entity = world.signed_in(secret_id)
    moment = now()
    server.later(3)
    after, _, _ = world.signed_in(secret_id)
    server.later(-3)
    subject = world.of_secret_id(accessor, identity_facts={"entity_id": entity})

    carry_out(world.adapter(), world.wanted(subject, "kill", sessions_before=moment))

    assert not world.works(before)
    assert world.works(after)


def test_a_redirect_takes_no_token_elsewhere(fake):
    server, world = fake
    server.fail(307, on="lookup-accessor")

    with pytest.raises(Unavailable, match="another server"):
        world.adapter().api.post("auth/token/lookup-accessor", accessor="any")


@pytest.mark.parametrize(
    "address",
    ["http://vault.example.com", "ftp://vault.example.com", "https://a:b@vault.example.com"],
)
def test_an_address_that_would_give_the_secret_away_is_refused(address):
    with pytest.raises(Refused):
        VaultCalls({"address": address}, lambda _: "")


def test_errors_hold_no_secret(fake):
    server, world = fake
    secret = world.secrets["env:COUNTERSIGN_SECRET_VAULT"]
    server.fail(500, on="login")

    with pytest.raises(Unavailable) as raised:
        world.adapter().run("revoke-token", {"accessor": "any"})

    assert secret not in f"{raised.value!r} {raised.value} {vars(raised.value)}"
