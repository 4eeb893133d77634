"""Vault: tokens and passwords give way to sign-in by platform, and to leases.

Words in capitals in a command are to be replaced. Pure.
"""

from apps.rotation.ways_out_table.base import DATABASES, END_OLD, SECRETS, VAULT, WayOut

VAULT_WAYS: tuple[WayOut, ...] = (
    WayOut(
        key="vault-kubernetes-auth",
        title="Sign in to Vault by Kubernetes",
        leaves="Nothing is stored: the pod's own token signs in, for as long as its role says.",
        systems=VAULT,
        kinds=(*SECRETS, "token"),
        runs_on=r"kubernetes|\bk8s\b|\beks\b|\baks\b|\bgke\b|openshift",
        steps=(
            ("Switch the method on, and tell it the cluster.", "vault auth enable kubernetes"),
            (
                "Bind a role to the one service account.",
                "vault write auth/kubernetes/role/AGENT bound_service_account_names=ACCOUNT"
                " bound_service_account_namespaces=NAMESPACE token_policies=POLICY token_ttl=1h",
            ),
            END_OLD,
        ),
        source="https://developer.hashicorp.com/vault/docs/auth/kubernetes",
    ),
    WayOut(
        key="vault-aws-auth",
        title="Sign in to Vault by AWS",
        leaves="Nothing is stored: the role where it runs signs in.",
        systems=VAULT,
        kinds=(*SECRETS, "token"),
        runs_on=r"\baws\b|\bec2\b|\becs\b|fargate|lambda",
        steps=(
            ("Switch the method on.", "vault auth enable aws"),
            (
                "Bind a role to the one IAM role.",
                "vault write auth/aws/role/AGENT auth_type=iam bound_iam_principal_arn=ROLE-ARN"
                " token_policies=POLICY token_ttl=1h",
            ),
            END_OLD,
        ),
        source="https://developer.hashicorp.com/vault/docs/auth/aws",
    ),
    WayOut(
        key="vault-jwt-auth",
        title="Sign in to Vault by JWT",
        leaves="Nothing is stored: a token from where it runs signs in.",
        systems=VAULT,
        kinds=(*SECRETS, "token"),
        runs_on="",
        steps=(
            ("Switch the method on.", "vault auth enable jwt"),
            (
                "Trust the issuer where it runs.",
                "vault write auth/jwt/config oidc_discovery_url=ISSUER",
            ),
            (
                "Bind a role to the one subject.",
                "vault write auth/jwt/role/AGENT role_type=jwt bound_audiences=vault"
                " bound_subject=SUBJECT user_claim=sub token_policies=POLICY token_ttl=1h",
            ),
            END_OLD,
        ),
        source="https://developer.hashicorp.com/vault/docs/auth/jwt",
    ),
    WayOut(
        key="vault-dynamic-database",
        title="Dynamic secrets of Vault",
        leaves="A user of its own for each lease, dropped when the lease ends.",
        systems=DATABASES,
        kinds=("password",),
        runs_on="",
        steps=(
            (
                "Tell Vault the database, by an administrator of its own.",
                "vault write database/config/DATABASE plugin_name=postgresql-database-plugin"
                " allowed_roles=AGENT connection_url=URL username=ADMIN password=-",
            ),
            (
                "Say which user it makes, and for how long.",
                "vault write database/roles/AGENT db_name=DATABASE creation_statements=@create.sql"
                " default_ttl=1h max_ttl=24h",
            ),
            (
                "Let the agent read its user from there, then drop the old one.",
                "vault read database/creds/AGENT",
            ),
        ),
        source="https://developer.hashicorp.com/vault/docs/secrets/databases",
    ),
)
