"""A small AWS account and the agents at work in it, as the files that a steward brings in."""

import json

ACCOUNT = "222233334444"
SYSTEM = f"AWS account {ACCOUNT}"
MADE = "2026-03-02T08:00:00+00:00"

TRIAGE = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "sqs:SendMessage", "ses:SendEmail"]
# One write permission of each of ten services.
INVOICES = [
    "dynamodb:PutItem",
    "events:PutEvents",
    "firehose:PutRecord",
    "kinesis:PutRecord",
    "s3:PutObject",
    "ses:SendEmail",
    "sns:Publish",
    "sqs:SendMessage",
    "ssm:PutParameter",
    "states:StartExecution",
]
DEPLOY = ["lambda:UpdateFunctionCode"]


def account(*, without=()):
    """The account as AWS tells it. `without` are pairs of a role and an action removed since."""
    return {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [
            _role("ticket-triage", _left("ticket-triage", TRIAGE, without)),
            _role("vendor-invoices", _left("vendor-invoices", INVOICES, without)),
            _role("old-deploy", _left("old-deploy", DEPLOY, without)),
            _role(
                "AWSServiceRoleForSupport",
                ["ec2:CreateTags"],
                path="/aws-service-role/support.amazonaws.com/",
            ),
        ],
        "Policies": [],
    }


def _left(role, actions, without):
    return [action for action in actions if (role, action) not in without]


def _role(name, actions, *, path="/agents/"):
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    return {
        "Path": path,
        "RoleName": name,
        "RoleId": f"AROA{name.upper().replace('-', '')}",
        "Arn": f"arn:aws:iam::{ACCOUNT}:role{path}{name}",
        "CreateDate": MADE,
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        "InstanceProfileList": [],
        "RolePolicyList": [{"PolicyName": "work", "PolicyDocument": policy}] if actions else [],
        "AttachedManagedPolicies": [],
        "Tags": [],
    }


def agents(*, owner, team):
    """Who the agents are, in the product's own format. Nobody answers for old-deploy."""
    return {
        "format": "countersign",
        "version": 1,
        "stream": "our agents",
        "agents": [
            _agent("Ticket triage", "Sorts new tickets, and answers the simple ones.", owner, team)
            | {
                "tasks": [{"title": "Hand tickets on", "needs": [_need("sqs")]}],
                "bindings": [{"system": SYSTEM, "identity": "ticket-triage"}],
            },
            _agent("Vendor invoices", "Books what vendors send us.", owner, team)
            | {
                "tasks": [{"title": "Book an invoice", "needs": [_need("dynamodb")]}],
                "bindings": [{"system": SYSTEM, "identity": "vendor-invoices"}],
            },
        ],
        "justifications": [
            {
                "system": SYSTEM,
                "identity": "ticket-triage",
                "service": "sqs",
                "level": "write",
                "reason": "Hands each ticket to the queue of the team that answers it.",
                "task": "Hand tickets on",
                "agent": "Ticket triage",
            }
        ],
    }


def _agent(name, purpose, owner, team):
    return {
        "name": name,
        "purpose": purpose,
        "owner": owner,
        "team": team,
        "environment": "production",
    }


def _need(service):
    return {"system": SYSTEM, "service": service, "level": "write"}


def written(path, content):
    path.write_text(json.dumps(content, indent=2))
    return path
