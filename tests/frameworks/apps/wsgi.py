"""The module of the application that Masonite looks for."""

from masonite_app import site as application

__all__ = ["application"]
