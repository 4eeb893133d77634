from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.adapters import aws_documents as documents
from apps.grants.patterns import covers


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions, **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def test_a_line_is_taken_out_and_the_rest_stays():
    before = document(allow("s3:GetObject", "s3:PutObject", Sid="Files"), allow("ses:SendEmail"))

    after = documents.without(before, ["s3:PutObject"])

    assert after == document(allow("s3:GetObject", Sid="Files"), allow("ses:SendEmail"))


def test_a_line_that_stands_for_more_stays_and_what_goes_is_denied():
    after = documents.without(document(allow("s3:*")), ["s3:Put*"])

    assert after["Statement"][0] == allow("s3:*")
    assert after["Statement"][1]["Effect"] == "Deny"
    assert after["Statement"][1]["Action"] == ["s3:Put*"]
    assert documents.still_allowed([after], ["s3:Put*"]) == []
    assert documents.still_allowed([after], ["s3:Get*"]) == ["s3:Get*"]


def test_what_all_but_some_actions_allow_is_denied_too():
    everything_else = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}

    after = documents.without(document(everything_else), ["s3:PutObject"])

    assert documents.still_allowed([after], ["s3:PutObject"]) == []
    assert documents.still_allowed([after], ["iam:GetUser"]) == []


def test_nothing_is_left_of_a_policy_that_allowed_nothing_else():
    assert documents.without(document(allow("s3:PutObject")), ["s3:*"]) is None


def test_a_narrower_deny_is_no_proof_that_nothing_is_allowed():
    narrow = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::one"}
    conditional = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
    }

    held = [document(allow("s3:PutObject"), narrow, conditional)]

    assert documents.still_allowed(held, ["s3:PutObject"]) == ["s3:PutObject"]


def test_a_document_is_read_however_the_api_writes_it():
    assert documents.read("%7B%22Statement%22%3A%5B%5D%7D") == {"Statement": []}
    assert documents.read('{"Statement": []}') == {"Statement": []}


ACTIONS = st.sampled_from(
    [
        "s3:GetObject",
        "s3:PutObject",
        "s3:Put*",
        "s3:*",
        "ses:SendEmail",
        "ses:*",
        "*",
        "S3:putobject",
    ]
)


@given(st.lists(ACTIONS, min_size=1), st.lists(ACTIONS, min_size=1))
def test_what_is_taken_out_is_gone_and_nothing_else(allowed, removed):
    before = document(allow(*allowed))

    after = documents.without(before, removed)

    left = [] if after is None else [after]
    assert documents.still_allowed(left, removed) == []
    for action in ("s3:GetObject", "s3:PutObject", "ses:SendEmail"):
        if not any(covers(gone, action) for gone in removed):
            was = documents.still_allowed([before], [action])
            assert documents.still_allowed(left, [action]) == was
    assert after is None or documents.without(after, removed) == after


@given(st.lists(st.text("abcXYZ:", min_size=1, max_size=60), min_size=1, max_size=200))
def test_a_long_denial_is_split_without_losing_an_action(actions):
    parts = documents.denials(actions, 500)

    told = [action for part in parts for action in part["Statement"][0]["Action"]]
    assert told == actions
    assert all(len(documents.written(part)) <= 500 for part in parts)
