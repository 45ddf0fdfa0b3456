"""All settings, read from the environment once. A wrong value stops the start."""

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from parvis.core.db import wipe
from parvis.notifications.providers import read_providers

BASE_DIR = Path(__file__).resolve().parent.parent


class WrongSetting(SystemExit):
    """A setting that cannot be used; the message says which and what it may be."""


def read(name: str, default: str = "") -> str:
    """The variable, or the content of the file that NAME_FILE points to, or the default."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def read_flag(name: str, default: bool = False) -> bool:
    value = read(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false", "yes", "no"}:
        raise WrongSetting(f"{name}: write 1 or 0, not “{value}”.")
    return value in {"1", "true", "yes"}


def read_number(name: str, default: int) -> int:
    value = read(name, str(default))
    if not value.isdecimal():
        raise WrongSetting(f"{name}: write a whole number, not “{value}”.")
    return int(value)


def read_list(name: str) -> list[str]:
    return [part.strip() for part in read(name).split(",") if part.strip()]


DATABASE_PARAMETERS = {
    "sslmode": "disable|allow|prefer|require|verify-ca|verify-full",
    "sslrootcert": ".+",
    "sslcert": ".+",
    "sslkey": ".+",
    "target_session_attrs": "any|read-write|read-only|primary|standby|prefer-standby",
    "connect_timeout": "[0-9]+",
}
"""What may stand after `?` in DATABASE_URL beside host and port, and its values."""


def database(url: str, name: str = "DATABASE_URL", **options: Any) -> dict[str, Any]:
    """A Django database from postgresql://user:password@host:port/name (host may be a folder)."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise WrongSetting(f"{name}: write postgresql://user:password@host:port/name.")
    query = {}
    for pair in filter(None, parts.query.split("&")):
        key, _, value = pair.partition("=")
        query[key] = unquote(value)
        if not re.fullmatch(DATABASE_PARAMETERS.get(key, ".+"), query[key]):
            raise WrongSetting(f"{name}: {key} cannot be “{query[key]}”.")
    given = {key: value for key, value in query.items() if key not in {"host", "port"}}
    if unknown := given.keys() - DATABASE_PARAMETERS.keys():
        known = ", ".join(["host", "port", *DATABASE_PARAMETERS])
        raise WrongSetting(f"{name}: {min(unknown)} is not read; after “?” may stand {known}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", "") or unquote(parts.hostname or ""),
        "PORT": query.get("port", "") or str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # After the database was away, a kept connection is tried before it is handed out.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": given | options,
    }


DEBUG = read_flag("PARVIS_DEBUG")
DEMO = read_flag("PARVIS_DEMO")
DATA = Path(read("PARVIS_DATA", str(BASE_DIR / "var" / "demo"))).resolve()
SECRET_KEY = read("SECRET_KEY") or ("not-secret-for-tests-only" if DEBUG else "")
if not SECRET_KEY:
    raise WrongSetting("SECRET_KEY: give a long random value (or SECRET_KEY_FILE).")

_URL = read("DATABASE_URL")
if not _URL:
    raise WrongSetting("DATABASE_URL is not set; `parvis` sets it for the embedded database.")
_POOL = {
    "min_size": 1,
    "max_size": read_number("DATABASE_POOL", 10),
    "timeout": 5,
    "reset": wipe,
}
_POOLED: dict[str, Any] = {"pool": _POOL} if read_flag("DATABASE_POOLED", True) else {}
DATABASES: dict[str, Any] = {
    "default": database(_URL, **_POOLED),
    # The same database, as the role that owns the tables: migrations only.
    "owner": database(read("DATABASE_OWNER_URL", _URL), "DATABASE_OWNER_URL"),
}
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The town is chosen by the host name in the request, looked up in the database.
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False
HTTPS = read_flag("PARVIS_HTTPS", default=not (DEBUG or DEMO))
if read_flag("PARVIS_BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
PUBLIC_PORT = read("PARVIS_PUBLIC_PORT")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "parvis.core",
    "parvis.municipalities",
    "parvis.territory",
    "parvis.residents",
    "parvis.notifications",
    "parvis.cases",
    "parvis.announcements",
    "parvis.alerts",
    "parvis.reservations",
    "parvis.home",
    "parvis.backoffice",
    "parvis.api",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "procrastinate.contrib.django",
    "django_htmx",
    "anymail",
    *(["parvis.demo"] if DEMO else []),
]
MIDDLEWARE = [
    "parvis.core.latency.timed",
    "parvis.core.middleware.outermost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "parvis.core.middleware.compressed",
    "csp.middleware.CSPMiddleware",
    "parvis.municipalities.middleware.town",
    "parvis.core.middleware.keeping_sign_in",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "parvis.residents.middleware.person",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "parvis.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "parvis.home.context.shell",
                "parvis.backoffice.context.desk",
            ]
        },
    }
]

AUTH_USER_MODEL = "residents.Resident"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher"
    if DEBUG and read_flag("PARVIS_TESTS")
    else "django.contrib.auth.hashers.Argon2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/compte/login/"
LOGIN_REDIRECT_URL = "/"
# One account per address and town, kept by the constraint on residents and the wall.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
ACCOUNT_ADAPTER = "parvis.notifications.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if read_flag("PARVIS_BEHIND_PROXY") else 0
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_RATE_LIMITS = {"household_invitation": "20/h/user"}
ACCOUNT_CHANGE_EMAIL = False
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_FORMS = {"signup": "parvis.residents.forms.SignupForm"}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or DEMO
MFA_ADAPTER = "parvis.residents.adapter.SecondFactorAdapter"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_ADAPTER = "parvis.residents.adapter.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": json.loads(read("OIDC_APPS", "[]"))}
}

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_FAILURE_VIEW = "parvis.home.views.csrf_failed"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "langue"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "America/Toronto"
FORMAT_MODULE_PATH = ["parvis.core.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = Path(read("PARVIS_STATIC", str(BASE_DIR / "var" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
MEDIA_ROOT = DATA / "files"
ALERT_COPIES = read("ALERT_COPIES", str(DATA / "alertes"))
"""Folder where the reverse proxy finds the alert pages when nothing else answers."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Sign-in throttling must count over all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cache",
        "KEY_FUNCTION": "parvis.residents.throttle.key_of_town",
    }
}

EMAIL_BACKEND = read("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = read("SMTP_HOST", "127.0.0.1")
EMAIL_PORT = read_number("SMTP_PORT", 25)
EMAIL_HOST_USER = read("SMTP_USER")
EMAIL_HOST_PASSWORD = read("SMTP_PASSWORD")
EMAIL_USE_TLS = read_flag("SMTP_STARTTLS")
EMAIL_TIMEOUT = 15
MAIL_DOMAIN = read("MAIL_DOMAIN", "localhost")
BOUNCE_MAILDIR = read("BOUNCE_MAILDIR")
BOUNCE_IMAP_URL = read("BOUNCE_IMAP_URL")
REPLY_MAILDIR = read("REPLY_MAILDIR")
REPLY_IMAP_URL = read("REPLY_IMAP_URL")
ANYMAIL = json.loads(read("ANYMAIL", "{}"))
try:
    TELEPHONY = read_providers(read("TELEPHONY"))
    """Providers of texts and calls; empty, and neither exists anywhere."""
except ValueError as error:
    raise WrongSetting(f"TELEPHONY: {error}.") from error
TELEPHONY_TIMEOUT = read_number("TELEPHONY_TIMEOUT", 10)
"""Seconds that a provider may take to answer."""
PUSH_CONTACT = read("PUSH_CONTACT", "mailto:parvis@localhost.localdomain")
PUSH_HOSTS = read_list("PUSH_HOSTS")
"""Push services accepted beside the known ones: a test's own, an institution's."""
PUSH_CA_FILE = read("PUSH_CA_FILE")
PUSH_PRIVATE_ADDRESSES = read_flag("PUSH_PRIVATE_ADDRESSES")
# Messages to devices are prepared while nothing happens, for civil security (envelopes.py).
PUSH_ARMED = read_flag("PUSH_ARMED", default=True)
METRICS_TOKEN = read("METRICS_TOKEN")

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "actions"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "parvis.core.logs.Discreet",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": read("LOG_LEVEL", "WARNING")},
    "loggers": {"parvis": {"level": read("LOG_LEVEL", "INFO")}},
}
