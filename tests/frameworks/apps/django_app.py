"""Django under WSGI, with the middleware."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "django_settings"

# doc: begin
from django.core.wsgi import get_wsgi_application

app = get_wsgi_application()
# doc: end
