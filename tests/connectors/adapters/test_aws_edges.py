"""Corners of AWS policies, each with the outcome worked out by hand."""

import json
from urllib.parse import quote

import pytest

from apps.connectors.adapters.aws_catalogue import catalogue
from apps.connectors.adapters.aws_effective import Holding, grants_of
from apps.connectors.adapters.aws_policy import Origin, statements_of


def allow(*actions, **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"} | more


def deny(*actions, **more):
    return allow(*actions, **more) | {"Effect": "Deny"}


def all_but(effect, *actions, **more):
    return {"Effect": effect, "NotAction": list(actions), "Resource": "*"} | more


def held(*statements, boundary=None, by_group=()):
    """What comes out, as actions; and the limits beside it, as (effect, actions)."""
    known = catalogue()

    def read(listing):
        return statements_of({"Statement": listing}, origin=Origin("inline"), known=known)

    own = [*read(list(statements)), *(one.held_by("team") for one in read(list(by_group)))]
    fence = None if boundary is None else [one.as_boundary() for one in read(boundary)]
    grants = list(grants_of(Holding("account", "somebody", own, fence), known))
    actions = known.expand(name for grant in grants for name in grant.actions)
    unknown = {name for grant in grants for name in grant.unknown_actions}
    limits = [(limit.effect, limit.actions) for grant in grants for limit in grant.limits]
    return actions | unknown, limits


SEND, DELETE = "sqs:SendMessage", "sqs:DeleteMessage"
ELSEWHERE = {"Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-central-1"}}}


@pytest.mark.parametrize(
    ("outcome", "actions", "limits"),
    [
        (held(allow("*:*"), all_but("Deny", SEND)), {SEND}, []),
        (held(allow("S3:GETOBJECT", "s3:putobject"), deny("s3:PutOBJECT")), {"s3:GetObject"}, []),
        (held(allow(SEND, DELETE), by_group=[deny("sqs:Delete*")]), {SEND}, []),
        (
            held(allow(SEND, DELETE), by_group=[deny("sqs:Delete*", Resource="arn:aws:sqs:::a")]),
            {SEND, DELETE},
            [("deny", (DELETE,))],
        ),
        (held(allow(SEND), deny("sqs:*", **ELSEWHERE)), {SEND}, [("deny", (SEND,))]),
        (
            held(allow(SEND, "iam:GetUser"), all_but("Deny", "iam:*", **ELSEWHERE)),
            {SEND, "iam:GetUser"},
            [("deny", (SEND,))],
        ),
        (
            held(
                allow(SEND, "iam:GetUser", "teleport:Beam"),
                boundary=[all_but("Allow", "iam:*", "teleport:B*")],
            ),
            {SEND},
            [],
        ),
        (
            held(allow(SEND), boundary=[all_but("Allow", "iam:*", Resource="arn:aws:sqs:::a")]),
            {SEND},
            [("allow", (SEND,))],
        ),
        (held(allow(SEND), boundary=[]), set(), []),
        (held(boundary=[allow("*")]), set(), []),
        (held(allow("s?s:SendMessage")), {SEND, "sms:SendMessage"}, []),
        (held(allow(SEND, Sid="a"), allow(DELETE, Sid="a")), {SEND, DELETE}, []),
        (
            held(allow("s3:GetHolo*"), deny("s3:GetHologramX")),
            {"s3:GetHolo*"},
            [("deny", ("s3:GetHologramX",))],
        ),
        (held(allow("s3:*"), deny("*", Resource=["arn:aws:s3:::a", "*"])), set(), []),
    ],
    ids=[
        "deny all but one action",
        "letters large and small",
        "a group's deny",
        "a group's narrow deny",
        "deny with a condition",
        "deny all but some, with a condition",
        "a boundary of all but some",
        "a boundary of all but some on one resource",
        "a boundary that allows nothing",
        "a boundary alone",
        "a wildcard in the service",
        "one name for two statements",
        "a deny inside an unknown pattern",
        "a deny that names everything among others",
    ],
)
def test_what_is_held_in_the_end(outcome, actions, limits):
    assert outcome == (actions, limits)


@pytest.mark.parametrize("written", [json.dumps, lambda document: quote(json.dumps(document))])
def test_a_policy_as_text_is_read_as_it_stands_encoded_or_not(written):
    document = {"Statement": allow("s3:GetObject", Resource="arn:aws:s3:::files/100%25 done/*")}

    (statement,) = statements_of(written(document), origin=Origin("inline"), known=catalogue())

    assert statement.resources == ("arn:aws:s3:::files/100%25 done/*",)
