"""Reading the credentials of an account: access keys by their ids, passwords, certificates, and
credentials made for one service, each with what AWS says of its use."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apps.connectors.adapters import aws_credential_report
from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.contract import (
    CredentialRow,
    Header,
    IdentityRow,
    Rejected,
    Row,
    SystemRow,
    Tally,
)
from apps.connectors.adapters.live import Absent, Part, Refused, Unavailable

# What an endpoint says that does not have a call at all: then there is nothing of it either.
UNKNOWN_CALL = {"InvalidAction", "UnknownOperationException"}
NOTHING = {"", "N/A"}
# So many calls in a row may fail before the reading is given up.
MOST_FAILURES = 3


def read(clients: Clients, part: Part) -> Iterator[Row]:
    return _Reading(clients, part).rows()


class _Reading:
    def __init__(self, clients: Clients, part: Part):
        self.clients = clients
        self.account = part.account
        self.stream = part.stream
        self.entries = 0
        self.about = ""
        self.failures = 0
        self.refused: set[str] = set()
        self.unread: list[Rejected] = []

    def rows(self) -> Iterator[Row]:
        yield Header(
            format=aws_credential_report.FORMAT,
            stream=self.stream,
            account=self.account,
            kinds=frozenset({"identity", "credential"}),
        )
        yield SystemRow(SYSTEM_KIND, self.account, f"AWS account {self.account}", self.account)
        by_service = self._by_service()
        yield from self._root()
        for page in self._pages("list_users"):
            for user in page["Users"]:
                self.entries += 1
                self.about = user["Arn"]
                yield from self._user(user, by_service.pop(user["UserName"], []))
                yield from self._told()
        yield from self._told()
        yield Tally(self.entries)

    def _told(self) -> Iterator[Rejected]:
        yield from self.unread
        self.entries += len(self.unread)
        self.unread = []

    # One user.

    def _user(self, user: dict[str, Any], by_service: list[dict[str, Any]]) -> Iterator[Row]:
        arn, name = user["Arn"], user["UserName"]
        keys = [self._key(arn, key) for key in self._keys(name)]
        password = self._password(user)
        uses = [row.last_used_at for row in [*keys, *password] if row.last_used_at]
        yield IdentityRow(
            system=self.account,
            key=arn,
            name=name,
            kind="iam-user",
            created_at=user.get("CreateDate"),
            last_used_at=max(uses, default=None),
            facts={
                "mfa_active": bool(password and password[0].facts["mfa_active"]),
                "password_enabled": bool(password),
            },
        )
        yield from password
        yield from keys
        yield from (self._service_credential(arn, one) for one in by_service)
        yield from self._certificates(arn, name)

    def _keys(self, name: str) -> list[dict[str, Any]]:
        return self._listed("list_access_keys", "AccessKeyMetadata", UserName=name)

    def _key(self, arn: str, key: dict[str, Any]) -> CredentialRow:
        used = self._last_used(key["AccessKeyId"])
        at = used.get("LastUsedDate") if used else None
        places = {
            f"last_used_{word}": used[said]
            for word, said in (("service", "ServiceName"), ("region", "Region"))
            if used and used.get(said, "") not in NOTHING
        }
        return CredentialRow(
            system=self.account,
            identity=arn,
            key=key["AccessKeyId"],
            kind="access-key",
            active=key["Status"] == "Active",
            created_at=key.get("CreateDate"),
            rotated_at=key.get("CreateDate"),
            last_used_at=at,
            use_known=used is not None,
            label=key["AccessKeyId"],
            facts={"status": key["Status"], **places},
        )

    def _last_used(self, key: str) -> dict[str, Any] | None:
        """What AWS says of its use; None where it does not say."""
        said = self._asked("get_access_key_last_used", AccessKeyId=key)
        return said["AccessKeyLastUsed"] if said else None

    def _password(self, user: dict[str, Any]) -> list[CredentialRow]:
        arn, name = user["Arn"], user["UserName"]
        said = self._asked("get_login_profile", UserName=name)
        if said is None:
            return []
        devices = self._listed("list_mfa_devices", "MFADevices", UserName=name)
        row = CredentialRow(
            system=self.account,
            identity=arn,
            key=f"{arn}#password",
            kind="password",
            created_at=said["LoginProfile"].get("CreateDate"),
            last_used_at=user.get("PasswordLastUsed"),
            use_known=True,
            label="Console password",
            facts={"mfa_active": bool(devices)},
        )
        return [row]

    def _certificates(self, arn: str, name: str) -> Iterator[CredentialRow]:
        for one in self._listed("list_signing_certificates", "Certificates", UserName=name):
            yield CredentialRow(
                system=self.account,
                identity=arn,
                key=one["CertificateId"],
                kind="certificate",
                active=one["Status"] == "Active",
                created_at=one.get("UploadDate"),
                rotated_at=one.get("UploadDate"),
                label=f"Signing certificate {one['CertificateId']}"[:200],
                facts={"status": one["Status"]},
            )

    def _service_credential(self, arn: str, one: dict[str, Any]) -> CredentialRow:
        alias = one.get("ServiceCredentialAlias") or one.get("ServiceUserName") or ""
        return CredentialRow(
            system=self.account,
            identity=arn,
            key=one["ServiceSpecificCredentialId"],
            kind="api-key",
            active=one["Status"] == "Active",
            created_at=one.get("CreateDate"),
            expires_at=one.get("ExpirationDate"),
            label=(alias or one["ServiceSpecificCredentialId"])[:200],
            facts={"status": one["Status"], "service": one["ServiceName"], "alias": alias},
        )

    def _by_service(self) -> dict[str, list[dict[str, Any]]]:
        """The credentials of all users that are made for one service, Bedrock's among them."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        marker: dict[str, str] = {}
        while True:
            said = self._asked("list_service_specific_credentials", AllUsers=True, **marker)
            if said is None:
                return found
            for one in said["ServiceSpecificCredentials"]:
                found[one["UserName"]].append(one)
            if not said.get("IsTruncated"):
                return found
            marker = {"Marker": said["Marker"]}

    # Root, of which only the account's summary speaks.

    def _root(self) -> Iterator[Row]:
        said = self._asked("get_account_summary")
        if said is None:
            return
        self.entries += 1
        told = said["SummaryMap"]
        arn = f"arn:{self.clients.partition}:iam::{self.account}:root"
        has_mfa = bool(told.get("AccountMFAEnabled"))
        has_password = bool(told.get("AccountPasswordPresent", 1))
        yield IdentityRow(
            system=self.account,
            key=arn,
            name="root account",
            kind="aws-root",
            facts={"mfa_active": has_mfa, "password_enabled": has_password},
        )
        if has_password:
            yield CredentialRow(
                system=self.account,
                identity=arn,
                key=f"{arn}#password",
                kind="password",
                label="Console password",
                facts={"mfa_active": has_mfa},
            )
        if told.get("AccountAccessKeysPresent"):
            yield CredentialRow(
                system=self.account,
                identity=arn,
                key=f"{arn}#access-key-1",
                kind="access-key",
                label="Access key of root",
                by_place=True,
            )

    # Asking: what is missing is told, and what is known of it does not count as gone.

    def _asked(self, operation: str, **params: Any) -> dict[str, Any] | None:
        if operation in self.refused:
            return None
        with self._missing(operation):
            return self.clients.call("iam", operation, account=self.account, patient=True, **params)
        return None

    def _listed(self, operation: str, name: str, **params: Any) -> list[Any]:
        if operation in self.refused:
            return []
        with self._missing(operation):
            return [one for page in self._pages(operation, **params) for one in page[name]]
        return []

    def _pages(self, operation: str, **params: Any) -> Iterator[dict[str, Any]]:
        return self.clients.pages("iam", operation, account=self.account, patient=True, **params)

    @contextmanager
    def _missing(self, operation: str) -> Iterator[None]:
        """Go on without an answer: about one user where it did not come, about all where AWS
        refuses the call, which is then not asked again."""
        try:
            yield
            self.failures = 0
        except Absent:
            return
        except Refused as error:
            self.refused.add(operation)
            if error.code not in UNKNOWN_CALL:
                self.unread.append(Rejected(error.call, error.said, "credential", ""))
        except Unavailable as error:
            self.failures += 1
            if self.failures > MOST_FAILURES:
                raise
            self.unread.append(Rejected(error.call, error.said, "credential", self.about))
