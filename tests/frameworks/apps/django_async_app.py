"""Django under ASGI, with the middleware."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "django_settings"

# doc: begin
from django.core.asgi import get_asgi_application

app = get_asgi_application()
# doc: end
