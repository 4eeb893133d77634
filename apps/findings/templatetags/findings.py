from django import template

from apps.findings.rules import rule_named

register = template.Library()


@register.filter
def rule_title(key: str) -> str:
    """A rule's title; its key where the rule is no more."""
    rule = rule_named(key)
    return rule.title if rule else key
