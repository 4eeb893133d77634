from apps.notices.models.notice import Delivery, Notice
from apps.notices.models.page import Page
from apps.notices.models.route import Ladder, LadderStep, Route

__all__ = ["Delivery", "Ladder", "LadderStep", "Notice", "Page", "Route"]
