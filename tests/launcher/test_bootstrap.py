import ast
import subprocess
import sys

import pytest

from config.launcher import data
from tests.launcher.conftest import ROOT

BOOTSTRAP = ROOT / "config" / "launcher" / "bootstrap.py"


def test_an_old_python_can_read_the_bootstrap():
    ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 6))


def test_the_bootstrap_needs_nothing_but_the_standard_library():
    code = f"import runpy; runpy.run_path({str(BOOTSTRAP)!r}, run_name='read')"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False)

    assert done.returncode == 0


def test_an_unknown_command_names_those_there_are():
    done = subprocess.run(
        [sys.executable, "-m", "config.launcher", "fly"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (
        1,
        "Choose one of demo, test, bench, lint, format.\n",
    )


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "ROOM_NEEDED", 10**18)

    with pytest.raises(data.Refused, match=r"^The disk that holds .* is full: \d+ MB are free"):
        data.DataDirectory(tmp_path).require_room()


def test_a_secret_is_made_once_and_kept_from_other_users(tmp_path):
    directory = data.DataDirectory(tmp_path)

    first, other = directory.secret("one"), directory.secret("two")

    assert data.DataDirectory(tmp_path).secret("one") == first != other
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
