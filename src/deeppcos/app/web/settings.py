"""Django's settings, made from the environment and nothing else.

Owns how what ``environment`` read becomes settings, and the security of every response. Nothing
is written here: ``preparing`` makes the data folder and its key.
"""

from datetime import timedelta
from urllib.parse import unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.environment import read_environment
from deeppcos.app.web.secret_key import stored_secret

ENVIRONMENT = read_environment()
DEEPPCOS_HOME = ENVIRONMENT.home
UPLOADS_ALLOWED = ENVIRONMENT.uploads
LARGEST_UPLOAD_BYTES = ENVIRONMENT.largest_upload_bytes
CONDITION_NAME = ENVIRONMENT.condition_name
DEFAULT_PROFILE = ENVIRONMENT.profile

SECRET_KEY = ENVIRONMENT.secret_key or stored_secret(DEEPPCOS_HOME)
DEBUG = ENVIRONMENT.is_debug
ALLOWED_HOSTS = list(ENVIRONMENT.hosts)

INSTALLED_APPS = [
    "deeppcos.app.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "ninja",
    "axes",
    "django_tasks",
    "django_tasks_db",
]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "deeppcos.app.web.accounts.sessions.SessionLimitsMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "deeppcos.app.web.access.DefaultDenyMiddleware",
    # Only after the right is known: reading the token reads the whole upload.
    "deeppcos.app.web.upload_guard.UploadGuardMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "deeppcos.app.web.blinding.BlindingMiddleware",
    "axes.middleware.AxesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "deeppcos.app.web.errors.PlainErrorsMiddleware",
]
ROOT_URLCONF = "deeppcos.app.web.urls"
WSGI_APPLICATION = "deeppcos.app.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "deeppcos.app.web.page.page_context",
            ],
            "builtins": ["deeppcos.app.web.templatetags.desk", "django.templatetags.i18n"],
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": dj_database_url.parse(
        ENVIRONMENT.database_url or f"sqlite:///{DEEPPCOS_HOME / 'desk.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A writer waits for another instead of failing, and what is acknowledged is on the disk.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }

AUTH_USER_MODEL = "web.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# A name is locked for the address that guesses at it, so that a stranger locks out nobody else.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "deeppcos.app.web.accounts.views.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "deeppcos.app.web.accounts.sessions.address_of"
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "password"]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "worklist:list"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 10}  # type: ignore[assignment]

LANGUAGE_CODE = ENVIRONMENT.language
LANGUAGES = [("en-gb", _("English"))]
PATIENT_LANGUAGES = [("en", "English"), ("es", "Español"), ("de", "Deutsch")]
"""Languages of the patient's page; to add one, see docs/translating.md."""
STAFF_LANGUAGES = [("en-gb", "English"), ("es", "Español"), ("de", "Deutsch")]
"""Languages a person may choose for the clinic's pages that are translated, the viewer so far."""
TIME_ZONE = ENVIRONMENT.time_zone
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 300

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.is_https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = ENVIRONMENT.idle_minutes * 60
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if ENVIRONMENT.is_https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "deeppcos.app.web.errors.not_ours"
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.hosts if ENVIRONMENT.is_https]
if ENVIRONMENT.is_behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# Files go to the data folder's disk while they arrive, never into memory.
FILE_UPLOAD_TEMP_DIR = DEEPPCOS_HOME / "incoming"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FILES = 2000

API_CALLS_A_MINUTE = ENVIRONMENT.api_calls_a_minute

OIDC_ISSUER = ENVIRONMENT.oidc_issuer
OIDC_CLIENT_ID = ENVIRONMENT.oidc_client_id
OIDC_CLIENT_SECRET = ENVIRONMENT.oidc_client_secret
OIDC_NAME = ENVIRONMENT.oidc_name
OIDC_GROUPS_CLAIM = ENVIRONMENT.oidc_groups_claim
OIDC_ROLES = ENVIRONMENT.oidc_roles
SMART_SERVERS = ENVIRONMENT.smart_servers
SMART_KEY = ENVIRONMENT.smart_key
SMART_CA_FILE = ENVIRONMENT.smart_ca_file
SMART_PATIENT_SYSTEM = ENVIRONMENT.smart_patient_system
# A server elsewhere is spoken to encrypted or not at all; one on this computer may be plain.
_MAIL = urlsplit(ENVIRONMENT.mail_server)
EMAIL_HOST = _MAIL.hostname or "localhost"
EMAIL_USE_SSL = _MAIL.scheme == "smtps"
EMAIL_USE_TLS = _MAIL.scheme == "smtp" and EMAIL_HOST not in {"localhost", "127.0.0.1", "::1"}
EMAIL_PORT = _MAIL.port or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_HOST_USER = unquote(_MAIL.username or "")
EMAIL_HOST_PASSWORD = unquote(_MAIL.password or "")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = ENVIRONMENT.mail_from or "deeppcos@localhost"
MAIL_ALARMS = ENVIRONMENT.mail_alarms
BLIND_SHARE = ENVIRONMENT.blind_percent / 100
IS_BEHIND_PROXY = ENVIRONMENT.is_behind_proxy
SILENCED_SYSTEM_CHECKS: list[str] = []
