"""Names of API calls that policies use, where every action of a kind of system is known."""

from collections.abc import Callable, Collection
from functools import cache

from apps.activity.allowing import Call

# Why it cannot be told what allowed a call.
CHANGED = "a grant changed since, and what it allowed then is not kept"
UNNAMED = "no permission that is known here has its name"
NO_GRANTS = "no grant of its identity was ever brought in"
TOO_EARLY = "its identity became known here only later"
TRUST = "it hangs on the trust of what it becomes, not on a grant of its own"

_ACTIONS: dict[str, Callable[[], Collection[str]]] = {}


def actions_register(kind: str, names: Callable[[], Collection[str]]) -> None:
    """Say where all actions of a kind of system stand; apps above this one do when they are ready.

    They are read when they are asked for first.
    """
    _ACTIONS[kind] = names


def is_action(call: Call) -> bool:
    """Whether policies of its kind of system know it by name."""
    if call.kind not in _ACTIONS:
        return False
    return any(name.lower() in _actions(call.kind) for name in call.actions)


@cache
def _actions(kind: str) -> frozenset[str]:
    return frozenset(name.lower() for name in _ACTIONS[kind]())
