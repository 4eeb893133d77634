from typing import Any

from django.core.management.base import BaseCommand

from apps.activity.services.partitions import partitions_keep
from apps.core.actors import Channel, System


class Command(BaseCommand):
    help = (
        "Make the trail's tables of this month and the next three, and move what came without one"
        " out of the default partition. The schedule does the same every hour."
    )

    def handle(self, **options: Any) -> None:
        put = partitions_keep(actor=System("trail_partitions", Channel.COMMAND))
        self.stdout.write(f"Made {put.made} tables. Moved {put.moved} records. {put.trouble}")
