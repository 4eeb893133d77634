"""Child processes: started in order, watched, started again, and never left behind.

One thread does it all. Linux ends a child whose parent *thread* is gone (PDEATHSIG), so
children are started from the main thread and nowhere else.
"""

import ctypes
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.launcher.data import Account, Refused

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
START_WITHIN = 90.0
LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0


class Stopped(Exception):
    """Somebody asked for the end while something was still being started."""


@dataclass
class Child:
    """One program: how to start it, how to tell that it works, how to end it."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    folder: Path
    account: Account | None = None
    stop_with: signal.Signals = signal.SIGTERM
    orphaned_with: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    ready: Callable[["Child"], bool] = lambda child: True
    feed: bytes | None = None
    hides: re.Pattern[str] | None = None
    quiet: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=40), init=False)
    started_at: float = field(default=0.0, init=False)
    pause: float = field(default=1.0, init=False)
    again_at: float | None = field(default=None, init=False)

    def start(self) -> None:
        parent = os.getpid()

        def die_with_parent() -> None:
            if LIBC is not None:
                LIBC.prctl(PR_SET_PDEATHSIG, int(self.orphaned_with), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        account = self.account
        self.said.clear()
        self.started_at = time.monotonic()
        self.again_at = None
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            cwd=self.folder,
            stdin=subprocess.DEVNULL if self.feed is None else subprocess.PIPE,
            stdout=None if self.quiet else subprocess.PIPE,
            stderr=None if self.quiet else subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509  (no other thread exists)
        )
        if self.feed is not None and self.process.stdin is not None:
            self.process.stdin.write(self.feed)
            self.process.stdin.close()

    def runs(self) -> bool:
        """Whether it does, without taking its end: until `reap` its number stays its own."""
        if self.process is None or self.process.returncode is not None:
            return False
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, how) is None

    def returned(self) -> int:
        return self.process.returncode if self.process else 1

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.runs():
            os.kill(self.process.pid, number)

    def reap(self) -> None:
        """End it and what is left in its process group, and only then let its number go.

        Another program may get that number, and its group's, as soon as nobody waits for it.
        """
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def last_words(self) -> str:
        return "\n".join(f"    {line}" for line in list(self.said)[-12:])


class Supervisor:
    def __init__(self) -> None:
        self.children: list[Child] = []
        self.asked_to_stop = 0
        self._selector = selectors.DefaultSelector()
        self._partial: dict[int, bytes] = {}
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        self._wakeup = (reader, writer)
        signal.set_wakeup_fd(writer.fileno())
        self._selector.register(reader, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_signal)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _note_signal(self, number: int, frame: object) -> None:
        self.asked_to_stop += 1

    def start(self, *children: Child) -> None:
        """Start programs together and wait until each one answers."""
        for child in children:
            child.start()
            self.children.append(child)
            self._listen(child)
        deadline = time.monotonic() + START_WITHIN
        waiting = list(children)
        while waiting:
            self._turn(0.05)
            for child in waiting:
                self._require_life(child, deadline)
            waiting = [child for child in waiting if not child.ready(child)]

    def run(self, *children: Child, echo: bool = False) -> None:
        """Run programs side by side to their ends."""
        for child in children:
            child.start()
            self.children.append(child)
            self._listen(child, echo=echo)
        try:
            while any(child.runs() for child in children):
                self._turn(0.2)
        finally:
            for child in children:
                self._end(child)
                self.children.remove(child)

    def watch(self) -> None:
        """Keep every program running until somebody asks for the end."""
        while not self.asked_to_stop:
            with suppress(Stopped):
                self._turn(self._until_next())
            for child in self.children:
                self._mend(child)

    def stop(self) -> None:
        """End programs in the reverse order of their start; a second request ends them at once."""
        for child in reversed(self.children):
            self._end(child)
        self.children.clear()

    def say(self, text: str, name: str = "supervisor") -> None:
        print(f"{name:<10} | {text}", flush=True)

    def _require_life(self, child: Child, deadline: float) -> None:
        if not child.runs():
            self._drain(child)
            raise Refused(f"{child.name} did not start; it said:\n{child.last_words()}")
        if time.monotonic() > deadline:
            raise Refused(
                f"{child.name} did not answer within {START_WITHIN:.0f} s; it said:\n"
                f"{child.last_words()}"
            )

    def _mend(self, child: Child) -> None:
        if child.runs():
            return
        now = time.monotonic()
        if child.again_at is None:
            self._drain(child)
            child.reap()
            code = child.process.returncode if child.process else "?"
            steady = now - child.started_at > STEADY_AFTER
            child.pause = 1.0 if steady else child.pause
            child.again_at = now + child.pause
            self.say(f"{child.name} ended ({code}); starting it again in {child.pause:.0f} s")
            child.pause = min(child.pause * 2, LONGEST_PAUSE)
        elif now >= child.again_at:
            child.start()
            self._listen(child)

    def _until_next(self) -> float:
        pending = [child.again_at for child in self.children if child.again_at is not None]
        return max(0.05, min(pending, default=time.monotonic() + 5) - time.monotonic())

    def _end(self, child: Child) -> None:
        if child.runs():
            child.send(child.stop_with)
            deadline = time.monotonic() + child.grace
            while child.runs() and time.monotonic() < deadline and self.asked_to_stop < 2:
                with suppress(Stopped):
                    self._turn(0.05)
        child.reap()
        self._drain(child)

    def _listen(self, child: Child, *, echo: bool = True) -> None:
        if child.process is not None and child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, (child, echo))

    def _turn(self, timeout: float) -> None:
        """Pass on what programs said; return when something happened or time is up."""
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._wakeup[0].recv(4096)
            else:
                self._pass_on(key.fileobj, *key.data)  # type: ignore[arg-type]
        if self.asked_to_stop:
            raise Stopped

    def _pass_on(self, pipe: socket.socket, child: Child, echo: bool) -> bool:  # noqa: FBT001
        number = pipe.fileno()
        try:
            data = os.read(number, 65536)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(pipe)
            self._partial.pop(number, None)
            pipe.close()
            return False
        *lines, rest = (self._partial.get(number, b"") + data).split(b"\n")
        self._partial[number] = rest
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            child.said.append(text)
            if echo and text and not (child.hides and child.hides.search(text)):
                self.say(text, child.name)
        return True

    def _drain(self, child: Child) -> None:
        pipe = child.process.stdout if child.process else None
        if pipe is None or pipe.closed or pipe not in self._selector.get_map():
            return
        echo = self._selector.get_key(pipe).data[1]
        while not pipe.closed and self._pass_on(pipe, child, echo):  # type: ignore[arg-type]
            pass
        if not pipe.closed:
            self._selector.unregister(pipe)
            self._partial.pop(pipe.fileno(), None)
            pipe.close()
