"""What the gateway itself shows: a sentence why something is refused, and a page that leads on."""

from __future__ import annotations

import html

from aiohttp import web

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; }
main { max-width: 34rem; padding: 2rem; }
h1 { font-size: 1.3rem; margin: 0 0 .5rem; }
a { color: inherit; }
"""


def refusal(request: web.Request, status: int, title: str, sentence: str, link: str = "") -> web.Response:
    """Why a request is refused: JSON {"error": sentence} for the page's own requests, else a page.

    Args:
        request: what was asked.
        status: of HTTP.
        title: a few words.
        sentence: why, and what to do.
        link: the words of a link to a new session; none if empty.
    """
    if request.method == "POST":
        return web.json_response({"error": sentence}, status=status)
    more = f'<p><a href="/">{html.escape(link)}</a></p>' if link else ""
    body = f"<h1>{html.escape(title)}</h1><p>{html.escape(sentence)}</p>{more}"
    return _page(title, body, status)


def forwarding(address: str) -> web.Response:
    """A page that leads to an address of our own.

    A redirect would not do after a click on another site's link: the browser would keep our cookies back.
    """
    escaped = html.escape(address, quote=True)
    head = f'<meta http-equiv="refresh" content="0; url={escaped}">'
    return _page("Sli2VolSlicer", f'<p><a href="{escaped}">Opening ...</a></p>', 200, head)


def _page(title: str, body: str, status: int, head: str = "") -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<link rel="icon" href="data:,">{head}<style>{_STYLE}</style></head><body><main>{body}</main></body></html>'
    )
    return web.Response(text=text, content_type="text/html", status=status)
