"""The ways out of long-lived secrets, as data: for which, where it runs, what to do, who says so.

Words in capitals in a command are to be replaced. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WayOut:
    """One way. `kinds` and `systems` say for what; `runs_on` is looked for in the platform of the
    agent, and empty where it goes anywhere. `source` is the provider's own page."""

    key: str
    title: str
    leaves: str
    systems: Sequence[str]
    kinds: Sequence[str]
    runs_on: str
    steps: Sequence[tuple[str, str]]
    source: str

    def fits(self, system: str, kind: str) -> bool:
        return system in self.systems and kind in self.kinds

    def is_for(self, platform: str) -> bool:
        return bool(self.runs_on) and re.search(self.runs_on, platform, re.IGNORECASE) is not None


AWS, AZURE, VAULT = ("aws",), ("azure",), ("vault",)
GITHUB, GCP, KUBERNETES = ("github", "code"), ("gcp",), ("kubernetes",)
DATABASES = ("postgresql", "mysql", "database", "mongodb", "mssql", "oracle", "warehouse")
KEYS = ("access-key",)
SECRETS = ("client-secret",)
TOKENS = ("token", "api-key")
DROP_KEY = (
    "Take the key out of the configuration, see no more use of it, and revoke it here.",
    "aws iam get-access-key-last-used --access-key-id KEY-ID",
)

CREATE_ROLE = "aws iam create-role --role-name ROLE --assume-role-policy-document file://trust.json"
TRUST_ISSUER = (
    "aws iam create-open-id-connect-provider --url ISSUER --client-id-list sts.amazonaws.com"
)
END_OLD = ("Sign in by it, see the old one unused, and revoke that here.", "")

WAYS: tuple[WayOut, ...] = (
    WayOut(
        key="aws-eks-pod-identity",
        title="EKS Pod Identity",
        leaves="Nothing is stored: each pod gets credentials that last for hours.",
        systems=AWS,
        kinds=KEYS,
        runs_on=r"\beks\b",
        steps=(
            (
                "Make a role that pods.eks.amazonaws.com may assume (sts:AssumeRole and"
                " sts:TagSession), with the rights of the user.",
                CREATE_ROLE,
            ),
            (
                "Tie it to the agent's service account.",
                "aws eks create-pod-identity-association --cluster-name CLUSTER --namespace"
                " NAMESPACE --service-account ACCOUNT --role-arn ROLE-ARN",
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html",
    ),
    WayOut(
        key="aws-irsa",
        title="IAM role for the Kubernetes service account (IRSA)",
        leaves="Nothing is stored: the pod's own token is exchanged for hours of access.",
        systems=AWS,
        kinds=KEYS,
        runs_on=r"\beks\b|kubernetes|\bk8s\b",
        steps=(
            ("Let IAM trust the cluster's issuer of tokens.", TRUST_ISSUER),
            (
                "Make a role for sts:AssumeRoleWithWebIdentity, bound to the one service account.",
                CREATE_ROLE,
            ),
            (
                "Name the role on the service account.",
                "kubectl annotate serviceaccount ACCOUNT -n NAMESPACE"
                " eks.amazonaws.com/role-arn=ROLE-ARN",
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
    ),
    WayOut(
        key="aws-task-role",
        title="Task role of ECS",
        leaves="Nothing is stored: the task gets credentials that last for hours.",
        systems=AWS,
        kinds=KEYS,
        runs_on=r"\becs\b|fargate",
        steps=(
            (
                "Make a role that ecs-tasks.amazonaws.com may assume, with the rights of the user.",
                CREATE_ROLE,
            ),
            (
                "Name it as taskRoleArn in the task definition, and deploy that.",
                "aws ecs register-task-definition --cli-input-json file://task.json",
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html",
    ),
    WayOut(
        key="aws-lambda-role",
        title="Execution role of Lambda",
        leaves="Nothing is stored: the function gets credentials that last for hours.",
        systems=AWS,
        kinds=KEYS,
        runs_on=r"lambda",
        steps=(
            (
                "Give the rights of the user to the function's execution role.",
                "aws iam put-role-policy --role-name ROLE --policy-name agent --policy-document"
                " file://policy.json",
            ),
            (
                "Take the key out of the function's variables.",
                "aws lambda update-function-configuration --function-name FUNCTION --environment"
                " file://environment.json",
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    ),
    WayOut(
        key="aws-instance-role",
        title="Instance role of EC2",
        leaves="Nothing is stored: the instance gets credentials that last for hours.",
        systems=AWS,
        kinds=KEYS,
        runs_on=r"\bec2\b|\binstance\b",
        steps=(
            (
                "Make a role that ec2.amazonaws.com may assume, and a profile that holds it.",
                "aws iam add-role-to-instance-profile --instance-profile-name PROFILE"
                " --role-name ROLE",
            ),
            (
                "Give the profile to the instance.",
                "aws ec2 associate-iam-instance-profile --instance-id INSTANCE"
                " --iam-instance-profile Name=PROFILE",
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html",
    ),
    WayOut(
        key="aws-oidc-federation",
        title="OIDC federation",
        leaves="Nothing is stored: the runner's own token is exchanged for an hour of access.",
        systems=AWS,
        kinds=KEYS,
        runs_on=r"github actions|gitlab|buildkite|circleci|\bci\b|google cloud|\bgcp\b|azure",
        steps=(
            ("Let IAM trust the issuer of tokens where it runs.", TRUST_ISSUER),
            (
                "Make a role for sts:AssumeRoleWithWebIdentity, bound to the one subject.",
                CREATE_ROLE,
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html",
    ),
    WayOut(
        key="aws-roles-anywhere",
        title="IAM Roles Anywhere",
        leaves="A certificate of the host's own, from your authority; access lasts for hours.",
        systems=AWS,
        kinds=KEYS,
        runs_on="",
        steps=(
            (
                "Register the authority that issues the host's certificate.",
                "aws rolesanywhere create-trust-anchor --name ANCHOR --source file://source.json"
                " --enabled",
            ),
            (
                "Make a role that rolesanywhere.amazonaws.com may assume, and a profile for it.",
                "aws rolesanywhere create-profile --name PROFILE --role-arns ROLE-ARN --enabled",
            ),
            (
                "Name the helper as credential_process in the host's AWS configuration.",
                "aws_signing_helper credential-process --certificate CERTIFICATE --private-key KEY"
                " --trust-anchor-arn ANCHOR-ARN --profile-arn PROFILE-ARN --role-arn ROLE-ARN",
            ),
            DROP_KEY,
        ),
        source="https://docs.aws.amazon.com/rolesanywhere/latest/userguide/getting-started.html",
    ),
    WayOut(
        key="aws-bedrock-role",
        title="A role instead of a Bedrock API key",
        leaves="Nothing is stored: calls are signed with the credentials of a role.",
        systems=AWS,
        kinds=("api-key",),
        runs_on="",
        steps=(
            (
                "Give the role where the agent runs bedrock:InvokeModel on its models alone.",
                "aws iam put-role-policy --role-name ROLE --policy-name bedrock --policy-document"
                " file://policy.json",
            ),
            ("Take the bearer token out: the SDK then signs with the role.", ""),
            (
                "See no more use of the key, and revoke it here.",
                "aws iam list-service-specific-credentials --user-name USER",
            ),
        ),
        source="https://docs.aws.amazon.com/bedrock/latest/userguide/security-iam.html",
    ),
    WayOut(
        key="entra-aks-workload-identity",
        title="Workload identity of AKS",
        leaves="Nothing is stored: the pod's own token is exchanged for an hour of access.",
        systems=AZURE,
        kinds=SECRETS,
        runs_on=r"\baks\b|kubernetes|\bk8s\b",
        steps=(
            (
                "Switch on the cluster's issuer and workload identity.",
                "az aks update --name CLUSTER --resource-group GROUP --enable-oidc-issuer"
                " --enable-workload-identity",
            ),
            (
                "Let the application trust the one service account.",
                "az ad app federated-credential create --id APP --parameters federation.json",
            ),
            ("Label the pods, name the client id on the service account, remove the secret.", ""),
        ),
        source="https://learn.microsoft.com/en-us/azure/aks/workload-identity-overview",
    ),
    WayOut(
        key="entra-managed-identity",
        title="Managed identity",
        leaves="Nothing is stored: Azure hands tokens to the resource itself.",
        systems=AZURE,
        kinds=SECRETS,
        runs_on=r"azure|functions|app service|container apps|\bvm\b",
        steps=(
            (
                "Give the resource an identity of its own.",
                "az identity create --name IDENTITY --resource-group GROUP",
            ),
            ("Give that identity what the application has, sign in by it, remove the secret.", ""),
        ),
        source="https://learn.microsoft.com/en-us/entra/identity/"
        "managed-identities-azure-resources/overview",
    ),
    WayOut(
        key="entra-federation",
        title="Workload identity federation",
        leaves="Nothing is stored: a token from where it runs is exchanged for an hour of access.",
        systems=AZURE,
        kinds=SECRETS,
        runs_on="",
        steps=(
            (
                "Let the application trust one subject of the issuer where it runs.",
                "az ad app federated-credential create --id APP --parameters federation.json",
            ),
            ("Sign in with the token from there as client assertion.", ""),
            ("Remove the client secret.", "az ad app credential delete --id APP --key-id KEY-ID"),
        ),
        source="https://learn.microsoft.com/en-us/entra/workload-id/"
        "workload-identity-federation-create-trust",
    ),
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
    WayOut(
        key="github-actions-token",
        title="The token of the run itself",
        leaves="Nothing is stored: the token ends with the run.",
        systems=GITHUB,
        kinds=TOKENS,
        runs_on=r"github actions",
        steps=(
            ("Name what the job needs under permissions, and use GITHUB_TOKEN.", ""),
            ("Delete the personal access token.", ""),
        ),
        source="https://docs.github.com/en/actions/security-for-github-actions/security-guides/"
        "automatic-token-authentication",
    ),
    WayOut(
        key="github-app",
        title="Installation token of a GitHub App",
        leaves="The App's private key, in one place; each token lasts for an hour and a few"
        " repositories.",
        systems=GITHUB,
        kinds=TOKENS,
        runs_on="",
        steps=(
            (
                "Register an App with the permissions of the agent, and install it where it works.",
                "",
            ),
            (
                "Ask for a token for each run.",
                "gh api --method POST /app/installations/INSTALLATION/access_tokens",
            ),
            ("Delete the personal access token.", ""),
        ),
        source="https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-"
        "app/generating-an-installation-access-token-for-a-github-app",
    ),
    WayOut(
        key="kubernetes-bound-token",
        title="Bound token of the service account",
        leaves="Nothing is stored: the token is mounted, bound to its pod, and renewed hourly.",
        systems=KUBERNETES,
        kinds=TOKENS,
        runs_on="",
        steps=(
            ("Mount a projected token in the pod, or ask for one.", "kubectl create token ACCOUNT"),
            ("Delete the Secret that holds the old token.", "kubectl delete secret SECRET"),
        ),
        source="https://kubernetes.io/docs/concepts/security/service-accounts/",
    ),
    WayOut(
        key="gcp-workload-identity-federation",
        title="Workload identity federation",
        leaves="Nothing is stored: a token from where it runs is exchanged for an hour of access.",
        systems=GCP,
        kinds=(*KEYS, *TOKENS, "certificate"),
        runs_on="",
        steps=(
            (
                "Make a pool, and trust the issuer where it runs.",
                "gcloud iam workload-identity-pools providers create-oidc PROVIDER"
                " --workload-identity-pool=POOL --location=global --issuer-uri=ISSUER"
                " --attribute-mapping=google.subject=assertion.sub",
            ),
            (
                "Let the one subject act as the service account.",
                "gcloud iam service-accounts add-iam-policy-binding ACCOUNT"
                " --role=roles/iam.workloadIdentityUser --member=PRINCIPAL",
            ),
            (
                "Delete the key.",
                "gcloud iam service-accounts keys delete KEY-ID --iam-account=ACCOUNT",
            ),
        ),
        source="https://cloud.google.com/iam/docs/workload-identity-federation",
    ),
)
