"""The policies a company may begin with: each can be changed, and none is there unasked."""

from apps.approvals.content import PolicyContent, Required, StepContent
from apps.approvals.matching import Match
from apps.approvals.states import RequirementKind as Kind
from apps.grants.states import Level

# In this order: of those that match a request, the first applies.
READY = (
    PolicyContent(
        name="Dangerous combinations",
        position=0,
        purpose="Whatever would complete a dangerous combination is looked at by security too.",
        match=Match(levels=(Level.WRITE, Level.ADMIN), combinations=("*",)),
        steps=(
            StepContent("Need", 72, (Required(Kind.MANAGER),)),
            StepContent("Risk", 48, (Required(Kind.SYSTEM_OWNER), Required(Kind.SECURITY))),
        ),
    ),
    PolicyContent(
        name="Admin access",
        position=0,
        purpose="Who may change permissions may change every other control.",
        match=Match(levels=(Level.ADMIN,)),
        steps=(
            StepContent("Need", 72, (Required(Kind.MANAGER), Required(Kind.SYSTEM_OWNER))),
            StepContent("Risk", 48, (Required(Kind.SECURITY),)),
        ),
    ),
    PolicyContent(
        name="Write access",
        position=0,
        purpose="The team's manager says that it is needed, the system's owner that it may be.",
        match=Match(levels=(Level.WRITE,)),
        steps=(
            StepContent("Need", 72, (Required(Kind.MANAGER),)),
            StepContent("System", 72, (Required(Kind.SYSTEM_OWNER),)),
        ),
    ),
    PolicyContent(
        name="Read access",
        position=0,
        purpose="The team's manager says that it is needed.",
        match=Match(levels=(Level.READ,)),
        steps=(StepContent("Need", 72, (Required(Kind.MANAGER),)),),
    ),
)
