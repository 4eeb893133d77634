"""Secrets that a secret manager keeps, read as whoever this process runs as: no key is needed.

The clients are extras, so each is loaded once a reference asks for it. What was read is returned,
and kept nowhere; no message repeats what a manager said of it.
"""

from functools import lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from config import env

CONNECT_SECONDS, READ_SECONDS = 3, 10
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
BUSY = {"ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}


class NotRead(Exception):
    """A secret was not read; `heals` where asking again may."""

    def __init__(self, said: str, *, heals: bool = False):
        super().__init__(said)
        self.heals = heals


def secret_of_aws(name: str, region: str) -> str:
    """What Secrets Manager holds under a name or an ARN, as text."""
    failures = _client("botocore.exceptions", "aws")
    try:
        said = _aws(region).get_secret_value(SecretId=name)
    except failures.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        heals = status >= 500 or code in BUSY
        raise NotRead(f"Secrets Manager said {code or status}.", heals=heals) from None
    except (failures.BotoCoreError, ValueError) as error:
        silent = failures.HTTPClientError, failures.ConnectionError
        heals = isinstance(error, (*silent, failures.CredentialRetrievalError))
        raise NotRead(f"Secrets Manager: {type(error).__name__}.", heals=heals) from None
    if "SecretString" not in said:
        raise NotRead("It holds bytes, not text.")
    return str(said["SecretString"])


def secret_of_azure(vault: str, name: str, version: str | None) -> str:
    """What Key Vault holds under a name: of this version, else the newest."""
    errors = _client("azure.core.exceptions", "azure")
    try:
        value = _azure(vault).get_secret(name, version).value
    except errors.ClientAuthenticationError:
        raise NotRead("This process has no identity that Key Vault knows.") from None
    except errors.HttpResponseError as error:
        status = int(error.status_code or 0)
        heals = status == 429 or status >= 500
        raise NotRead(f"Key Vault said {status} {error.reason or ''}.", heals=heals) from None
    except errors.AzureError as error:
        raise NotRead(f"Key Vault: {type(error).__name__}.", heals=True) from None
    return str(value or "")


@lru_cache(maxsize=16)
def _aws(region: str) -> Any:
    session = _client("botocore.session", "aws").Session()
    where = region or session.get_config_variable("region") or env.text("AWS_REGION", "")
    if not where:
        raise NotRead("It names no region: give its ARN, or set AWS_REGION.")
    config = _client("botocore.config", "aws").Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    return session.create_client("secretsmanager", region_name=where, config=config)


@lru_cache(maxsize=16)
def _azure(vault: str) -> Any:
    identity = _client("azure.identity", "azure")
    if env.text("AZURE_FEDERATED_TOKEN_FILE", ""):
        credential = identity.WorkloadIdentityCredential()
    else:
        client_id = env.text("AZURE_CLIENT_ID", "") or None
        credential = identity.ManagedIdentityCredential(client_id=client_id)
    return _client("azure.keyvault.secrets", "azure").SecretClient(
        vault,
        credential,
        # What stands in for Key Vault on this machine asks for tokens in its own name.
        verify_challenge_resource=urlsplit(vault).hostname not in LOOPBACK,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retry_total=1,
    )


def _client(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise NotRead(f"Install countersign[{extra}] where this process runs.") from None
