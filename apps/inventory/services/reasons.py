from apps.core.errors import DomainError


def required_reason(reason: str, act: str) -> str:
    """Demand a written reason: `act` completes "Say why ..."."""
    text = reason.strip()
    if not text:
        raise DomainError(f"Say why {act}.", field="reason")
    return text
