"""What a credential did and made, from the log of a server that records."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from apps.connectors.adapters.aws_trail import event_of
from apps.connectors.adapters.live import Absent, Seen
from tests.connectors.aws.subjects import key_of_user, of_user, wanted
from tests.servers.aws import Key, allow, as_the_log_names_it, policy


def log_client(server, service, key):
    return as_the_log_names_it(server.client(service, key))


@pytest.fixture
def since():
    return datetime.now(UTC) - timedelta(seconds=2)


@pytest.fixture
def leaked(ministack):
    return ministack.user(allow("iam:*", "sts:*", "s3:*"))


@pytest.fixture
def thief(ministack, leaked, since, name):
    """Somebody who has the key, and settles in."""
    iam = log_client(ministack, "iam", leaked.key)
    iam.create_user(UserName=name)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    iam.put_user_policy(
        UserName=name, PolicyName="all", PolicyDocument=policy(allow("iam:*", "s3:*"))
    )
    iam.create_login_profile(UserName=name, Password="Xy7!abcdefgh")
    return Key(made["AccessKeyId"], made["SecretAccessKey"])


def made_by(ministack, subject, since):
    return ministack.adapter().made_with(subject, since=since)


def taken_back(ministack, made):
    adapter = ministack.adapter()
    return [adapter.run(step.op, step.arguments) for one in made for step in one.steps if step.op]


def test_calls_are_told_oldest_first_with_address_and_client(ministack, leaked, since):
    log_client(ministack, "iam", leaked.key).list_users()
    ministack.client("s3", leaked.key).list_buckets()

    calls = list(ministack.adapter().calls(key_of_user(leaked), since=since))

    assert [(call.service, call.name) for call in calls] == [
        ("iam", "ListUsers"),
        ("s3", "ListBuckets"),
    ]
    assert {call.address for call in calls} == {"127.0.0.1"}
    assert "otocore" in calls[0].client
    assert calls[0].read_only is True


def test_calls_before_the_moment_are_left_out(ministack, leaked, later):
    ministack.client("s3", leaked.key).list_buckets()
    later()

    calls = ministack.adapter().calls(key_of_user(leaked), since=datetime.now(UTC))

    assert list(calls) == []


def test_calls_of_all_regions_are_read(ministack, leaked, since):
    for region in ("us-east-1", "eu-west-1"):
        ministack.client("s3", leaked.key, region).list_buckets()
    adapter = ministack.adapter(regions=["eu-west-1"])

    calls = list(adapter.calls(key_of_user(leaked), since=since))

    assert len(calls) == 2
    assert len({call.event_id for call in calls}) == 2


def test_what_was_made_is_listed_with_its_address(ministack, leaked, thief, since, name):
    made = made_by(ministack, key_of_user(leaked), since)

    assert {(one.kind, one.name) for one in made} == {
        ("identity", f"user {name}"),
        ("access key", f"{thief.id} of {name}"),
        ("policy", f"all in user {name}"),
        ("password", f"console password of {name}"),
    }
    assert {one.address for one in made} == {"127.0.0.1"}
    assert all(one.at >= since for one in made)


def test_everything_made_is_taken_back_and_twice_is_once(ministack, leaked, thief, since, name):
    assert "Buckets" in ministack.client("s3", thief).list_buckets()
    made = made_by(ministack, key_of_user(leaked), since)
    stopping = [(one, step) for one in made for step in one.steps if step.when == "now" and step.op]
    adapter = ministack.adapter()

    for _, step in stopping:
        adapter.run(step.op, step.arguments)
    for _, step in stopping:
        with suppress(Absent):
            adapter.run(step.op, step.arguments)

    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        ministack.client("s3", thief).list_buckets()
    iam = ministack.client("iam")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_login_profile(UserName=name)
    [left] = iam.list_user_policies(UserName=name)["PolicyNames"]
    assert left.startswith("countersign-made-")


def test_what_was_made_with_a_made_key_is_found_too(ministack, leaked, thief, since, name):
    log_client(ministack, "iam", thief).create_user(UserName=f"{name}-second")

    made = made_by(ministack, key_of_user(leaked), since)

    assert ("identity", f"user {name}-second") in {(one.kind, one.name) for one in made}


def test_a_session_of_a_role_that_was_taken_is_ended(ministack, leaked, since):
    role = ministack.role(allow("s3:*"))
    sts = log_client(ministack, "sts", leaked.key)
    said = sts.assume_role(RoleArn=role.arn, RoleSessionName="thief")["Credentials"]
    session = Key(said["AccessKeyId"], said["SecretAccessKey"], said["SessionToken"])
    assert "Buckets" in ministack.client("s3", session).list_buckets()

    [made] = made_by(ministack, key_of_user(leaked), since)
    taken_back(ministack, [made])

    assert made.kind == "session"
    with pytest.raises(ClientError, match="explicit deny"):
        ministack.client("s3", session).list_buckets()


def test_rights_given_to_others_are_taken_back(ministack, leaked, since, name):
    friend, iam = ministack.user(), log_client(ministack, "iam", leaked.key)
    iam.attach_user_policy(
        UserName=friend.name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    ministack.client("iam").create_group(GroupName=name)
    iam.put_group_policy(GroupName=name, PolicyName="all", PolicyDocument=policy(allow("s3:*")))
    iam.add_user_to_group(GroupName=name, UserName=friend.name)
    assert "Buckets" in ministack.client("s3", friend.key).list_buckets()

    made = made_by(ministack, key_of_user(leaked), since)
    taken_back(ministack, made)

    assert {one.kind for one in made} == {"policy", "membership"}
    with pytest.raises(ClientError, match="AccessDenied"):
        ministack.client("s3", friend.key).list_buckets()


def test_who_may_become_a_role_is_a_persons_to_put_back(ministack, leaked, since):
    role = ministack.role(allow("s3:*"))
    log_client(ministack, "iam", leaked.key).update_assume_role_policy(
        RoleName=role.name,
        PolicyDocument=policy(
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        ),
    )

    [made] = made_by(ministack, key_of_user(leaked), since)

    assert [step.op for step in made.steps] == ["sessions.end", ""]
    assert made.steps[1].command.startswith("aws iam update-assume-role-policy --role-name ")


def test_a_quiet_key_made_nothing(ministack, leaked, since):
    log_client(ministack, "iam", leaked.key).list_users()

    assert made_by(ministack, key_of_user(leaked), since) == []


def test_an_older_version_comes_back_into_force(moto, name, later):
    iam, adapter = moto.client("iam"), moto.adapter()
    text = policy(allow("s3:ListAllMyBuckets"))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    later()
    at = datetime.now(UTC)
    wide = policy(allow("*"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=wide, SetAsDefault=True)

    told = {"account": moto.account, "arn": arn, "before": at.isoformat()}
    adapter.run("managed.back", told)
    again = adapter.run("managed.back", told)

    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    assert not again.changed


def test_the_log_is_complete_up_to_a_quarter_of_an_hour_ago(ministack):
    now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    assert ministack.adapter().log_complete_until(now) == now - timedelta(minutes=15)


def test_events_are_read_as_aws_writes_them():
    """As its documentation shows them: what was asked and answered, and whether it failed."""
    event = event_of(
        {
            "EventId": "1",
            "EventName": "CreateAccessKey",
            "EventTime": datetime(2026, 11, 24, 3, 0, tzinfo=UTC),
            "EventSource": "iam.amazonaws.com",
            "ReadOnly": "false",
            "Resources": [{"ResourceType": "AWS::IAM::AccessKey", "ResourceName": "AKIANEW"}],
            "CloudTrailEvent": (
                '{"sourceIPAddress": "198.51.100.7", "errorCode": "AccessDenied",'
                ' "requestParameters": {"userName": "new"},'
                ' "responseElements": {"accessKey": {"accessKeyId": "AKIANEW"}}}'
            ),
        }
    )

    assert (event.service, event.address, event.error) == ("iam", "198.51.100.7", "AccessDenied")
    assert event.asked("UserName") == "new"
    assert event.answered("accessKey", "accessKeyId") == "AKIANEW"
    assert event.answered("nothing", "there") == ""


def test_use_after_it_was_disabled_stands_in_the_log(ministack, leaked):
    adapter, order = ministack.adapter(), wanted(key_of_user(leaked))
    [disable, _] = adapter.plan(order).steps
    adapter.run(disable.op, disable.arguments)
    since = datetime.now(UTC) - timedelta(seconds=1)

    with pytest.raises(ClientError):
        ministack.client("s3", leaked.key).list_buckets()

    assert adapter.verify(order).seen == Seen.DISABLED
    assert [call.name for call in adapter.calls(key_of_user(leaked), since=since)] in (
        [],
        ["ListBuckets"],
    )


def test_a_password_is_looked_for_by_its_user(ministack, leaked, since):
    password = of_user(leaked, credential=f"{leaked.arn}#password", credential_kind="password")

    assert list(ministack.adapter().calls(password, since=since)) == []
