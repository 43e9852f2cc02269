"""All settings, from the environment only. A missing secret stops the start outside development."""

from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.settings_api import *  # noqa: F403
from config.settings_people import *  # noqa: F403
from config.settings_voice import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEVELOPMENT = env.bool("DEVELOPMENT", False)
DEBUG = env.bool("DEBUG", False)
TESTING = False


def secret(name: str) -> str:
    value = env.str(name, "")
    if not value and not DEVELOPMENT:
        raise ImproperlyConfigured(f"Set {name} in the environment; `make run` makes one by itself.")
    return value or f"development-only-{name.lower()}"


SECRET_KEY = secret("SECRET_KEY")
# "id:base64 of 32 bytes", comma separated, the newest first.
MASTER_KEYS = env.str("MASTER_KEYS", "") or (
    "dev:ZGV2ZWxvcG1lbnQtb25seS1tYXN0ZXIta2V5LTMyYnk=" if DEVELOPMENT else secret("MASTER_KEYS")
)
# The base64 of an RSA key: `openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -outform DER | base64 -w0`.
OAUTH_SIGNING_KEY = env.str("OAUTH_SIGNING_KEY", "") if DEVELOPMENT else secret("OAUTH_SIGNING_KEY")
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var"))).absolute()

# Where people reach us -----------------------------------------------------------------------------------
PORT = env.int("PORT", 8000)
BASE_URL = env.str("BASE_URL", f"http://localhost:{PORT}").rstrip("/")
PORTAL_BASE_DOMAIN = env.str("PORTAL_BASE_DOMAIN", "localhost")
# Where own domains of portals point by CNAME; who is asked about them (the system's name servers when empty).
PORTAL_TARGET = env.str("PORTAL_TARGET", PORTAL_BASE_DOMAIN).lower().rstrip(".")
DNS_SERVERS = env.list("DNS_SERVERS", default=[])
PORTAL_TLS_PORT = env.int("PORTAL_TLS_PORT", 443)
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
INTERNAL_NETWORKS = env.list("INTERNAL_NETWORKS", default=[])
ALLOWED_HOSTS = ["*"]  # the brand middleware, first in the list, answers 421 to a host that nobody owns
PRODUCT_NAME = env.str("PRODUCT_NAME", "Switchboard")
VERSION = "0.1.0"

# Apps ----------------------------------------------------------------------------------------------------
OUR_APPS = [
    "core", "branding", "mail", "accounts", "organizations", "billing", "webhooks", "voice", "catalog", "assistants",
    "numbers", "calls", "campaigns", "chats", "dashboard", "portal",
]  # fmt: skip
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "apps.portal.operator_app.OperatorAdminConfig",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "django_cotton",
    "lucide",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.idp.oidc",
    "rest_framework",
    "drf_spectacular",
    *(f"apps.{name}" for name in OUR_APPS),
]
MIDDLEWARE = [
    "apps.branding.middleware.BrandMiddleware",
    "apps.organizations.api_middleware.ApiMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.accounts.middleware.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.PersonMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.middleware.ActivityMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.organizations.middleware.OrganizationMiddleware",
    "apps.organizations.repeats.RepeatMiddleware",
    "apps.organizations.middleware.ErrorMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
                "apps.branding.context.brand",
                "apps.mail.context.mail",
                "apps.dashboard.context.page",
            ],
            "builtins": ["django_cotton.templatetags.cotton", "django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]
COTTON_DIR = "components"
FORM_RENDERER = "apps.core.forms.Renderer"

# Database: two roles, tenancy in the connection ------------------------------------------------------------
DATABASES = {
    "default": env.db_url("DATABASE_URL", default="postgres:///switchboard", engine="apps.core.postgres"),
    "owner": env.db_url("DATABASE_OWNER_URL", default="postgres:///switchboard"),
}
DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
DATABASES["owner"]["TEST"] = {"DEPENDENCIES": []}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# One pool per process: an ASGI server serves each request in a thread of its own, and a thread's own connection would
# outlive it. 0: no pool, each thread keeps its connection for CONN_MAX_AGE seconds.
DATABASE_POOL = env.int("DATABASE_POOL", 20)
if DATABASE_POOL:
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 10}
DATABASES["default"]["CONN_MAX_AGE"] = 0 if DATABASE_POOL else env.int("CONN_MAX_AGE", 60)
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Cache and queue -------------------------------------------------------------------------------------------
CACHE_URL = env.str("CACHE_URL", "redis://127.0.0.1:6379/1")
_cache = {"LOCATION": CACHE_URL, "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", **_cache},
    "sessions": {"BACKEND": "apps.core.cache.SessionCache", **_cache},
}
BROKER_URL = env.str("BROKER_URL", "redis://127.0.0.1:6379/0")

# Who may be here -------------------------------------------------------------------------------------------
DEMO = env.bool("DEMO", True)
ALLOW_INDEPENDENT_ORGANIZATIONS = env.bool("ALLOW_INDEPENDENT_ORGANIZATIONS", True)
# Whether agencies may sign up by themselves on the installation's own host.
ALLOW_AGENCY_SIGN_UP = env.bool("ALLOW_AGENCY_SIGN_UP", DEVELOPMENT)

# Money, in integers: micro-credits (a millionth of a credit) per minute ---------------------------------------
CREDIT_PRICE_CENTS = env.int("CREDIT_PRICE_CENTS", 7)
CURRENCY = env.str("CURRENCY", "EUR")
BILLING_INCREMENT_SECONDS = env.int("BILLING_INCREMENT_SECONDS", 1)
BILLING_MINIMUM_SECONDS = env.int("BILLING_MINIMUM_SECONDS", 0)
# Agencies are paid through their own Stripe accounts; the address is only changed to try that without Stripe.
STRIPE_API_URL = env.str("STRIPE_API_URL", "https://api.stripe.com")

# Mail ------------------------------------------------------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", "")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"{PRODUCT_NAME} <no-reply@{PORTAL_BASE_DOMAIN}>")
# Organizations send through their own Resend accounts; the address is only changed to try that without Resend.
RESEND_API_URL = env.str("RESEND_API_URL", "https://api.resend.com")
# What reseller mails come from: nothing in them names the installation.
PORTAL_FROM_EMAIL = env.str("PORTAL_FROM_EMAIL", f"no-reply@{PORTAL_BASE_DOMAIN}")
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"

# Language and time -----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: served by the application; nothing is fetched from anywhere else --------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = None if DEVELOPMENT else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0 if DEVELOPMENT else 3600
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Recordings: below the data folder and never under a web address; or any storage backend, such as S3 (README) ----
RECORDINGS_STORAGE = env.str("RECORDINGS_STORAGE", "django.core.files.storage.FileSystemStorage")
_local = {"location": DATA_DIR / "recordings", "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
_is_local = RECORDINGS_STORAGE.endswith(".FileSystemStorage")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "recordings": {
        "BACKEND": RECORDINGS_STORAGE, "OPTIONS": env.json("RECORDINGS_STORAGE_OPTIONS", _local if _is_local else {}),
    },
}  # fmt: skip
MAX_RECORDING_BYTES = env.int("MAX_RECORDING_BYTES", 512 * 1024 * 1024)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    # A foreign MCP server's faults are told to the customer; what it says, and its address, may hold secrets.
    "loggers": {
        "httpx": {"level": "WARNING"}, "httpx2": {"level": "WARNING"}, "mcp.client": {"level": "CRITICAL"},
        "celery": {"level": "WARNING"},
    },
}
