"""Logs of the systems: what they recorded, whose call it was, and what of ours it carried."""

import gzip
import io
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.activity.formats import cloudtrail, github, kubernetes, vault
from apps.activity.formats.lines import Bad
from apps.activity.formats.registry import FORMATS
from apps.activity.readings import Reading
from tests.activity.data import beside

OURS = "01a20a46f400703f958769309b7f56f1"
EVENT = {
    "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject",
    "eventTime": "2023-07-10T11:54:47Z",
    "eventID": "E1",
    "requestID": "R1",
    "readOnly": True,
    "recipientAccountId": "111122223333",
    "userAgent": "aws-cli",
    "userIdentity": {
        "type": "IAMUser",
        "arn": "arn:aws:iam::111122223333:user/x",
        "accessKeyId": "AKIAX",
    },
}


def read(of_format, *records, packed=False):
    raw = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records).encode()
    return list(of_format(io.BytesIO(gzip.compress(raw) if packed else raw)))


def test_every_real_event_of_cloudtrail_is_read():
    found = []
    for path in sorted(beside("aws/cloudtrail").iterdir()):
        with path.open("rb") as file:
            found += cloudtrail.readings(file)

    assert len(found) == 1233
    assert all(isinstance(one, Reading) for one in found)
    assert len({one.original_id for one in found}) == 1233
    assert sum(bool(one.request_id) for one in found) == 1232
    assert Counter(one.outcome for one in found) == {"ok": 1097, "failed": 106, "denied": 30}
    assert Counter(one.level for one in found) == {"read": 1050, "write": 183}
    assert all(one.happened_at and one.principal and one.system == "aws" for one in found)


def test_an_event_of_cloudtrail_says_who_did_what_with_which_key():
    (one,) = read(cloudtrail.readings, {"Records": [EVENT]})

    assert (one.kind, one.name, one.level, one.outcome) == ("api", "s3:GetObject", "read", "ok")
    assert (one.request_id, one.original_id, one.account) == ("R1", "E1", "111122223333")
    assert (one.principal, one.credential) == ("arn:aws:iam::111122223333:user/x", "AKIAX")
    assert one.happened_at == 1_688_990_087 * 10**9


def test_an_assumed_role_is_the_role_and_its_session_may_carry_an_id_of_ours():
    role = "arn:aws:iam::111122223333:role/agents/refunds"
    who = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::111122223333:assumed-role/refunds/cs-{OURS}",
        "principalId": f"AROAX:cs-{OURS}",
        "accessKeyId": "ASIAX",
        "sessionContext": {"sessionIssuer": {"arn": role}, "sourceIdentity": "refund-agent"},
    }
    (one,) = read(cloudtrail.readings, {"Records": [EVENT | {"userIdentity": who}]})

    assert (one.principal, one.claimed_agent) == (role, "refund-agent")
    assert (one.correlation, one.carried_by) == (OURS, "session")


def test_a_user_agent_may_carry_an_id_of_ours():
    agent = f"aws-sdk-python/1 app/cs-{OURS} lib/x"
    (one,) = read(cloudtrail.readings, {"Records": [EVENT | {"userAgent": agent}]})
    (not_ours,) = read(cloudtrail.readings, {"Records": [EVENT | {"userAgent": f"x/cs-{OURS}"}]})

    assert (one.correlation, one.carried_by) == (OURS, "user-agent")
    assert (not_ours.correlation, not_ours.carried_by) == ("", "")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("AccessDenied", "denied"),
        ("Client.UnauthorizedOperation", "denied"),
        ("InvalidClientTokenId", "denied"),
        ("NoSuchBucketPolicy", "failed"),
    ],
)
def test_an_error_of_aws_is_a_refusal_or_a_failure(error, outcome):
    (one,) = read(cloudtrail.readings, {"Records": [EVENT | {"errorCode": error}]})

    assert one.outcome == outcome


@pytest.mark.parametrize(
    "records",
    [
        [{"Records": [EVENT, EVENT]}],
        [EVENT, EVENT],
        [json.dumps([EVENT, EVENT])],
        [{"Events": [{"EventId": "E1", "CloudTrailEvent": json.dumps(EVENT)}] * 2}],
        [json.dumps({"Records": [EVENT, EVENT]}, indent=1)],
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_events_are_read_in_whichever_wrapping_they_come(records, packed):
    found = read(cloudtrail.readings, *records, packed=packed)

    assert [one.name for one in found] == ["s3:GetObject", "s3:GetObject"]


def test_a_record_that_is_none_is_told_with_its_number_and_the_rest_is_read():
    found = read(cloudtrail.readings, {"Records": [EVENT, {"eventName": "x"}, 5, EVENT]})

    assert [type(one).__name__ for one in found] == ["Reading", "Bad", "Bad", "Reading"]
    assert [one.line for one in found if isinstance(one, Bad)] == [2, 3]


def test_a_file_that_breaks_off_gives_what_it_held_and_says_so():
    whole = json.dumps({"Records": [EVENT] * 2000}).encode()
    for broken in (whole[: len(whole) // 2], gzip.compress(whole)[:-200]):
        *found, last = cloudtrail.readings(io.BytesIO(broken))

        assert isinstance(last, Bad)
        assert all(isinstance(one, Reading) for one in found)


@pytest.mark.parametrize("told", ["", "{}", '{"Records": 5}', "[", "no log", '{"Other": []}'])
def test_a_file_of_something_else_is_no_empty_log(told):
    found = read(cloudtrail.readings, told)

    assert [type(one) for one in found] == [Bad]


AUDITED = {
    "time": "2024-05-01T10:00:00.123456789Z",
    "auth": {"accessor": "ACC1", "display_name": "token-x", "entity_id": "EN1"},
    "request": {
        "id": "V1",
        "operation": "read",
        "path": "secret/data/orders",
        "remote_address": "10.0.0.7",
        "namespace": {"path": "team/"},
        "headers": {"X-Correlation-Id": [OURS]},
    },
}


def test_a_request_to_vault_is_told_once_with_its_answer():
    asked, answered = AUDITED | {"type": "request"}, AUDITED | {"type": "response"}
    (one,) = read(vault.readings, asked, answered)

    assert (one.name, one.target, one.level, one.outcome) == (
        "vault:read",
        "secret/data/orders",
        "read",
        "ok",
    )
    assert (one.request_id, one.original_id) == ("V1", "V1:response")
    assert (one.principal, one.credential, one.address) == ("EN1", "ACC1", "10.0.0.7")
    assert (one.correlation, one.carried_by, one.account) == (OURS, "header", "team")
    assert one.happened_at % 10**9 == 123456789


def test_a_request_to_vault_without_an_answer_is_not_lost():
    (one,) = read(vault.readings, AUDITED | {"type": "request"})

    assert (one.original_id, one.outcome) == ("V1:request", "")


def test_a_refusal_of_vault_is_a_denial():
    refused = AUDITED | {"type": "response", "error": "1 error occurred: permission denied"}

    assert read(vault.readings, refused)[0].outcome == "denied"


@pytest.mark.parametrize(
    ("operation", "path", "level"),
    [
        ("update", "sys/policies/acl/x", "admin"),
        ("update", "secret/data/x", "write"),
        ("update", "auth/approle/login", ""),
        ("list", "sys/mounts", "read"),
    ],
)
def test_the_path_tells_what_a_write_to_vault_is(operation, path, level):
    asked = AUDITED["request"] | {"operation": operation, "path": path}

    assert read(vault.readings, AUDITED | {"request": asked, "type": "response"})[0].level == level


SEEN = {
    "kind": "Event",
    "auditID": "6f6b0f3c-3c1b-4c3e-9d0a-1f5f4c6f1a11",
    "stage": "ResponseComplete",
    "verb": "get",
    "user": {
        "username": "system:serviceaccount:shop:agent",
        "extra": {"authentication.kubernetes.io/credential-id": ["JTI=J1"]},
    },
    "sourceIPs": ["10.0.0.9"],
    "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"},
    "responseStatus": {"code": 200},
    "requestReceivedTimestamp": "2024-05-01T10:00:00.000001Z",
    "stageTimestamp": "2024-05-01T10:00:00.000501Z",
}


def test_a_call_to_kubernetes_is_told_once_with_its_token():
    (one,) = read(kubernetes.readings, SEEN | {"stage": "RequestReceived"}, SEEN)

    assert (one.name, one.target, one.level, one.outcome) == (
        "secrets:get",
        "shop/db",
        "read",
        "ok",
    )
    assert (one.credential, one.address) == ("J1", "10.0.0.9")
    assert one.principal == "system:serviceaccount:shop:agent"
    assert one.ended_at - one.happened_at == 500_000
    assert one.correlation == ""


@pytest.mark.parametrize("audit_id", [OURS, "01a20a46-f400-703f-9587-69309b7f56f1"])
def test_an_audit_id_that_a_client_sent_is_ours(audit_id):
    (one,) = read(kubernetes.readings, SEEN | {"auditID": audit_id})

    assert (one.correlation, one.carried_by, one.request_id) == (OURS, "header", audit_id)


def test_binding_a_role_is_admin_and_a_forbidden_call_denied():
    changed = SEEN | {
        "verb": "create",
        "objectRef": {"resource": "rolebindings", "apiGroup": "rbac.authorization.k8s.io"},
        "responseStatus": {"code": 403, "message": "forbidden"},
    }
    (one,) = read(kubernetes.readings, {"kind": "EventList", "items": [changed]})

    assert (one.level, one.outcome, one.body["outcome"]) == ("admin", "denied", "forbidden")


@pytest.mark.parametrize("as_list", [False, True])
def test_an_event_of_github_keeps_the_digest_of_its_token(as_list):
    told = {
        "@timestamp": 1_714_557_600_123,
        "_document_id": "D1",
        "action": "repo.create",
        "actor": "agent-bot",
        "org": "shop",
        "repo": "shop/orders",
        "hashed_token": "zPoLzM2OT3SfG5Q=",
        "operation_type": "create",
        "user_agent": f"x cs-{OURS}",
    }
    (one,) = read(github.readings, json.dumps([told]) if as_list else told)

    assert (one.name, one.target, one.level, one.account) == (
        "repo.create",
        "shop/orders",
        "write",
        "shop",
    )
    assert (one.credential, one.original_id, one.principal) == (
        "zPoLzM2OT3SfG5Q=",
        "D1",
        "agent-bot",
    )
    assert (one.correlation, one.carried_by) == (OURS, "user-agent")
    assert one.happened_at == 1_714_557_600_123 * 10**6


@pytest.mark.parametrize("of_format", FORMATS.values())
def test_lines_that_are_none_are_told_and_passed_over(of_format):
    lines = ["{", "5", "\x00", "[" * 200_000, "{}", '{"a":' * 200 + "1" + "}" * 200]
    found = read(of_format, '{"x": 1}', *lines)

    assert found
    assert all(isinstance(one, Bad) and one.message for one in found)


def test_a_line_without_end_is_passed_over_without_being_held():
    long = b'{"x": "' + b"y" * (6 * 1024 * 1024) + b'"}\n'
    told = json.dumps(AUDITED | {"type": "response"}).encode()
    found = list(vault.readings(io.BytesIO(long + told)))

    assert found[0] == Bad(1, "A record is larger than 4 MB.")
    assert found[1].name == "vault:read"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(FORMATS)),
    st.sampled_from([EVENT, AUDITED, SEEN, {"action": "x"}]),
    st.data(),
)
def test_a_record_with_anything_in_any_place_is_read_or_told(name, record, data):
    changed = record | data.draw(
        st.dictionaries(st.sampled_from(sorted(record)), ANYTHING, max_size=4)
    )
    for told in (changed, {"Records": [changed]}):
        for one in read(FORMATS[name], told):
            assert isinstance(one, Reading | Bad)
            if isinstance(one, Reading):
                json.dumps(one.body)
                assert len(one.name) <= 200


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=200), st.booleans())
def test_noise_is_told_and_nothing_else(name, noise, is_packed):
    for one in FORMATS[name](io.BytesIO(b"\x1f\x8b" + noise if is_packed else noise)):
        assert isinstance(one, Reading | Bad)


def test_requests_that_bear_one_audit_id_are_each_told():
    """A client may send the same for all of them: the server takes it as it is."""
    other = {"verb": "delete", "objectRef": SEEN["objectRef"] | {"name": "other"}}
    later = {"requestReceivedTimestamp": "2024-05-01T10:00:01.000001Z"}
    received = {"stage": "RequestReceived"}
    begun = [SEEN | received | other, SEEN | received | later]
    sent = [SEEN, *begun, SEEN | other, SEEN | later]

    told = read(kubernetes.readings, *sent)
    again = read(kubernetes.readings, *sent)

    assert sorted(one.name for one in told) == ["secrets:delete", "secrets:get", "secrets:get"]
    assert len({one.original_id for one in told}) == 3
    assert {one.original_id for one in told} == {one.original_id for one in again}


def test_a_token_of_vault_that_was_made_for_a_run_is_its_session():
    auth = {**AUDITED["auth"], "metadata": {"agent": "refunds", "correlation_id": OURS}}
    asked = AUDITED["request"] | {"headers": {}}

    (one,) = read(vault.readings, AUDITED | {"auth": auth, "request": asked, "type": "response"})

    assert (one.correlation, one.carried_by) == (OURS, "session")
