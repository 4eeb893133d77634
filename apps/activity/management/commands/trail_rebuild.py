from typing import Any

from django.core.management.base import BaseCommand

from apps.activity.services.hours import hours_count, hours_note_all
from apps.activity.services.parting import runs_part
from apps.activity.services.projecting import joins_settle
from apps.proof.models import Log


class Command(BaseCommand):
    help = (
        "Give each agent a run of its own under every id, judge anew what joins API calls to runs,"
        " and count the trail anew by the hour, from the records that are kept: what systems"
        " recorded of each identity, and what each agent said it did. Safe at any time, and safe to"
        " stop."
    )

    def handle(self, **options: Any) -> None:
        log = Log.objects.filter(name="activity").first()
        parted = runs_part(log.pk) if log else 0
        self.stdout.write(f"Runs under {parted} ids told apart by agent.")
        settled = joins_settle(log.pk) if log else 0
        self.stdout.write(f"{settled} runs with joins judged.")
        noted = hours_note_all(log.pk) if log else 0
        self.stdout.write(f"{noted} hours to count.")
        while hours_count():
            continue
        self.stdout.write("Counted.")
