"""What AWS answers when it goes wrong, through botocore's own parsing."""

import pytest
from botocore.config import Config

from apps.connectors.adapters import aws_client, aws_sessions
from apps.connectors.adapters.aws import AwsAdapter
from apps.connectors.adapters.live import Absent, Refused, Seen, Unavailable
from tests.connectors.aws.faulty import failure
from tests.connectors.aws.subjects import subject, wanted

ORDER = wanted(subject(credential="AKIAIOSFODNN7EXAMPLE", credential_kind="access-key"))


def disable(adapter):
    step = adapter.plan(ORDER).steps[0]
    return adapter.run(step.op, step.arguments)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "Throttling", Unavailable),
        (429, "TooManyRequestsException", Unavailable),
        (500, "ServiceFailure", Unavailable),
        (503, "ServiceUnavailable", Unavailable),
        (502, "Whatever", Unavailable),
        (409, "EntityTemporarilyUnmodifiable", Unavailable),
        (403, "ExpiredToken", Unavailable),
        (403, "AccessDenied", Refused),
        (400, "ValidationError", Refused),
        (400, "InvalidAction", Refused),
        (404, "NoSuchEntity", Absent),
    ],
)
def test_a_failure_says_whether_trying_again_can_heal_it(faulty, status, code, kind):
    faulty.status, faulty.text = status, failure(code, "Its own words.")

    with pytest.raises(kind) as told:
        disable(faulty.adapter())

    assert (told.value.call, told.value.code) == ("iam:UpdateAccessKey", code)
    assert told.value.said == "Its own words."


def test_a_step_is_tried_once_and_its_order_tries_again(faulty):
    faulty.status, faulty.text = 503, failure("ServiceUnavailable")

    with pytest.raises(Unavailable):
        disable(faulty.adapter())

    assert faulty.asked.count("UpdateAccessKey") == 1


def test_an_answer_that_is_no_answer_may_heal(faulty):
    faulty.status, faulty.text = 502, "<!doctype html>\n<title>Bad gateway</title>"

    with pytest.raises(Unavailable):
        disable(faulty.adapter())


def test_silence_is_waited_for_no_longer_than_is_set(faulty, monkeypatch):
    faulty.wait = 1.5
    monkeypatch.setattr(
        aws_client, "ONCE", aws_client.ONCE.merge(Config(read_timeout=0.3, connect_timeout=0.3))
    )

    with pytest.raises(Unavailable) as told:
        disable(faulty.adapter())

    assert told.value.code == "ReadTimeoutError"


def test_nobody_listening_may_heal():
    told = {"auth": "references", "access_key_id": "id", "secret_access_key": "secret"}
    adapter = AwsAdapter(
        told | {"regions": ["us-east-1"], "endpoint": "http://127.0.0.1:9"}, lambda name: name
    )

    with pytest.raises(Unavailable):
        disable(adapter)


def test_a_clock_that_is_wrong_is_named(faulty):
    said = "Signature expired: 20261124T000000Z is now earlier than 20261124T001500Z"
    faulty.status, faulty.text = 403, failure("SignatureDoesNotMatch", said)

    with pytest.raises(Refused, match="The clock of this host is not AWS's"):
        disable(faulty.adapter())


def test_what_aws_repeats_of_a_request_is_not_kept(faulty):
    said = (
        "The request signature we calculated does not match.\n\nThe Canonical String for this "
        "request should have been 'POST / x-amz-security-token:secret-token'"
    )
    faulty.status, faulty.text = 403, failure("SignatureDoesNotMatch", said)

    with pytest.raises(Refused) as told:
        disable(faulty.adapter())

    assert str(told.value).endswith("does not match.")


def test_a_host_without_an_identity_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    aws_sessions.forget()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(Refused, match="no identity in AWS"):
        disable(AwsAdapter({"auth": "ambient", "regions": ["us-east-1"]}, lambda name: name))
    aws_sessions.forget()


def test_lost_rights_are_no_proof_of_anything(faulty):
    faulty.status, faulty.text = 403, failure("AccessDenied")

    with pytest.raises(Refused):
        faulty.adapter().verify(ORDER)


def test_a_user_half_deleted_is_seen_as_gone(faulty):
    faulty.status, faulty.text = 404, failure("NoSuchEntity", "The user cannot be found.")

    assert faulty.adapter().verify(ORDER).seen == Seen.ABSENT


def test_other_credentials_are_switched_off_by_the_calls_that_aws_has(faulty):
    """No server here has them; botocore holds the calls against AWS's own description."""
    faulty.text = "<R><ResponseMetadata/></R>"
    adapter = faulty.adapter()
    for kind, key in (
        ("api-key", "ACCAEXAMPLE123EXAMPLE"),
        ("certificate", "TA7SMP42TDN5Z26OBPJE"),
    ):
        order = wanted(subject(credential=f"{key}7EXAMPLE", credential_kind=kind))
        for step in adapter.plan(order).steps:
            adapter.run(step.op, step.arguments)

    assert [one for one in faulty.asked if one != "GetCallerIdentity"] == [
        "UpdateServiceSpecificCredential",
        "DeleteServiceSpecificCredential",
        "UpdateSigningCertificate",
        "DeleteSigningCertificate",
    ]


def test_a_region_that_is_none_is_said_and_fails_no_check(faulty):
    faulty.status, faulty.text = 404, failure("NoSuchEntity")
    adapter = faulty.adapter()
    adapter.clients.regions = ["mars"]

    lines = list(adapter.check(removal=False))

    assert [line.right for line in lines if not line.worked]
    assert all(isinstance(line.said, str) for line in lines)


def test_a_secret_that_changed_behind_its_reference_is_used_at_once(ministack):
    one, two = ministack.user(), ministack.user()
    held = {"id": one.key.id, "secret": one.key.secret}
    told = ministack.adapter().told

    first = next(iter(AwsAdapter(told, held.__getitem__).check(removal=False))).said
    held |= {"id": two.key.id, "secret": two.key.secret}
    second = next(iter(AwsAdapter(told, held.__getitem__).check(removal=False))).said

    assert first.endswith(f"{one.arn}.")
    assert second.endswith(f"{two.arn}.")


def test_a_role_is_assumed_once_however_many_orders_need_it(faulty):
    faulty.text = "<R><ResponseMetadata/></R>"
    faulty.answers = {
        "AssumeRole": [
            (
                200,
                "<R><AssumeRoleResult><Credentials><AccessKeyId>ASIAONE</AccessKeyId>"
                "<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
                "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></R>",
            )
        ]
    }
    told = faulty.adapter().told | {"roles": ["arn:aws:iam::111111111111:role/countersign"]}
    order = wanted(
        subject(
            account="111111111111",
            credential="AKIAIOSFODNN7EXAMPLE",
            credential_kind="access-key",
        )
    )

    for _ in range(3):
        adapter = AwsAdapter(told, faulty.adapter().secret)
        [disable, _] = adapter.plan(order).steps
        adapter.run(disable.op, disable.arguments)

    assert faulty.asked.count("AssumeRole") == 1
    assert faulty.asked.count("UpdateAccessKey") == 3
