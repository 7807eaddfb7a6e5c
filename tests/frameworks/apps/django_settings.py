"""The settings of the Django applications."""

from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "django_urls"
# doc: begin
INSTALLED_APPS = [
    "mantlet.django",  # the template tag and the system checks
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "mantlet.django.MantletMiddleware",  # first
    "django.middleware.common.CommonMiddleware",
]
MANTLET_POLICY = BASE_DIR / "mantlet.toml"
# doc: end
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"context_processors": ["mantlet.django.csp_nonce", "django.template.context_processors.request"]},
    }
]
LOGGING_CONFIG = None
