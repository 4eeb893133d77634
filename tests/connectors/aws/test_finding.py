"""Whose a key is, asked by its id."""

import pytest

from apps.connectors.adapters.live import Clue, Refused
from tests.connectors.aws.faulty import failure
from tests.connectors.aws.subjects import carried_out, wanted
from tests.servers.aws import allow


@pytest.fixture
def user(ministack):
    return ministack.user(allow("s3:*"))


def test_a_key_is_found_by_its_id_and_can_be_ended_at_once(ministack, user):
    adapter = ministack.adapter()

    found = adapter.find(Clue("aws-key", user.key.id))

    assert (found.subject.identity, found.subject.identity_id) == (user.name, user.arn)
    assert found.subject.credential_kind == "access-key"
    assert found.active
    carried_out(adapter, wanted(found.subject), when="now")
    again = adapter.find(Clue("id", user.key.id))
    assert not again.active
    assert "Inactive" in again.said


def test_a_key_of_nobody_here_is_not_found(ministack):
    assert ministack.adapter().find(Clue("aws-key", "AKIAIOSFODNN7EXAMPLE")) is None


@pytest.mark.parametrize(
    "clue",
    [
        Clue("github", secret="ghp_x"),
        Clue("aws-secret", secret="x" * 40),
        Clue("id", "some-name"),
        Clue("guid", "3b0c1f0e-0000-4000-8000-000000000000"),
    ],
)
def test_what_is_no_key_of_aws_is_not_asked_for(faulty, clue):
    assert faulty.adapter().find(clue) is None
    assert faulty.asked == []


def test_a_key_that_names_another_account_is_not_asked_for(faulty):
    clue = Clue("aws-key", "AKIARZPUZDIKPQDBIB3M", account="123456789012")

    assert faulty.adapter().find(clue) is None
    assert faulty.asked == ["GetCallerIdentity"]


def test_without_the_right_to_ask_the_users_are_gone_through(ministack, user):
    reader = ministack.user(allow("iam:ListUsers", "iam:ListAccessKeys"))

    found = ministack.adapter(reader.key).find(Clue("aws-key", user.key.id))

    assert found.subject.identity == user.name
    assert found.subject.identity_id == user.arn


def test_a_key_is_found_in_a_further_account(ministack):
    elsewhere = ministack.in_account("222222222222")
    user, role = elsewhere.user(), elsewhere.role(allow("iam:*"))

    found = ministack.adapter(roles=[role.arn]).find(Clue("aws-key", user.key.id))

    assert (found.subject.account, found.subject.identity) == ("222222222222", user.name)


def test_a_key_of_bedrock_is_found_by_the_name_within_it(faulty):
    alias = "BedrockAPIKey-x-at-000000000000"
    faulty.status, faulty.text = 404, failure("NoSuchEntity")
    faulty.answers = {
        "ListServiceSpecificCredentials": [
            (
                200,
                "<R><ListServiceSpecificCredentialsResult><ServiceSpecificCredentials><member>"
                f"<UserName>agent</UserName><ServiceCredentialAlias>{alias}"
                "</ServiceCredentialAlias><Status>Active</Status><ServiceName>bedrock.amazonaws.com"
                "</ServiceName><ServiceSpecificCredentialId>ACCAONE</ServiceSpecificCredentialId>"
                "</member></ServiceSpecificCredentials><IsTruncated>false</IsTruncated>"
                "</ListServiceSpecificCredentialsResult></R>",
            )
        ]
    }

    found = faulty.adapter().find(Clue("aws-bedrock", alias, account="000000000000"))

    assert (found.subject.credential, found.subject.credential_kind) == ("ACCAONE", "api-key")
    assert found.subject.identity_id == "arn:aws:iam::000000000000:user/agent"


def test_lost_rights_are_said_and_are_no_answer(faulty):
    faulty.status, faulty.text = 403, failure("AccessDenied")

    with pytest.raises(Refused):
        faulty.adapter().find(Clue("aws-key", "AKIAIOSFODNN7EXAMPLE"))
