from apps.audit.operations import AppendOnly, NeverDeleted, RequireAuditedState
from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("approvals", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
    ]

    operations = [
        RequireAuditedState("approvals.accessrequest"),
        NeverDeleted("approvals.accessrequest"),
        NeverDeleted("approvals.group"),
        NeverDeleted("approvals.policy"),
        NeverDeleted("approvals.requestrequirement"),
        NeverDeleted("approvals.requeststep"),
        AppendOnly("approvals.vote"),
        AppendOnly("approvals.approver"),
        AppendOnly("approvals.requestnote"),
        AppendOnly("approvals.requestproof"),
    ]
