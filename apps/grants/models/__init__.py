from apps.grants.models.fingerprint import AgentFingerprint
from apps.grants.models.grant import Grant, GrantStatement
from apps.grants.models.justification import Justification
from apps.grants.models.permission import Permission

__all__ = ["AgentFingerprint", "Grant", "GrantStatement", "Justification", "Permission"]
