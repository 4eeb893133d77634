"""The data directory: one launcher at a time, room on its disk, secrets made once."""

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOM_NEEDED = 300_000_000
ELSEWHERE = Path("/var/lib/countersign")


class Refused(Exception):
    """The launcher cannot go on; the message is the one sentence the person reads."""


@dataclass(frozen=True)
class Account:
    """The user that database and broker run as; None where that is whoever started us."""

    name: str
    uid: int
    gid: int


def service_account(data: Path) -> Account | None:
    """As root, an unprivileged user: PostgreSQL refuses to run as root, and is right.

    Data that an ordinary user's start left behind stays that user's.
    """
    if os.geteuid() != 0:
        return None
    database = data / "postgres"
    if database.exists() and database.stat().st_uid != 0:
        owner = pwd.getpwuid(database.stat().st_uid)
        return Account(owner.pw_name, owner.pw_uid, owner.pw_gid)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise Refused(
        "PostgreSQL may not run as root, and this machine has no user named postgres or nobody:"
        " add one, or run make as an ordinary user."
    )


def can_enter(account: Account | None, folder: Path) -> bool:
    if account is None:
        return os.access(folder, os.X_OK)
    reached = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return reached.returncode == 0


class DataDirectory:
    def __init__(self, path: Path):
        self.path = path
        self._lock: IO[str] | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"The data directory {path} cannot be made: {error.strerror}.") from error
        if not os.access(path, os.W_OK):
            raise Refused(f"The data directory {path} cannot be written to by this user.")
        self.account = service_account(path)

    def require_room(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < ROOM_NEEDED:
            raise Refused(
                f"The disk that holds {self.path} is full: {free // 10**6} MB are free and"
                f" {ROOM_NEEDED // 10**6} MB are needed."
            )

    def lock(self) -> None:
        """Hold the directory until this process ends, however it ends."""
        handle = (self.path / "lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise Refused(
                f"Countersign is running from {self.path} already (process"
                f" {handle.read().strip() or 'unknown'}): stop it, or choose another"
                " COUNTERSIGN_DATA_DIR."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._lock = handle

    def secret(self, name: str, *, size: int = 24) -> str:
        """A secret by name, made the first time it is asked for."""
        store = self.path / "secrets.json"
        known = json.loads(store.read_text()) if store.exists() else {}
        if name not in known:
            known[name] = secrets.token_urlsafe(size)
            fresh = store.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump(known, file, indent=2)
            fresh.replace(store)
        return str(known[name])

    def services(self) -> Path:
        """Where database and broker keep their files: a folder their user can enter."""
        if can_enter(self.account, self.path):
            return self.path
        digest = hashlib.sha256(str(self.path.resolve()).encode()).hexdigest()[:12]
        place = ELSEWHERE / digest
        place.mkdir(parents=True, exist_ok=True)
        pointer = self.path / "services"
        if not pointer.is_symlink():
            pointer.symlink_to(place)
        return place

    def private(self, name: str) -> Path:
        """A folder of mode 0700 that belongs to the services' user."""
        folder = self.services() / name
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        self.hand_over(folder)
        return folder

    def hand_over(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)
