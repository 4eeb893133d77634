"""Grants, on a server that enforces policies."""

import pytest
from botocore.exceptions import ClientError

from apps.connectors.adapters.live import Refused, Seen
from tests.connectors.aws.subjects import (
    carried_out,
    of_role,
    of_user,
    path,
    taken_back,
    wanted,
)
from tests.servers.aws import allow, policy


def grant_of(user, *paths, account="000000000000", **changes):
    actions = sorted({action for one in paths for action in one.actions})
    told = {"service": "s3", "level": "write", "actions": actions, "paths": paths}
    return of_user(user, account, **told | changes)


def may_list(server, key):
    return not denied(server.client("s3", key).list_buckets)


def may_make(server, key, bucket):
    return not denied(server.client("s3", key).create_bucket, Bucket=bucket)


def denied(call, **params):
    try:
        call(**params)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return True
    return False


@pytest.fixture
def user(ministack):
    return ministack.user()


@pytest.fixture
def given(ministack, user, name):
    """A managed policy of the account, attached to the user."""
    iam = ministack.client("iam")
    text = policy(allow("s3:ListAllMyBuckets", "s3:CreateBucket"))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
    return arn


LIST, MAKE = "s3:ListAllMyBuckets", "s3:CreateBucket"


def test_a_suspension_refuses_at_once_and_is_taken_back(ministack, user, given):
    adapter, order = ministack.adapter(), wanted(grant_of(user, path(given, LIST)), "suspend")
    assert may_list(ministack, user.key)
    assert adapter.verify(order).seen == Seen.LIVE

    done = carried_out(adapter, order)

    assert not may_list(ministack, user.key)
    assert may_make(ministack, user.key, f"{user.name}-1")
    assert adapter.verify(order).seen == Seen.DISABLED
    taken_back(adapter, done)
    assert may_list(ministack, user.key)


def test_a_policy_that_gives_nothing_else_is_detached_and_the_deny_goes(ministack, user, given):
    adapter, order = ministack.adapter(), wanted(grant_of(user, path(given, LIST, MAKE)))

    done = carried_out(adapter, order)

    iam = ministack.client("iam")
    assert iam.list_user_policies(UserName=user.name)["PolicyNames"] == []
    assert iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"] == []
    assert not may_list(ministack, user.key)
    assert adapter.verify(order).seen == Seen.ABSENT
    taken_back(adapter, done)
    assert may_list(ministack, user.key)
    assert iam.list_user_policies(UserName=user.name)["PolicyNames"] == []


def test_narrowing_makes_a_new_version_and_takes_out_just_that(ministack, user, given):
    adapter = ministack.adapter()
    order = wanted(grant_of(user, path(given, LIST, MAKE)), "narrow", keep=[LIST])

    done = carried_out(adapter, order)

    assert may_list(ministack, user.key)
    assert not may_make(ministack, user.key, f"{user.name}-1")
    assert adapter.verify(order).seen == Seen.ABSENT
    iam = ministack.client("iam")
    assert iam.get_policy(PolicyArn=given)["Policy"]["DefaultVersionId"] == "v2"
    assert iam.list_user_policies(UserName=user.name)["PolicyNames"] == []
    assert {"version": "v1", "attached": True} in [dict(outcome.undo) for _, outcome in done]


def test_a_policy_that_others_use_is_left_and_the_deny_stays(ministack, user, given):
    other, adapter = ministack.user(), ministack.adapter()
    ministack.client("iam").attach_user_policy(UserName=other.name, PolicyArn=given)
    order = wanted(grant_of(user, path(given, LIST, MAKE)), "narrow", keep=[LIST])

    done = carried_out(adapter, order)

    said = " ".join(outcome.said for _, outcome in done)
    assert f"is used by user {other.name} too" in said
    assert "so the deny stays" in said
    assert not may_make(ministack, user.key, f"{user.name}-1")
    assert may_make(ministack, other.key, f"{other.name}-1")
    assert adapter.verify(order).seen == Seen.DISABLED


def test_the_oldest_version_makes_room_where_a_policy_has_five(ministack, user, given):
    iam = ministack.client("iam")
    for _ in range(4):
        text = policy(allow(LIST, MAKE))
        iam.create_policy_version(PolicyArn=given, PolicyDocument=text, SetAsDefault=True)
    order = wanted(grant_of(user, path(given, LIST, MAKE)), "narrow", keep=[LIST])

    done = carried_out(ministack.adapter(), order)

    assert any("v1, the oldest, was deleted" in outcome.said for _, outcome in done)
    assert not may_make(ministack, user.key, f"{user.name}-1")


def test_an_inline_policy_is_cut_and_put_back_as_it_was(ministack):
    user = ministack.user(allow("s3:*"))
    adapter, iam = ministack.adapter(), ministack.client("iam")
    before = iam.get_user_policy(UserName=user.name, PolicyName="given")["PolicyDocument"]
    order = wanted(grant_of(user, path("given", MAKE, shared=True)))

    done = carried_out(adapter, order)

    assert may_list(ministack, user.key)
    assert not may_make(ministack, user.key, f"{user.name}-1")
    assert iam.list_user_policies(UserName=user.name)["PolicyNames"] == ["given"]
    taken_back(adapter, done)
    after = iam.get_user_policy(UserName=user.name, PolicyName="given")["PolicyDocument"]
    assert after == before
    assert may_make(ministack, user.key, f"{user.name}-1")


def test_an_inline_policy_is_deleted_and_put_back_though_the_worker_died(ministack):
    """The text is kept by a step of its own, before the one that deletes it."""
    user = ministack.user(allow(MAKE))
    adapter, order = ministack.adapter(), wanted(grant_of(user, path("given", MAKE)))
    deny, keep, delete, _ = adapter.plan(order).steps
    done = [(step, adapter.run(step.op, step.arguments)) for step in (deny, keep)]
    adapter.run(delete.op, delete.arguments)  # and the answer is lost with its worker

    taken_back(adapter, done)

    assert may_make(ministack, user.key, f"{user.name}-1")


def test_a_grant_by_a_group_is_held_back_for_the_one_user(ministack, user, name):
    iam, other = ministack.client("iam"), ministack.user()
    iam.create_group(GroupName=name)
    iam.put_group_policy(GroupName=name, PolicyName="all", PolicyDocument=policy(allow("s3:*")))
    for member in (user, other):
        iam.add_user_to_group(GroupName=name, UserName=member.name)
    adapter, order = ministack.adapter(), wanted(grant_of(user, path("all", LIST, group=name)))
    assert adapter.verify(order).seen == Seen.LIVE

    carried_out(adapter, order)

    assert not may_list(ministack, user.key)
    assert may_list(ministack, other.key)
    assert adapter.verify(order).seen == Seen.DISABLED


def test_the_deny_stays_while_something_else_still_allows_it(ministack, user, given):
    """A policy that was attached after the plan was made."""
    ministack.client("iam").put_user_policy(
        UserName=user.name, PolicyName="later", PolicyDocument=policy(allow("s3:*"))
    )
    adapter, order = ministack.adapter(), wanted(grant_of(user, path(given, LIST, MAKE)))

    *_, (_, lifted) = carried_out(adapter, order)

    assert not lifted.changed
    assert f"would be allowed {MAKE}, {LIST} again" in lifted.said
    assert not may_list(ministack, user.key)


def test_what_a_suspension_hides_is_not_taken_for_gone(ministack, user, given):
    """The suspension may be taken back, so the deny of the other order has to stay."""
    other, adapter = ministack.user(), ministack.adapter()
    ministack.client("iam").attach_user_policy(UserName=other.name, PolicyArn=given)
    stopped = carried_out(adapter, wanted(of_user(user), "suspend", name="countersign-suspend-8"))
    order = wanted(grant_of(user, path(given, LIST, MAKE)), "narrow", keep=[LIST])

    *_, (_, lifted) = carried_out(adapter, order)

    assert not lifted.changed
    assert adapter.verify(order).stays
    taken_back(adapter, stopped)
    assert may_list(ministack, user.key)
    assert not may_make(ministack, user.key, f"{user.name}-1")


def test_what_only_a_suspension_holds_back_is_not_held_for_good(ministack, user, given):
    adapter = ministack.adapter()
    carried_out(adapter, wanted(of_user(user), "suspend", name="countersign-suspend-8"))

    seen = adapter.verify(wanted(grant_of(user, path(given, LIST, MAKE))))

    assert (seen.seen, seen.stays) == (Seen.DISABLED, False)


def test_a_policy_that_was_changed_since_is_not_put_back(ministack):
    user = ministack.user(allow("s3:*"))
    adapter, iam = ministack.adapter(), ministack.client("iam")
    done = carried_out(adapter, wanted(grant_of(user, path("given", MAKE, shared=True))))
    newer = policy(allow("s3:GetObject"))
    iam.put_user_policy(UserName=user.name, PolicyName="given", PolicyDocument=newer)

    with pytest.raises(Refused, match="was changed since: put it back by hand"):
        taken_back(adapter, done)

    assert not may_list(ministack, user.key)


def test_a_managed_policy_that_was_changed_since_is_not_put_back(moto, name):
    user, iam, adapter = moto.user(), moto.client("iam"), moto.adapter()
    text = policy(allow(LIST, MAKE, "s3:PutObject"))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
    held = grant_of(user, path(arn, LIST, MAKE, "s3:PutObject"), account=moto.account)
    first = carried_out(adapter, wanted(held, "narrow", keep=[LIST, MAKE]))
    second = carried_out(adapter, wanted(held, "narrow", keep=[LIST], name="countersign-narrow-8"))

    with pytest.raises(Refused, match="was changed since: version v3 is in force"):
        taken_back(adapter, first)

    taken_back(adapter, second)
    taken_back(adapter, first)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"


def test_a_deny_that_does_not_fit_inline_becomes_managed_ones(ministack, user, given):
    many = [f"s3:AnActionThatNobodyHasHeardOf{number}" for number in range(300)]
    adapter, iam = ministack.adapter(), ministack.client("iam")
    order = wanted(grant_of(user, path(given, LIST, *many)), "suspend", name=f"{user.name}-deny")

    done = carried_out(adapter, order)
    carried_out(adapter, order)

    attached = iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"]
    assert len(attached) == 3
    assert not may_list(ministack, user.key)
    assert adapter.verify(order).seen == Seen.DISABLED
    taken_back(adapter, done)
    assert may_list(ministack, user.key)
    names = [one["PolicyName"] for one in iam.list_policies()["Policies"]]
    assert not [one for one in names if one.startswith(f"{user.name}-deny")]


def test_what_a_role_may_do_ends_for_its_sessions_at_once(ministack):
    role = ministack.role(allow("s3:*"))
    session = ministack.session_of(role, ministack.user(allow("sts:AssumeRole")).key)
    adapter = ministack.adapter()
    held = of_role(role, service="s3", level="read", actions=[LIST], paths=[path("given", LIST)])
    order = wanted(held, "suspend")
    assert may_list(ministack, session)

    done = carried_out(adapter, order)

    assert not may_list(ministack, session)
    taken_back(adapter, done)
    assert may_list(ministack, session)


def test_an_identity_as_a_whole_is_stopped(ministack):
    user = ministack.user(allow("s3:*", "iam:*"))
    adapter, order = ministack.adapter(), wanted(of_user(user), "suspend")

    carried_out(adapter, order)

    assert not may_list(ministack, user.key)
    with pytest.raises(ClientError, match="explicit deny"):
        ministack.client("iam", user.key).list_users()
    assert adapter.verify(order).seen == Seen.DISABLED


def test_an_old_version_comes_back_into_force(moto, name):
    """MiniStack cannot set a version; moto can, and enforces nothing."""
    user, iam, adapter = moto.user(), moto.client("iam"), moto.adapter()
    text = policy(allow(LIST, MAKE))
    arn = iam.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user.name, PolicyArn=arn)
    held = grant_of(user, path(arn, LIST, MAKE), account=moto.account)
    order = wanted(held, "narrow", keep=[LIST])

    done = carried_out(adapter, order)
    cut = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=cut)["PolicyVersion"]["Document"]
    assert (cut, document["Statement"][0]["Action"]) == ("v2", [LIST])

    taken_back(adapter, done)

    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    assert iam.list_user_policies(UserName=user.name)["PolicyNames"] == []
