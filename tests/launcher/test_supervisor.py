"""A program that ended keeps its number until what it left behind has ended too."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from config.launcher.supervisor import Child
from tests.processes import alive, gone_within

# Leaves one of its own behind, says which, and ends as it is told.
LEAVES = """
import os, subprocess, sys
left = subprocess.Popen(["sleep", "100"])
open(sys.argv[1], "w").write(str(left.pid))
os._exit(7)
"""


@pytest.fixture
def ended(tmp_path):
    told = tmp_path / "left"
    child = Child(
        "leaves", [sys.executable, "-c", LEAVES, str(told)], dict(os.environ), tmp_path, quiet=True
    )
    child.start()
    deadline = time.monotonic() + 30
    while child.runs():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.left = int(told.read_text())
    yield child
    if alive({child.left}):
        os.kill(child.left, signal.SIGKILL)
    child.process.wait()


def test_what_a_program_left_ends_before_its_number_is_anyones(ended):
    number = ended.process.pid
    assert alive({ended.left}) == {ended.left}
    assert Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    ended.reap()

    assert gone_within({ended.left}, 10)
    assert not Path(f"/proc/{number}").exists()
    assert (ended.runs(), ended.returned()) == (False, 7)


def test_a_number_that_was_let_go_is_sent_no_signal(ended, monkeypatch):
    ended.reap()
    sent = []
    for name in ("kill", "killpg"):
        monkeypatch.setattr(os, name, lambda *told: sent.append(told))

    ended.send(signal.SIGTERM)
    ended.reap()

    assert sent == []
