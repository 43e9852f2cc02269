"""Settings of the API and of what it may be sent: formats, its description, sizes, how often, webhooks."""

import environ

env = environ.Env()

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
