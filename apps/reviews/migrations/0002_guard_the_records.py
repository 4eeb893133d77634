from apps.audit.operations import AppendOnly, RequireAuditedState
from apps.core.at_once import AtOnce


class Migration(AtOnce):
    dependencies = [
        ("reviews", "0001_initial"),
        ("audit", "0002_make_the_trail_append_only"),
    ]

    operations = [
        RequireAuditedState("reviews.campaign"),
        RequireAuditedState("reviews.reviewitem"),
        RequireAuditedState("reviews.hold"),
        AppendOnly("reviews.decision"),
        AppendOnly("reviews.assignment"),
        AppendOnly("reviews.itemnote"),
        AppendOnly("reviews.acknowledgement"),
    ]
