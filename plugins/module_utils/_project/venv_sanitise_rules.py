# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Says what a clone must not hold of people: by the classes that models are made of, and by kinds of fields.

Part of a program that runs inside the project's interpreter (see ``venv_sanitise.py``): Python 3.6 syntax, ASCII only,
standard library only. A class is named where it is defined, so a project's own user or token model that is derived
from one is met too.

Rows of a clone are changed where they lie, by the server; objects on their way into a fixture one by one, in Python. So
what is said here of a value is said in both ways, side by side.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import hashlib
from typing import Any, Dict, List, Tuple

#: The domain of masked addresses, which is reserved and never delivered to (RFC 2606); the short one is for columns
#: that the other one does not fit into.
DOMAIN, SHORT_DOMAIN = "@example.invalid", "@x.invalid"
#: An unusable password. Django writes random letters after the "!"; the same ones everywhere leave nothing to tell.
UNUSABLE = "!sanitised"
_GIVEN = "sanitised"
_LONG = 64  # characters that a masked address may take
_END = ".invalid"

USER = "django.contrib.auth.base_user.AbstractBaseUser"
SITE = "django.contrib.sites.models.Site"

#: Models whose rows go: sessions, tokens, and what keeps copies of rows, of mails or of what visitors did.
EMPTIED = frozenset(
    """
    django.contrib.sessions.base_session.AbstractBaseSession
    django.contrib.admin.models.LogEntry
    rest_framework.authtoken.models.Token
    rest_framework_simplejwt.token_blacklist.models.OutstandingToken
    rest_framework_simplejwt.token_blacklist.models.BlacklistedToken
    rest_framework_api_key.models.AbstractAPIKey
    knox.models.AbstractAuthToken
    knox.models.AuthToken
    allauth.account.models.EmailConfirmation
    allauth.socialaccount.models.SocialToken
    allauth.socialaccount.models.SocialAccount
    allauth.mfa.models.Authenticator
    allauth.usersessions.models.UserSession
    oauth2_provider.models.AbstractAccessToken
    oauth2_provider.models.AbstractRefreshToken
    oauth2_provider.models.AbstractGrant
    oauth2_provider.models.AbstractIDToken
    oidc_provider.models.Token
    oidc_provider.models.Code
    social_django.models.AbstractUserSocialAuth
    social_django.models.UserSocialAuth
    social_django.models.Nonce
    social_django.models.Association
    social_django.models.Code
    social_django.models.Partial
    django_otp.models.Device
    django_otp.plugins.otp_static.models.StaticToken
    user_sessions.models.Session
    qsessions.models.Session
    axes.models.AccessBase
    defender.models.AccessAttempt
    reversion.models.Revision
    reversion.models.Version
    auditlog.models.LogEntry
    easyaudit.models.CRUDEvent
    easyaudit.models.LoginEvent
    easyaudit.models.RequestEvent
    silk.models.Request
    silk.models.Response
    post_office.models.Email
    post_office.models.Log
    mailer.models.Message
    mailer.models.MessageLog
    djcelery_email.models.Email
    django_celery_results.models.TaskResult
    django_celery_results.models.GroupResult
    django_celery_results.models.ChordCounter
    django_q.models.Task
    django_q.models.OrmQ
    django_q.models.Schedule
    background_task.models.Task
    background_task.models.CompletedTask
    django_apscheduler.models.DjangoJob
    wagtail.log_actions.registry.LogActionRegistry
    wagtail.models.ModelLogEntry
    wagtail.models.PageLogEntry
    oscar.apps.communication.abstract_models.AbstractEmail
    webpush.models.SubscriptionInfo
    push_notifications.models.Device
    """.split()
)

#: Columns that get a value: what would act by itself, and keys of services that the original uses.
SET: Dict[str, Dict[str, Any]] = {
    "django_celery_beat.models.PeriodicTask": {"enabled": False},
    "allauth.socialaccount.models.SocialApp": {"client_id": _GIVEN, "secret": "", "key": ""},
    "oauth2_provider.models.AbstractApplication": {"client_secret": UNUSABLE},
    "oidc_provider.models.Client": {"client_secret": UNUSABLE},
}


def classes(model: Any) -> List[str]:
    """Return the classes that a model is made of, by their dotted names."""
    return ["{0}.{1}".format(one.__module__, one.__name__) for one in model.__mro__]


def is_emptied(model: Any) -> bool:
    """Tell whether the rows of a model go."""
    return bool(EMPTIED.intersection(classes(model)))


def is_user(model: Any) -> bool:
    """Tell whether a model holds users, or, by django-simple-history, what users were."""
    return any(
        USER in classes(one) for one in (model, getattr(model, "instance_type", None)) if hasattr(one, "__mro__")
    )


def values(model: Any) -> Dict[str, Any]:
    """Return the values that fields of a model get, as far as it has them."""
    found: Dict[str, Any] = {}
    for name in classes(model):
        found.update(SET.get(name, {}))
    if is_user(model):
        found["password"] = UNUSABLE
    own = {field.name for field in model._meta.local_concrete_fields}
    return {name: value for name, value in found.items() if name in own}


def masked(model: Any) -> List[Tuple[Any, bool]]:
    """Return the fields whose values become addresses that nobody reads, and whether only addresses in them do."""
    from django.db import models

    found: List[Tuple[Any, bool]] = []
    login = getattr(getattr(model, "instance_type", model), "USERNAME_FIELD", None) if is_user(model) else None
    for field in model._meta.local_concrete_fields:
        if field.primary_key or field.remote_field is not None:
            continue  # others refer to it; what is left of it the search names
        if isinstance(field, models.EmailField):
            found.append((field, False))
        elif field.name == login and isinstance(field, models.CharField):
            found.append((field, True))
    return found


def fitting(field: Any, value: Any) -> Any:
    """Return the value that a field gets, as long as it takes it."""
    return value[: field.max_length] if isinstance(value, str) and value and field.max_length else value


def is_set(field: Any, value: Any) -> bool:
    """Tell whether a field gets a value; a unique one needs another in each row, so the search names what it holds."""
    return not (field.unique and value == _GIVEN)


def nothing(field: Any) -> Any:
    """Return what an empty column holds."""
    if field.null:
        return None
    return "" if field.empty_strings_allowed else field.get_default()


def site_names(domain: str, pk: Any, own: Any, length: int) -> Dict[str, str]:
    """Return what a row of the framework of sites gets.

    :param domain: of the clone
    :param own: the key of the clone's own site; others lie below it
    :param length: that a name may have
    """
    domain = domain if pk == own else "site-{0}.{1}".format(pk, domain)
    return {"domain": domain, "name": domain[:length]}


class Mask:
    """The addresses that the rows of one column get, which nobody reads; each is made of the row's key."""

    def __init__(self, field: Any, addresses: bool) -> None:
        """Look at the column.

        :param addresses: whether values that are no address stay
        """
        from django.db import models

        self.field, self.addresses = field, addresses
        is_long = field.max_length is None or field.max_length >= _LONG
        self.before, self.after = ("user-", DOMAIN) if is_long else ("", SHORT_DOMAIN)
        #: Whether the key itself can be written into an address.
        self.has_number = isinstance(field.model._meta.pk, (models.AutoField, models.IntegerField))

    def left(self, rows: Any) -> Any:
        """Return those of the rows that are to be masked.

        :param rows: a query set
        """
        name = self.field.name
        found = rows.exclude(**{name: ""}).exclude(**{name + "__endswith": _END})
        if self.field.null:
            found = found.exclude(**{name + "__isnull": True})
        return found.filter(**{name + "__contains": "@"}) if self.addresses else found

    def takes(self, value: Any) -> bool:
        """Tell of one value whether it is to be masked: as :meth:`left` does."""
        if value is None or value == "" or str(value).endswith(_END):
            return False
        return "@" in str(value) if self.addresses else True

    def made(self) -> Any:
        """Return the expression of a row's address, for keys that are numbers."""
        from django.db import models
        from django.db.models.functions import Cast, Concat

        key, text = Cast("pk", models.CharField(max_length=255)), models.CharField(max_length=255)
        return Concat(models.Value(self.before), key, models.Value(self.after), output_field=text)

    def address(self, key: Any) -> str:
        """Return the address of the row with a key: as :meth:`made` does, and for other keys by a hash of them."""
        if self.has_number:
            return "{0}{1}{2}".format(self.before, key, self.after)
        room = (self.field.max_length or 255) - len(self.before + self.after)
        text = " ".join(map(str, key)) if isinstance(key, (list, tuple)) else str(key)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return self.before + digest[:room] + self.after
