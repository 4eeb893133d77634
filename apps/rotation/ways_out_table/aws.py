"""AWS: keys of users give way to roles.

Words in capitals in a command are to be replaced. Pure.
"""

from apps.rotation.ways_out_table.base import AWS, CREATE_ROLE, DROP_KEY, KEYS, TRUST_ISSUER, WayOut

AWS_WAYS: tuple[WayOut, ...] = (
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
)
