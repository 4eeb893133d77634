"""Parts of an agent's activity, of which one page draws hundreds: a template for each is slow."""

from collections.abc import Iterable
from urllib.parse import quote

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.activity.models import Invocation
from apps.activity.selectors.agents import AgentActivity, Cell, Done
from apps.core.cells import link
from apps.core.templatetags.countersign import level, moment
from apps.grants.models import Grant

register = template.Library()

HOURS = mark_safe("".join(f'<th scope="col">{hour}</th>' for hour in range(24)))  # noqa: S308
# What is more is said in the title, and to who cannot see the shade.
MOST_DRAWN = 99
NUMBER = ' class="num text-md-end"'


@register.simple_tag
def heat_hours() -> SafeString:
    """The hours of the day, as heads of columns."""
    return HOURS


@register.simple_tag
def heat_cells(cells: Iterable[Cell]) -> SafeString:
    """How often in each hour of the day: figures alone, nothing in them comes from anybody."""
    return mark_safe("".join(map(_cell, cells)))  # noqa: S308


def _cell(cell: Cell) -> str:
    if not cell.count:
        return f'<td class="heat-{cell.shade}"></td>'
    words = str(cell.count)
    if cell.count > MOST_DRAWN:
        words = f'{MOST_DRAWN}+<span class="visually-hidden">: {words}</span>'
    title = f"{cell.count} between {cell.hour}:00 and {cell.hour}:59"
    return f'<td class="heat-{cell.shade}"><span title="{title}">{words}</span></td>'


@register.simple_tag
def done_rows(activity: AgentActivity) -> SafeString:
    """What systems recorded, call by call: each figure leads to what it counts."""
    href = f"{reverse('activity:call_list')}?{activity.asked}"
    return mark_safe("".join(_row(one, href) for one in activity.done))  # noqa: S308


def _row(one: Done, href: str) -> str:
    def figure(count: int, which: str) -> str:
        asked = f"{href}&{which}&system={one.system_id}&name={quote(one.name, safe='')}"
        return f'<a href="{escape(asked)}">{count}</a>' if count else "0"

    cells = (
        ("Call", "", f'<span class="mono text-break call-name">{escape(one.name)}</span>'),
        ("System", "", escape(one.system)),
        ("Calls", NUMBER, figure(one.calls, "attributed=true")),
        ("Told", NUMBER, figure(one.proven, "told=true")),
        ("Denied", NUMBER, figure(one.denied, "attributed=true&outcome=denied")),
        ("Last", "", moment(one.last_at)),
        ("Allowed by", "", _allowed_by(one)),
    )
    drawn = (f'<td data-label="{of}"{look}>{words}</td>' for of, look, words in cells)
    return f"<tr>{''.join(drawn)}</tr>"


def _allowed_by(one: Done) -> str:
    drawn = [f"<div>{_named(grant)}</div>" for grant in one.grants]
    for past in one.past:
        ended = f'<span class="text-secondary">until it ended on {moment(past.ended, "day")}</span>'
        drawn.append(f"<div>{_named(past.grant)} {ended}</div>")
    if one.is_hidden:
        drawn.append('<span class="text-secondary">what you may not see</span>')
    elif one.is_bare:
        after = "no grant covers what came after" if one.past else "no grant covers it"
        drawn.append(f'<span class="text-danger">{after}</span>')
        if one.elsewhere:
            drawn.append(render_to_string("activity/elsewhere.html", {"elsewhere": one.elsewhere}))
    elif one.is_free and not one.grants:
        drawn.append('<span class="text-secondary">needs no grant: whoever signs in may</span>')
    elif one.untold and not (one.grants or one.past):
        why = f"what allowed it cannot be told: {one.untold}"
        drawn.append(f'<span class="text-secondary">{escape(why)}</span>')
    elif not (one.grants or one.past):
        drawn.append('<span class="text-secondary">nothing, and it was denied</span>')
    return "".join(drawn)


def _named(grant: Grant) -> str:
    return f"{level(grant.level)} {link(grant.get_absolute_url(), grant)}"


@register.simple_tag
def told_runs(runs: Iterable[Invocation]) -> SafeString:
    """What it told of its latest runs, each as an item of a list."""
    return mark_safe("".join(map(_run, runs)))  # noqa: S308


def _run(run: Invocation) -> str:
    did = f"{run.actions} action{'' if run.actions == 1 else 's'} · {run.proven} proven"
    told = f'<div class="text-secondary small">{moment(run.started_at)} · {did}</div>'
    return f'<li class="list-group-item">{link(run.get_absolute_url(), run)}{told}</li>'
