"""Where a new secret goes in Vault, and how a worker that comes later tells who wrote there."""

import pytest

from apps.connectors.adapters.live import Clue, Refused, Seen


def put(adapter, world, *, mark="m-1", after="", **secret):
    return adapter.place(world.place, secret or {"secret_id": "new"}, mark=mark, after=after)


def test_a_secret_is_written_with_a_mark_and_never_read(world, adapter):
    assert adapter.place_look(world.place).version == ""

    put(adapter, world)
    there = adapter.place_look(world.place)

    assert (there.version, there.mark) == ("1", "m-1")
    assert world.kept() == {"secret_id": "new"}
    mount, _, path = world.place.partition("/")
    with pytest.raises(Refused):
        adapter.api.get(f"{mount}/data/{path}")


def test_written_twice_it_is_one_version(world, adapter):
    put(adapter, world)

    outcome = put(adapter, world)

    assert (outcome.changed, adapter.place_look(world.place).version) == (False, "1")


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(world, adapter):
    put(adapter, world)
    mount, _, path = world.place.partition("/")
    world.as_root.post(f"{mount}/data/{path}", data={"secret_id": "theirs"})

    with pytest.raises(Refused, match="Somebody else wrote there"):
        put(adapter, world, mark="m-2", after="1")

    assert world.kept() == {"secret_id": "theirs"}
    assert adapter.place_look(world.place).mark == ""


def test_a_place_that_it_was_not_given_is_refused(world, adapter):
    mount = world.place.partition("/")[0]

    with pytest.raises(Refused, match="not to write"):
        adapter.place(f"{mount}/other", {"a": "b"}, mark="m", after="")


def test_a_new_secret_id_is_tried_without_using_it_up(world, adapter):
    secret_id, accessor = world.secret_id()
    clue = Clue("vault-secret-id", external_id=accessor, secret=secret_id)

    assert adapter.try_out(clue).seen == Seen.LIVE
    world.as_root.post(f"{world.role}/secret-id-accessor/destroy", secret_id_accessor=accessor)
    assert adapter.try_out(clue).seen == Seen.ABSENT


def test_what_a_role_holds_is_told_with_when_it_was_made(world, adapter):
    _, first = world.secret_id()
    new = adapter.rotate(world.of_secret_id(first))

    held = {one.external_id: one for one in adapter.beside(world.of_secret_id(first))}

    assert set(held) == {first, new.external_id}
    assert held[new.external_id].made_at is not None
    assert held[new.external_id].used is None
