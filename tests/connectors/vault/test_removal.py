"""Against the small Vault, and unchanged against a real one where its address is given."""

import pytest

from apps.connectors.adapters.live import Absent, How, Refused, Seen
from apps.connectors.adapters.removal import Path, When
from tests.connectors.vault.world import OPERATE, carry_out, grant, now

GONE = (Seen.ABSENT, How.RE_READ)


def looked(adapter, wanted):
    sighting = adapter.verify(wanted)
    return sighting.seen, sighting.how


def test_a_token_is_revoked_by_its_accessor_and_a_call_with_it_is_refused(world, adapter):
    token, accessor = world.token()
    wanted = world.wanted(world.of_token(accessor))
    assert world.works(token)
    assert looked(adapter, wanted) == (Seen.LIVE, How.RE_READ)

    [(step, outcome)] = carry_out(adapter, wanted)

    assert not step.reversible
    assert accessor in step.command
    assert outcome.changed
    assert not world.works(token)
    assert looked(adapter, wanted) == GONE


def test_a_token_that_was_made_with_a_revoked_one_goes_with_it(world, adapter):
    parent, accessor = world.token(policies=["root"], ttl="1h")
    world.root, root = parent, world.root
    child, _ = world.token(alone=False)
    world.root = root

    carry_out(adapter, world.wanted(world.of_token(accessor)))

    assert not world.works(child)


def test_revoking_a_token_twice_says_that_there_is_none(world, adapter):
    _, accessor = world.token()
    wanted = world.wanted(world.of_token(accessor))
    carry_out(adapter, wanted)

    with pytest.raises(Absent):
        carry_out(adapter, wanted)


def test_a_secret_id_is_destroyed_and_its_tokens_live_on(world, adapter):
    secret_id, accessor = world.secret_id()
    token, _, _ = world.signed_in(secret_id)
    wanted = world.wanted(world.of_secret_id(accessor))

    [(step, _)] = carry_out(adapter, wanted)

    assert not step.reversible
    assert world.works(token)
    assert "live on until they expire" in adapter.plan(wanted).note
    with pytest.raises(Refused):
        world.signed_in(secret_id)
    assert looked(adapter, wanted) == GONE
    with pytest.raises(Absent):
        carry_out(adapter, wanted)


def test_killing_a_secret_id_ends_what_was_issued_through_it(world, adapter):
    secret_id, accessor = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    other_role, _ = world.token()
    wanted = world.wanted(
        world.of_secret_id(accessor, identity_facts={"entity_id": entity}),
        "kill",
        sessions_before=now(),
    )
    destroy, end = adapter.plan(wanted).steps
    adapter.run(destroy.op, destroy.arguments)
    assert looked(adapter, wanted) == (Seen.LIVE, How.RE_READ)

    adapter.run(end.op, end.arguments)

    assert not world.works(token)
    assert world.works(other_role)
    assert looked(adapter, wanted) == GONE
    assert not adapter.run(end.op, end.arguments).changed


def test_a_lease_is_revoked_and_looked_for(world, adapter):
    lease_id = world.lease()
    subject = world.subject(credential=lease_id, credential_kind="lease")
    wanted = world.wanted(subject)
    assert looked(adapter, wanted) == (Seen.LIVE, How.RE_READ)

    [(step, outcome)] = carry_out(adapter, wanted)

    assert "-sync" in step.command
    assert "-force" not in step.command
    assert outcome.changed
    assert looked(adapter, wanted) == GONE
    with pytest.raises(Absent):
        carry_out(adapter, wanted)


def test_an_entity_is_disabled_enabled_again_and_deleted(world, adapter):
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    wanted = world.wanted(world.of_entity(entity))
    disable, delete = adapter.plan(wanted).steps
    assert (disable.reversible, disable.when) == (True, When.NOW)
    assert (delete.reversible, delete.when) == (False, When.LATER)

    outcome = adapter.run(disable.op, disable.arguments)
    again = adapter.run(disable.op, disable.arguments)

    assert not world.works(token)
    assert looked(adapter, wanted) == (Seen.DISABLED, How.RE_READ)
    assert (outcome.changed, again.changed) == (True, False)
    with pytest.raises(Refused):
        world.signed_in(secret_id)

    adapter.undo(disable.op, disable.arguments, outcome.undo)
    assert world.works(token)
    assert looked(adapter, wanted) == (Seen.LIVE, How.RE_READ)

    adapter.run(delete.op, delete.arguments)
    assert not world.works(token)
    assert looked(adapter, wanted) == GONE
    with pytest.raises(Absent):
        adapter.run(delete.op, delete.arguments)


def test_an_entity_that_somebody_else_disabled_stays_disabled(world, adapter):
    secret_id, _ = world.secret_id()
    _, _, entity = world.signed_in(secret_id)
    world.as_root.post(f"identity/entity/id/{entity}", disabled=True)
    step = adapter.plan(world.wanted(world.of_entity(entity))).steps[0]
    outcome = adapter.run(step.op, step.arguments)

    with pytest.raises(Refused, match="not by this order"):
        adapter.undo(step.op, step.arguments, outcome.undo)

    assert world.as_root.get(f"identity/entity/id/{entity}")["disabled"]


def test_a_role_is_deleted_before_its_entity_so_that_it_makes_no_other(world, adapter):
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    wanted = world.wanted(world.subject(identity_facts={"entity_id": entity}))

    ops = [(step.op, step.arguments.get("path")) for step, _ in carry_out(adapter, wanted)]

    assert ops == [
        ("disable-entity", None),
        ("delete", world.role),
        ("delete", f"identity/entity/id/{entity}"),
    ]
    assert not world.works(token)
    with pytest.raises((Refused, Absent)):
        world.signed_in(secret_id)
    assert looked(adapter, wanted) == GONE


def test_a_token_cannot_be_paused_and_the_plan_says_so(world, adapter):
    plan = adapter.plan(world.wanted(world.of_token("abc"), "suspend"))

    assert not plan.can_run
    assert "cannot pause one token" in plan.note


def test_a_batch_token_cannot_be_revoked_but_its_entity_can_be_disabled(world, adapter):
    facts = {"type": "batch", "expire_time": "2026-12-24T00:00:00Z"}
    alone = world.of_token("", facts=facts)
    behind = world.of_token("", facts=facts, identity_facts={"entity_id": "e1"})

    by_hand = adapter.plan(world.wanted(alone))
    by_entity = adapter.plan(world.wanted(behind))

    assert not by_hand.can_run
    assert "2026-12-24" in by_hand.steps[0].title
    assert [step.op for step in by_entity.steps] == ["disable-entity"]
    assert adapter.verify(world.wanted(alone)).seen == Seen.LIVE


# Grants.


def crm(world):
    """The CRM's entity signed in, with its token."""
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    world.as_root.post(f"identity/entity/id/{entity}", policies=[world.name("crm")])
    return token, entity


def test_a_suspended_grant_is_denied_at_once_and_allowed_again(world, adapter):
    token, entity = crm(world)
    held = grant(world.name("crm"), "read apps/crm/*", "update apps/crm/*")
    wanted = world.wanted(world.of_entity(entity, **held), "suspend")
    assert world.works(token, "apps/crm/customers")

    [(step, outcome)] = carry_out(adapter, wanted)

    assert step.reversible
    assert not world.works(token, "apps/crm/customers")
    assert world.works(token, "apps/reports/q1")
    assert looked(adapter, wanted) == (Seen.DISABLED, How.RE_READ)
    assert not adapter.run(step.op, step.arguments).changed

    adapter.undo(step.op, step.arguments, outcome.undo)
    adapter.undo(step.op, step.arguments, outcome.undo)
    assert world.works(token, "apps/crm/customers")
    assert looked(adapter, wanted) == (Seen.LIVE, How.RE_READ)


def test_a_policy_that_gives_nothing_else_is_taken_from_the_entity(world, adapter):
    _, entity = crm(world)
    policy = world.policy("only", OPERATE)
    world.as_root.post(f"identity/entity/id/{entity}", policies=[world.name("crm"), policy])
    actions = ("read sys/policies/acl/*", "update sys/policies/acl/*")
    wanted = world.wanted(world.of_entity(entity, **grant(policy, *actions)))

    done = carry_out(adapter, wanted)

    assert [step.op for step, _ in done] == ["deny", "detach-policy", "lift-deny"]
    assert [step.when for step, _ in done] == [When.NOW, When.LATER, When.LATER]
    assert world.as_root.get(f"identity/entity/id/{entity}")["policies"] == [world.name("crm")]
    assert wanted.name not in world.as_root.keys("sys/policies/acl")
    assert looked(adapter, wanted) == GONE

    detach, outcome = done[1]
    adapter.undo(detach.op, detach.arguments, outcome.undo)
    assert policy in world.as_root.get(f"identity/entity/id/{entity}")["policies"]


def test_narrowing_writes_the_policy_anew_and_keeps_the_old_one(world, adapter):
    world.policy("own-reading", 'path "sys/policies/acl/*" { capabilities = ["read", "update"] }')
    adapter = world.adapter(auth="token", token="env:ROOT")
    world.secrets["env:ROOT"] = world.root
    entity = world.as_root.post(
        "identity/entity", name=world.name("mailer"), policies=[world.policy("mail", CRM_LIKE)]
    )["id"]
    actions = ("read apps/mail/*", "update apps/mail/*", "delete apps/old/*")
    held = grant(world.name("mail"), *actions)
    wanted = world.wanted(
        world.of_entity(entity, "mailer", **held), "narrow", keep=["read apps/mail/*"]
    )
    plan = adapter.plan(wanted)
    assert "-     update apps/mail/*" in plan.diff
    assert "      read apps/mail/*" in plan.diff
    step = next(one for one in plan.steps if one.op == "narrow-policy")

    outcome = adapter.run(step.op, step.arguments)

    text = world.as_root.get(f"sys/policies/acl/{world.name('mail')}")["policy"]
    assert "# Mail." in text
    assert '["read"]' in text
    assert "apps/old" not in text
    assert looked(adapter, wanted) == GONE

    again = adapter.run(step.op, step.arguments)
    assert not again.changed
    adapter.undo(step.op, step.arguments, again.undo)
    back = world.as_root.get(f"sys/policies/acl/{world.name('mail')}")["policy"]
    assert back.strip() == CRM_LIKE.strip()
    assert outcome.undo["text"] == back


CRM_LIKE = """# Mail.
path "apps/mail/*" {
  capabilities = ["read", "update"]
}
path "apps/old/*" {
  capabilities = ["delete"]
}
"""


def test_a_policy_that_others_use_is_left_to_a_person(world, adapter):
    world.secrets["env:ROOT"] = world.root
    adapter = world.adapter(auth="token", token="env:ROOT")
    policy = world.policy("mail", CRM_LIKE)
    made = [
        world.as_root.post("identity/entity", name=world.name(name), policies=[policy])["id"]
        for name in ("mailer", "archive")
    ]
    held = grant(policy, "read apps/mail/*", "update apps/mail/*", shared=True)
    wanted = world.wanted(world.of_entity(made[0], "mailer", **held))
    step = next(one for one in adapter.plan(wanted).steps if one.op == "narrow-policy")

    with pytest.raises(Refused, match=f"also used by entity {world.name('archive')}"):
        adapter.run(step.op, step.arguments)

    assert world.as_root.get(f"sys/policies/acl/{policy}")["policy"].strip() == CRM_LIKE.strip()


def test_a_policy_changed_since_is_not_overwritten_by_an_undo(world, adapter):
    world.secrets["env:ROOT"] = world.root
    adapter = world.adapter(auth="token", token="env:ROOT")
    policy = world.policy("mail", CRM_LIKE)
    entity = world.as_root.post("identity/entity", name=world.name("mailer"), policies=[policy])[
        "id"
    ]
    held = grant(policy, "update apps/mail/*", shared=True)
    wanted = world.wanted(world.of_entity(entity, "mailer", **held))
    step = next(one for one in adapter.plan(wanted).steps if one.op == "narrow-policy")
    outcome = adapter.run(step.op, step.arguments)
    world.policy("mail", OPERATE)

    with pytest.raises(Refused, match="changed the policy since"):
        adapter.undo(step.op, step.arguments, outcome.undo)


def test_a_role_loses_a_policy_and_the_tokens_that_carry_it(world, adapter):
    secret_id, _ = world.secret_id()
    token, _, entity = world.signed_in(secret_id)
    actions = ("read apps/crm/*", "list apps/crm/*")
    subject = world.subject(
        identity_facts={"entity_id": entity}, **grant(world.name("crm"), *actions)
    )
    wanted = world.wanted(subject)

    done = carry_out(adapter, wanted)

    assert [step.op for step, _ in done] == ["deny", "detach-policy", "lift-deny", "end-sessions"]
    assert not world.works(token)
    assert world.name("crm") not in world.as_root.get(world.role)["token_policies"]
    assert looked(adapter, wanted) == GONE


def test_a_policy_of_several_paths_is_one_step(world, adapter):
    _, entity = crm(world)
    policy = world.name("crm")
    paths = [Path(policy, "", ["read apps/crm/*"]), Path(policy, "", ["delete apps/reports/*"])]
    actions = [name for path in paths for name in path.actions]
    subject = world.of_entity(entity, service="apps", level="write", actions=actions, paths=paths)

    plan = adapter.plan(world.wanted(subject))

    assert [step.op for step in plan.steps] == ["deny", "detach-policy", "lift-deny"]
    assert plan.diff.count(policy) == 1


def test_ending_sessions_of_its_own_role_spares_the_one_at_work(world, adapter):
    own = f"auth/{world.name('approle')}/role/countersign"
    other = world.adapter()
    other.api.own_accessor()
    adapter.api.own_accessor()
    token, gone = adapter.api._http.token, other.api._http.token

    adapter.run("end-sessions", {"entity_id": "", "role": own, "before": ""})

    assert world.works(token)
    assert not world.works(gone)
