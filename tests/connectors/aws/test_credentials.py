"""Credentials, on a server that refuses what is off or gone."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from apps.connectors.adapters.live import Absent, Clue, How, Refused, Seen
from tests.connectors.aws.subjects import (
    carried_out,
    key_of_user,
    of_role,
    of_user,
    subject,
    taken_back,
    wanted,
)
from tests.servers.aws import allow, key_of

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def of_secret(arn):
    return subject(credential=arn, credential_kind="client-secret")


def can_list_users(server, key) -> bool:
    return "Users" in server.client("iam", key).list_users()


@pytest.fixture
def user(ministack):
    return ministack.user(allow("iam:ListUsers", "sts:*", "s3:*"))


def test_a_disabled_key_is_refused_and_works_again_once_undone(ministack, user):
    adapter, order = ministack.adapter(), wanted(key_of_user(user))
    assert can_list_users(ministack, user.key)
    assert adapter.verify(order).seen == Seen.LIVE

    done = carried_out(adapter, order, when="now")

    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        can_list_users(ministack, user.key)
    seen = adapter.verify(order)
    assert (seen.seen, seen.how) == (Seen.DISABLED, How.RE_READ)
    assert "Inactive" in seen.said

    taken_back(adapter, done)

    assert can_list_users(ministack, user.key)
    assert adapter.verify(order).seen == Seen.LIVE


def test_a_deleted_key_is_seen_to_be_gone(ministack, user):
    adapter, order = ministack.adapter(), wanted(key_of_user(user))

    carried_out(adapter, order)

    seen = adapter.verify(order)
    assert (seen.seen, seen.how) == (Seen.ABSENT, How.RE_READ)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        can_list_users(ministack, user.key)


def test_only_the_one_key_of_two_is_touched(ministack):
    user = ministack.user(allow("iam:ListUsers"), keys=2)

    carried_out(ministack.adapter(), wanted(key_of_user(user, 0)))

    assert can_list_users(ministack, user.keys[1])


def test_each_step_does_twice_what_it_does_once(ministack, user):
    adapter, order = ministack.adapter(), wanted(key_of_user(user), "kill")
    stopping = carried_out(adapter, order, when="now")
    carried_out(adapter, order, when="now")
    assert adapter.verify(order).seen == Seen.DISABLED

    taken_back(adapter, stopping)
    taken_back(adapter, stopping)
    assert can_list_users(ministack, user.key)

    carried_out(adapter, order)
    with pytest.raises(Absent):
        carried_out(adapter, order, when="later")


def test_an_undo_leaves_off_what_was_off_before(ministack, user):
    adapter = ministack.adapter()
    ministack.client("iam").update_access_key(
        UserName=user.name, AccessKeyId=user.key.id, Status="Inactive"
    )
    order = wanted(key_of_user(user, facts={"status": "Inactive"}))

    taken_back(adapter, carried_out(adapter, order, when="now"))

    assert adapter.verify(order).seen == Seen.DISABLED


def test_what_is_not_there_is_absent_and_not_done(ministack, user):
    order = wanted(of_user(user, credential="AKIAIOSFODNN7EXAMPLE", credential_kind="access-key"))

    with pytest.raises(Absent) as told:
        carried_out(ministack.adapter(), order)

    assert told.value.call == "iam:UpdateAccessKey"


def test_a_user_that_is_gone_took_its_key_along(ministack, user):
    order = wanted(key_of_user(user))
    iam = ministack.client("iam")
    iam.delete_access_key(UserName=user.name, AccessKeyId=user.key.id)
    iam.delete_user_policy(UserName=user.name, PolicyName="given")
    iam.delete_user(UserName=user.name)

    assert ministack.adapter().verify(order).seen == Seen.ABSENT


def test_a_kill_refuses_older_sessions_and_lets_newer_ones_work(ministack):
    user = ministack.user(allow("s3:*", "sts:*"), keys=2)
    leaked, kept = user.keys
    old = key_of(ministack.client("sts", leaked).get_session_token()["Credentials"])
    assert "Buckets" in ministack.client("s3", old).list_buckets()
    adapter, order = ministack.adapter(), wanted(key_of_user(user), "kill")

    done = carried_out(adapter, order, when="now")

    with pytest.raises(ClientError, match="explicit deny"):
        ministack.client("s3", old).list_buckets()
    assert "Buckets" in ministack.client("s3", kept).list_buckets()
    assert "issued before are denied everything" in adapter.verify(order).said

    taken_back(adapter, done)
    assert "Buckets" in ministack.client("s3", old).list_buckets()


def test_sessions_that_live_on_keep_a_kill_from_being_verified(ministack, user):
    adapter, order = ministack.adapter(), wanted(key_of_user(user), "kill")
    disable = adapter.plan(order).steps[0]

    adapter.run(disable.op, disable.arguments)

    seen = adapter.verify(order)
    assert seen.seen == Seen.LIVE
    assert "are not denied" in seen.said


def test_sessions_issued_until_the_kill_ran_are_ended_too(ministack, user):
    """What a thief took between the decision and the step, whatever this host's clock says."""
    order = wanted(key_of_user(user), "kill", sessions_before=LONG_AGO)
    late = key_of(ministack.client("sts", user.key).get_session_token()["Credentials"])

    carried_out(ministack.adapter(), order, when="now")

    with pytest.raises(ClientError, match="explicit deny"):
        ministack.client("s3", late).list_buckets()


def test_sessions_of_a_role_end_while_its_new_ones_work(ministack, later):
    role = ministack.role(allow("s3:*"))
    adapter = ministack.adapter()
    order = wanted(of_role(role, credential="session", credential_kind="managed"), "kill")
    caller = ministack.user(allow("sts:AssumeRole")).key
    old = ministack.session_of(role, caller)
    assert "Buckets" in ministack.client("s3", old).list_buckets()

    carried_out(adapter, order)

    with pytest.raises(ClientError, match="explicit deny"):
        ministack.client("s3", old).list_buckets()
    assert adapter.verify(order).seen == Seen.DISABLED
    later()
    new = ministack.session_of(role, caller)
    assert "Buckets" in ministack.client("s3", new).list_buckets()


def test_a_console_password_is_deleted(ministack, user):
    ministack.client("iam").create_login_profile(UserName=user.name, Password="Xy7!abcdefgh")
    adapter = ministack.adapter()
    order = wanted(of_user(user, credential=f"{user.arn}#password", credential_kind="password"))
    assert adapter.verify(order).seen == Seen.LIVE

    carried_out(adapter, order)

    assert adapter.verify(order).seen == Seen.ABSENT
    [step] = adapter.plan(order).steps
    with pytest.raises(Refused, match="cannot be taken back"):
        adapter.undo(step.op, step.arguments, {})


def test_a_secret_is_withdrawn_and_can_be_read_again_once_undone(ministack, name):
    secrets = ministack.client("secretsmanager", region="eu-west-1")
    arn = secrets.create_secret(Name=name, SecretString="hush")["ARN"]
    adapter = ministack.adapter(regions=["us-east-1", "eu-west-1"])
    order = wanted(of_secret(arn))
    assert adapter.verify(order).seen == Seen.LIVE

    done = carried_out(adapter, order)
    carried_out(adapter, order)

    with pytest.raises(ClientError):
        secrets.get_secret_value(SecretId=arn)
    assert adapter.verify(order).seen == Seen.DISABLED

    taken_back(adapter, done)
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "hush"


def test_a_key_at_hand_is_tried(ministack, user):
    adapter = ministack.adapter()
    clue = Clue("aws-access-key", user.key.id, secret=user.key.secret)

    assert adapter.try_out(clue).seen == Seen.LIVE
    carried_out(adapter, wanted(key_of_user(user)), when="now")
    tried = adapter.try_out(clue)

    assert (tried.seen, tried.how) == (Seen.DISABLED, How.REFUSED)
    assert user.key.secret not in tried.said + repr(clue)


def test_a_session_at_hand_is_tried_with_its_token(ministack, user):
    session = key_of(ministack.client("sts", user.key).get_session_token()["Credentials"])
    clue = Clue("aws-session", session.id, secret=f"{session.secret} {session.token}")

    assert ministack.adapter().try_out(clue).seen == Seen.LIVE


def test_another_secret_says_that_the_id_is_active(ministack, user):
    tried = ministack.adapter().try_out(Clue("aws-access-key", user.key.id, secret="x" * 40))

    assert tried.seen == Seen.LIVE
    assert "not its secret" in tried.said


def test_nothing_is_done_in_an_account_that_the_connection_does_not_speak_for(ministack, user):
    order = wanted(key_of_user(user, account="999999999999"))

    with pytest.raises(Refused, match="does not speak for account 999999999999"):
        carried_out(ministack.adapter(), order)
    assert can_list_users(ministack, user.key)
