"""The search of what browsers send finds what it is for, however that is written."""

import pytest
from wiretap import findings

WAYS = {
    "path": "fetch('/' + encodeURIComponent(name))",
    "query": "fetch('/?q=' + name)",
    "json": "fetch('/', { method: 'POST', body: JSON.stringify({ ids: [name] }) })",
    "header": "fetch('/', { headers: { 'x-item': name } })",
    "base64": "fetch('/', { method: 'POST', body: btoa('a' + name + 'b') })",
    "hexadecimal": "fetch('/' + [...bytes].map((b) => b.toString(16).padStart(2, 0)).join(''))",
    "numbers": "fetch('/?' + [...bytes])",
    "backwards": "fetch('/?' + [...name].reverse().join(''))",
    "wide": "fetch('/', { method: 'POST', body: Uint16Array.from(bytes) })",
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_page_sends_in_clear_is_found(federated, way):
    shop = federated()
    context = shop.visitor()
    page = context.new_page()
    page.goto(shop.url)
    # The shop's own names would be found when it closes, too.
    name = "article-that-is-not-for-sale"
    page.evaluate(f"async (name) => {{ const bytes = {BYTES}; await {WAYS[way]}; }}", name)
    assert findings(shop.wire.sent_to(shop.ports[0]), [name]) != []
    assert findings(shop.wire.sent_to(shop.ports[0]), shop.names) == []


BYTES = "new TextEncoder().encode(name)"
