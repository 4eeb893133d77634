from apps.audit.operations import RequireAuditedState
from apps.core.at_once import AtOnce
from apps.core.operations import TrigramIndex


class Migration(AtOnce):
    dependencies = [
        ("inventory", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
    ]

    operations = [
        RequireAuditedState("inventory.agent"),
        RequireAuditedState("inventory.credential"),
        TrigramIndex("inventory.agent"),
        TrigramIndex("inventory.identity"),
        TrigramIndex("inventory.credential"),
    ]
