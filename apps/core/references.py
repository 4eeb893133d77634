"""Secrets by reference: the database names where one lies, and never holds it.

`env:COUNTERSIGN_SECRET_<NAME>` is a variable of the process; `file:<name>` is a file in the
directory of `SECRETS_DIR`, as a secret manager mounts it. `aws-secret:<name or ARN>` lies in AWS
Secrets Manager and `azure-secret:https://<vault>/secrets/<name>` in Key Vault, where it begins
with one of `SECRET_MANAGERS`; `#<key>` behind them picks one value of a JSON object. Nothing else
can be named, so that no page leads to the service's own keys.
"""

import json
import os
import re
import stat
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError

from apps.core.errors import DomainError
from apps.core.secret_managers import NotRead, secret_of_aws, secret_of_azure
from config import env

LONGEST = 200
MOST_BYTES = 64 * 1024
VARIABLE = re.compile(r"env:(COUNTERSIGN_SECRET_[A-Z0-9_]+)", re.ASCII)
FILE = re.compile(r"file:([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)", re.ASCII)
KEY = r"(?:#(?P<key>[A-Za-z0-9_.-]+))?"
AWS = re.compile(
    r"aws-secret:(?P<name>(?:arn:aws[a-z-]*:secretsmanager:(?P<region>[a-z0-9-]+):[0-9]{12}:secret:)?"
    rf"[A-Za-z0-9/_+=.@-]+){KEY}",
    re.ASCII,
)
AZURE = re.compile(
    r"azure-secret:(?P<vault>https://[a-z0-9.-]+(?::[0-9]{1,5})?)/secrets/(?P<name>[A-Za-z0-9-]+)"
    rf"(?:/(?P<version>[0-9a-f]{{32}}))?{KEY}",
    re.ASCII,
)
SHAPE = (
    "Not the secret itself, but where it lies: env:COUNTERSIGN_SECRET_ and a name in capitals,"
    " file: and a name in the directory of secrets, aws-secret: and a name or ARN, or azure-secret:"
    " and its address in Key Vault."
)


class ReferenceRefused(DomainError):
    """What a reference names is not there, or may not be read. Its message never holds a secret."""


class ReferenceUnavailable(ReferenceRefused):
    """Whoever keeps it did not answer now; asking again may heal that."""


def reference_validate(reference: str) -> None:
    """Refuse what is no reference; for fields of forms.

    The message does not repeat what was given: it may be the secret itself, pasted by mistake.
    """
    if not _is_shaped(reference):
        raise ValidationError(SHAPE, code="reference")


def reference_read(reference: str) -> str:
    """The secret that lies there, without the line's end that editors add.

    `ReferenceRefused` where there is none; it names the reference, once that has the shape of one.
    """
    if not _is_shaped(reference):
        raise ReferenceRefused(SHAPE)
    if VARIABLE.fullmatch(reference):
        value = _of_variable(reference)
    elif FILE.fullmatch(reference):
        value = _of_file(reference)
    else:
        value = _of_manager(reference)
    if not value:
        raise ReferenceRefused(f"{reference} is empty.")
    return value


def _is_shaped(reference: str) -> bool:
    if len(reference) > LONGEST:
        return False
    file = FILE.fullmatch(reference)
    if file is not None:
        return not {".", ".."} & set(file[1].split("/"))
    return any(shape.fullmatch(reference) for shape in (VARIABLE, AWS, AZURE))


def _of_variable(reference: str) -> str:
    value = env.secret(reference.removeprefix("env:"))
    if value is None:
        raise ReferenceRefused(f"{reference} is not set where this process runs.")
    if len(value.encode(errors="replace")) > MOST_BYTES:
        raise ReferenceRefused(f"{reference} is longer than {MOST_BYTES // 1024} kB.")
    return value.rstrip("\r\n")


def _of_file(reference: str) -> str:
    if not settings.SECRETS_DIR:
        raise ReferenceRefused(
            f"{reference} names a file, and COUNTERSIGN_SECRETS_DIR names no directory of secrets."
        )
    try:
        content = _content(_inside(reference, Path(settings.SECRETS_DIR)), reference)
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        # Not from that error: it carries what was read.
        raise ReferenceRefused(f"{reference} is not text in UTF-8.") from None
    except OSError as error:
        raise ReferenceRefused(f"{reference} cannot be read: {error.strerror}.") from None


def _of_manager(reference: str) -> str:
    if not any(reference.startswith(start) for start in settings.SECRET_MANAGERS):
        raise ReferenceRefused(
            f"{reference} begins with nothing that SECRET_MANAGERS names. Whoever runs Countersign"
            " names there what may be read."
        )
    try:
        value, key = _kept(reference)
    except NotRead as error:
        kind = ReferenceUnavailable if error.heals else ReferenceRefused
        raise kind(f"{reference} cannot be read. {error}") from None
    if len(value.encode(errors="replace")) > MOST_BYTES:
        raise ReferenceRefused(f"{reference} is longer than {MOST_BYTES // 1024} kB.")
    return (_picked(value, key, reference) if key else value).rstrip("\r\n")


def _kept(reference: str) -> tuple[str, str | None]:
    """What a secret manager holds, and which value of it is meant."""
    if found := AWS.fullmatch(reference):
        return secret_of_aws(found["name"], found["region"] or ""), found["key"]
    found = AZURE.fullmatch(reference)
    assert found is not None  # noqa: S101  (its shape was judged)
    return secret_of_azure(found["vault"], found["name"], found["version"]), found["key"]


def _picked(text: str, key: str, reference: str) -> str:
    """One value of a JSON object. No message repeats anything of it."""
    try:
        held = json.loads(text)
    except ValueError:
        raise ReferenceRefused(f"{reference} holds no JSON, so it has no keys.") from None
    value = held.get(key) if isinstance(held, dict) else None
    if not isinstance(value, str):
        raise ReferenceRefused(f"{reference} holds no text under that key.")
    return value


def _inside(reference: str, directory: Path) -> Path:
    """The file itself. Links count where they lead: mounted secrets are links within."""
    root = directory.resolve(strict=True)
    found = (root / reference.removeprefix("file:")).resolve(strict=True)
    if not found.is_relative_to(root):
        raise ReferenceRefused(f"{reference} leads out of the directory of secrets.")
    return found


def _open(path: str, flags: int) -> int:
    """Without blocking, since a pipe waits for a writer; no link, since all were followed."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _content(path: Path, reference: str) -> bytes:
    with open(path, "rb", opener=_open) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ReferenceRefused(f"{reference} is not a file.")
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ReferenceRefused(f"{reference} is longer than {MOST_BYTES // 1024} kB.")
    return content
