"""The forms that ask for a second proof, which tell the record where it fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django.core.exceptions import ValidationError

from apps.accounts.adapters import note_failure
from apps.accounts.models import User

WRONG = "incorrect_code"


@contextmanager
def _noted(person: User | None, *, by: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        if error.code == WRONG:
            note_failure(context.request, person, by=by)
        raise


class _NotedCode:
    """A form that asks for a code, from an app or a list."""

    user: User

    def clean_code(self) -> str:
        with _noted(self.user, by="second factor"):
            code: str = super().clean_code()  # type: ignore[misc]
            return code


class _NotedPasskey:
    """A form that asks for a passkey; before sign-in it alone says whose it is."""

    user: User | None

    def clean_credential(self) -> Authenticator:
        with _noted(self.user, by="passkey"):
            try:
                found: Authenticator = super().clean_credential()  # type: ignore[misc]
            except (LookupError, AttributeError, TypeError, ValueError) as error:
                # What a browser never sends, and the library does not expect.
                raise get_adapter().validation_error(WRONG) from error
            return found


class CodeForm(_NotedCode, AuthenticateForm):
    pass


class CodeAgainForm(_NotedCode, ReauthenticateForm):
    pass


class PasskeyForm(_NotedPasskey, AuthenticateWebAuthnForm):
    pass


class PasskeyAgainForm(_NotedPasskey, ReauthenticateWebAuthnForm):
    pass


class PasskeyAloneForm(_NotedPasskey, LoginWebAuthnForm):
    pass
