"""Purpose against permission: which tasks a grant serves, and which lack what they need."""

from collections.abc import Collection, Sequence

from apps.grants.models import Grant
from apps.grants.states import LEVEL_RANK
from apps.inventory.models import Task, TaskNeed


def tasks_served(grant: Grant, tasks: Sequence[Task]) -> tuple[str, ...]:
    """The tasks that need what this grant gives. Read their needs with them."""
    return tuple(
        task.title for task in tasks if any(_covers(need, grant) for need in task.needs.all())
    )


def tasks_unmet(tasks: Sequence[Task], grants: Collection[Grant]) -> list[str]:
    """Tasks that lack a permission they name."""
    return [
        task.title
        for task in tasks
        if any(not any(_meets(grant, need) for grant in grants) for need in task.needs.all())
    ]


def _covers(need: TaskNeed, grant: Grant) -> bool:
    """A need at one level covers the levels below it; a blank service means any of it."""
    return _same_place(need, grant) and LEVEL_RANK[grant.level] <= LEVEL_RANK[need.level]


def _meets(grant: Grant, need: TaskNeed) -> bool:
    return _same_place(need, grant) and LEVEL_RANK[grant.level] >= LEVEL_RANK[need.level]


def _same_place(need: TaskNeed, grant: Grant) -> bool:
    return need.system_id == grant.system_id and need.service in {"", grant.service}
