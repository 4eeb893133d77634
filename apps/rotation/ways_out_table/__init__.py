"""The ways out of long-lived secrets, as data: for which, where it runs, what to do."""

from apps.rotation.ways_out_table.aws import AWS_WAYS
from apps.rotation.ways_out_table.azure import AZURE_WAYS
from apps.rotation.ways_out_table.base import WayOut
from apps.rotation.ways_out_table.platforms import PLATFORM_WAYS
from apps.rotation.ways_out_table.vault import VAULT_WAYS

__all__ = ["WAYS", "WayOut"]

WAYS: tuple[WayOut, ...] = (*AWS_WAYS, *AZURE_WAYS, *VAULT_WAYS, *PLATFORM_WAYS)
