from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.models import StagedRow
from apps.connectors.services.payloads import moment_of
from apps.connectors.services.run import REPEATED, Run, differing
from apps.inventory.models import Credential, Identity
from apps.inventory.states import BY_PLACE, CREDENTIAL_MOVES, CredentialState

# What a source measures again and again: kept, but no fact of governance.
MEASURED = {"last_used_at", "use_is_known", "facts"}
SAID = ("label", "fingerprint", "stored_at")
TIMES = {
    "issued_at": "created_at",
    "rotated_at": "rotated_at",
    "expires_at": "expires_at",
    "last_used_at": "last_used_at",
}
WRITTEN = (
    "external_id",
    "kind",
    *SAID,
    "stored_in",
    *TIMES,
    "rotation_days",
    "use_is_known",
    "facts",
    "state",
    "stream",
    "gone_at",
)


def apply_credentials(run: Run) -> None:
    for chunk in run.chunks("credential"):
        _apply(run, chunk)
    spared = run.protected("identity", "credential")
    if "credential" in run.complete and spared is not None:
        unreadable = Q(external_id__in=spared) | Q(identity__external_id__in=spared)
        run.mark_gone("credential", Credential, spared=unreadable)


def _apply(run: Run, rows: Sequence[StagedRow]) -> None:
    identities = run.identities(rows)
    held = _held(identities.values(), rows)
    held |= _under_another_key(run, identities, held, rows)
    new, changed, facts, moves, listed = [], [], [], [], []
    counts = run.report.of("credential")
    for row in rows:
        data = row.data
        identity = identities.get((data["system"], data["identity"]))
        refusal = _refusal(data, identity)
        credential = held.get((identity.pk, data["key"])) if identity else None
        if credential is not None:
            listed.append(credential.pk)
        if identity is not None and run.is_repeated("credential", identity.pk, data["key"]):
            refusal = REPEATED
        if refusal or identity is None:
            run.reject(row, refusal)
            continue
        if credential is None:
            new.append(_new(run, identity, data))
            counts.add("new", data["label"] or data["key"])
            continue
        if not run.owns(credential):
            counts.add("same", str(credential))
            continue
        before = _state(credential)
        _write(run, credential, data)
        changes = differing(before, _state(credential))
        if changes:
            changed.append(credential)
        if "state" in changes:
            moves.append(Fact(credential, {"state": changes["state"]}, run.reason))
        if set(changes) - MEASURED - {"state"}:
            facts.append(Fact(credential, changes, run.reason))
        what = "same" if not changes else "back" if "gone_at" in changes else "changed"
        counts.add(what, str(credential), changes)
    Credential.objects.bulk_create(new)
    Credential.objects.bulk_update(changed, WRITTEN)
    run.record(facts)
    record_many(actor=run.actor, verb=Verb.CREDENTIAL_MOVED, facts=moves)
    run.seen(Credential, listed)


def _held(identities: Any, rows: Sequence[StagedRow]) -> dict[tuple[int, str], Credential]:
    locked = Credential.objects.filter(
        identity__in={identity.pk for identity in identities},
        external_id__in={row.data["key"] for row in rows},
    )
    return {
        (credential.identity_id, credential.external_id): credential
        for credential in locked.select_for_update(of=["self"]).order_by("pk")
    }


def _under_another_key(
    run: Run,
    identities: dict[tuple[str, str], Identity],
    held: dict[tuple[int, str], Credential],
    rows: Sequence[StagedRow],
) -> dict[tuple[int, str], Credential]:
    """Find credentials that one source of the stream knows by id, and another by place only.

    It is the one of its kind and identity that was issued at the same second, if only one was.
    """
    missing = [
        (identity.pk, row.data)
        for row in rows
        if (identity := identities.get((row.data["system"], row.data["identity"])))
        and (identity.pk, row.data["key"]) not in held
    ]
    if not missing:
        return {}
    known: dict[tuple[Any, ...], list[Credential]] = defaultdict(list)
    asked: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    kept = Credential.objects.filter(identity__in={pk for pk, _ in missing}, stream=run.stream)
    for one in kept.exclude(issued_at=None).select_for_update(of=["self"]).order_by("pk"):
        known[one.identity_id, one.kind, is_by_place(one), _second(one.issued_at)].append(one)
    for pk, data in missing:
        moment = _second(moment_of(data, "created_at"))
        asked[pk, data["kind"], not data["by_place"], moment].append(data["key"])
    return {
        (mark[0], keys[0]): known[mark][0]
        for mark, keys in asked.items()
        if len(keys) == 1 and len(known[mark]) == 1
    }


def is_by_place(credential: Credential) -> bool:
    return bool(credential.facts.get(BY_PLACE))


def _second(moment: datetime | None) -> datetime | None:
    return moment.replace(microsecond=0) if moment else None


def _refusal(data: dict[str, Any], identity: Identity | None) -> str:
    if identity is None:
        return f"{data['system']} has no one identity {data['identity']}."
    issued, expires = moment_of(data, "created_at"), moment_of(data, "expires_at")
    if issued and expires and expires < issued:
        return "It expires before it was issued."
    return ""


def _new(run: Run, identity: Identity, data: dict[str, Any]) -> Credential:
    return Credential(
        identity=identity,
        kind=data["kind"],
        external_id=data["key"],
        label=data["label"],
        fingerprint=data["fingerprint"],
        stored_in=data["stored_in"],
        stored_at=data["stored_at"],
        rotation_days=data["rotation_days"],
        use_is_known=data["use_known"],
        facts=_facts(data),
        state=CredentialState.ACTIVE if data["active"] else CredentialState.SUSPENDED,
        source=run.source,
        stream=run.stream,
        last_seen_at=run.now,
        **{name: moment_of(data, said) for name, said in TIMES.items()},
    )


def _write(run: Run, credential: Credential, data: dict[str, Any]) -> None:
    """Write what the file says; where it is silent, what a steward said stays."""
    credential.kind = data["kind"]
    if not data["by_place"]:
        credential.external_id = data["key"]
    for name in SAID:
        if credential.external_id == data["key"]:
            setattr(credential, name, data[name] or getattr(credential, name))
    if data["stored_in"] != "unknown":
        credential.stored_in = data["stored_in"]
    used = credential.last_used_at
    for name, said in TIMES.items():
        setattr(credential, name, moment_of(data, said))
    # A log may have told of a later use already.
    credential.last_used_at = max(filter(None, (used, credential.last_used_at)), default=None)
    credential.rotation_days = data["rotation_days"] or credential.rotation_days
    credential.use_is_known = data["use_known"]
    known_by_id = credential.external_id != data["key"] or not data["by_place"]
    credential.facts = {**credential.facts, **_facts(data)}
    if known_by_id:
        credential.facts.pop(BY_PLACE, None)
    credential.state = _moved(credential.state, active=data["active"])
    run.claim(credential)
    credential.gone_at = None


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    return {**data["facts"], BY_PLACE: True} if data["by_place"] else data["facts"]


def _moved(state: str, *, active: bool) -> str:
    """Follow the source between active and suspended; other states are not its to say."""
    said = CredentialState.ACTIVE if active else CredentialState.SUSPENDED
    between = {CredentialState.ACTIVE, CredentialState.SUSPENDED}
    if state == said or state not in between:
        return state
    CREDENTIAL_MOVES.check(state, said)
    return said


def _state(credential: Credential) -> dict[str, Any]:
    return {
        name: dict(credential.facts) if name == "facts" else getattr(credential, name)
        for name in WRITTEN
    }
