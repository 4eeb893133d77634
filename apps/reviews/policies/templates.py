from apps.core.actors import Actor
from apps.core.policies import Verdict, deny
from apps.reviews.models import Template
from apps.reviews.policies.campaigns import can_plan


def can_change_template(actor: Actor, template: Template) -> Verdict:
    may = can_plan(actor)
    if may and template.retired_at is not None:
        return deny("This template is retired. Its campaigns stay as they were.")
    return may


def can_start(actor: Actor, template: Template) -> Verdict:
    """Make a campaign from it by hand."""
    return can_change_template(actor, template)
