"""Whose a system's records are: its identity and credential, as the inventory knows them.

Set-based: a batch of records takes a handful of queries, however many it holds.
"""

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F

from apps.activity.headers import Whose
from apps.activity.models import Stream
from apps.activity.readings import Reading
from apps.activity.states import LogFormat
from apps.inventory.models import Credential, Identity, System

SESSION = re.compile(r"arn:([^:]*):sts::(\d{12}):assumed-role/(.+)/[^/]*")
ROLE = re.compile(r"arn:[^:]*:iam::(\d{12}):role/(?:.*/)?([^/]+)")
ELSEWHERE = "of an account that is no system here"


@dataclass(frozen=True, slots=True)
class _Known:
    """An identity, as far as a record tells of it."""

    pk: int
    name: str
    system: int


class Resolver:
    """Finds whose the records of one log are."""

    def __init__(self, stream: Stream):
        self.stream = stream
        kind = stream.system.kind
        self.systems = {one.pk: one for one in System.objects.filter(kind=kind).order_by("pk")}
        if stream.log_format != LogFormat.CLOUDTRAIL:
            # Only AWS names its accounts in its log; elsewhere the same name is somebody else.
            self.systems = {stream.system_id: self.systems[stream.system_id]}
        self.of_account: dict[str, System] = {}
        for one in self.systems.values():
            self.of_account.setdefault(one.account, one)
        if stream.system.account:
            self.of_account[stream.system.account] = self.systems[stream.system_id]

    def whose(self, readings: Sequence[Reading]) -> list[Whose]:
        """Whose each of these is. Nobody known is said as nobody, not guessed."""
        systems = [self._system(one) for one in readings]
        principals = self._principals({one.principal for one in readings if one.principal})
        credentials = self._credentials({one.credential for one in readings if one.credential})
        return [
            self._one(reading, system, principals, credentials)
            for reading, system in zip(readings, systems, strict=True)
        ]

    def _one(
        self,
        reading: Reading,
        system: System | None,
        principals: dict[str, list[_Known]],
        credentials: dict[str, list[tuple[int, _Known]]],
    ) -> Whose:
        at = system.pk if system else 0
        known = _only(principals.get(reading.principal, ()), at)
        held = credentials.get(reading.credential, [])
        if known is not None:
            held = [one for one in held if one[1].pk == known.pk] or held
        credential_id, holder = held[0] if len({pk for pk, _ in held}) == 1 else (None, None)
        identity = known or holder
        return Whose(
            identity_id=identity.pk if identity else None,
            identity=identity.name if identity else "",
            credential_id=credential_id,
            system_id=system.pk if system else None,
            system=system.name if system else "",
        )

    def _system(self, reading: Reading) -> System | None:
        """The system that recorded it: of the account the record names, where it names one."""
        own = self.systems[self.stream.system_id]
        if self.stream.log_format != LogFormat.CLOUDTRAIL or not reading.account:
            return own
        found = self.of_account.get(reading.account)
        if found is None and not own.account:
            return own
        if found is None and ELSEWHERE not in reading.warnings:
            reading.warnings += (ELSEWHERE,)
        return found

    # Identities.

    def _principals(self, names: set[str]) -> dict[str, list[_Known]]:
        found: dict[str, list[_Known]] = defaultdict(list)
        wanted: dict[str, set[str]] = defaultdict(set)
        for one in names:
            wanted[_canonical(one)].add(one)
        rows = Identity.objects.filter(system__in=self.systems, external_id__in=wanted)
        for external_id, known in _known(rows, "external_id"):
            for one in wanted[external_id]:
                found[one].append(known)
        left = names - found.keys()
        if not left:
            return found
        if self.stream.log_format == LogFormat.CLOUDTRAIL:
            self._roles_with_paths(left, found)
        elif self.stream.log_format == LogFormat.VAULT:
            self._entities(left, found)
        else:
            rows = Identity.objects.filter(system=self.stream.system_id, name__in=left)
            for name, known in _known(rows, "name"):
                found[name].append(known)
        return found

    def _roles_with_paths(self, left: set[str], found: dict[str, list[_Known]]) -> None:
        """A session is told with the name of its role, but not with the role's path."""
        roles: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in left:
            if match := ROLE.fullmatch(_canonical(one)):
                roles[match[1], match[2]].add(one)
        if not roles:
            return
        accounts = {one.pk: one.account for one in self.systems.values()}
        rows = Identity.objects.filter(
            system__in=self.systems,
            name__in={name for _, name in roles},
            external_id__contains=":role/",
        )
        for name, known in _known(rows, "name"):
            for one in roles.get((accounts[known.system], name), ()):
                found[one].append(known)

    def _entities(self, left: set[str], found: dict[str, list[_Known]]) -> None:
        """A role of Vault is known by its path; its entity stands among its facts."""
        rows = Identity.objects.filter(
            system=self.stream.system_id, facts__entity_id__in=list(left)
        )
        for entity, known in _known(rows, "facts__entity_id"):
            found[entity].append(known)

    # Credentials.

    def _credentials(self, ids: set[str]) -> dict[str, list[tuple[int, _Known]]]:
        """By the id that the log gives; by the fingerprint where it gives a digest (GitHub)."""
        found: dict[str, list[tuple[int, _Known]]] = defaultdict(list)
        rows = Credential.objects.filter(external_id__in=ids, identity__system__in=self.systems)
        for external_id, pk, known in _held(rows, "external_id"):
            found[external_id].append((pk, known))
        digests = {digest: one for one in ids if (digest := _digest(one))}
        if digests:
            rows = Credential.objects.filter(
                fingerprint__in=digests, identity__system__in=self.systems
            )
            for fingerprint, pk, known in _held(rows, "fingerprint"):
                found[digests[fingerprint]].append((pk, known))
        return found


def _canonical(principal: str) -> str:
    """The ARN of the role, of a session that its log gives no role for."""
    session = SESSION.fullmatch(principal)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else principal


def _only(known: Iterable[_Known], system: int) -> _Known | None:
    """The one, or of several the one on this system; of several there, none."""
    all_of_them = list(known)
    here = [one for one in all_of_them if one.system == system]
    for some in (here, all_of_them):
        if len(some) == 1:
            return some[0]
    return None


def _known(rows, by: str) -> Iterable[tuple[str, _Known]]:  # type: ignore[no-untyped-def]
    for said, pk, name, system in rows.order_by("pk").values_list(by, "pk", "name", "system_id"):
        yield said, _Known(pk, name, system)


def _held(rows, by: str) -> Iterable[tuple[str, int, _Known]]:  # type: ignore[no-untyped-def]
    holder = {"of": F("identity_id"), "named": F("identity__name"), "on": F("identity__system_id")}
    told = rows.order_by("pk").annotate(**holder).values_list(by, "pk", "of", "named", "on")
    for said, pk, identity, name, system in told:
        yield said, pk, _Known(identity, name, system)


def _digest(told: str) -> str:
    """The fingerprint, as we keep it, of a digest as GitHub writes it: base64 of SHA-256."""
    if len(told) != 44 or not told.endswith("="):
        return ""
    try:
        raw = base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return raw.hex() if len(raw) == 32 else ""
