from apps.accounts.models.invitation import Invitation
from apps.accounts.models.person import Seat, Team, User

__all__ = ["Invitation", "Seat", "Team", "User"]
