"""Key Vault through its official clients, against a small one over TLS."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.adapters.contract import CredentialRow, PermissionRow, Rejected
from apps.connectors.adapters.live import Absent, Clue, How, Refused, Scope, Seen, Unavailable
from apps.connectors.adapters.removal import When
from tests.connectors.azure.subjects import carry_out, of, of_credential, read, undo, wanted
from tests.servers.azure_keyvault import make

DAY = 86400


def row(adapter, vault, key):
    [found] = of(read(adapter, f"vault:{vault[0]}"), CredentialRow, key=key)
    return found


def test_what_a_vault_keeps_is_told_without_its_values(adapter, vault):
    now = int(time.time())
    make(vault[1], "secrets", "db", value="old-value", created=now - 40 * DAY)
    make(vault[1], "secrets", "db", value="new-value", created=now - 10 * DAY, expires=now + DAY)
    make(vault[1], "keys", "sign", expires=now + 90 * DAY)
    make(vault[1], "certificates", "web")

    rows = read(adapter, f"vault:{vault[0]}")

    db = row(adapter, vault, "secrets/db")
    assert (db.kind, db.stored_in, db.stored_at) == (
        "client-secret",
        "secret-manager",
        f"{vault[0]}/secrets/db",
    )
    assert db.rotated_at - db.created_at == timedelta(days=30)
    # The older version is still given out and never expires.
    assert (db.expires_at, db.facts["enabled_versions"]) == (None, 2)
    assert row(adapter, vault, "keys/sign").expires_at is not None
    assert row(adapter, vault, "certificates/web").fingerprint
    assert [one.key for one in of(rows, PermissionRow)] == ["get secrets/db"]
    assert "value" not in str(rows).replace("secret's value", "")


def test_rotation_is_read_where_the_vault_rotates_by_itself(adapter, vault):
    make(vault[1], "keys", "sign")
    make(vault[1], "keys", "still")
    make(vault[1], "certificates", "web")
    vault[1]["policies"] = {
        ("keys", "sign"): {
            "lifetimeActions": [
                {"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}
            ],
            "attributes": {},
        },
        ("certificates", "web"): {
            "x509_props": {"validity_months": 12, "subject": "CN=crm.example.com"},
            "lifetime_actions": [
                {"trigger": {"days_before_expiry": 30}, "action": {"action_type": "AutoRenew"}}
            ],
            "attributes": {},
        },
    }

    assert row(adapter, vault, "keys/sign").rotation_days == 90
    assert row(adapter, vault, "keys/still").rotation_days is None
    assert row(adapter, vault, "certificates/web").rotation_days == 330


@pytest.mark.parametrize("at", ["secrets", "keys", "certificates"])
def test_it_is_disabled_enabled_deleted_and_recovered(adapter, vault, at):
    make(vault[1], at, "db")
    make(vault[1], at, "db")
    order = wanted(of_credential(adapter, f"{at}/db"))
    disable, delete = adapter.plan(order).steps
    assert [(step.reversible, step.when) for step in (disable, delete)] == [
        (True, When.NOW),
        (True, When.LATER),
    ]
    assert adapter.verify(order).seen == Seen.LIVE

    outcome = adapter.run(disable.op, disable.arguments)
    again = adapter.run(disable.op, disable.arguments)

    assert (outcome.changed, again.changed) == (True, False)
    assert adapter.verify(order).seen == Seen.DISABLED
    assert not row(adapter, vault, f"{at}/db").active

    adapter.run(delete.op, delete.arguments)
    sighting = adapter.verify(order)
    assert (sighting.seen, sighting.how) == (Seen.ABSENT, How.RE_READ)
    assert "can be recovered" in sighting.said
    with pytest.raises(Absent):
        adapter.run(delete.op, delete.arguments)
    with pytest.raises(Absent):
        adapter.run(disable.op, disable.arguments)

    undo(adapter, [(disable, again), (delete, outcome)])
    assert adapter.verify(order).seen == Seen.LIVE
    assert all(one["enabled"] and one["tags"] == {} for one in vault[1][at]["db"])


def test_an_undo_enables_only_what_this_order_disabled(adapter, vault):
    make(vault[1], "secrets", "db")
    vault[1]["secrets"]["db"][0]["enabled"] = False
    make(vault[1], "secrets", "db", tags={"team": "sales"})
    order = wanted(of_credential(adapter, "secrets/db"), "suspend")

    done = carry_out(adapter, order)
    undo(adapter, done)

    assert [one["enabled"] for one in vault[1]["secrets"]["db"]] == [False, True]
    assert vault[1]["secrets"]["db"][1]["tags"] == {"team": "sales"}


def test_what_is_half_disabled_is_disabled_to_the_end_and_wholly_undone(azure, adapter, vault):
    make(vault[1], "secrets", "db")
    second = make(vault[1], "secrets", "db")
    order = wanted(of_credential(adapter, "secrets/db"), "suspend")
    azure.fail(500, on=f"PATCH /secrets/db/{second}")

    with pytest.raises(Unavailable):
        carry_out(adapter, order)
    assert adapter.verify(order).seen == Seen.LIVE
    done = carry_out(adapter, order)
    assert adapter.verify(order).seen == Seen.DISABLED
    undo(adapter, done)

    assert [one["enabled"] for one in vault[1]["secrets"]["db"]] == [True, True]


def test_a_kill_deletes_at_once_and_says_what_it_cannot_do(adapter, vault):
    make(vault[1], "secrets", "db")

    plan = adapter.plan(wanted(of_credential(adapter, "secrets/db"), "kill"))

    assert [step.when for step in plan.steps] == [When.NOW, When.NOW]
    assert "whoever has read it before still has it" in plan.note
    assert "az keyvault secret set-attributes" in plan.steps[0].command


def test_a_listing_that_may_not_be_read_is_named_and_hides_nothing_else(azure, adapter, vault):
    make(vault[1], "secrets", "db")
    azure.fail(403, on="GET /keys", times=1)

    rows = read(adapter, f"vault:{vault[0]}")

    [rejected] = of(rows, Rejected)
    assert (rejected.kind, rejected.key) == ("credential", "")
    assert of(rows, CredentialRow, key="secrets/db")


def test_what_belongs_to_a_certificate_is_told_once(adapter, vault):
    make(vault[1], "certificates", "web")
    make(vault[1], "secrets", "web", managed=True)
    make(vault[1], "keys", "web", managed=True)

    found = of(read(adapter, f"vault:{vault[0]}"), CredentialRow)

    assert [one.key for one in found] == ["certificates/web"]


def test_a_throttled_vault_is_waited_for_while_reading(azure, adapter, vault):
    make(vault[1], "secrets", "db")
    azure.fail(429, on="GET /secrets", times=1, retry_after=0)

    assert row(adapter, vault, "secrets/db")


@pytest.mark.parametrize(
    ("code", "error"),
    [(429, Unavailable), (500, Unavailable), (503, Unavailable), (403, Refused), (404, Absent)],
)
def test_an_error_of_a_vault_says_whether_trying_again_may_heal_it(
    azure, adapter, vault, code, error
):
    make(vault[1], "secrets", "db")
    order = wanted(of_credential(adapter, "secrets/db"), "suspend")
    azure.fail(code, on="PATCH /secrets/db", retry_after=9)

    with pytest.raises(error) as raised:
        carry_out(adapter, order)

    assert "the words of the service" in raised.value.said
    assert raised.value.call == "update secret db"
    assert raised.value.retry_after == 9


def test_a_vault_that_does_not_answer_may_heal(make_slow, azure, vault):
    make(vault[1], "secrets", "db")
    azure.fail(500, on="GET /secrets/db/versions", hang=1.0)

    with pytest.raises(Unavailable, match="No answer"):
        make_slow.run(
            "vault-disable", {"vault": vault[0], "at": "secrets", "name": "db", "by": "x"}
        )


@pytest.fixture
def make_slow(make, monkeypatch):
    monkeypatch.setattr("apps.connectors.adapters.azure_calls.TIMEOUT", 0.4)
    return make()


def test_a_vault_that_the_connection_does_not_name_is_left_alone(adapter):
    arguments = {"vault": "https://other.vault.azure.net", "at": "secrets", "name": "db", "by": "x"}

    with pytest.raises(Refused, match="does not name"):
        adapter.run("vault-delete", arguments)


def test_a_pasted_address_of_a_secret_is_found(adapter, vault):
    make(vault[1], "secrets", "db")

    found = adapter.find(Clue("id", f"{vault[0]}/secrets/db/0123"))

    assert (found.active, found.subject.credential) == (True, "secrets/db")
    assert adapter.find(Clue("id", f"{vault[0]}/secrets/none")) is None
    assert adapter.find(Clue("id", "https://other.vault.azure.net/secrets/db")) is None
    adapter.run(adapter.plan(wanted(found.subject)).steps[0].op, _arguments(adapter, found))
    assert not adapter.find(Clue("id", f"{vault[0]}/secrets/db")).active


def _arguments(adapter, found):
    return adapter.plan(wanted(found.subject)).steps[0].arguments


# Handing a secret over.


def scope(held, *, actions=("get secrets/db",), minutes=10, **facts):
    return Scope(
        agent="CRM agent",
        correlation_id="4bf92f3577b34da6",
        identity="crm",
        identity_kind="entra-managed-identity",
        statements=[{"actions": list(actions)}],
        expires_at=datetime.now(UTC) + timedelta(minutes=minutes),
        facts={"vault": held[0], "secret": "db", **facts},
    )


@pytest.fixture
def handing(make, vault):
    make_secret(vault)
    host = vault[0].removeprefix("https://")
    return make(issue_secrets=[f"{host}/secrets/db"])


def make_secret(vault, **more):
    return make(vault[1], "secrets", "db", value="s3cret-of-the-database", **more)


def test_a_secret_is_handed_over_and_kept_nowhere(handing, vault):
    issued = handing.issue(scope(vault))

    assert issued.secret == {"value": "s3cret-of-the-database"}
    assert "s3cret" not in repr(issued)
    assert "s3cret" not in repr(vars(handing))
    assert issued.expires_at <= datetime.now(UTC) + timedelta(minutes=10)
    ended = handing.end_issued({"kind": issued.kind, "external_id": issued.external_id})
    assert not ended.changed
    assert "stays known" in ended.said


def test_a_secret_ends_with_the_grant_or_sooner(handing, vault):
    make_secret(vault, expires=int(time.time()) + 60, created=int(time.time()) + 1)

    issued = handing.issue(scope(vault))

    assert issued.expires_at <= datetime.now(UTC) + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"actions": ["get secrets/other"]}, "No live grant"),
        ({"secret": "other"}, "is not to hand over"),
        ({"vault": "https://other.vault.azure.net"}, "is not to hand over"),
        ({"minutes": 0}, "has ended"),
    ],
)
def test_a_secret_is_not_handed_over_beyond_what_is_allowed(azure, handing, vault, told, why):
    with pytest.raises(Refused, match=why):
        handing.issue(scope(vault, **told))

    assert not any("GET /secrets/" in call for call in azure.calls)
