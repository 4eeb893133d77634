"""Where a new secret goes: a path of a KV engine, version 2. Its value is written, never read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.connectors.adapters.live import Absent, Beside, Outcome, Place, Refused
from apps.connectors.adapters.removal import Subject
from apps.connectors.adapters.times import moment
from apps.connectors.adapters.vault_calls import VaultCalls
from apps.connectors.adapters.vault_removal import role_path

MARK = "countersign"
# What a path's metadata holds that is ours to leave as it is.
KEPT = ("max_versions", "cas_required", "delete_version_after")


class VaultPlacing:
    def __init__(self, calls: VaultCalls, told: Mapping[str, Any]):
        self.calls = calls
        self.told = told

    def beside(self, subject: Subject) -> Sequence[Beside]:
        """The secret ids of a role. Vault does not tell whether one was used."""
        role = role_path(subject)
        return [
            Beside(accessor, made_at=self._made_at(role, accessor))
            for accessor in self.calls.keys(f"{role}/secret-id")
        ]

    def _made_at(self, role: str, accessor: str) -> datetime | None:
        try:
            told = self.calls.post(f"{role}/secret-id-accessor/lookup", secret_id_accessor=accessor)
        except Absent:
            return None
        return moment(told.get("creation_time"))

    def look(self, where: str) -> Place:
        return _place(self._metadata(where))

    def put(self, where: str, secret: Mapping[str, str], *, mark: str, after: str) -> Outcome:
        """Write the next version. The mark is written first, with the number it will have: by it
        a worker that died can tell whether it came to write the version."""
        told = self._metadata(where)
        there = _place(told)
        if there.mark == mark:
            said = f"Version {there.version} of {where} was written already."
            return Outcome(said, changed=False)
        if there.version != after:
            raise Refused("Somebody else wrote there meanwhile.", call=f"POST {where}")
        number = int(after or 0) + 1
        held = {name: told[name] for name in KEPT if told.get(name)}
        marks = {**(told.get("custom_metadata") or {}), MARK: f"{mark}@{number}"}
        mount, path = self._parts(where)
        self.calls.post(f"{mount}/metadata/{path}", **held, custom_metadata=marks)
        self.calls.post(f"{mount}/data/{path}", options={"cas": int(after or 0)}, data=dict(secret))
        return Outcome(f"Version {number} of {where} is written; the ones before are kept.")

    def _metadata(self, where: str) -> dict[str, Any]:
        mount, path = self._parts(where)
        try:
            return self.calls.get(f"{mount}/metadata/{path}")
        except Absent:
            return {}

    def _parts(self, where: str) -> tuple[str, str]:
        if where not in [str(one).strip("/") for one in self.told.get("place_paths") or []]:
            raise Refused(f"This connection is not to write to {where}.")
        mount, _, path = where.partition("/")
        return mount, path


def _place(told: Mapping[str, Any]) -> Place:
    """The mark counts only for the version whose number it names."""
    version = str(told.get("current_version") or "")
    mark, _, of = str((told.get("custom_metadata") or {}).get(MARK) or "").partition("@")
    return Place(version=version, mark=mark if version and of == version else "")


def rights(told: Mapping[str, Any]) -> str:
    """What writing to each place needs; its value is never read."""
    lines = []
    for where in told.get("place_paths") or []:
        mount, _, path = str(where).strip("/").partition("/")
        lines.append(f'path "{mount}/data/{path}" {{ capabilities = ["create", "update"] }}\n')
        held = '["create", "read", "update"]'
        lines.append(f'path "{mount}/metadata/{path}" {{ capabilities = {held} }}\n')
    return "".join(lines)
