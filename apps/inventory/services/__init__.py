"""Everything that writes the inventory."""

from apps.inventory.services.agents import (
    agent_activate,
    agent_change,
    agent_change_owner,
    agent_create,
    agent_resume,
    agent_retire,
    agent_suspend,
    agents_close_gaps,
)
from apps.inventory.services.bindings import binding_create, binding_end
from apps.inventory.services.clients import (
    NewSecret,
    client_change_collects,
    client_create,
    client_note_use,
    client_revoke,
    client_rotate,
    tokens_drop_expired,
)
from apps.inventory.services.credentials import (
    credential_change,
    credential_move,
    credentials_expire_due,
)
from apps.inventory.services.handovers import agents_hand_over
from apps.inventory.services.identities import identity_choose_accountable
from apps.inventory.services.purposes import (
    NeedDraft,
    TaskDraft,
    agent_accept_purpose,
    agent_change_purpose,
)
from apps.inventory.services.systems import system_change, system_create

__all__ = [
    "NeedDraft",
    "NewSecret",
    "TaskDraft",
    "agent_accept_purpose",
    "agent_activate",
    "agent_change",
    "agent_change_owner",
    "agent_change_purpose",
    "agent_create",
    "agent_resume",
    "agent_retire",
    "agent_suspend",
    "agents_close_gaps",
    "agents_hand_over",
    "binding_create",
    "binding_end",
    "client_change_collects",
    "client_create",
    "client_note_use",
    "client_revoke",
    "client_rotate",
    "credential_change",
    "credential_move",
    "credentials_expire_due",
    "identity_choose_accountable",
    "system_change",
    "system_create",
    "tokens_drop_expired",
]
