from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.audit.services import Fact
from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND, catalogue
from apps.connectors.models import StagedRow
from apps.connectors.services.copying import copy_in
from apps.connectors.services.payloads import moment_of
from apps.connectors.services.run import REPEATED, Run
from apps.grants.models import Grant, GrantStatement, Permission
from apps.grants.services.fingerprints import STATEMENT, statements_digest
from apps.grants.states import LIVE
from apps.inventory.models import Identity

CHUNK = 500
SAMPLE = 10
CONTENT = (
    "tags",
    "action_count",
    "actions_sample",
    "resource_scope",
    "has_conditions",
    "limits",
    "unknown_actions",
    "classified_by",
    "content_sha256",
    "content_changed_at",
)
WRITTEN = (
    *CONTENT,
    "label",
    "last_used_at",
    "use_is_known",
    "use_is_logged",
    "expires_at",
    "stream",
    "gone_at",
)
KEPT = (*STATEMENT, "policy_key")


def apply_grants(run: Run) -> None:
    for chunk in run.chunks("grant", CHUNK):
        _Chunk(run, chunk).apply()
    spared = run.protected("identity", "policy", "group", "grant")
    if "grant" in run.complete and spared is not None:
        unreadable = Q(identity__external_id__in=spared) | Q(identity__name__in=spared)
        run.mark_gone("grant", Grant, spared=unreadable)


@dataclass(frozen=True, slots=True)
class _Line:
    """What a file says of one grant, and the grant that is held, if there is one."""

    row: StagedRow
    identity: Identity
    grant: Grant | None
    digest: str

    @property
    def is_news(self) -> bool:
        return self.grant is None or self.grant.content_sha256 != self.digest


class _Chunk:
    def __init__(self, run: Run, rows: Sequence[StagedRow]):
        self.run = run
        self.rows = rows
        self.identities = run.identities(rows)
        self.held = self._held()
        self.tags: dict[str, tuple[list[str], bool]] = {}
        self.new: list[tuple[Grant, StagedRow]] = []
        self.rewritten: list[tuple[Grant, StagedRow]] = []
        self.changed: list[Grant] = []
        self.facts: list[Fact] = []
        self.listed: list[int] = []

    def apply(self) -> None:
        lines = [line for row in self.rows if (line := self._line(row)) is not None]
        news = [line.row for line in lines if line.is_news]
        self.tags = _tags_by_action(self.identities.values(), news)
        for line in lines:
            self._one(line)
        self._save()

    def _line(self, row: StagedRow) -> _Line | None:
        data = row.data
        identity = self.identities.get((data["system"], data["identity"]))
        if identity is None:
            self.run.reject(row, f"{data['system']} has no one identity {data['identity']}.")
            return None
        if self.run.is_repeated(identity.pk, data["service"], data["level"]):
            self.run.reject(row, REPEATED)
            return None
        grant = self.held.get((identity.pk, data["service"], data["level"]))
        return _Line(row, identity, grant, _digest(data))

    def _one(self, line: _Line) -> None:
        row, grant, digest = line.row, line.grant, line.digest
        counts = self.run.report.of("grant")
        if grant is None:
            grant = self._new(row, line.identity, digest)
            self.new.append((grant, row))
            counts.add("new", grant.label)
            return
        self.listed.append(grant.pk)
        if self.run.owns(grant):
            self._change(row, grant, digest)
        else:
            self._of_another(row, grant, digest)

    def _of_another(self, row: StagedRow, grant: Grant, digest: str) -> None:
        if grant.content_sha256 == digest:
            self.run.report.of("grant").add("same", grant.label)
        else:
            self.run.reject(row, f"{grant.stream} already says otherwise of {grant.label}.")

    def _new(self, row: StagedRow, identity: Identity, digest: str) -> Grant:
        data = row.data
        expires = moment_of(data, "expires_at")
        if expires and expires <= self.run.now:
            self.run.report.note(
                f"{identity.name}, {data['service']} {data['level']}: present, though the file "
                f"says it expired on {expires:%Y-%m-%d}; kept without that date."
            )
            expires = None
        return Grant(
            identity=identity,
            system=identity.system,
            service=data["service"],
            level=data["level"],
            label=_label(identity, data),
            last_used_at=moment_of(data, "last_used_at"),
            use_is_known=data["use_known"],
            expires_at=expires,
            source=self.run.source,
            stream=self.run.stream,
            first_seen_at=self.run.now,
            last_seen_at=self.run.now,
            **self._content(data, digest),
        )

    def _content(self, data: Mapping[str, Any], digest: str) -> dict[str, Any]:
        actions = [name for line in data["statements"] for name in line["actions"]]
        return {
            "tags": self._tags(data, actions),
            "action_count": data["action_count"] or len(set(actions)),
            "actions_sample": _sample(data["actions"] or actions),
            "resource_scope": _scope(data["statements"]),
            "has_conditions": any(line["conditions"] for line in data["statements"]),
            "limits": data["limits"],
            "unknown_actions": data["unknown_actions"],
            "classified_by": data["classified_by"][:120],
            "content_sha256": digest,
            "content_changed_at": self.run.now,
        }

    def _tags(self, data: Mapping[str, Any], actions: Iterable[str]) -> list[str]:
        """Take the file's tags, but what a person said of a permission goes before them."""
        told = [self.tags[name] for name in actions if name in self.tags]
        overridden = any(by_person for _, by_person in told)
        known = {tag for tags, _ in told for tag in tags}
        return sorted(known if overridden or not data["tags"] else data["tags"])

    def _change(self, row: StagedRow, grant: Grant, digest: str) -> None:
        data = row.data
        changes: dict[str, tuple[Any, Any]] = {}
        measured = self._measure(grant, data)
        if grant.gone_at is not None:
            changes["gone_at"] = (grant.gone_at.isoformat(), None)
            grant.gone_at = None
        if grant.content_sha256 != digest:
            changes["content"] = (grant.content_sha256, digest)
            changes["actions"] = (grant.actions_sample, _sample(data["actions"]))
            for name, value in self._content(data, digest).items():
                setattr(grant, name, value)
            self.rewritten.append((grant, row))
        before = grant.stream
        self.run.claim(grant)
        adopted = grant.stream != before
        what = "back" if "gone_at" in changes else "changed" if changes or measured else "same"
        self.run.report.of("grant").add(what, grant.label, changes)
        if changes or measured or adopted:
            self.changed.append(grant)
        if changes:
            self.facts.append(Fact(grant, changes, self.run.reason))
            self.run.touched_identities.add(grant.identity_id)

    def _measure(self, grant: Grant, data: Mapping[str, Any]) -> bool:
        """Take what the file tells of its use. What the system's log saw later stays."""
        seen = filter(None, (moment_of(data, "last_used_at"), grant.last_used_at))
        told = max(seen, default=None), True, False
        now = grant.last_used_at, grant.use_is_known, grant.use_is_logged
        if not data["use_known"] or told == now:
            return False
        grant.last_used_at, grant.use_is_known, grant.use_is_logged = told
        return True

    def _save(self) -> None:
        run = self.run
        Grant.objects.bulk_create([grant for grant, _ in self.new])
        Grant.objects.bulk_update(self.changed, WRITTEN)
        rewritten = [grant.pk for grant, _ in self.rewritten]
        GrantStatement.objects.filter(grant__in=rewritten).delete()
        copy_in(
            GrantStatement,
            ("grant", "position", *KEPT),
            (
                (grant.pk, at, *(line[name] for name in KEPT))
                for grant, row in (*self.new, *self.rewritten)
                for at, line in enumerate(row.data["statements"])
            ),
        )
        run.record(self.facts)
        run.seen(Grant, self.listed)
        run.touched_identities.update(grant.identity_id for grant, _ in self.new)

    def _held(self) -> dict[tuple[int, str, str], Grant]:
        """Everything these identities hold on these services: more than the rows may list."""
        locked = Grant.objects.filter(
            state__in=LIVE,
            identity__in={identity.pk for identity in self.identities.values()},
            service__in={row.data["service"] for row in self.rows},
        )
        return {
            (grant.identity_id, grant.service, grant.level): grant
            for grant in locked.select_for_update(of=["self"]).order_by("pk")
        }


def _digest(data: Mapping[str, Any]) -> str:
    return statements_digest([*data["statements"], *data["limits"]])


def _tags_by_action(
    identities: Iterable[Identity], rows: Sequence[StagedRow]
) -> dict[str, tuple[list[str], bool]]:
    """What each action makes possible, and whether a person said so.

    An action of AWS that is not yet known here is judged by the catalogue and kept.
    """
    kinds = {identity.system.kind for identity in identities}
    actions = {name for row in rows for line in row.data["statements"] for name in line["actions"]}
    known = Permission.objects.filter(system_kind__in=kinds, key__in=actions)
    found = {one.key: (one.tags, one.overridden_at is not None) for one in known}
    if kinds == {SYSTEM_KIND}:
        missing = [catalogue().permission(name) for name in sorted(actions - set(found))]
        Permission.objects.bulk_create(
            Permission(
                system_kind=SYSTEM_KIND,
                key=one.key,
                service=one.service,
                level=one.level,
                tags=sorted(one.tags),
                is_classified=one.known,
                evidence={"source": one.source, "version": one.version, "tags": dict(one.tags)},
            )
            for one in missing
        )
        found |= {one.key: (sorted(one.tags), False) for one in missing}
    return found


def _label(identity: Identity, data: Mapping[str, Any]) -> str:
    parts = (identity.name, identity.system.name, data["service"], data["level"])
    return " · ".join(part for part in parts if part)[:400]


def _sample(actions: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(actions))
    more = f" and {len(distinct) - SAMPLE} more" if len(distinct) > SAMPLE else ""
    return ", ".join(distinct[:SAMPLE]) + more


def _scope(statements: Sequence[Mapping[str, Any]]) -> str:
    named = list(dict.fromkeys(name for line in statements for name in line["resources"]))
    left_out = list(dict.fromkeys(name for line in statements for name in line["not_resources"]))
    if "*" in named or (not named and not left_out):
        text = "all resources"
    elif left_out:
        text = f"all but {left_out[0]}" + (f" and {len(left_out) - 1} more" if left_out[1:] else "")
    else:
        text = named[0] + (f" and {len(named) - 1} more" if named[1:] else "")
    return text if len(text) <= 200 else f"{text[:196]} ..."
