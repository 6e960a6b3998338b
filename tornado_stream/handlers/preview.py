"""The document in which the page shows what a model drew: a diagram, an SVG picture, an HTML page.

The rule: what runs in it has an origin of its own, reads nothing of this server, and loads nothing.
The response's header says so, not only the page's `sandbox` attribute, so it also holds where the
document is opened by itself. A frame with `srcdoc` would have the policy of the page instead.
"""

from __future__ import annotations

from tornado_stream.handlers.base import BaseHandler

POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; font-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


class PreviewHandler(BaseHandler):
    """An empty document. The page that frames it sends what to show by `postMessage`."""

    open_to_all = True

    def get(self) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-DNS-Prefetch-Control", "off")
        self.render("preview.html")
