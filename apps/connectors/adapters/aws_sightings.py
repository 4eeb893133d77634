"""Whether what was to go still works: read anew, or tried."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import botocore.exceptions as failures

from apps.connectors.adapters import aws_documents as documents
from apps.connectors.adapters import aws_policies as policies
from apps.connectors.adapters.aws_client import FAILURES, Clients, translated
from apps.connectors.adapters.aws_grant_removal import removed_by
from apps.connectors.adapters.aws_holders import Holder, holder_of
from apps.connectors.adapters.aws_removal import ROOT, SWITCHED
from apps.connectors.adapters.live import Absent, Clue, How, Refused, Seen, Sighting
from apps.connectors.adapters.removal import Wanted

LISTED = {
    "access-key": ("list_access_keys", "AccessKeyMetadata", "AccessKeyId"),
    "api-key": (
        "list_service_specific_credentials",
        "ServiceSpecificCredentials",
        "ServiceSpecificCredentialId",
    ),
    "certificate": ("list_signing_certificates", "Certificates", "CertificateId"),
}
# What AWS answers to a key that is off or gone, to one whose secret is another, and to a
# session that has run out.
DEAD = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}
OTHER_SECRET = {"SignatureDoesNotMatch", "InvalidSignatureException"}
ENDED = {"ExpiredToken", "ExpiredTokenException"}
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
# How far AWS's clock may be behind this host's for a rotation to count as one since a moment.
SKEW = timedelta(minutes=1)


def verify(clients: Clients, wanted: Wanted) -> Sighting:
    subject = wanted.subject
    if subject.identity_kind == ROOT:
        raise Refused("What is root's can only be seen by root.")
    holder = holder_of(subject)
    if not subject.credential:
        return _grant(clients, holder, wanted)
    if ":secretsmanager:" in subject.credential:
        return _secret(clients, wanted)
    if subject.credential_kind in SWITCHED:
        seen = _switched(clients, holder, subject.credential_kind, subject.credential)
    elif subject.credential_kind == "password":
        seen = _password(clients, holder)
    else:
        return _sessions(clients, holder, wanted)
    if wanted.kind == "kill" and seen.seen != Seen.LIVE:
        return _with_sessions(clients, holder, wanted, seen)
    return seen


def try_out(clients: Clients, clue: Clue) -> Sighting:
    """Ask AWS who the key at hand is: a call that needs no right and changes nothing."""
    secret, _, token = clue.secret.strip().partition(" ")
    if not secret or not clue.external_id:
        raise Refused("A key can be tried only with its id and its secret.")
    client = clients.with_keys("sts", key=clue.external_id, secret=secret, token=token.strip())
    try:
        said = client.get_caller_identity()
    except FAILURES as error:
        return _refused(error)
    return Sighting(Seen.LIVE, How.WORKED, f"It worked when tried: AWS takes it for {said['Arn']}.")


def _refused(error: Exception) -> Sighting:
    told = translated(error, "sts:GetCallerIdentity")
    if not isinstance(error, failures.ClientError):
        raise told from None
    if told.code in DEAD:
        return Sighting(Seen.DISABLED, How.REFUSED, f"Refused when tried: {told.said}")
    if told.code in ENDED:
        return Sighting(Seen.ABSENT, How.REFUSED, f"Its time is over: {told.said}")
    if told.code in OTHER_SECRET:
        said = "AWS knows the id, and it is active; but this is not its secret."
        return Sighting(Seen.LIVE, How.REFUSED, said)
    raise told from None


def _switched(clients: Clients, holder: Holder, kind: str, key: str) -> Sighting:
    if not SWITCHED[kind].id_shape.fullmatch(key):
        raise Refused(f"The source of {key} gave no id, so it cannot be found again.")
    operation, listing, name = LISTED[kind]
    try:
        said = clients.call("iam", operation, account=holder.account, UserName=holder.name)
    except Absent:
        return _seen(Seen.ABSENT, f"There is no user {holder.name}, so its {kind} is gone too.")
    for one in said[listing]:
        if one[name] == key:
            state = Seen.LIVE if one["Status"] == "Active" else Seen.DISABLED
            return _seen(state, f"AWS lists {key} of {holder.name} as {one['Status']}.")
    return _seen(Seen.ABSENT, f"AWS lists no {key} for {holder.name} any more.")


def _password(clients: Clients, holder: Holder) -> Sighting:
    try:
        clients.call("iam", "get_login_profile", account=holder.account, UserName=holder.name)
    except Absent:
        return _seen(Seen.ABSENT, f"{holder.name} has no console password.")
    return _seen(Seen.LIVE, f"{holder.name} has a console password.")


def _secret(clients: Clients, wanted: Wanted) -> Sighting:
    arn = wanted.subject.credential
    parts = arn.split(":")
    try:
        said = clients.call(
            "secretsmanager",
            "describe_secret",
            account=parts[4],
            region=parts[3],
            SecretId=arn,
        )
    except Absent:
        return _seen(Seen.ABSENT, "Secrets Manager has no such secret.")
    deleted = said.get("DeletedDate")
    if wanted.kind == "rotate" and deleted is None:
        return _rotated(said, wanted.sessions_before)
    if deleted is None:
        return _seen(Seen.LIVE, "It can be read in Secrets Manager.")
    return _seen(Seen.DISABLED, "Nobody can read it; Secrets Manager will delete it.")


def _rotated(said: Mapping[str, Any], since: datetime | None) -> Sighting:
    """Whether the old value is out of use: rotated since then, and no version is left halfway."""
    stages = said.get("VersionIdsToStages") or {}
    current = next((one for one, held in stages.items() if CURRENT in held), "")
    halfway = [one for one, held in stages.items() if PENDING in held and CURRENT not in held]
    last = said.get("LastRotatedDate")
    if halfway:
        return _seen(Seen.LIVE, f"Version {halfway[0]} is still pending, not current.")
    if last is None or (since is not None and last < since - SKEW):
        return _seen(Seen.LIVE, f"It was last rotated {last or 'never'}.")
    return _seen(Seen.ABSENT, f"It was rotated at {last:%Y-%m-%d %H:%M:%S}: {current} is current.")


def _with_sessions(clients: Clients, holder: Holder, wanted: Wanted, seen: Sighting) -> Sighting:
    """A kill is done once the sessions are over too; where the user is gone, so are they."""
    sessions = _sessions(clients, holder, wanted)
    if sessions.seen == Seen.LIVE:
        return _seen(Seen.LIVE, f"{seen.said} But {sessions.said[0].lower()}{sessions.said[1:]}")
    return _seen(seen.seen, f"{seen.said} {sessions.said}")


def _sessions(clients: Clients, holder: Holder, wanted: Wanted) -> Sighting:
    try:
        document = policies.inline(clients, holder, f"{wanted.name}-sessions")
    except Absent:
        if not _exists(clients, holder):
            return _seen(Seen.ABSENT, f"There is no {holder.kind} {holder.name}.")
        return _seen(Seen.LIVE, f"Sessions of {holder.name} issued before are not denied.")
    before = wanted.sessions_before
    if before is not None and not documents.is_denial_of_sessions(document, before):
        return _seen(Seen.LIVE, f"Sessions of {holder.name} issued before are not denied.")
    return _seen(Seen.DISABLED, f"Sessions of {holder.name} issued before are denied everything.")


def _exists(clients: Clients, holder: Holder) -> bool:
    with suppress(Absent):
        clients.call("iam", f"get_{holder.kind}", account=holder.account, **holder.param)
        return True
    return False


def _grant(clients: Clients, holder: Holder, wanted: Wanted) -> Sighting:
    """What a suspended holder is denied for now counts as allowed: the suspension may end."""
    removed = removed_by(wanted)
    try:
        held = dict(policies.held(clients, holder))
    except Absent:
        return _seen(Seen.ABSENT, f"There is no {holder.kind} {holder.name}.")
    allowed = documents.still_allowed(held.values(), removed)
    if allowed:
        return _seen(Seen.LIVE, f"{holder.name} may still be allowed {_told(allowed)}.")
    rest = policies.without_denials(held, holder, wanted.name)
    if not documents.still_allowed(rest, removed):
        return _seen(Seen.ABSENT, f"Of {len(held)} policies of {holder.name}, none allows it.")
    own = [one for key, one in held.items() if policies.is_denial_of(holder, key, wanted.name)]
    if documents.still_allowed([*rest, *own], removed):
        return _seen(Seen.DISABLED, f"The denials of other orders hold {holder.name} back from it.")
    said = f"The deny {wanted.name} holds {holder.name} back from it."
    return Sighting(Seen.DISABLED, How.RE_READ, said, stays=True)


def _told(actions: Iterable[str]) -> str:
    listed = list(actions)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more


def _seen(state: Seen, said: str) -> Sighting:
    return Sighting(state, How.RE_READ, said)
