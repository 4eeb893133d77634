"""Calls to Vault or OpenBao through hvac; an error says whether trying again may heal it."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from hvac.adapters import RawAdapter

from apps.connectors.adapters.live import Absent, ProviderError, Refused, Unavailable

TIMEOUT = 20
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# Servers answer these with 400, 403, 404, or 500, by version.
ABSENT_WORDS = (
    "invalid accessor",
    "failed to find accessor entry",
    "invalid lease",
    "does not exist",
    "entity not found",
    "bad token",
)
HEALING_WORDS = ("failed to revoke", "context deadline exceeded", "connection refused")
# Besides 429 and 5xx: not yet replicated, and a standby that cannot answer.
HEALING_CODES = {412, 429, 472, 473}


class VaultCalls:
    """One session with a server. Signs in when it first has to, and holds its token in memory."""

    # How long to wait between tries of a reading, where the server does not say.
    waits: Sequence[float] = (0.5, 1, 2, 4)

    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        self.told = told
        self.secret = secret
        self.address = _address(str(told.get("address", "")))
        self.skew = timedelta()
        self.policies: list[str] = []
        self._signed_in_until = 0.0
        self._http = RawAdapter(
            base_uri=self.address,
            verify=str(told.get("ca_file") or "") or True,
            timeout=TIMEOUT,
            namespace=str(told.get("namespace") or "").strip("/") or None,
            # A redirect would take the token along to wherever it points.
            allow_redirects=False,
        )

    def get(self, path: str) -> dict[str, Any]:
        return self._data(self.send("GET", path))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._data(self.send("POST", path, body))

    def delete(self, path: str) -> None:
        self.send("DELETE", path)

    def keys(self, path: str) -> list[str]:
        """List what lies under a path; nothing where there is nothing."""
        try:
            return list(self._data(self.send("LIST", path)).get("keys") or [])
        except Absent:
            return []

    def patiently[T](self, call: Callable[[], T]) -> T:
        """Make a reading that waits where the server is busy. Writes are retried by their order."""
        for wait in self.waits:
            try:
                return call()
            except Unavailable as error:
                time.sleep(min(error.retry_after, 30) or wait)
        return call()

    def health(self) -> dict[str, Any]:
        """Who the server is. Needs no token."""
        said = self._request("GET", "sys/health", None, {"standbyok": "true"})
        return dict(_json(said))

    def send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Make one call. A session that has run out is begun anew, once."""
        fresh = self._sign_in()
        try:
            return _json(self._request(method, path, body))
        except Refused as error:
            if error.code != "403" or fresh or self.told.get("auth") == "token":
                raise
        self._signed_in_until = 0.0
        self._sign_in()
        return _json(self._request(method, path, body))

    def own_accessor(self) -> str:
        return str(self.get("auth/token/lookup-self").get("accessor", ""))

    def looked_up_with(self, token: str) -> dict[str, Any]:
        """Look up a token by itself, in a session of its own."""
        return self._data(_json(self._request("GET", "auth/token/lookup-self", None, token=token)))

    def _sign_in(self) -> bool:
        """Sign in if need be; say whether that was just now."""
        if time.monotonic() < self._signed_in_until:
            return False
        how = str(self.told.get("auth") or "approle")
        if how == "token":
            self._http.token = self._read("token")
            self._signed_in_until = time.monotonic() + 300
            return True
        mount = str(self.told.get("auth_mount") or how).strip("/")
        self._http.token = None
        said = _json(self._request("POST", f"auth/{mount}/login", self._proof(how)))
        auth = said.get("auth") or {}
        if not auth.get("client_token"):
            raise Refused("It signed nobody in.", call=f"POST auth/{mount}/login")
        self._http.token = auth["client_token"]
        self.policies = list(auth.get("policies") or [])
        lasts = float(auth.get("lease_duration") or 0) or 3600.0
        self._signed_in_until = time.monotonic() + lasts * 0.8
        return True

    def _proof(self, how: str) -> dict[str, str]:
        if how == "approle":
            return {
                "role_id": str(self.told.get("role_id", "")),
                "secret_id": self._read("secret_id"),
            }
        return {"role": str(self.told.get("role", "")), "jwt": self._read("jwt")}

    def _read(self, key: str) -> str:
        reference = str(self.told.get(key) or "")
        if not reference:
            raise Refused(f"The connection names no {key.replace('_', ' ')}.")
        return self.secret(reference).strip()

    def _request(
        self, method: str, path: str, body: Any, params: Any = None, *, token: str | None = None
    ) -> requests.Response:
        call = f"{method} {path}"
        headers = {} if token is None else {"X-Vault-Token": token}
        own, self._http.token = self._http.token, None if token is not None else self._http.token
        try:
            response = self._http.request(
                method.lower(),
                f"/v1/{path}",
                headers=headers,
                raise_exception=False,
                json=body,
                params=params,
            )
        except requests.exceptions.SSLError as error:
            raise Refused("Its certificate is not trusted.", call=call) from error
        except requests.exceptions.RequestException as error:
            raise Unavailable(f"No answer: {type(error).__name__}.", call=call) from error
        finally:
            self._http.token = own
        self._note_time(response)
        if response.status_code >= 300:
            raise _error(response, call)
        return response  # type: ignore[no-any-return]

    def _note_time(self, response: requests.Response) -> None:
        """How far the server's clock is ahead of ours, at most: it tells whole seconds."""
        try:
            there = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        self.skew = there + timedelta(seconds=1) - datetime.now(UTC)

    @staticmethod
    def _data(said: Mapping[str, Any]) -> dict[str, Any]:
        data = dict(said.get("data") or {})
        if said.get("warnings"):
            data["warnings"] = list(said["warnings"])
        return data


def quoted(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _address(address: str) -> str:
    at = urlsplit(address)
    if at.scheme != "https" and not (at.scheme == "http" and at.hostname in LOOPBACK):
        raise Refused("The address of a server begins with https://.")
    if at.username or at.password:
        raise Refused("The address holds a name or password; take it out.")
    return address.rstrip("/")


def _json(response: requests.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        said = response.json()
    except ValueError as error:
        raise Unavailable("It did not answer as Vault does.", code="not JSON") from error
    return said if isinstance(said, dict) else {}


def _error(response: requests.Response, call: str) -> ProviderError:
    code = response.status_code
    said = _said(response)
    kind: type[ProviderError] = Refused
    if code < 400:
        kind, said = Unavailable, "It points to another server; give the address of the active one."
    elif code == 404 or (code in {400, 403, 500} and any(word in said for word in ABSENT_WORDS)):
        kind = Absent
    elif code >= 500 or code in HEALING_CODES or any(word in said for word in HEALING_WORDS):
        kind = Unavailable
    after = seconds_of(response.headers.get("Retry-After"))
    return kind(said, call=call, code=str(code), retry_after=after)


def _said(response: requests.Response) -> str:
    """The server's own words, on one line."""
    try:
        body = response.json()
        errors = body.get("errors") or [(body.get("data") or {}).get("error", "")]
        text = " ".join(str(error) for error in errors)
    except (ValueError, AttributeError):
        text = response.text[:300]
    return " ".join(text.split()) or f"{response.status_code} {response.reason}"


def seconds_of(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0
