"""Taking access away in Entra, and giving what is short-lived or needs no secret."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.connectors.adapters.live import Absent, Clue, How, Refused, Scope, Seen
from apps.connectors.adapters.removal import When
from tests.connectors.azure.subjects import (
    carry_out,
    of_credential,
    of_grant,
    subject,
    undo,
    wanted,
)

HOUR, DAY = 3600, 86400


def signs_in(azure, adapter, app, secret):
    return adapter.try_out(Clue("azure", azure.applications[app]["appId"], secret=secret))


def test_a_client_secret_is_removed_and_refused_when_tried(azure, adapter):
    app = azure.application("crm")
    password, secret = azure.password(app, "deploy")
    azure.password(app, "other")
    order = wanted(of_credential(adapter, password["keyId"]))
    assert signs_in(azure, adapter, app, secret).how == How.WORKED

    [(step, _)] = carry_out(adapter, order)

    assert not step.reversible
    assert step.effective_seconds == HOUR
    assert "cannot be ended" in adapter.plan(order).note
    tried = signs_in(azure, adapter, app, secret)
    assert (tried.seen, tried.how) == (Seen.ABSENT, How.REFUSED)
    assert "AADSTS7000215" in tried.said
    assert adapter.verify(order).seen == Seen.ABSENT
    assert len(azure.applications[app]["passwordCredentials"]) == 1
    with pytest.raises(Absent):
        carry_out(adapter, order)


def test_a_client_secret_cannot_be_paused_and_the_plan_says_so(azure, adapter):
    password, _ = azure.password(azure.application("crm"), "deploy")

    plan = adapter.plan(wanted(of_credential(adapter, password["keyId"]), "suspend"))

    assert not plan.can_run
    assert "cannot pause one client secret" in plan.note


def test_a_certificate_and_a_federation_are_removed_and_put_back(azure, adapter):
    app = azure.application("crm")
    kept = azure.certificate(app, "kept")
    certificate = azure.certificate(app, "web")
    federation = azure.federation(app, "ci", "https://ci.example.com", "repo:crm")
    for key in (certificate["keyId"], federation["id"]):
        order = wanted(of_credential(adapter, key))

        done = carry_out(adapter, order)

        assert [step.reversible for step, _ in done] == [True]
        assert adapter.verify(order).seen == Seen.ABSENT
        with pytest.raises(Absent):
            carry_out(adapter, order)
        undo(adapter, done)
        assert not undo(adapter, done)[0].changed

    held = azure.applications[app]
    assert held["keyCredentials"] == [kept, certificate]
    [back] = held["federatedIdentityCredentials"]
    assert (back["issuer"], back["subject"]) == ("https://ci.example.com", "repo:crm")


def test_a_managed_identity_is_disabled_and_takes_a_day(azure, adapter):
    managed = azure.principal("vm-crm", kind="ManagedIdentity")
    order = wanted(of_credential(adapter, f"managed/{managed}"))

    done = carry_out(adapter, order)

    assert [(step.op, step.effective_seconds) for step, _ in done] == [("disable-principal", DAY)]
    assert "up to a day" in adapter.plan(order).note
    assert adapter.verify(order).seen == Seen.DISABLED
    undo(adapter, done)
    assert adapter.verify(order).seen == Seen.LIVE


def test_an_identity_is_disabled_enabled_deleted_and_restored(azure, adapter):
    app = azure.application("crm")
    _, secret = azure.password(app, "deploy")
    principal, app_id = azure.principal_of(app), azure.applications[app]["appId"]
    order = wanted(subject(adapter, principal))
    disable, *deletes = adapter.plan(order).steps
    assert [step.when for step in deletes] == [When.LATER, When.LATER]

    outcome = adapter.run(disable.op, disable.arguments)
    assert not adapter.run(disable.op, disable.arguments).changed
    tried = signs_in(azure, adapter, app, secret)
    assert (tried.seen, tried.how) == (Seen.DISABLED, How.REFUSED)
    adapter.undo(disable.op, disable.arguments, outcome.undo)
    assert signs_in(azure, adapter, app, secret).seen == Seen.LIVE
    assert azure.principals[principal]["tags"] == []

    first, second = deletes
    adapter.run(first.op, first.arguments)
    with pytest.raises(Absent):
        adapter.run(second.op, second.arguments)
    assert adapter.verify(order).seen == Seen.ABSENT
    assert adapter.try_out(Clue("azure", app_id, secret=secret)).seen == Seen.ABSENT
    for step in deletes:
        adapter.undo(step.op, step.arguments, {})
    assert adapter.verify(order).seen == Seen.LIVE
    assert not adapter.undo(first.op, first.arguments, {}).changed


def test_an_identity_that_somebody_else_disabled_stays_disabled(azure, adapter):
    principal = azure.principal_of(azure.application("crm"))
    order = wanted(subject(adapter, principal), "suspend")
    azure.principals[principal]["accountEnabled"] = False
    done = carry_out(adapter, order)

    with pytest.raises(Refused, match="not disabled by this order"):
        undo(adapter, done)


def test_an_app_role_is_taken_away_and_given_back(azure, adapter):
    principal = azure.principal_of(azure.application("crm"))
    azure.assign(principal, "Mail.Send")
    azure.assign(principal, "Mail.Read")
    order = wanted(of_grant(adapter, principal, "write"))
    assert adapter.verify(order).seen == Seen.LIVE

    done = carry_out(adapter, order)

    assert adapter.verify(order).seen == Seen.ABSENT
    assert len(azure.assignments) == 1
    undo(adapter, done)
    assert not undo(adapter, done)[0].changed
    assert len(azure.assignments) == 2


def test_a_consent_is_narrowed_and_widened_again(azure, adapter):
    principal = azure.principal_of(azure.application("crm"))
    consent = azure.consent(principal, "Mail.Send User.Read Files.ReadWrite")
    order = wanted(of_grant(adapter, principal, "write"), "narrow", keep=["Files.ReadWrite"])

    done = carry_out(adapter, order)

    assert consent["scope"] == "User.Read Files.ReadWrite"
    assert "-     Mail.Send" in adapter.plan(order).diff
    assert adapter.verify(order).seen == Seen.ABSENT
    assert not carry_out(adapter, order)[0][1].changed
    undo(adapter, done)
    assert set(consent["scope"].split()) == {"Mail.Send", "User.Read", "Files.ReadWrite"}


def test_a_consent_that_keeps_nothing_is_deleted_and_given_anew(azure, adapter):
    principal = azure.principal_of(azure.application("crm"))
    azure.consent(principal, "Mail.Send")
    order = wanted(of_grant(adapter, principal, "write"))

    done = carry_out(adapter, order)

    assert azure.consents == {}
    assert adapter.verify(order).seen == Seen.ABSENT
    undo(adapter, done)
    assert [one["scope"] for one in azure.consents.values()] == ["Mail.Send"]


# Issuing.


def test_a_new_client_secret_works_beside_the_old_one_until_that_is_removed(azure, adapter):
    app = azure.application("crm")
    password, secret = azure.password(app, "deploy", days=20)
    of_old = of_credential(adapter, password["keyId"])

    made = adapter.rotate(of_old)

    new = made.secret["client_secret"]
    assert new not in repr(made)
    assert signs_in(azure, adapter, app, new).how == How.WORKED
    assert signs_in(azure, adapter, app, secret).how == How.WORKED
    held = {one["keyId"]: one for one in azure.applications[app]["passwordCredentials"]}
    ends = datetime.fromisoformat(held[made.external_id]["endDateTime"])
    assert timedelta(days=19) < ends - datetime.now(UTC) <= timedelta(days=20)
    carry_out(adapter, wanted(of_old, "rotate"))
    assert signs_in(azure, adapter, app, secret).seen == Seen.ABSENT
    assert signs_in(azure, adapter, app, new).seen == Seen.LIVE


def federation(app, **more):
    told = {"application": app, "issuer": "https://ci.example.com", "subject": "repo:crm", **more}
    return Scope(
        agent="CRM agent",
        correlation_id="4bf92f3577b34da6",
        identity="crm",
        identity_kind="entra-service-principal",
        statements=[],
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        facts={"federation": told},
    )


def test_a_federation_that_is_there_and_right_needs_no_secret(azure, adapter):
    app = azure.application("crm")
    made = azure.federation(app, "ci", "https://ci.example.com/", "repo:crm")

    issued = adapter.issue(federation(app))

    assert (issued.kind, issued.external_id, issued.secret) == ("federation", made["id"], {})


def test_a_federation_that_is_missing_or_wrong_is_told(azure, adapter):
    app = azure.application("crm")
    azure.federation(app, "ci", "https://ci.example.com", "repo:other")

    with pytest.raises(Refused, match=r"ci names .*repo:other"):
        adapter.issue(federation(app))
    with pytest.raises(Refused, match="No federation trusts"):
        adapter.issue(federation(app, subject="repo:other", audience="api://else"))
