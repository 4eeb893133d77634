from datetime import UTC, datetime

import pytest

from apps.connectors.adapters.aws_removal import plan
from tests.connectors.aws.subjects import path, subject, wanted

KEY = "AKIAIOSFODNN7EXAMPLE"
MAIL = "arn:aws:iam::000000000000:policy/mail"


def key(**changes):
    return subject(credential=KEY, credential_kind="access-key", **changes)


def grant(*paths, **changes):
    actions = sorted({action for one in paths for action in one.actions})
    return subject(service="ses", level="write", actions=actions, paths=paths, **changes)


def ops(planned):
    return [step.op for step in planned.steps]


def test_a_key_is_disabled_first_and_deleted_later():
    disable, delete = plan(wanted(key())).steps

    which = f"--user-name agent --access-key-id {KEY}"
    assert disable.command == f"aws iam update-access-key {which} --status Inactive"
    assert disable.undo == f"aws iam update-access-key {which} --status Active"
    assert (disable.reversible, disable.when) == (True, "now")
    assert delete.command == f"aws iam delete-access-key {which}"
    assert (delete.reversible, delete.when) == (False, "later")


def test_a_kill_also_ends_the_sessions_issued_before():
    moment = datetime(2026, 11, 24, 3, 0, 0, 400_000, tzinfo=UTC)

    planned = plan(wanted(key(), "kill", sessions_before=moment))

    disable, sessions, _ = planned.steps
    assert [disable.when, sessions.when] == ["now", "now"]
    assert '"aws:TokenIssueTime":"2026-11-24T03:00:01Z"' in sessions.command
    assert sessions.undo.startswith("aws iam delete-user-policy --user-name agent --policy-name ")


def test_suspending_a_key_never_deletes_it():
    assert ops(plan(wanted(key(), "suspend"))) == ["key.disable"]


def test_a_key_without_an_id_is_a_persons_to_find():
    positional = subject(
        credential="arn:aws:iam::000000000000:user/agent#access-key-1",
        credential_kind="access-key",
    )

    planned = plan(wanted(positional))

    assert not planned.can_run
    assert planned.steps[0].command == "aws iam list-access-keys --user-name agent"
    assert "KEY-ID" in planned.steps[1].command


def test_rotation_makes_the_new_key_before_the_old_one_is_disabled():
    planned = plan(wanted(key(), "rotate"))

    assert ops(planned) == ["key.rotate", "key.disable", "key.delete"]
    assert [step.when for step in planned.steps] == ["now", "later", "later"]
    assert planned.steps[0].command == "aws iam create-access-key --user-name agent"


@pytest.mark.parametrize(
    ("kind", "credential", "command"),
    [
        ("api-key", "ACCAEXAMPLE123EXAMPLE", "update-service-specific-credential"),
        ("certificate", "TA7SMP42TDN5Z26OBPJE7EXAMPLE", "update-signing-certificate"),
    ],
)
def test_other_credentials_are_switched_off_by_their_id(kind, credential, command):
    planned = plan(wanted(subject(credential=credential, credential_kind=kind)))

    assert f"aws iam {command} --user-name agent" in planned.steps[0].command
    assert f"{credential} --status Inactive" in planned.steps[0].command
    assert planned.can_run


def test_a_password_cannot_be_switched_off_and_says_so():
    password = subject(credential="arn#password", credential_kind="password")

    planned = plan(wanted(password))

    assert planned.steps[0].command == "aws iam delete-login-profile --user-name agent"
    assert not planned.steps[0].reversible
    assert "cannot switch a password off" in planned.note


def test_a_secret_is_withdrawn_for_thirty_days_in_its_region():
    arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:crm-AbCdEf"

    [step] = plan(wanted(subject(credential=arn, credential_kind="client-secret"))).steps

    assert step.command.endswith("--region eu-west-1 --recovery-window-in-days 30")
    assert "restore-secret" in step.undo
    assert step.reversible


def test_what_is_roots_only_root_can_end():
    planned = plan(wanted(key(identity_kind="aws-root", identity="root account")))

    assert not planned.can_run
    assert "--user-name" not in " ".join(step.command for step in planned.steps)


def test_a_role_holds_no_secret_so_its_sessions_are_ended():
    role = subject(identity_kind="iam-role", credential="session", credential_kind="managed")

    [step] = plan(wanted(role, "kill")).steps

    assert step.command.startswith("aws iam put-role-policy --role-name agent")


def test_an_identity_as_a_whole_is_denied_everything():
    [step] = plan(wanted(subject(), "suspend")).steps

    assert '"Effect":"Deny","Action":["*"]' in step.command
    assert step.undo.startswith("aws iam delete-user-policy")


def test_a_grant_is_denied_then_detached_then_the_deny_is_lifted():
    planned = plan(wanted(grant(path(MAIL, "ses:SendEmail"))))

    assert ops(planned) == ["deny.put", "managed.detach", "deny.lift"]
    assert [step.when for step in planned.steps] == ["now", "later", "later"]
    assert '"Effect":"Deny","Action":["ses:SendEmail"]' in planned.steps[0].command
    assert "-     ses:SendEmail" in planned.diff


def test_a_grant_of_which_nothing_is_to_go_is_left_alone():
    narrowed = plan(wanted(grant(path(MAIL, "ses:SendEmail")), "narrow", keep=["ses:SendEmail"]))
    of_no_source = plan(wanted(subject(service="ses", level="write")))

    for planned in (narrowed, of_no_source):
        assert not planned.can_run
        assert '"*"' not in str(planned.told())


def test_what_carries_other_grants_is_edited_and_its_text_is_kept_first():
    planned = plan(wanted(grant(path(MAIL, "ses:SendEmail", shared=True), path("own", "ses:Put*"))))

    assert ops(planned) == [
        "deny.put",
        "managed.keep",
        "managed.cut",
        "inline.keep",
        "inline.delete",
        "deny.lift",
    ]


def test_two_statements_of_one_policy_make_one_edit():
    planned = plan(wanted(grant(path(MAIL, "ses:SendEmail"), path(MAIL, "ses:SendRawEmail"))))

    assert ops(planned).count("managed.detach") == 1


def test_narrowing_cuts_only_what_goes():
    held = grant(path(MAIL, "ses:SendEmail", "ses:SendRawEmail"))

    planned = plan(wanted(held, "narrow", keep=["ses:SendEmail"]))

    assert ops(planned)[1:3] == ["managed.keep", "managed.cut"]
    assert planned.steps[0].arguments["actions"] == ["ses:SendRawEmail"]
    assert "-     ses:SendRawEmail" in planned.diff
    assert "      ses:SendEmail" in planned.diff


@pytest.mark.parametrize(
    "by",
    [
        path(MAIL, "ses:SendEmail", group="senders"),
        path("arn:aws:iam::aws:policy/AmazonSESFullAccess", "ses:SendEmail", shared=True),
    ],
)
def test_what_others_have_too_is_left_and_the_deny_stays(by):
    planned = plan(wanted(grant(by)))

    assert ops(planned) == ["deny.put"]
    assert "the deny stays" in planned.note


def test_a_policy_of_awss_own_is_detached_where_nothing_else_of_it_is_needed():
    planned = plan(wanted(grant(path("arn:aws:iam::aws:policy/SESReadOnly", "ses:List*"))))

    assert ops(planned) == ["deny.put", "managed.detach", "deny.lift"]


def test_a_grant_that_no_policy_is_named_for_is_a_persons_to_find():
    planned = plan(wanted(grant(path("", "ses:SendEmail"))))

    assert not planned.can_run
    assert "no source names the policy" in planned.steps[1].title


def test_a_deny_too_long_for_a_user_is_told_as_managed_policies():
    many = [f"ses:AnActionWithALongName{number}" for number in range(300)]

    step = plan(wanted(grant(path(MAIL, *many)))).steps[0]

    assert step.command.count("aws iam create-policy --path /countersign/") == 2
    assert step.undo.count("aws iam delete-policy ") == 2


def test_a_suspension_is_the_deny_alone():
    assert ops(plan(wanted(grant(path(MAIL, "ses:SendEmail")), "suspend"))) == ["deny.put"]
