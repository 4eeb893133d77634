"""What botocore needs to sign and to send, made once in a process.

Making a client takes longer than most calls, and assuming a role is a call itself; a thousand
orders share them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import botocore.session
from botocore.loaders import create_loader

MOST_KEPT = 500
_LOADER = create_loader()
_KEPT: dict[Any, Any] = {}
_MAKING: dict[Any, Lock] = {}
_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Signer:
    """As whom calls are signed: the host's own identity, or a key. Two with one key are one."""

    key: str = ""
    secret: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)

    def session(self) -> Any:
        session = bare_session()
        if self.key:
            session.set_credentials(self.key, self.secret, self.token)
        return session


def bare_session() -> Any:
    session = botocore.session.Session()
    session.register_component("data_loader", _LOADER)
    return session


def kept[T](key: Any, make: Callable[[], T]) -> T:
    """What was made under a key, made now where nothing was. Too many, and all are let go.

    Who asks for the same waits for it; who asks for something else does not.
    """
    with _LOCK:
        making = _MAKING.setdefault(key, Lock())
    with making:
        found: T | None = _KEPT.get(key)
        if found is None:
            found = make()
            if len(_KEPT) >= MOST_KEPT:
                forget()
            _KEPT[key] = found
        return found


def forget() -> None:
    """Let go of all that is kept: the host has become another."""
    _KEPT.clear()
    _MAKING.clear()
