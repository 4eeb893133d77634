"""`make demo`: everything, on this machine, until Ctrl-C."""

import errno
import hashlib
import http.client
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from config.launcher.data import DataDirectory, Refused
from config.launcher.services import clean_environment, postgres_start, valkey_start
from config.launcher.supervisor import Child, Stopped, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.prefix) / "bin"
SIGN_INS = (
    ("administrator", "administrator@example.com"),
    ("manager", "manager@example.com"),
    ("auditor", "auditor@example.com"),
)


def demo() -> int:
    port = _port()
    data = DataDirectory(
        Path(os.environ.get("COUNTERSIGN_DATA_DIR") or ROOT / ".data").expanduser().absolute()
    )
    data.lock()
    _require_free(port)
    data.require_room()
    supervisor = Supervisor()
    try:
        environment = _services(supervisor, data)
        _prepare(supervisor, data, environment)
        _serve(supervisor, data, environment, port)
        _greet(data, port)
        supervisor.watch()
    except Stopped:
        pass
    finally:
        supervisor.say("stopping")
        supervisor.stop()
    return 0


def _port() -> int:
    value = os.environ.get("PORT") or "8000"
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise Refused(f"PORT must be a number from 1 to 65535, not {value!r}.")
    return int(value)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise Refused(
                    f"Port {port} may not be used by this user: choose another with"
                    " PORT=8001 make demo."
                ) from error
            raise Refused(
                f"Port {port} is taken by another program: stop that, or choose another port with"
                f" PORT={port % 65535 + 1} make demo."
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
    if environment.get("COUNTERSIGN_SAMPLE", "1") != "0" and _holds_nobody(owner_url):
        supervisor.say("loading sample data (once)")
        _run(supervisor, _manage(environment, "sample_data"))


def _manage(environment: dict[str, str], *arguments: str) -> Child:
    return Child(
        name=arguments[0],
        command=[sys.executable, "manage.py", *arguments],
        environment=environment,
        folder=ROOT,
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


def _serve(
    supervisor: Supervisor, data: DataDirectory, environment: dict[str, str], port: int
) -> None:
    program = partial(Child, environment=environment, folder=ROOT)
    celery = [str(BIN / "celery"), "--app", "config.celery", "--quiet"]
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


def _greet(data: DataDirectory, port: int) -> None:
    password = data.secret("demo_password")
    lines = ["", f"Countersign is ready:  http://localhost:{port}/", ""]
    if os.environ.get("COUNTERSIGN_SAMPLE", "1") != "0":
        lines += [f"    {role:<14} {address}" for role, address in SIGN_INS]
        lines += ["", f"    password       {password}"]
    lines += ["", f"Data in {data.path}. Ctrl-C ends everything.", ""]
    print("\n".join(lines), flush=True)
