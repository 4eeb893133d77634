"""Azure: secrets of applications give way to identities that hold none.

Words in capitals in a command are to be replaced. Pure.
"""

from apps.rotation.ways_out_table.base import AZURE, SECRETS, WayOut

AZURE_WAYS: tuple[WayOut, ...] = (
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
)
