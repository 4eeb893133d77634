from apps.audit.operations import AppendOnly, RequireAuditedState
from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("remediation", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
    ]

    operations = [
        RequireAuditedState("remediation.order"),
        AppendOnly("remediation.orderproof"),
    ]
