"""Environments of what tests talk to, each made on first use from a lock of its own."""

import fcntl
import shutil
import sys
from pathlib import Path

from config.launcher import bootstrap

TESTS = Path(__file__).resolve().parent.parent


def servers_python() -> str:
    """The Python that has the servers."""
    return python_of("test-servers", TESTS / "servers/requirements.lock")


def agents_python() -> str:
    """The Python that has frameworks of agents."""
    return python_of("test-agents", TESTS / "agents/requirements.lock")


def python_of(name: str, locked: Path) -> str:
    """The Python of an environment. Processes that ask at once wait for one to make it."""
    place = Path(bootstrap.TOOLS) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not bootstrap._stamp_matches(str(place), str(locked)):
            _make(place, locked)
    return str(place / "bin" / "python")


def _make(place: Path, locked: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    bootstrap._run(
        [sys.executable, "-m", "venv", str(place)],
        f"An environment for tests could not be made in {place}.",
    )
    install = [str(place / "bin" / "python"), "-m", "pip", "install", "-qq", "--require-hashes"]
    install += ["--disable-pip-version-check", "-r", str(locked)]
    bootstrap._run(
        install,
        f"The Python packages of {locked.relative_to(bootstrap.ROOT)} could not be installed.",
        PIP_PROGRESS_BAR="off",
    )
    bootstrap._stamp(str(place), str(locked))
