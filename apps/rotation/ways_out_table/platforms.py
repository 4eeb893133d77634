"""GitHub, Kubernetes, and Google Cloud: what their own platforms give instead.

Words in capitals in a command are to be replaced. Pure.
"""

from apps.rotation.ways_out_table.base import GCP, GITHUB, KEYS, KUBERNETES, TOKENS, WayOut

PLATFORM_WAYS: tuple[WayOut, ...] = (
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
