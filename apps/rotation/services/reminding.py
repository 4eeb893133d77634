"""Reminders that a credential is due: 14 days, 3 days, and 0 days before, each once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.links import public_url
from apps.inventory.models import Credential
from apps.notices.services import notice_send
from apps.rotation.models import Reminder
from apps.rotation.selectors.people import keepers_of, stewards
from apps.rotation.states import Stage

KIND = "rotation-due"
CHUNK = 1000
NAMED_AT_MOST = 20
# The span of days to its day in which each stage is said. Of several only the last that holds, and
# none of what was overdue long before anybody could have been told: a finding says that.
SPANS = {
    Stage.FIRST: (timedelta(days=3), timedelta(days=14)),
    Stage.SECOND: (timedelta(0), timedelta(days=3)),
    Stage.LAST: (timedelta(days=-7), timedelta(0)),
}


def reminders_send(*, moment: datetime, actor: Actor) -> int:
    """Tell whoever keeps each due credential's agent running, else the stewards. Returns how many
    credentials were told of.

    One notice for each person and stage, however many credentials; each credential stands in one
    of a stage and day, however often this runs.
    """
    return sum(_all_of(stage, moment, actor) for stage in Stage)


def _all_of(stage: Stage, moment: datetime, actor: Actor) -> int:
    told = 0
    while count := _some_of(stage, moment, actor):
        told += count
    return told


@transaction.atomic
def _some_of(stage: Stage, moment: datetime, actor: Actor) -> int:
    least, most = SPANS[stage]
    said = Reminder.objects.filter(
        credential=OuterRef("pk"), due_at=OuterRef("rotation_due_at"), stage=stage
    )
    rows = (
        Credential.objects.rotation_due(moment + least, moment + most)
        .filter(~Exists(said))
        .select_related("identity__system")
        .order_by("rotation_due_at", "pk")
        .select_for_update(of=["self"], skip_locked=True)
    )
    due = list(rows[:CHUNK])
    reminders = [
        Reminder(credential=one, due_at=one.rotation_due_at, stage=stage)
        for one in due
        if one.rotation_due_at is not None
    ]
    Reminder.objects.bulk_create(reminders, ignore_conflicts=True)
    for person, credentials in _by_person(due):
        _tell(person, credentials, stage, actor)
    return len(due)


def _by_person(due: Sequence[Credential]) -> list[tuple[User, list[Credential]]]:
    keepers = keepers_of({one.identity_id for one in due})
    of_person: dict[User, list[Credential]] = defaultdict(list)
    fallback = stewards() if any(one.identity_id not in keepers for one in due) else []
    for one in due:
        keeper = keepers.get(one.identity_id)
        for person in [keeper] if keeper else fallback:
            of_person[person].append(one)
    return sorted(of_person.items(), key=lambda pair: pair[0].pk)


def _tell(person: User, due: Sequence[Credential], stage: Stage, actor: Actor) -> None:
    first, more = due[0], len(due) - NAMED_AT_MOST
    lines = [_line(one) for one in due[:NAMED_AT_MOST]]
    if more > 0:
        lines.append(f"and {more} more.")
    many = f"{len(due)} credentials are" if len(due) > 1 else f"{first.identity} · {first} is"
    when = "now" if stage == Stage.LAST else f"within {stage.value} days"
    listed = public_url(reverse("rotation:due_list", query={"owner": person.pk}))
    notice_send(
        kind=KIND,
        recipient=person,
        about=first,
        subject=f"{many} due for rotation {when}",
        body="\n".join([*lines, "", "All that is due on your agents:", listed]),
        dedupe_key=f"rotation:{stage}:{first.pk}:{first.rotation_due_at:%Y%m%d%H%M}:{person.pk}",
        actor=actor,
    )


def _line(one: Credential) -> str:
    what = f"{one} of {one.identity} on {one.identity.system}"
    return f"{one.rotation_due_at:%-d %b %Y}: {what}\n  {public_url(one.get_absolute_url())}"
