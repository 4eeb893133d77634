"""The environment of the servers that tests talk to, made on first use from a lock of its own."""

import fcntl
import shutil
import sys
from pathlib import Path

from config.launcher import bootstrap

LOCK = Path(__file__).with_name("requirements.lock")
PLACE = Path(bootstrap.TOOLS) / "test-servers"


def servers_python() -> str:
    """The Python that has the servers. Processes that ask at once wait for one to make it."""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    with PLACE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not bootstrap._stamp_matches(str(PLACE), str(LOCK)):
            _make()
    return str(PLACE / "bin" / "python")


def _make() -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    bootstrap._run(
        [sys.executable, "-m", "venv", str(PLACE)],
        f"The environment of the test servers could not be made in {PLACE}.",
    )
    install = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "-qq", "--require-hashes"]
    install += ["--disable-pip-version-check", "-r", str(LOCK)]
    bootstrap._run(
        install,
        f"The Python packages of {LOCK.relative_to(bootstrap.ROOT)} could not be installed.",
        PIP_PROGRESS_BAR="off",
    )
    bootstrap._stamp(str(PLACE), str(LOCK))
