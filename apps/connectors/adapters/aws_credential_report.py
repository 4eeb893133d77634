"""`aws iam get-credential-report`: the CSV as AWS makes it, or the command's JSON around it.

The report gives access keys no id, so a key is known by its user and its place (1 or 2). It
never holds a secret.
"""

import base64
import binascii
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND
from apps.connectors.adapters.aws_trust import account_of
from apps.connectors.adapters.contract import (
    CredentialRow,
    Header,
    IdentityRow,
    Rejected,
    Row,
    SystemRow,
    Tally,
)
from apps.connectors.adapters.keeping import flaw_of
from apps.connectors.adapters.opening import SourceFile
from apps.connectors.adapters.times import moment

FORMAT = "aws-credential-report"
COMMAND = "aws iam get-credential-report"
ROOT = "<root_account>"
# The key of a credential is the ARN and its place.
LONGEST = {"user": 200, "arn": 280}
NOTHING = {"", "N/A", "no_information", "not_supported"}
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
)


class _BadCell(Exception):
    def __init__(self, column: str, reason: str):
        super().__init__(reason)
        self.column = column
        self.reason = reason


def read(source: SourceFile) -> Iterator[Row]:
    """Yield the account, then each user with its password, access keys, and certificates."""
    account = ""
    entries = 0
    with _lines(source) as (lines, provider_at):
        for line, entry in _entries(source, lines):
            entries += 1
            flaw = flaw_of(entry) or _overlong(entry)
            if flaw:
                yield Rejected(f"line {line}", flaw, "identity")
                continue
            found = account_of(entry["arn"])
            if not account:
                account = found
                if not account:
                    raise source.refuse("The ARN names no account.", where=f"line {line}, arn")
                yield _header(account, provider_at)
                yield SystemRow(SYSTEM_KIND, account, f"AWS account {account}", account)
            if found != account:
                reason = f"It is not of account {account}."
                yield Rejected(f"line {line}, arn", reason, "identity", entry["arn"])
                continue
            try:
                rows = list(_rows(entry, account))
            except _BadCell as error:
                where = f"line {line}, {error.column}"
                yield Rejected(where, error.reason, "identity", entry["arn"])
            else:
                yield from rows
    if not account:
        raise source.refuse("The report lists no user.")
    yield Tally(entries)


def _header(account: str, provider_at: datetime | None) -> Header:
    return Header(
        format=FORMAT,
        stream=f"{FORMAT}:{account}",
        account=account,
        provider_at=provider_at,
        kinds=frozenset({"identity", "credential"}),
    )


@contextmanager
def _lines(source: SourceFile) -> Iterator[tuple[Iterable[str], datetime | None]]:
    with source.open() as stream:
        if stream.peek(1)[:1] == b"{":
            yield _wrapped(source, stream.read())
        else:
            yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), None


def _wrapped(source: SourceFile, text: bytes) -> tuple[Iterable[str], datetime | None]:
    try:
        wrapper = json.loads(text)
        content = base64.b64decode(wrapper["Content"], validate=True).decode("utf-8")
        generated = moment(wrapper.get("GeneratedTime"))
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise source.refuse(f"This is not the output of `{COMMAND}`: {error}.") from error
    return io.StringIO(content, newline=""), generated


def _entries(source: SourceFile, lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(lines, restval="")
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise source.refuse(
                f"This is not the output of `{COMMAND}`: the column {missing[0]} is missing.",
                where="line 1",
            )
        for entry in reader:
            yield reader.line_num, entry
    except csv.Error as error:
        raise source.refuse(f"{error}.", where=f"line {reader.line_num}") from error
    except UnicodeDecodeError as error:
        raise source.refuse("This is not UTF-8 text.", where=f"byte {error.start}") from error


def _rows(entry: Mapping[str, str], account: str) -> Iterator[Row]:
    is_root = entry["user"] == ROOT
    yield IdentityRow(
        system=account,
        key=entry["arn"],
        name="root account" if is_root else entry["user"],
        kind="aws-root" if is_root else "iam-user",
        created_at=_moment(entry, "user_creation_time"),
        facts={
            "mfa_active": _flag(entry, "mfa_active"),
            "password_enabled": _flag(entry, "password_enabled"),
        },
    )
    yield from _password(entry, account, is_root=is_root)
    for place in ("1", "2"):
        yield from _access_key(entry, account, place)
    for place in ("1", "2"):
        yield from _certificate(entry, account, place)


def _password(entry: Mapping[str, str], account: str, *, is_root: bool) -> Iterator[CredentialRow]:
    """Yield the console password. Root always has one; the report says so of no one else."""
    if not (_flag(entry, "password_enabled") or is_root):
        return
    next_rotation = _moment(entry, "password_next_rotation")
    yield CredentialRow(
        system=account,
        identity=entry["arn"],
        key=f"{entry['arn']}#password",
        kind="password",
        rotated_at=_moment(entry, "password_last_changed"),
        expires_at=next_rotation,
        last_used_at=_moment(entry, "password_last_used"),
        use_known=entry["password_last_used"] not in {"", "not_supported"},
        label="Console password",
        facts={"mfa_active": _flag(entry, "mfa_active")},
    )


def _access_key(entry: Mapping[str, str], account: str, place: str) -> Iterator[CredentialRow]:
    column = f"access_key_{place}"
    rotated = _moment(entry, f"{column}_last_rotated")
    active = _flag(entry, f"{column}_active")
    if not active and rotated is None:
        return
    used = {
        name: entry.get(f"{column}_last_used_{name}", "")
        for name in ("region", "service")
        if entry.get(f"{column}_last_used_{name}", "") not in NOTHING
    }
    yield CredentialRow(
        system=account,
        identity=entry["arn"],
        key=f"{entry['arn']}#access-key-{place}",
        kind="access-key",
        active=active,
        created_at=rotated,
        rotated_at=rotated,
        last_used_at=_moment(entry, f"{column}_last_used_date"),
        use_known=True,
        label=f"Access key {place}",
        by_place=True,
        facts={f"last_used_{name}": value for name, value in used.items()},
    )


def _certificate(entry: Mapping[str, str], account: str, place: str) -> Iterator[CredentialRow]:
    if not entry.get(f"cert_{place}_active"):
        return
    rotated = _moment(entry, f"cert_{place}_last_rotated")
    active = _flag(entry, f"cert_{place}_active")
    if not active and rotated is None:
        return
    yield CredentialRow(
        system=account,
        identity=entry["arn"],
        key=f"{entry['arn']}#certificate-{place}",
        kind="certificate",
        active=active,
        created_at=rotated,
        rotated_at=rotated,
        label=f"Signing certificate {place}",
        by_place=True,
    )


def _overlong(entry: Mapping[str, str]) -> str:
    for column, longest in LONGEST.items():
        if len(entry[column]) > longest:
            return f"Its {column} has more than {longest} characters."
    return ""


def _flag(entry: Mapping[str, str], column: str) -> bool:
    value = entry[column].strip().lower()
    if value in {"true", "false"}:
        return value == "true"
    if value in {"not_supported", "n/a", "no_information", ""}:
        return False
    raise _BadCell(column, f"{entry[column]!r} is neither true nor false.")


def _moment(entry: Mapping[str, str], column: str) -> datetime | None:
    value = (entry.get(column) or "").strip()
    if value in NOTHING:
        return None
    try:
        return moment(value)
    except ValueError as error:
        raise _BadCell(column, f"{value!r} is not a time.") from error
