from apps.reviews.selectors.waiting import Waiting, waiting_for

__all__ = ["Waiting", "waiting_for"]
