"""The least rights in AWS, as a policy to copy: for reading, for removal, for issuing. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from apps.connectors.adapters.aws_logs import rights as trails

READING = (
    "cloudtrail:LookupEvents",
    "iam:GetAccessKeyLastUsed",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountSummary",
    "iam:GetGroupPolicy",
    "iam:GetLoginProfile",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccessKeys",
    "iam:ListAttachedGroupPolicies",
    "iam:ListAttachedRolePolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupPolicies",
    "iam:ListGroupsForUser",
    "iam:ListMFADevices",
    "iam:ListRolePolicies",
    "iam:ListServiceSpecificCredentials",
    "iam:ListSigningCertificates",
    "iam:ListUserPolicies",
    "iam:ListUsers",
    "secretsmanager:DescribeSecret",
    "secretsmanager:ListSecrets",
)
REMOVAL = (
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:DeleteAccessKey",
    "iam:DeleteGroupPolicy",
    "iam:DeleteLoginProfile",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:DeleteRolePolicy",
    "iam:DeleteServiceSpecificCredential",
    "iam:DeleteSigningCertificate",
    "iam:DeleteUserPolicy",
    "iam:DetachGroupPolicy",
    "iam:DetachRolePolicy",
    "iam:DetachUserPolicy",
    "iam:ListEntitiesForPolicy",
    "iam:ListPolicyVersions",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:RemoveUserFromGroup",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAccessKey",
    "iam:UpdateServiceSpecificCredential",
    "iam:UpdateSigningCertificate",
    "secretsmanager:DeleteSecret",
    "secretsmanager:RestoreSecret",
)
ISSUING = (
    "iam:CreateAccessKey",
    "iam:DeleteRolePolicy",
    "iam:PutRolePolicy",
    "iam:ResetServiceSpecificCredential",
    "secretsmanager:RotateSecret",
    "sts:AssumeRole",
    "sts:SetSourceIdentity",
)
PURPOSES = {"reading": READING, "removal": REMOVAL, "issuing": ISSUING}


def rights(told: Mapping[str, Any], purpose: str) -> str:
    """A policy for the connection's own identity; for further accounts, for the role there."""
    statements = [
        {
            "Sid": f"Countersign{purpose.title()}",
            "Effect": "Allow",
            "Action": list(PURPOSES[purpose]),
            "Resource": "*",
        }
    ]
    if purpose == "reading" and told.get("roles"):
        statements.append(
            {
                "Sid": "CountersignOtherAccounts",
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Resource": list(told["roles"]),
            }
        )
    if purpose == "reading":
        statements += trails(told)
    if purpose == "issuing" and told.get("place_secrets"):
        statements.append(
            {
                "Sid": "CountersignPlacing",
                "Effect": "Allow",
                "Action": ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"],
                "Resource": list(told["place_secrets"]),
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
