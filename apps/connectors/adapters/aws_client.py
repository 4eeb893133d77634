"""Calls to AWS: as whom, where, and what their failures mean.

One base identity (of the host, or keys by reference), and from it each role of another account
that the connection names.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import botocore.exceptions as failures
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.parsers import ResponseParserError

from apps.connectors.adapters.aws_sessions import Signer, bare_session, kept
from apps.connectors.adapters.live import Absent, ProviderError, Refused, Unavailable

CONNECT_SECONDS, READ_SECONDS = 3, 10
DEFAULT_REGION = "us-east-1"
SESSION_NAME = "countersign"
# A step is tried once: its order tries again. A reading waits until it is let through.
ONCE = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 1},
)
PATIENTLY = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "adaptive", "total_max_attempts": 8},
)
ABSENT = {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException"}
HEALING = {
    "BandwidthLimitExceeded",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "EntityTemporarilyUnmodifiable",
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalFailure",
    "InternalServiceError",
    "LimitExceededException.RateLimit",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
}
CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
# What botocore raises before anything has left this host, or that asking again cannot heal.
OURS = (
    failures.NoCredentialsError,
    failures.PartialCredentialsError,
    failures.ParamValidationError,
    failures.SSLError,
    failures.UnknownServiceError,
    failures.InvalidRegionError,
    failures.NoRegionError,
    failures.ProfileNotFound,
    ValueError,
)
FAILURES = (failures.ClientError, failures.BotoCoreError, ResponseParserError, ValueError)
# AWS explains a wrong signature by repeating the request, session token and all.
REPEATS = re.compile(
    r"\s*(The Canonical String|Credential should be|\(?reached max retries).*", re.S
)

# Which account a key is of, by endpoint and id: it never comes to be of another.
_HOMES: dict[tuple[str, str], str] = {}


class Clients:
    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        self.told = told
        self.secret = secret
        self.regions: list[str] = list(told.get("regions") or []) or [DEFAULT_REGION]
        self.endpoint: str | None = told.get("endpoint") or None
        self._home = ""

    @property
    def roles(self) -> list[str]:
        return list(self.told.get("roles") or [])

    def home(self) -> str:
        """The account of the base identity, asked once for each key it signs with."""
        if not self._home:
            key = (self.endpoint or "", self._key_id())
            if key not in _HOMES:
                _HOMES[key] = str(self.call("sts", "get_caller_identity", account="")["Account"])
            self._home = _HOMES[key]
        return self._home

    def _key_id(self) -> str:
        try:
            credentials = self._session("").get_credentials()
        except FAILURES as error:
            raise translated(error, "sts:GetCallerIdentity") from None
        if credentials is None:
            raise Refused("This host has no identity in AWS.", call="sts:GetCallerIdentity")
        return str(credentials.access_key)

    def accounts(self) -> list[str]:
        """The account of the base identity, then those of the roles."""
        return list(dict.fromkeys([self.home(), *(arn.split(":")[4] for arn in self.roles)]))

    @property
    def partition(self) -> str:
        """Which AWS it is: the public one, China's, or the US government's."""
        try:
            return str(bare_session().get_partition_for_region(self.regions[0]))
        except FAILURES as error:
            raise translated(error, f"region {self.regions[0]}") from None

    def now(self, account: str) -> datetime:
        """What time it is for AWS, by its own answer."""
        said = self.call("sts", "get_caller_identity", account=account)
        headers = said["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"])

    def call(
        self,
        service: str,
        operation: str,
        *,
        account: str,
        region: str = "",
        patient: bool = False,
        **params: Any,
    ) -> dict[str, Any]:
        """Make one call, once unless patiently. Raises `ProviderError` where it fails."""
        name = name_of(service, operation)
        try:
            client = self.client(service, account=account, region=region, patient=patient)
            answer: dict[str, Any] = getattr(client, operation)(**params)
        except FAILURES as error:
            raise translated(error, name) from None
        return answer

    def pages(
        self,
        service: str,
        operation: str,
        *,
        account: str,
        region: str = "",
        patient: bool = False,
        **params: Any,
    ) -> Iterator[dict[str, Any]]:
        """Read all pages of a listing; a patient one waits where AWS asks it to."""
        name = name_of(service, operation)
        try:
            client = self.client(service, account=account, region=region, patient=patient)
            yield from client.get_paginator(operation).paginate(**params)
        except FAILURES as error:
            raise translated(error, name) from None

    def client(self, service: str, *, account: str, region: str = "", patient: bool = False) -> Any:
        """A client, made once for all connections that sign as the same."""
        role = self._role_for(account)
        where = region or self.regions[0]
        config = PATIENTLY if patient else ONCE
        key = (self._as_role(role), service, where, self.endpoint, config)
        return kept(
            key,
            lambda: self._session(role).create_client(
                service, region_name=where, endpoint_url=self.endpoint, config=config
            ),
        )

    def with_keys(
        self, service: str, *, key: str, secret: str, token: str = "", region: str = ""
    ) -> Any:
        """A client that signs with a credential at hand, which is kept nowhere."""
        return bare_session().create_client(
            service,
            region_name=region or self.regions[0],
            endpoint_url=self.endpoint,
            config=ONCE,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token or None,
        )

    def _role_for(self, account: str) -> str:
        """The role that reaches an account; none for the base identity's own."""
        for arn in self.roles:
            if account and arn.split(":")[4] == account:
                return arn
        if account and account != self.home():
            raise Refused(f"This connection does not speak for account {account}.")
        return ""

    @cached_property
    def _base(self) -> Signer:
        """As whom it signs: a secret that changed behind its reference makes it another."""
        if self.told.get("auth") != "references":
            return Signer()
        token = self.told.get("session_token")
        return Signer(
            self.secret(self.told["access_key_id"]),
            self.secret(self.told["secret_access_key"]),
            self.secret(token) if token else None,
        )

    def _as_role(self, role: str) -> tuple[Any, ...]:
        return (self._base, role, self.told.get("external_id"), self.endpoint, self.regions[0])

    def _session(self, role: str) -> Any:
        make = (lambda: self._assumed(role)) if role else self._base.session
        return kept(self._as_role(role), make)

    def _assumed(self, role: str) -> Any:
        def fetch() -> dict[str, Any]:
            outside = self.told.get("external_id")
            params = {"ExternalId": outside} if outside else {}
            said = self.call(
                "sts",
                "assume_role",
                account="",
                RoleArn=role,
                RoleSessionName=SESSION_NAME,
                **params,
            )["Credentials"]
            return {
                "access_key": said["AccessKeyId"],
                "secret_key": said["SecretAccessKey"],
                "token": said["SessionToken"],
                "expiry_time": said["Expiration"].isoformat(),
            }

        session = bare_session()
        session._credentials = RefreshableCredentials.create_from_metadata(
            metadata=fetch(), refresh_using=fetch, method="sts-assume-role"
        )
        return session


def name_of(service: str, operation: str) -> str:
    """`name_of("iam", "list_access_keys")` is `iam:ListAccessKeys`, as rights name it."""
    words = (word.title() for word in operation.split("_"))
    return f"{service}:{''.join(words)}".replace("Ssh", "SSH").replace("Mfa", "MFA")


def translated(error: Exception, call: str) -> ProviderError:
    """Say what a failure means: whether asking again can heal it, or nothing is there."""
    if isinstance(error, failures.ClientError):
        return _of_answer(error, call)
    kind = Refused if isinstance(error, OURS) else Unavailable
    return kind(_told(str(error)), call=call, code=type(error).__name__)


def _of_answer(error: failures.ClientError, call: str) -> ProviderError:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    said = _told(str(answer.get("Error", {}).get("Message", "")) or code)
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    kind: type[ProviderError] = Refused
    if code in ABSENT:
        kind = Absent
    elif code in HEALING or status >= 500 or status == 429:
        kind = Unavailable
    elif code in CLOCK or "Signature expired" in said or "Signature not yet current" in said:
        said = f"The clock of this host is not AWS's: {said}"
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return kind(said, call=call, code=code, retry_after=_seconds(headers.get("retry-after")))


def _seconds(text: Any) -> float:
    return float(text) if str(text).isdecimal() else 0.0


def _told(said: str) -> str:
    return REPEATS.sub("", said).strip()[:1000]
