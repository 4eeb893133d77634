from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.models import StagedRow
from apps.connectors.services.payloads import moment_of
from apps.connectors.services.run import REPEATED, Run, differing
from apps.inventory.models import Credential, Identity
from apps.inventory.states import CREDENTIAL_MOVES, CredentialState

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
    new, changed, facts, moves = [], [], [], []
    listed: set[int] = set()
    counts = run.report.of("credential")
    for row in rows:
        data = row.data
        identity = identities.get((data["system"], data["identity"]))
        refusal = _refusal(data, identity)
        credential = held.get((identity.pk, data["key"])) if identity is not None else None
        if credential is not None:
            listed.add(credential.pk)
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
    """Find the credentials the rows speak of, and others beside them that no row may list."""
    locked = Credential.objects.filter(
        identity__in={identity.pk for identity in identities},
        external_id__in={row.data["key"] for row in rows},
    )
    return {
        (credential.identity_id, credential.external_id): credential
        for credential in locked.select_for_update(of=["self"]).order_by("pk")
    }


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
        facts=data["facts"],
        state=CredentialState.ACTIVE if data["active"] else CredentialState.SUSPENDED,
        source=run.source,
        stream=run.stream,
        last_seen_at=run.now,
        **{name: moment_of(data, said) for name, said in TIMES.items()},
    )


def _write(run: Run, credential: Credential, data: dict[str, Any]) -> None:
    """Write what the file says; where it is silent, what a steward said stays."""
    credential.kind = data["kind"]
    for name in SAID:
        setattr(credential, name, data[name] or getattr(credential, name))
    if data["stored_in"] != "unknown":
        credential.stored_in = data["stored_in"]
    for name, said in TIMES.items():
        setattr(credential, name, moment_of(data, said))
    credential.rotation_days = data["rotation_days"] or credential.rotation_days
    credential.use_is_known = data["use_known"]
    credential.facts = {**credential.facts, **data["facts"]}
    credential.state = _moved(credential.state, active=data["active"])
    run.claim(credential)
    credential.gone_at = None


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
