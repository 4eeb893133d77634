"""What somebody notices who starts, stops, and kills the demo. Each start is a real one."""

import grp
import os
import pwd
import shutil
import signal
import socket
import sys
from pathlib import Path

import psycopg
import pytest

from config.launcher.data import Account, can_enter
from config.launcher.demo import is_free
from tests.launcher.conftest import ROOT
from tests.processes import alive, gone_within

pytestmark = pytest.mark.xdist_group("launcher")


def test_a_demo_mends_itself_and_killed_leaves_no_child_and_ctrl_c_ends_the_next(demo, home):
    first = demo().start().until_ready()
    first.until(lambda: first.answers("/readyz") == 200, "answering")
    first.until(lambda: first.answers("/readyz", first.door()) == 200, "answering at its door")
    assert first.answers("/v1/traces", first.door()) == 405
    with psycopg.connect(_owner_url(first)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    second = demo(data=first.data).start()
    assert second.process.wait(30) == 1
    assert second.printed() == (
        f"Countersign is running from {first.data} already (process {first.process.pid}):"
        " stop it, or choose another COUNTERSIGN_DATA_DIR.\n"
    )

    ended = []
    for name, program, port in (
        ("web", "config.wsgi:application", first.port),
        ("door", "config.ingest:application", first.door()),
    ):
        first.until(lambda program=program: _child_of(first, program), f"running {program}")
        os.kill(_child_of(first, program), signal.SIGKILL)
        ended.append(f"supervisor | {name} ended (-9); starting it again in 1 s")
        first.until(lambda: ended[-1] in first.printed(), "noticed")
        assert not is_free(port), "another program would get the port meanwhile"
        first.until(lambda port=port: first.answers(port=port) == 200, "mended")
    assert _ended(first) == ended, first.printed()

    children = first.children()
    assert len(children) > 10
    first.end(signal.SIGKILL)
    assert gone_within(children, 10)

    again = demo(data=first.data).start().until_ready()
    with psycopg.connect(_owner_url(again)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    children = again.children()
    assert again.end(signal.SIGINT) == 0
    assert alive(children) == set()


def test_an_ordinary_user_starts_the_demo_and_owns_its_data(demo, home):
    user, settings, python = None, {}, sys.executable
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = nobody.pw_uid
        if not can_enter(Account("nobody", user, grp.getgrgid(nobody.pw_gid).gr_gid), ROOT):
            pytest.skip("The project lies where no other user may look.")
        python, settings = _python_for_everybody(home)
    data = home / "ordinary"
    data.mkdir()
    if user is not None:
        os.chown(data, user, user)

    ordinary = demo(
        data=data, user=user, command=[python, "-m", "config.launcher", "demo"], **settings
    )
    ordinary.start().until_ready()

    ordinary.until(lambda: ordinary.answers("/readyz") == 200, "answering")
    assert ordinary.signed_in_as() == "administrator@example.com"
    assert {path.stat().st_uid for path in data.iterdir()} == {user or os.geteuid()}
    children = ordinary.children()
    assert ordinary.end(signal.SIGTERM) == 0
    assert alive(children) == set()


def test_a_taken_port_is_one_sentence(demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = demo(port=port).start()

        assert refused.process.wait(30) == 1
    assert refused.printed() == (
        f"Port {port} is taken by another program: stop that, or choose another port with"
        f" PORT={port + 1} make demo.\n"
    )


def test_a_taken_port_of_the_door_is_one_sentence(demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = demo(INGEST_PORT=str(port)).start()

        assert refused.process.wait(30) == 1
    assert refused.printed() == (
        f"Port {port} is taken by another program: stop that, or choose another port with"
        f" INGEST_PORT={port + 1} make demo.\n"
    )


def test_a_port_that_is_no_number_is_one_sentence(demo):
    refused = demo(PORT="web").start()

    assert refused.process.wait(30) == 1
    assert refused.printed() == "PORT must be a number from 1 to 65535, not 'web'.\n"


def test_a_database_of_another_major_version_is_one_sentence(demo, home):
    home = home / "data" / "postgres"
    home.mkdir(parents=True)
    (home / "PG_VERSION").write_text("9\n")
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")

    refused = demo().start()

    assert refused.process.wait(30) == 1
    sentence = [line for line in refused.printed().splitlines() if " | " not in line]
    assert len(sentence) == 1
    assert sentence[0].startswith(f"The database in {home} was made by PostgreSQL 9, and this")
    assert "dump it with PostgreSQL 9 and restore it" in sentence[0]


def _child_of(demo, program):
    """The program that the supervisor itself started, never one of that program's own workers.

    None while it is being started: it is the supervisor's twin until it has become itself.
    """
    for pid in demo.own_children():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(word.endswith(program.encode()) for word in words[:3]):
            return pid
    return None


def _ended(demo):
    """What the demo said of programs that ended, whoever ended them."""
    return [line for line in demo.printed().splitlines() if " ended (" in line]


def _owner_url(demo):
    """The address that the web process did not get: from the data directory's own secrets."""
    secrets = (demo.data / "secrets.json").read_text()
    password = secrets.split('"postgres_owner": "')[1].split('"')[0]
    services = demo.data / "services"
    run = (services if services.exists() else demo.data) / "run"
    return f"postgres://countersign_owner:{password}@/countersign?host={run}"


def _python_for_everybody(folder):
    """This interpreter, or a copy of it where only root may look at it."""
    nobody = pwd.getpwnam("nobody")
    account = Account("nobody", nobody.pw_uid, nobody.pw_gid)
    if can_enter(account, Path(sys.executable).resolve().parent):
        return sys.executable, {}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = folder / "python"
    library = Path(sys.base_prefix) / "lib"
    shutil.copytree(
        library / version,
        home / "lib" / version,
        ignore=shutil.ignore_patterns("test", "tests", "site-packages", "idlelib", "config-*"),
    )
    for shared in library.glob("libpython*"):
        shutil.copy2(shared, home / "lib")
    (home / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), home / "bin" / version)
    environment = folder / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "lib" / version).mkdir(parents=True)
    for program in ("celery", "granian"):
        text = (Path(sys.prefix) / "bin" / program).read_text()
        shebang = f"#!{environment}/bin/python\n"
        (environment / "bin" / program).write_text(shebang + text.split("\n", 1)[1])
        (environment / "bin" / program).chmod(0o755)
    (environment / "bin" / "python").symlink_to(home / "bin" / version)
    (environment / "pyvenv.cfg").write_text(f"home = {home / 'bin'}\n")
    (environment / "lib" / version / "site-packages").symlink_to(
        Path(sys.prefix) / "lib" / version / "site-packages"
    )
    return str(environment / "bin" / "python"), {"LD_LIBRARY_PATH": str(home / "lib")}
