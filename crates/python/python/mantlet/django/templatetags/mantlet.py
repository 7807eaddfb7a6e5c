"""`{% load mantlet %}`, then `<script nonce="{% csp_nonce %}">`."""

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def csp_nonce(context: Any) -> str:
    """The nonce of this response's Content-Security-Policy.

    Raises `TemplateSyntaxError` where the template has no request, or the request no nonce.
    """
    permit = getattr(context.get("request"), "mantlet", None)
    if permit is None or permit.nonce is None:
        raise template.TemplateSyntaxError(
            "no nonce here: render the template with a request that went through MantletMiddleware, and write 'nonce' "
            "into a directive of the policy"
        )
    return str(permit.nonce)
