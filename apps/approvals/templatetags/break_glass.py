from django import template
from django.template.context import Context
from django.template.loader import render_to_string

from apps.approvals.policies import can_end_use
from apps.approvals.selectors.break_glass import in_force_for

register = template.Library()


@register.simple_tag(takes_context=True)
def break_glass_banner(context: Context) -> str:
    """What is in force by break-glass, on every page of those who may see it; mostly nothing."""
    request = context.get("request")
    actor = getattr(request, "actor", None)
    if request is None or actor is None or not request.user.is_authenticated:
        return ""
    uses = [(use, can_end_use(actor, use)) for use in in_force_for(actor)]
    return render_to_string("approvals/break_glass_banner.html", {"uses": uses}) if uses else ""
