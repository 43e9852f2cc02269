"""All settings, from the environment only. A missing secret stops the start outside development."""

from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

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

# The voice engine ------------------------------------------------------------------------------------------
SANDBOX = env.bool("SANDBOX", False)
SANDBOX_URL = env.str("SANDBOX_URL", "")
SANDBOX_KEY = env.str("SANDBOX_KEY", "")
BILL_SIMULATED_CALLS = env.bool("BILL_SIMULATED_CALLS", False)
DEMO = env.bool("DEMO", True)
ALLOW_INDEPENDENT_ORGANIZATIONS = env.bool("ALLOW_INDEPENDENT_ORGANIZATIONS", True)
# Whether agencies may sign up by themselves on the installation's own host.
ALLOW_AGENCY_SIGN_UP = env.bool("ALLOW_AGENCY_SIGN_UP", DEVELOPMENT)
DIAL_ANSWER_SECONDS = env.float("DIAL_ANSWER_SECONDS", 4.0)
# A dial that nobody finished is taken over after the lease; "not listed" is an answer after the settle time (engine 6).
DIAL_LEASE_SECONDS = env.float("DIAL_LEASE_SECONDS", 30.0)
DIAL_SETTLE_SECONDS = env.float("DIAL_SETTLE_SECONDS", 30.0)
# How long a process remembers a receiver's secrets; both count while one is replaced.
HOOK_DOOR_SECONDS = env.float("HOOK_DOOR_SECONDS", 5.0)
# A test clock: how many seconds a minute between two attempts lasts.
CAMPAIGN_MINUTE_SECONDS = env.float("CAMPAIGN_MINUTE_SECONDS", 60.0)
# Per key of a hosted account or another Switchboard; 0: not limited.
UPSTREAM_REQUESTS_PER_MINUTE = env.int("UPSTREAM_REQUESTS_PER_MINUTE", 90)
STRICT_MODELS = env.bool("STRICT_MODELS", False)
MAX_CALL_SECONDS = env.int("MAX_CALL_SECONDS", 0)
# Provider keys of the installation, for who brings none: {"openai": "sk-…", "google_vertex": {…}}.
PLATFORM_KEYS = env.json("PLATFORM_KEYS", {})
# Other addresses than the providers' own, by key slot: {"openai": "https://gateway.example.org/v1"}.
LLM_BASE_URLS = env.json("LLM_BASE_URLS", {})
# The model for summaries and analyses where an organization has none: any OpenAI-compatible endpoint.
POSTCALL_LLM_BASE_URL = env.str("POSTCALL_LLM_BASE_URL", "")
POSTCALL_LLM_MODEL = env.str("POSTCALL_LLM_MODEL", "")
POSTCALL_LLM_KEY = env.str("POSTCALL_LLM_KEY", "")

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

# People ----------------------------------------------------------------------------------------------------
SECURE_COOKIES = env.bool("SECURE_COOKIES", True)
_prefix = "__Host-" if SECURE_COOKIES else ""
SESSION_COOKIE_NAME = f"{_prefix}session"
CSRF_COOKIE_NAME = f"{_prefix}csrf"
LANGUAGE_COOKIE_NAME = f"{_prefix}language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "sessions"
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "apps.core.error_views.forbidden"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE_COOKIES else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = 3600
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 3600
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {"login_failed": "5/15m/ip,5/15m/key", "signup": "10/h/ip"}
MFA_ADAPTER = "apps.accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODE_COUNT = 10
MFA_TOTP_TOLERANCE = 1
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
_forms = "apps.accounts.forms."
ACCOUNT_FORMS = {
    "login": f"{_forms}LoginForm",
    "reset_password": f"{_forms}ResetPasswordForm",
    "confirm_password_reset_code": f"{_forms}ConfirmResetForm",
    "reset_password_from_key": f"{_forms}NewPasswordForm",
    "change_password": f"{_forms}ChangePasswordForm",
    "set_password": f"{_forms}SetPasswordForm",
    "add_email": f"{_forms}AddEmailForm",
    "confirm_email_verification_code": f"{_forms}ConfirmEmailForm",
    "reauthenticate": f"{_forms}ReauthenticateForm",
}
# Programs that act for a person (MCP): they register by themselves, tokens are short and bound to one host.
IDP_OIDC_ADAPTER = "apps.accounts.oauth.OAuthAdapter"
IDP_OIDC_DCR_ENABLED = True
IDP_OIDC_DCR_REQUIRES_INITIAL_ACCESS_TOKEN = False
IDP_OIDC_RATE_LIMITS = {"client_registration": "5/m/ip,30/h/ip"}
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 3600
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 30 * 24 * 3600
MFA_FORMS = {"authenticate": f"{_forms}AuthenticateForm", "reauthenticate": f"{_forms}MfaReauthenticateForm"}

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

# API -------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.organizations.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.organizations.authentication.MayCall"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.api.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.JSONParser"],
    "DEFAULT_METADATA_CLASS": "apps.core.api.Allowed",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "apps.core.api.JsonFirst",
    "EXCEPTION_HANDLER": "apps.core.api.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Voice assistants API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SORT_OPERATIONS": False,
    "PREPROCESSING_HOOKS": ["apps.organizations.openapi.public_only"],
    "POSTPROCESSING_HOOKS": [
        *(
            f"apps.{name}.describe"
            for name in (
                "voice.openapi", "catalog.openapi", "assistants.openapi", "numbers.openapi", "calls.openapi",
                "calls.openapi_web", "campaigns.openapi", "chats.openapi", "dashboard.openapi",
            )
        ),
        "apps.core.openapi_finish.finish",
    ],
}
MAX_API_BODY_BYTES = 1024 * 1024
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 100)
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
WEBHOOK_ALLOWED_NETWORKS = env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])
WEBHOOK_USER_AGENT = env.str("WEBHOOK_USER_AGENT", "HMS-Sovereign/1.0")

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
