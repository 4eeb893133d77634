"""`make demo`: everything, on this machine, until Ctrl-C."""

import errno
import hashlib
import http.client
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from config.launcher.data import DataDirectory, Refused
from config.launcher.services import (
    clean_environment,
    free_port,
    postgres_start,
    valkey_start,
)
from config.launcher.supervisor import Child, Stopped, Supervisor

# Where exporters of OpenTelemetry send by themselves.
USUAL_DOOR = 4318
ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.prefix) / "bin"
ADMINISTRATOR = "administrator@example.com"
SIGN_INS = (
    ("administrator", ADMINISTRATOR),
    ("manager", "manager@example.com"),
    ("auditor", "auditor@example.com"),
)


def demo() -> int:
    port = _port()
    door = _port_of_door(port)
    data = DataDirectory(
        Path(os.environ.get("COUNTERSIGN_DATA_DIR") or ROOT / ".data").expanduser().absolute()
    )
    data.lock()
    _require_free(port)
    data.require_room()
    supervisor = Supervisor()
    with _held(port), _held(door):
        try:
            environment = _services(supervisor, data)
            environment["INGEST_URL"] = environment.get("INGEST_URL") or f"http://localhost:{door}"
            _prepare(supervisor, data, environment)
            _serve(supervisor, environment, port, door)
            _greet(data, port, environment)
            supervisor.watch()
        except Stopped:
            pass
        finally:
            supervisor.say("stopping")
            supervisor.stop()
    return 0


def _port(name: str = "PORT", default: str = "8000") -> int:
    value = os.environ.get(name) or default
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise Refused(f"{name} must be a number from 1 to 65535, not {value!r}.")
    return int(value)


def _port_of_door(port: int) -> int:
    """That of INGEST_PORT; else the usual one; else, as a collector may run there, a free one."""
    if os.environ.get("INGEST_PORT"):
        door = _port("INGEST_PORT")
        if door == port:
            raise Refused("PORT and INGEST_PORT must differ.")
        _require_free(door, name="INGEST_PORT")
        return door
    return USUAL_DOOR if port != USUAL_DOOR and is_free(USUAL_DOOR) else free_port()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _held(port: int) -> Iterator[None]:
    """No other program gets the port before, or between, those that serve it, which share it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Where it was served a moment ago by who shared it with nobody, it is only found free.
        with suppress(OSError):
            held.bind(("127.0.0.1", port))
        yield


def _require_free(port: int, *, name: str = "PORT") -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise Refused(
                    f"Port {port} may not be used by this user: choose another with"
                    f" {name}=8001 make demo."
                ) from error
            raise Refused(
                f"Port {port} is taken by another program: stop that, or choose another port with"
                f" {name}={port % 65535 + 1} make demo."
            ) from error


def _services(supervisor: Supervisor, data: DataDirectory) -> dict[str, str]:
    """Start what no address was given for, and say in an environment where everything is."""
    environment = clean_environment()
    if not environment.get("DATABASE_URL"):
        database = postgres_start(supervisor=supervisor, data=data)
        environment["DATABASE_URL"] = database.application_url
        environment["DATABASE_OWNER_URL"] = database.owner_url
        supervisor.say(f"PostgreSQL from {database.binaries}")
    if not environment.get("REDIS_URL"):
        environment["REDIS_URL"] = valkey_start(supervisor=supervisor, data=data)
    environment |= {
        "DJANGO_SETTINGS_MODULE": "config.settings.demo",
        "COUNTERSIGN_DATA_DIR": str(data.path),
        "STATIC_ROOT": environment.get("STATIC_ROOT") or str(data.path / "static"),
        "SECRET_KEY": environment.get("SECRET_KEY") or data.secret("secret_key", size=48),
        "ALLOWED_HOSTS": environment.get("ALLOWED_HOSTS") or "localhost,127.0.0.1",
        "COUNTERSIGN_DEMO_PASSWORD": data.secret("demo_password", size=12),
        "PUBLIC_URL": environment.get("PUBLIC_URL") or f"http://localhost:{_port()}",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    return environment


def _prepare(supervisor: Supervisor, data: DataDirectory, environment: dict[str, str]) -> None:
    owner_url = environment.get("DATABASE_OWNER_URL") or environment["DATABASE_URL"]
    role = _role_of(environment["DATABASE_URL"])
    granting = ["--role", role] if role != _role_of(owner_url) else []
    steps = [_manage(environment, "database_prepare", *granting, "--verbosity", "0")]
    stamp = Path(environment["STATIC_ROOT"]) / ".made-from"
    sources = _sources_of_static_files()
    if not stamp.exists() or stamp.read_text() != sources:
        steps.append(_manage(environment, "collectstatic", "--no-input", "--verbosity", "0"))
    _run(supervisor, *steps)
    if len(steps) > 1:
        stamp.write_text(sources)
    if _holds_nobody(owner_url):
        if environment.get("COUNTERSIGN_SAMPLE", "1") != "0":
            supervisor.say("loading sample data (once)")
            _run(supervisor, _manage(environment, "sample_data"))
        else:
            password = environment["COUNTERSIGN_DEMO_PASSWORD"].encode()
            made = "steward_create", ADMINISTRATOR, "--name", "Identity administrator"
            _run(supervisor, _manage(environment, *made, feed=password))
        with _stamp(data).open("a") as stamp_of_people:
            stamp_of_people.write(f"{_joined(owner_url)}\n")


def _manage(environment: dict[str, str], *arguments: str, feed: bytes | None = None) -> Child:
    return Child(
        name=arguments[0],
        command=[sys.executable, "manage.py", *arguments],
        environment=environment,
        folder=ROOT,
        feed=feed,
    )


def _run(supervisor: Supervisor, *steps: Child) -> None:
    """Run commands side by side."""
    supervisor.run(*steps)
    for step in steps:
        if step.returned() != 0:
            raise Refused(f"manage.py {step.name} failed:\n{step.last_words()}")


def _sources_of_static_files() -> str:
    """Hashing and compressing them takes seconds; it is done again when one has changed."""
    places = [*sorted((ROOT / "static").rglob("*")), *sorted(ROOT.glob("*lock*"))]
    told = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in places]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _role_of(url: str) -> str:
    return str(conninfo_to_dict(url).get("user", ""))


def _holds_nobody(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM accounts_user LIMIT 1").fetchone() is None


def _stamp(data: DataDirectory) -> Path:
    """The administrators that were made with this directory's password, each by its moment."""
    return data.path / "people"


def _joined(url: str) -> str:
    """When the administrator was made: in another database it is another."""
    with psycopg.connect(url) as connection:
        asked = "SELECT extract(epoch FROM date_joined) FROM accounts_user WHERE email = %s"
        found = connection.execute(asked, [ADMINISTRATOR]).fetchone()
    return str(found[0]) if found else ""


def _made_them(data: DataDirectory, url: str) -> bool:
    """Whether its password is theirs: not of people in a database that was brought along."""
    if not clean_environment().get("DATABASE_URL"):
        return True
    joined, stamp = _joined(url), _stamp(data)
    return bool(joined) and stamp.exists() and joined in stamp.read_text().splitlines()


def _sign_ins(url: str) -> list[tuple[str, str]]:
    """Those of the demo who are in the database: it may be one that was brought along."""
    with psycopg.connect(url) as connection:
        asked = "SELECT email FROM accounts_user WHERE email = ANY(%s)"
        found = connection.execute(asked, [[address for _, address in SIGN_INS]]).fetchall()
    return [(role, address) for role, address in SIGN_INS if (address,) in found]


def _serve(supervisor: Supervisor, environment: dict[str, str], port: int, door: int) -> None:
    program = partial(Child, environment=environment, folder=ROOT)
    # What was checked while the database was prepared is not checked by each worker again.
    celery = [str(BIN / "celery"), "--app", "config.celery", "--quiet", "--skip-checks"]
    supervisor.start(
        program(
            name="web",
            command=[
                *(str(BIN / "granian"), "config.wsgi:application"),
                *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
                *("--workers", "2", "--blocking-threads", "4", "--backlog", "256"),
                *("--workers-kill-timeout", "5", "--respawn-failed-workers"),
                *("--log-level", "warning", "--no-ws"),
            ],
            ready=partial(_web_answers, port),
        ),
        # What agents tell comes in here, beside the pages and not through them.
        program(
            name="door",
            command=[
                *(str(BIN / "granian"), "config.ingest:application"),
                *("--interface", "asgi", "--host", "127.0.0.1", "--port", str(door)),
                *("--workers", "1", "--backlog", "256"),
                *("--workers-kill-timeout", "5", "--respawn-failed-workers"),
                *("--log-level", "warning", "--no-ws"),
            ],
            ready=partial(_web_answers, door),
        ),
        _worker(program, celery, name="worker", queue="celery"),
        # What stops an access never waits behind an import.
        _worker(program, celery, name="urgent", queue="urgent"),
        program(
            name="beat",
            command=[*celery, "beat", "--loglevel", "INFO", "--pidfile", ""],
            ready=partial(_has_said, "beat: Starting"),
            hides=re.compile("Sending due task"),
        ),
        # On its own, as the only one that is to read the key.
        program(
            name="signer",
            command=[sys.executable, "manage.py", "proof_sign"],
            ready=partial(_has_said, "Signing with"),
            hides=re.compile("^Signed log"),
        ),
    )


def _worker(program: Callable[..., Child], celery: list[str], *, name: str, queue: str) -> Child:
    return program(
        name=name,
        command=[
            *(*celery, "worker", "--queues", queue, "--hostname", f"{name}@%h"),
            *("--concurrency", "2", "--loglevel", "INFO"),
            *("--without-mingle", "--without-gossip"),
        ],
        orphaned_with=signal.SIGKILL,
        ready=partial(_has_said, " ready."),
    )


def _web_answers(port: int, child: Child) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _has_said(text: str, child: Child) -> bool:
    return any(text in line for line in child.said)


def _greet(data: DataDirectory, port: int, environment: dict[str, str]) -> None:
    url = environment.get("DATABASE_OWNER_URL") or environment["DATABASE_URL"]
    here = _sign_ins(url)
    lines = ["", f"Countersign is ready:  http://localhost:{port}/"]
    lines += [f"Agents' telemetry goes to  {environment['INGEST_URL']}/v1/traces", ""]
    if here:
        lines += [f"    {role:<14} {address}" for role, address in here]
        if _made_them(data, url):
            lines += ["", f"    password       {data.secret('demo_password')}"]
    lines += ["", f"Data in {data.path}. Ctrl-C ends everything.", ""]
    print("\n".join(lines), flush=True)
