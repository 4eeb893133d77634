from apps.audit.operations import AppendOnly, RequireAuditedState
from apps.core.at_once import AtOnce
from apps.core.operations import TrigramIndex


class Migration(AtOnce):
    dependencies = [
        ("grants", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
    ]

    operations = [
        RequireAuditedState("grants.grant"),
        AppendOnly("grants.justification"),
        AppendOnly("grants.agentfingerprint"),
        TrigramIndex("grants.grant"),
        TrigramIndex("grants.permission"),
    ]
