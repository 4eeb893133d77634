"""Somebody holds a string that may be a key: which one is it, who uses it, how does it die?

The text is looked at here and forgotten: it is in no record, no log, no queue, and no address.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, field

from django.db import connection as database
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Capability, Clue, Located, ProviderError
from apps.connectors.adapters.recognition import Recognised, recognise
from apps.connectors.adapters.registry import adapter_class
from apps.connectors.models import Connection
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.links import public_url
from apps.core.policies import enforce
from apps.core.references import ReferenceRefused
from apps.inventory.models import Agent, Credential, Identity, System
from apps.notices.services import page_send
from apps.remediation import policies
from apps.remediation.models import Leak

MOST_SHOWN = 20
ASKED_FOR = 8.0


@dataclass(frozen=True, slots=True)
class Match:
    """One credential of the inventory that the text names. `sure` where its id or digest does."""

    credential: Credential
    agents: Sequence[Agent]
    sure: bool
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one connection said when it was asked."""

    connection: Connection
    said: str
    located: Located | None = None


@dataclass(frozen=True, slots=True)
class LookUp:
    kinds: Sequence[str]
    matches: Sequence[Match]
    answers: Sequence[Answer] = ()
    commands: Sequence[tuple[str, str]] = ()
    honest: Sequence[str] = ()
    where: str = ""
    is_alert: bool = field(default=False)

    @property
    def located(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.located is not None]


@sensitive_variables("text", "found")
def leak_look_up(*, text: str, actor: Actor) -> LookUp:
    """Recognise a pasted text and find its credential: in the inventory, else by asking live."""
    enforce(policies.can_end_credentials(actor))
    found = recognise(text)
    matches = _matches(found, actor)
    is_known = any(match.sure for match in matches)
    return LookUp(
        kinds=sorted({clue.kind for clue in found.clues}),
        matches=matches,
        answers=[] if is_known or not found.clues else _asked(found.clues, actor),
        commands=[] if is_known else _by_hand(found.clues),
        honest=found.honest,
        where=found.where,
        is_alert=found.is_alert,
    )


@sensitive_variables("text", "found")
@transaction.atomic
def leaks_report(*, text: str, actor: Actor) -> list[Leak]:
    """Take in a scanner's alert: one leak for each credential it names, and a page for each.

    What is in no inventory is one leak about nothing, paged as well: a person looks. Only the
    inventory is asked. The same credential at the same place is reported once.
    """
    enforce(policies.can_report_leaks(actor))
    found = recognise(text)
    if not found.clues:
        raise DomainError("Nothing in it looks like a key, an id, or a fingerprint.")
    named = Credential.objects.named_by(found.ids, found.digests).order_by("pk")[:MOST_SHOWN]
    kinds = ", ".join(sorted({clue.kind for clue in found.clues}))[:120]
    about: list[Credential | None] = [*named] or [None]
    return [_reported(one, kinds, found.where, actor) for one in about]


def _reported(credential: Credential | None, kinds: str, where: str, actor: Actor) -> Leak:
    same = Leak.objects.filter(credential=credential, kinds=kinds, found_at=where)
    if (known := same.first()) is not None:
        return known
    leak = Leak.objects.create(
        credential=credential, kinds=kinds, found_at=where, reported_by_label=str(actor)[:150]
    )
    record(
        actor=actor,
        verb=Verb.LEAK_REPORTED,
        target=credential or leak,
        changes={"leak": (None, leak.pk), "found_at": (None, where)},
    )
    page_send(
        about=credential or leak,
        subject=f"Leaked: {credential or kinds}",
        body=f"Found at {where or 'a place the alert does not tell'}, reported by {actor}."
        + (f"\n\n{public_url(credential.get_absolute_url())}" if credential else ""),
        severity="critical",
        team_id=None,
        dedupe_key=f"leak:{leak.pk}",
        actor=actor,
    )
    enqueue("findings.recheck")
    return leak


@transaction.atomic
def credential_adopt(
    *, connection_id: int, kind: str, external_id: str, actor: Actor
) -> Credential:
    """Note a credential that was found by asking, so that it can be ended like any other.

    The provider is asked anew: what the page held is not believed.
    """
    enforce(policies.can_end_credentials(actor))
    connection = Connection.objects.reading().filter(pk=connection_id).first()
    if connection is None:
        raise DomainError("There is no such connection that reads.")
    try:
        located = _find(connection, [Clue(kind, external_id=external_id)])
    except ProviderError as error:
        raise DomainError(f"{connection} could not be asked: {error}") from error
    if located is None:
        raise DomainError(f"{connection} does not know it any more.")
    subject = located.subject
    system = System.objects.of_account(subject.system_kind, subject.account).first()
    if system is None:
        system = System.objects.create(
            name=f"{subject.system_kind} {subject.account}"[:120],
            kind=subject.system_kind,
            account=subject.account,
        )
    identity, _ = Identity.objects.get_or_create(
        system=system,
        external_id=subject.identity_id,
        defaults={"name": subject.identity[:200], "kind": subject.identity_kind},
    )
    credential, is_new = Credential.objects.get_or_create(
        identity=identity,
        external_id=subject.credential,
        defaults={"kind": subject.credential_kind, "facts": dict(subject.facts)},
    )
    if is_new:
        record(
            actor=actor,
            verb=Verb.CREDENTIAL_ADOPTED,
            target=credential,
            changes={"state": (None, credential.state), "connection": (None, connection.pk)},
            reason=located.said,
        )
    return credential


def _matches(found: Recognised, actor: Actor) -> list[Match]:
    rows = Credential.objects.visible_to(actor).for_table()
    sure = list(rows.named_by(found.ids, found.digests).order_by("pk")[:MOST_SHOWN])
    hints = [clue.secret[:3] for clue in found.clues if clue.kind == "azure"]
    maybe = [] if sure or not hints else list(rows.hinted(hints)[:MOST_SHOWN])
    named = [*((one, True) for one in sure), *((one, False) for one in maybe)]
    acting = {one.identity_id: list(Agent.objects.acting_as(one.identity_id)) for one, _ in named}
    return [
        Match(
            credential=one,
            agents=acting[one.identity_id],
            sure=is_sure,
            why=_why(one, found) if is_sure else "Its first three characters are the same.",
        )
        for one, is_sure in named
    ]


def _why(credential: Credential, found: Recognised) -> str:
    is_by_id = credential.external_id in found.ids
    return "Its id is in the text." if is_by_id else "Its fingerprint is that of the text."


def _asked(clues: Sequence[Clue], actor: Actor) -> list[Answer]:
    """Ask every connection that can be asked, side by side; a slow one is left, and named."""
    able = [
        connection
        for connection in Connection.objects.reading().visible_to(actor)
        if Capability.FIND in adapter_class(connection.kind).capabilities
    ]
    if not able:
        return []
    pool = ThreadPoolExecutor(min(8, len(able)), thread_name_prefix="leaks")
    asked = {pool.submit(_answer, one, clues): one for one in able}
    answers: dict[int, Answer] = {}
    try:
        for future in as_completed(asked, timeout=ASKED_FOR):
            answers[asked[future].pk] = future.result()
    except TooSlow:
        pass  # whoever is missing below was too slow, and is shown as such
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    late = "did not answer in time; whether it knows it is not known."
    return [answers.get(one.pk) or Answer(one, late) for one in able]


def _answer(connection: Connection, clues: Sequence[Clue]) -> Answer:
    try:
        located = _find(connection, clues)
    except (ProviderError, ReferenceRefused, DomainError) as error:
        return Answer(connection, f"could not be asked: {error}")
    finally:
        database.close()
    if located is None:
        return Answer(connection, "does not know it.")
    return Answer(connection, located.said, located)


def _find(connection: Connection, clues: Sequence[Clue]) -> Located | None:
    adapter = adapter_of(connection)
    found = (adapter.find(clue) for clue in clues)
    return next((one for one in found if one is not None), None)


def _by_hand(clues: Sequence[Clue]) -> list[tuple[str, str]]:
    """For what is in no inventory: whose account it is, and the command that ends it there."""
    return [told for clue in clues if (told := _command(clue)) is not None]


def _command(clue: Clue) -> tuple[str, str] | None:
    if clue.kind == "aws-key":
        whose = f"AWS account {clue.account}" if clue.account else "an AWS account it does not name"
        return (
            f"The key {clue.external_id} belongs to {whose}. Find its user there, then disable it:",
            f"aws iam get-access-key-last-used --access-key-id {clue.external_id}\n"
            f"aws iam update-access-key --access-key-id {clue.external_id} --status Inactive "
            "--user-name NAME",
        )
    if clue.kind == "aws-bedrock" and clue.external_id:
        return (
            f"A key of Amazon Bedrock, of account {clue.account or 'unknown'}:",
            f"aws iam list-service-specific-credentials --user-name {clue.external_id}",
        )
    if clue.kind == "github":
        return (
            "GitHub revokes a leaked token by its value. Put it in a file, so that it stands in"
            " no history:",
            "curl -X POST https://api.github.com/credentials/revoke -d @credentials.json",
        )
    if clue.kind == "vault":
        return (
            "Vault revokes a token by its value, read from standard input:",
            "vault token revoke -",
        )
    if clue.kind == "jwt":
        return (
            f"A token issued by {clue.account or 'an issuer it does not name'}: end it there.",
            "",
        )
    return None
