"""Policies to start from."""

from enum import Enum


class Preset(Enum):
    """A policy to start from; the value is the word of the policy file."""

    BASIC = "basic"
    """The headers that helmet sends by default."""
    BALANCED = "balanced"
    """Good for most applications; the default."""
    STRICT = "strict"
    """For applications that load nothing from elsewhere."""
    API = "api"
    """For JSON APIs."""
    STREAMLIT = "streamlit"
    """For Streamlit: strict on scripts, inline styles allowed."""
    NONE = "none"
    """Nothing at all."""
