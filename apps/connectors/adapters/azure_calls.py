"""Calls to Microsoft Graph and Key Vault; an error says whether trying again may heal it."""

import base64
import json
import os
import ssl
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import (
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.secrets import SecretClient

from apps.connectors.adapters.live import Absent, ProviderError, Refused, Unavailable

GRAPH = "https://graph.microsoft.com"
LOGIN = "https://login.microsoftonline.com"
VAULT_SUFFIX = "vault.azure.net"
TIMEOUT = 20
MOST_PAGES = 2000
BUSY = ("AADSTS90033", "AADSTS90006", "AADSTS50196")
ABSENT_WORDS = ("No password credential found", "does not exist", "ResourceNotFound")


class AzureCalls:
    """One session. Tokens are held in memory by azure-identity, and nowhere else."""

    # How long to wait between tries of a reading, where the service does not say.
    waits: Sequence[float] = (1, 2, 4, 8)

    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        self.told = told
        self.secret = secret
        self.tenant = str(told.get("tenant", "")).strip().lower()
        self.graph = _https(str(told.get("graph_address") or GRAPH))
        self.login = _https(str(told.get("login_address") or LOGIN))
        self.vaults = [vault_url(str(name)) for name in told.get("vaults") or []]
        self._ca = str(told.get("ca_file") or "")

    @cached_property
    def credential(self) -> TokenCredential:
        """How the connection proves itself. Never by a person's sign-in on this host."""
        if self.told.get("auth") == "secret":
            return ClientSecretCredential(
                self.tenant,
                str(self.told.get("client_id", "")),
                self._client_secret(),
                authority=self.login,
                disable_instance_discovery=self.login != LOGIN,
                **self._transport,
            )
        client_id = str(self.told.get("client_id") or "") or None
        if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
            return WorkloadIdentityCredential(
                tenant_id=self.tenant, client_id=client_id, **self._transport
            )
        return ManagedIdentityCredential(client_id=client_id)

    @cached_property
    def http(self) -> httpx.Client:
        client = httpx.Client(
            base_url=f"{self.graph}/v1.0",
            verify=ssl.create_default_context(cafile=self._ca or None),
            timeout=TIMEOUT,
            follow_redirects=False,
        )
        weakref.finalize(self, client.close)
        return client

    @cached_property
    def _transport(self) -> dict[str, Any]:
        """One set of connections for sign-in and all vaults, closed with this session."""
        session = requests.Session()
        weakref.finalize(self, session.close)
        shared = RequestsTransport(
            session=session,
            session_owner=False,
            connection_verify=self._ca or True,
            connection_timeout=TIMEOUT,
            read_timeout=TIMEOUT,
        )
        return {"transport": shared, "retry_total": 0}

    def _client_secret(self) -> str:
        reference = str(self.told.get("client_secret") or "")
        if not reference:
            raise Refused("The connection names no client secret.")
        return self.secret(reference).strip()

    # Graph.

    def get(self, path: str, **params: str) -> dict[str, Any]:
        return self.send("GET", path, params=params)

    def pages(self, path: str, **params: str) -> Iterator[dict[str, Any]]:
        """Every item of a listing, page by page, waiting where the service asks to."""
        said = self.patiently(lambda: self.send("GET", path, params=params))
        for _ in range(MOST_PAGES):
            yield from said.get("value") or []
            link = said.get("@odata.nextLink")
            if not link:
                return
            if not str(link).startswith(f"{self.graph}/"):
                # It would take the token along to wherever it points.
                raise Refused("The next page lies on another host.", call=f"GET {path}")
            said = self.patiently(lambda link=link: self.send("GET", str(link)))  # type: ignore[misc]
        raise Refused(f"It has more than {MOST_PAGES} pages.", call=f"GET {path}")

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        call = f"{method} {urlsplit(path).path.removeprefix('/v1.0')}"
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            response = self.http.request(
                method, path, json=body, params=params or None, headers=headers
            )
        except httpx.TimeoutException as error:
            raise Unavailable("No answer in time.", call=call) from error
        except httpx.HTTPError as error:
            raise Unavailable(f"No answer: {type(error).__name__}.", call=call) from error
        if response.status_code >= 300:
            raise _graph_error(response, call)
        return dict(response.json()) if response.content else {}

    def roles(self) -> set[str]:
        """What the connection's own token says it may do on Graph."""
        body = self._token().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return set(claims.get("roles") or [])

    def _token(self) -> str:
        with told_errors("sign in"):
            return str(self.credential.get_token(f"{self.graph}/.default").token)

    def patiently[T](self, call: Callable[[], T]) -> T:
        """Make a reading that waits where it is throttled. Writes are retried by their order."""
        for wait in self.waits:
            try:
                return call()
            except Unavailable as error:
                time.sleep(min(error.retry_after, 60) or wait)
        return call()

    # Key Vault.

    def secrets(self, vault: str) -> SecretClient:
        return SecretClient(vault, self.credential, **self._for_vault(vault))

    def keys(self, vault: str) -> KeyClient:
        return KeyClient(vault, self.credential, **self._for_vault(vault))

    def certificates(self, vault: str) -> CertificateClient:
        return CertificateClient(vault, self.credential, **self._for_vault(vault))

    def _for_vault(self, vault: str) -> dict[str, Any]:
        # What a file brought may name any address: the token goes to the vaults that were named.
        if account_of(vault) not in map(account_of, self.vaults):
            raise Refused(f"This connection does not speak for the key vault {vault}.")
        host = urlsplit(vault).hostname or ""
        return {"verify_challenge_resource": host.endswith(VAULT_SUFFIX), **self._transport}

    # Signing in as somebody else, with what was pasted.

    def sign_in_with(self, client_id: str, client_secret: str) -> httpx.Response:
        call = "POST oauth2/v2.0/token"
        try:
            return self.http.post(
                f"{self.login}/{self.tenant}/oauth2/v2.0/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": client_secret,
                    "scope": f"{self.graph}/.default",
                },
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"No answer: {type(error).__name__}.", call=call) from error


def vault_url(name: str) -> str:
    """The address of a Key Vault, told by its name or its address."""
    name = name.strip().rstrip("/")
    return _https(name) if "://" in name else f"https://{name}.{VAULT_SUFFIX}"


def account_of(vault: str) -> str:
    return urlsplit(vault).netloc.lower()[:120]


@contextmanager
def told_errors(call: str) -> Iterator[None]:
    """Tell the errors of Azure's clients as the contract has them."""
    try:
        yield
    except CredentialUnavailableError as error:
        raise Refused("This host has no such identity.", call=call) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Unavailable(f"No answer: {type(error).__name__}.", call=call) from error
    except HttpResponseError as error:
        raise _azure_error(error, call) from error
    except AzureError as error:
        raise Refused(_line(str(error)), call=call) from error


def _azure_error(error: HttpResponseError, call: str) -> ProviderError:
    code = int(error.status_code or 0)
    answer = error.response
    headers = getattr(answer, "headers", None) or {}
    said = _line(str(getattr(error, "message", "") or error))
    if isinstance(error, ClientAuthenticationError) and code in {0, 400, 401}:
        # Without a code of Entra's, the sign-in did not come to an answer.
        answered = "AADSTS" in said and not any(word in said for word in BUSY)
        return (Refused if answered else Unavailable)(said, call=call, code=str(code or 401))
    return _kind(code, said)(
        said, call=call, code=str(code), retry_after=_seconds(headers.get("Retry-After"))
    )


def _graph_error(response: httpx.Response, call: str) -> ProviderError:
    try:
        error = response.json().get("error") or {}
        said = _line(f"{error.get('code', '')}: {error.get('message', '')}")
    except (ValueError, AttributeError):
        said = f"{response.status_code} {response.reason_phrase}"
    code = response.status_code
    return _kind(code, said)(
        said, call=call, code=str(code), retry_after=_seconds(response.headers.get("Retry-After"))
    )


def _kind(code: int, said: str) -> type[ProviderError]:
    if code in {404, 410} or (code == 400 and any(word in said for word in ABSENT_WORDS)):
        return Absent
    return Unavailable if code in {408, 409, 429} or code >= 500 or 0 < code < 400 else Refused


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


def _https(address: str) -> str:
    at = urlsplit(address)
    if at.scheme != "https" or at.username or at.password:
        raise Refused("An address begins with https:// and holds no name.")
    return address.rstrip("/")
