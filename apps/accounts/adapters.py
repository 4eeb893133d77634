"""Where django-allauth asks this house: who may come in, and what is kept how."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.accounts.fresh_sign_in import is_fresh, sign_in_again_url
from apps.accounts.models import User
from apps.accounts.services.arrivals import may_arrive, person_arrive
from apps.accounts.services.people import person_proof_changed, person_signed_in, sign_in_failed
from apps.audit.verbs import Verb
from apps.core.actors import Person

METHODS = {"password": "password", "socialaccount": "identity provider", "mfa": "second factor"}
FACTORS = {
    "totp": "authenticator app",
    "webauthn": "passkey",
    "recovery_codes": "recovery code",
}
# What allauth mails about, as the record tells it. Its template names the change.
CHANGES_OF_PROOF = {
    "account/email/password_changed": (Verb.PASSWORD_CHANGED, "knew the old one"),
    "account/email/password_set": (Verb.PASSWORD_CHANGED, "had none before"),
    "account/email/password_reset": (Verb.PASSWORD_CHANGED, "by a link in a mail"),
    "mfa/email/totp_activated": (Verb.FACTOR_ADDED, "authenticator app"),
    "mfa/email/totp_deactivated": (Verb.FACTOR_REMOVED, "authenticator app"),
    "mfa/email/webauthn_added": (Verb.FACTOR_ADDED, "passkey"),
    "mfa/email/webauthn_removed": (Verb.FACTOR_REMOVED, "passkey"),
    "mfa/email/recovery_codes_generated": (Verb.RECOVERY_CODES_MADE, "recovery codes"),
    "socialaccount/email/account_connected": (Verb.PROVIDER_CONNECTED, "identity provider"),
    "socialaccount/email/account_disconnected": (Verb.PROVIDER_DISCONNECTED, "identity provider"),
}


def note_failure(request: HttpRequest, person: User | None, *, by: str) -> None:
    """Record that somebody could not prove who they are, unless enough of it is recorded.

    Attempts that the limits on sign-in refuse outright never come this far.
    """
    action, key = ("failed_as_person", str(person.pk)) if person else ("failed_as_nobody", "all")
    if ratelimit.consume(request, action=action, key=key):
        sign_in_failed(
            person_id=person.pk if person else None,
            by=by,
            request_id=getattr(request, "request_id", ""),
        )


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def populate_username(self, request: HttpRequest, user: User) -> None:
        user.username = user.email

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        methods = [_method(one) for one in get_authentication_records(request, user)]
        actor = Person(user, request_id=getattr(request, "request_id", ""))
        person_signed_in(methods=methods, actor=actor)
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        typed = credentials.get("email") or credentials.get("username") or ""
        person = User.objects.with_address(typed)
        note_failure(request, person, by="password")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """They proved who they are, and may not come in all the same."""
        note_failure(request, user, by="deactivated account")
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell the record, too, of each change to how somebody signs in."""
        if template_prefix in CHANGES_OF_PROOF:
            verb, how = CHANGES_OF_PROOF[template_prefix]
            actor = Person(user, request_id=getattr(self.request, "request_id", ""))
            person_proof_changed(verb=verb, how=how, actor=actor)
        super().send_notification_mail(template_prefix, user, context, email)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever holds no proof of their own here gives a fresh one at their provider.

        allauth lets them pass; then a stolen session could add a passkey of its own.
        """
        request = self.request
        if not self.get_reauthentication_methods(request.user) and not is_fresh(request):
            raise ImmediateHttpResponse(redirect(sign_in_again_url(request.get_full_path())))
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return required


class ProviderAdapter(DefaultSocialAccountAdapter):
    """People who sign in at the identity provider of the configuration."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        addresses = sociallogin.email_addresses
        return any(one.verified and may_arrive(one.email) for one in addresses)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        claims = sociallogin.account.get_provider_account().get_user_data() or {}
        with transaction.atomic():
            person: User = super().save_user(request, sociallogin, form=form)
            return person_arrive(
                person_id=person.pk,
                display_name=str(claims.get("name") or ""),
                request_id=getattr(request, "request_id", ""),
            )


class AuthenticatorAdapter(DefaultMFAAdapter):
    """Second factors. Their secrets are encrypted with the secret key, the old ones tried too."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Countersign"}


def _method(record: dict[str, Any]) -> str:
    factor = FACTORS.get(str(record.get("type")))
    return factor or METHODS.get(record["method"], str(record["method"]))


def _cipher() -> MultiFernet:
    secrets: list[Any] = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [sha256(b"apps.accounts.mfa" + secret.encode()).digest() for secret in secrets]
    return MultiFernet([Fernet(urlsafe_b64encode(digest)) for digest in digests])
