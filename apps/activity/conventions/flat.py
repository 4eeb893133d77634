"""Lists that a convention spreads over attributes: `llm.input_messages.0.message.role`."""

from typing import Any

from apps.activity.conventions.tables import FLAT, FLAT_STARTS

DEEPEST = 12


def gathered(flat: dict[str, Any]) -> dict[str, Any]:
    """The lists by our name of them, put together again; what does not fit is passed over."""
    trees: dict[str, dict[str, Any]] = {}
    for name, value in flat.items():
        start = next(one for one in FLAT_STARTS if name.startswith(one))
        path = name[len(start) :].split(".", DEEPEST)
        node: Any = trees.setdefault(FLAT[start], {})
        for step in path[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                break
        else:
            node.setdefault(path[-1], value)
    return {ours: _listed(tree) for ours, tree in trees.items()}


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(name.isascii() and name.isdigit() and len(name) < 7 for name in node):
        return [_listed(node[name]) for name in sorted(node, key=int)]
    return {name: _listed(value) for name, value in node.items()}
