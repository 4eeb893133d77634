"""Tests, benchmarks, checks: with the same services, in a folder that is gone afterwards."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.launcher.data import DataDirectory
from config.launcher.demo import ROOT
from config.launcher.lint import lint as lint_all
from config.launcher.services import clean_environment, postgres_start, valkey_start
from config.launcher.supervisor import Child, Stopped, Supervisor

type Environment = dict[str, str]
type Work = Callable[[Supervisor, Environment, list[str]], int]


def test(arguments: list[str]) -> int:
    return _with_services(_pytest, arguments, own_database=False)


def bench(arguments: list[str]) -> int:
    """That of pages; with `kept` that of a long trail; with `ingest` that of telemetry.

    The last on a database that keeps what it says.
    """
    durable = arguments[:1] == ["ingest"]
    return _with_services(_bench, arguments, own_database=True, durable=durable)


def lint(arguments: list[str]) -> int:
    """Django asks the database which version it is before it judges models."""
    return _with_services(_lint, arguments, own_database=False)


def _with_services(
    work: Work, arguments: list[str], *, own_database: bool, durable: bool = False
) -> int:
    supervisor = Supervisor()
    with _passing_folder() as folder:
        try:
            environment = _services(supervisor, folder, own_database=own_database, durable=durable)
            return work(supervisor, environment, arguments)
        except Stopped:
            return 130
        finally:
            supervisor.stop()


@contextmanager
def _passing_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="countersign-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _services(
    supervisor: Supervisor, folder: Path, *, own_database: bool, durable: bool
) -> Environment:
    data = DataDirectory(folder)
    data.require_room()
    environment = clean_environment()
    if own_database or not environment.get("DATABASE_URL"):
        database = postgres_start(supervisor=supervisor, data=data, durable=durable)
        environment["DATABASE_URL"] = database.owner_url
        environment["PATH"] = f"{database.binaries}{os.pathsep}{environment.get('PATH', '')}"
        environment.pop("DATABASE_OWNER_URL", None)
    if own_database or not environment.get("REDIS_URL"):
        environment["REDIS_URL"] = valkey_start(supervisor=supervisor, data=data, durable=False)
    files = folder / "files"
    files.mkdir()
    environment["COUNTERSIGN_DATA_DIR"] = str(files)
    return environment


def _pytest(supervisor: Supervisor, environment: Environment, arguments: list[str]) -> int:
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    workers = min(os.cpu_count() or 1, 4)
    spread = [] if arguments or workers == 1 else ["-n", str(workers), "--dist", "loadgroup"]
    return _inherit(supervisor, environment, "pytest", *spread, *arguments)


def _bench(supervisor: Supervisor, environment: Environment, arguments: list[str]) -> int:
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    if arguments[:1] in (["ingest"], ["kept"]):
        return _inherit(supervisor, environment, f"tests.bench.{arguments[0]}", *arguments[1:])
    return _inherit(supervisor, environment, "tests.bench", *arguments)


def _lint(supervisor: Supervisor, environment: Environment, arguments: list[str]) -> int:
    return lint_all(environment)


def _inherit(supervisor: Supervisor, environment: Environment, module: str, *arguments: str) -> int:
    child = Child(
        name=module,
        command=[sys.executable, "-m", module, *arguments],
        environment=environment,
        folder=ROOT,
        quiet=True,
    )
    supervisor.run(child)
    return child.returned()
