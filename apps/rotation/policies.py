"""Who may see what is due, who may rotate it, and who may lead it out."""

from apps.core.actors import Actor, Person, Role, reads_everything
from apps.core.policies import ALLOW, Verdict, deny
from apps.inventory.models import Credential
from apps.inventory.policies import benefits
from apps.inventory.selectors.accountability import accountable_agent_of
from apps.inventory.states import CREDENTIAL_OVER, STATIC_KINDS, CredentialKind
from apps.rotation.models import Migration, Rotation
from apps.rotation.states import MIGRATION_OVER, RotationState

THEIRS = "Only a steward, or the owner or technical owner of the agent that answers for it."


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_rotate(actor: Actor, credential: Credential) -> Verdict:
    """Plan that a credential is rotated."""
    verdict = _answers_for(actor, credential)
    if not verdict:
        return verdict
    if credential.kind in {CredentialKind.MANAGED, CredentialKind.LEASE}:
        return deny("It holds no secret for long: there is nothing to rotate.")
    if credential.state in CREDENTIAL_OVER or credential.gone_at is not None:
        return deny("It is over already.")
    if credential.rotations.open().exists():
        return deny("It is being rotated already.")
    return ALLOW


def can_carry_out(actor: Actor, rotation: Rotation) -> Verdict:
    """Say that it was done by hand."""
    verdict = _answers_for(actor, rotation.credential)
    if verdict and rotation.state != RotationState.BY_HAND:
        return deny(f"It is {rotation.get_state_display().lower()}: nothing is left to a person.")
    return verdict


def can_try_again(actor: Actor, rotation: Rotation) -> Verdict:
    verdict = _answers_for(actor, rotation.credential)
    if verdict and rotation.state != RotationState.FAILED:
        return deny("It has not failed.")
    return verdict


def can_take_over(actor: Actor, rotation: Rotation) -> Verdict:
    """Do by hand what a connection could not."""
    return can_try_again(actor, rotation)


def can_drop(actor: Actor, rotation: Rotation) -> Verdict:
    verdict = _answers_for(actor, rotation.credential)
    if verdict and rotation.state not in {RotationState.FAILED, RotationState.BY_HAND}:
        return deny(f"It is {rotation.get_state_display().lower()}, and goes on by itself.")
    if verdict and rotation.state == RotationState.FAILED and rotation.new_id:
        return deny(f"It left {rotation.new_id} behind: try it again, which ends that first.")
    return verdict


def can_hurry(actor: Actor, rotation: Rotation) -> Verdict:
    """Retire the old one before the overlap is over, or though it is still used."""
    verdict = _answers_for(actor, rotation.credential)
    if verdict and rotation.state != RotationState.SWITCHED:
        return deny("The new one is not in place, or the old one is being retired already.")
    return verdict


def can_run(actor: Actor) -> Verdict:
    """Carry rotations on: Countersign itself does."""
    return ALLOW if reads_everything(actor) else deny("Rotations are carried on by themselves.")


def can_propose(actor: Actor, credential: Credential) -> Verdict:
    """Propose a way out of a long-lived secret."""
    verdict = _answers_for(actor, credential)
    if not verdict:
        return verdict
    if credential.kind not in STATIC_KINDS:
        return deny("It is no long-lived secret.")
    if credential.state in CREDENTIAL_OVER or credential.gone_at is not None:
        return deny("It is over already.")
    if credential.migrations.open().exists():
        return deny("A way out is being gone already.")
    return ALLOW


def can_lead_out(actor: Actor, migration: Migration) -> Verdict:
    """Agree on a way out, go it, end it, or drop it."""
    verdict = _answers_for(actor, migration.credential)
    if verdict and migration.state in MIGRATION_OVER:
        return deny(f"It is {migration.get_state_display().lower()}.")
    return verdict


def _answers_for(actor: Actor, credential: Credential) -> Verdict:
    if reads_everything(actor):
        return ALLOW
    if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
        return deny(THEIRS)
    agent = accountable_agent_of(credential.identity_id)
    return ALLOW if agent is not None and benefits(actor, agent) else deny(THEIRS)
