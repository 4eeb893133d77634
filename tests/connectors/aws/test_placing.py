"""Where a new key goes in Secrets Manager, and whether a secret was rotated by its own function."""

import json
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from uuid import uuid4

import pytest

from apps.connectors.adapters.live import Refused, Seen
from tests.connectors.aws.subjects import key_of_user, subject, wanted
from tests.servers.aws import allow


def made(server, **more):
    return server.client("secretsmanager").create_secret(
        Name=f"crm-{token_hex(6)}", SecretString="old", **more
    )["ARN"]


def test_a_key_is_written_as_the_current_version_with_its_mark(ministack):
    arn, mark = made(ministack), str(uuid4())
    adapter = ministack.adapter(place_secrets=[arn])
    before = adapter.place_look(arn)

    for _ in range(2):
        adapter.place(arn, {"id": "AKIA", "secret": "s"}, mark=mark, after=before.version)

    kept = ministack.client("secretsmanager").get_secret_value(SecretId=arn)
    assert json.loads(kept["SecretString"]) == {"id": "AKIA", "secret": "s"}
    assert kept["VersionId"] == adapter.place_look(arn).mark == mark != before.mark


def test_what_somebody_else_wrote_meanwhile_is_not_written_over(ministack):
    arn = made(ministack)
    adapter = ministack.adapter(place_secrets=[arn])
    before = adapter.place_look(arn)
    ministack.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="theirs")

    with pytest.raises(Refused, match="Somebody else wrote there"):
        adapter.place(arn, {"id": "AKIA"}, mark=str(uuid4()), after=before.version)


def test_a_place_that_it_was_not_given_is_refused(ministack):
    arn = made(ministack)

    with pytest.raises(Refused, match="not to write"):
        ministack.adapter().place_look(arn)


def test_writing_needs_no_right_to_read_the_value(ministack):
    arn = made(ministack)
    policy = json.loads(ministack.adapter().rights({"place_secrets": [arn]}, "issuing"))
    placing = next(one for one in policy["Statement"] if one["Sid"] == "CountersignPlacing")
    adapter = ministack.adapter(ministack.user(placing).key, place_secrets=[arn])

    adapter.place(arn, {"id": "AKIA"}, mark=str(uuid4()), after=adapter.place_look(arn).version)

    assert placing["Resource"] == [arn]
    assert "secretsmanager:GetSecretValue" not in json.dumps(policy)


def test_what_a_user_holds_is_told_with_whether_it_was_used(moto):
    user = moto.user(allow("sts:*"), keys=2)
    moto.client("sts", user.keys[0]).get_caller_identity()

    told = moto.adapter().beside(key_of_user(user, account=moto.account))

    held = {one.external_id: one.used for one in told}

    assert held == {user.keys[0].id: True, user.keys[1].id: False}


def rotated(server, arn, since):
    secret = subject(credential=arn, credential_kind="client-secret")
    return server.adapter().verify(wanted(secret, "rotate", sessions_before=since))


def test_a_secret_counts_as_rotated_only_by_a_rotation_since(moto):
    arn, now = made(moto), datetime.now(UTC)
    assert rotated(moto, arn, now).seen == Seen.LIVE

    moto.client("secretsmanager").rotate_secret(SecretId=arn)

    assert rotated(moto, arn, now).seen == Seen.ABSENT
    assert rotated(moto, arn, now + timedelta(hours=1)).seen == Seen.LIVE
