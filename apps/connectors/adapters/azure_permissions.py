"""What a permission of Graph, or of another API, makes possible, judged by its name.

Microsoft names them Resource.Operation.Constraint. What fits no rule counts as a write.
"""

import re

from apps.connectors.adapters.contract import ADMIN, READ, WRITE, PermissionRow

SOURCE = "rules for names of Microsoft's permissions"
VERSION = "1"
GRAPH_NAME = "Microsoft Graph"
# These change who may do what, whatever else their names say.
ADMIN_NAMES = re.compile(
    r"^(RoleManagement\..*ReadWrite|RoleAssignmentSchedule.*ReadWrite|AppRoleAssignment\.ReadWrite"
    r"|Application\.ReadWrite|Directory\.(ReadWrite|AccessAsUser)|DelegatedPermissionGrant\.ReadWrite"
    r"|PrivilegedAccess\.ReadWrite|Policy\.ReadWrite|GroupMember\.ReadWrite|Group\.ReadWrite"
    r"|User\.(ReadWrite\.All|ManageIdentities)|UserAuthenticationMethod\.ReadWrite"
    r"|Agent(Identity|IdentityBlueprint)\S*\.(ReadWrite|Create|AddRemoveCreds)|Domain\.ReadWrite"
    r"|\S*FullControl|user_impersonation$)"
)
READ_NAMES = re.compile(
    r"(^|\.)(Read(Basic)?|ReadAll|Export|Query|Search)(\.|$)|^(openid|profile|email|offline_access)$"
)
PRIVATE = re.compile(
    r"^(Mail|Files|Sites|Chat|ChannelMessage|Calendars|Contacts|User|People|Notes|OnlineMeeting\w*"
    r"|CallRecords|Tasks|Directory|AuditLog|SecurityEvents)\."
)
UNTRUSTED = re.compile(r"^(Mail|Chat|ChannelMessage|Files|Sites|Calendars|OnlineMeeting\w*)\.")
SENDS = re.compile(
    r"^(Mail\.Send|Chat(Message)?\.Send|ChannelMessage\.Send|Chat\.ReadWrite|Calls\.\w+|"
    r"Files\.ReadWrite|Sites\.(ReadWrite|Manage)|Calendars\.ReadWrite|Teamwork\.Migrate)"
)


def level_of(name: str) -> str:
    own = _own(name)
    if ADMIN_NAMES.search(own):
        return ADMIN
    return READ if READ_NAMES.search(own) else WRITE


def tags_of(name: str) -> dict[str, str]:
    own, why = _own(name), "name of the permission"
    level = level_of(name)
    tags = {}
    if PRIVATE.match(own) and re.search(r"Read", own):
        tags["reads-private"] = why
    if UNTRUSTED.match(own) and re.search(r"Read", own):
        tags["takes-untrusted"] = why
    if SENDS.match(own):
        tags["sends-out"] = why
    if level == ADMIN:
        tags["grants-access"] = why
    elif level == WRITE:
        tags["changes"] = why
    if own.endswith("FullControl.All"):
        tags["deletes"] = why
    return tags


def action_of(resource: str, value: str) -> str:
    """How a permission is called here: as on Graph, or after the API it belongs to."""
    return value if resource == GRAPH_NAME else f"{resource}/{value}"


def permission(action: str, service: str) -> PermissionRow:
    return PermissionRow(
        system_kind="azure",
        key=action[:200],
        level=level_of(action),
        service=service[:80],
        tags=tags_of(action),
        source=SOURCE,
        version=VERSION,
    )


def _own(name: str) -> str:
    return name.rpartition("/")[2]
