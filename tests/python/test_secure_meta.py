"""A Content-Security-Policy as a meta element."""

import pytest
from mantlet import ContentSecurityPolicy
from mantlet.headers import IgnoredByBrowsers


def test_a_policy_is_an_element_whose_content_is_escaped() -> None:
    csp = ContentSecurityPolicy().default_src("'self'").img_src("https://a.example")
    assert csp.meta() == (
        '<meta http-equiv="Content-Security-Policy" content="default-src &#x27;self&#x27;; img-src https://a.example">'
    )


def test_what_does_nothing_in_an_element_is_left_out_and_told() -> None:
    csp = ContentSecurityPolicy().img_src("'self'").frame_ancestors("'none'").report_uri("/csp").sandbox()
    with pytest.warns(IgnoredByBrowsers) as told:
        assert csp.meta().endswith('content="img-src &#x27;self&#x27;">')
    assert [str(warning.message).split()[0] for warning in told] == ["frame-ancestors", "report-uri", "sandbox"]


def test_a_policy_that_an_element_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="only reports"):
        ContentSecurityPolicy().img_src("'self'").report_only().meta()
    with pytest.raises(ValueError, match="nothing of the policy"), pytest.warns(IgnoredByBrowsers):
        ContentSecurityPolicy().frame_ancestors("'none'").meta()
    with pytest.raises(ValueError, match="one policy"):
        ContentSecurityPolicy().value("img-src 'self', img-src 'none'").meta()
