"""Pages in a real browser: they get every push once, whatever happens to the server, and what they report counts."""

import signal

import pytest
from conftest import until

RAW = """
window.raw = [];
const took = (text) => { const said = JSON.parse(text); if (said.push) raw.push(said.push.decision_id); };
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (type, heard) {
  return listen.call(this, type, (event) => { if (type === "push") took(event.data); heard(event); });
};
const message = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
Object.defineProperty(WebSocket.prototype, "onmessage", {
  set(heard) { message.set.call(this, (event) => { took(event.data); heard(event); }); },
});
"""
"""Notes what the line brings, before the page's own script may leave out what it has."""

SHOWN = "[...document.querySelectorAll('#pushes > li')].reverse().map(item => item.dataset.decision)"


def _follow(browser, shop, transport, context=None):
    """Open the demo page and follow Ann; return the page and whatever it complains about."""
    page = (context or browser.new_context()).new_page()
    said = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(RAW)
    page.goto(f"{shop.url}/demo/")
    page.select_option("#transport", transport)
    page.click("#who button")
    _state(page, "open")
    return page, said


def _state(page, state):
    until(lambda: page.inner_text("#state") == state, state)


def _shows(page, count):
    until(lambda: len(page.evaluate(SHOWN)) >= count, f"shows {count}")


@pytest.fixture
def selling(shop):
    shop.consents(in_app=True)
    shop.says("sale", title="Sale {{ item_id }}", body="Only today", url="https://shop.example/{{ item_id }}")
    return shop


@pytest.mark.parametrize("transport", ["websocket", "sse"])
def test_page_gets_every_push_once_and_in_order_across_a_kill_and_an_end_of_the_server(browser, selling, transport):
    shop = selling
    page, said = _follow(browser, shop, transport)
    decided = [shop.sends(number) for number in range(8)]
    _shows(page, 3)
    shop.stop(signal.SIGKILL)
    _state(page, "lost")
    shop.start()
    decided += [shop.sends(number) for number in range(8, 16)]
    _state(page, "open")
    decided += [shop.sends(number) for number in range(16, 20)]
    until(lambda: set(decided) == set(shop.fed()) | shop.ambiguous(), "settled")
    _shows(page, len(shop.fed()))
    shop.stop(signal.SIGTERM)
    _state(page, "lost")
    shop.start()
    decided += [shop.sends(number) for number in range(20, 24)]
    until(lambda: set(decided) == set(shop.fed()) | shop.ambiguous(), "settled")
    _shows(page, len(shop.fed()))
    assert page.evaluate(SHOWN) == shop.fed() == page.evaluate("raw")
    assert shop.ambiguous() <= set(decided[:8:3])  # marketing that was on its way at the kill is never attempted again
    # What a kill cut off may have been put already, or comes later than what was decided after it; nothing comes twice.
    assert len(set(shop.fed())) == len(shop.fed())
    assert set(shop.fed()) | shop.ambiguous() == set(decided)
    assert said == []
    page.context.close()


@pytest.mark.parametrize("transport", ["websocket", "sse"])
def test_page_that_was_closed_goes_on_where_it_was(browser, selling, transport):
    shop = selling
    context = browser.new_context()
    page, _ = _follow(browser, shop, transport, context)
    first = [shop.sends(number) for number in range(3)]
    _shows(page, 3)
    page.close()
    then = [shop.sends(number) for number in range(3, 6)]
    page, _ = _follow(browser, shop, transport, context)
    _shows(page, 3)
    assert page.evaluate("raw") == then
    assert not set(first) & set(then)
    context.close()


@pytest.mark.parametrize("transport", ["websocket", "sse"])
@pytest.mark.parametrize(("press", "moved"), [("clicked", "open_rate"), ("not_interested", "refusal_rate")])
def test_what_is_done_with_a_push_comes_back_and_moves_the_user(browser, selling, transport, press, moved):
    shop = selling
    page, said = _follow(browser, shop, transport)
    page.context.route("https://shop.example/**", lambda route: route.fulfill(body="the shop"))
    decision_id = shop.sends(3)
    page.wait_for_selector(f"li[data-decision='{decision_id}'] h2")
    assert page.inner_text("#pushes h2") == "Sale i3"
    before = shop.user()
    page.click(f"li [data-outcome={press}]")
    until(lambda: press in shop.outcomes(decision_id), "reported")
    assert shop.user()[moved] > before[moved]
    assert said == []
    page.context.close()


def test_text_of_a_push_stays_text(browser, shop):
    shop.consents(in_app=True)
    shop.says("sale", title="<img src=x onerror='window.pwned=1'>", body="</p><script>window.pwned=2</script>")
    page, _ = _follow(browser, shop, "websocket")
    shop.sends(1)
    page.wait_for_selector("#pushes h2")
    assert page.inner_text("#pushes h2").startswith("<img")
    assert page.evaluate("window.pwned") is None
    assert page.query_selector_all("#pushes img") == []
    page.context.close()


def test_page_asks_for_a_push_and_gets_it(browser, shop):
    page, said = _follow(browser, shop, "websocket")
    page.click("#ask")
    page.wait_for_selector("#pushes h2")
    assert page.inner_text("#pushes h2") == "Hello"
    assert page.inner_text("#said").startswith("send")
    assert said == []
    page.context.close()


def test_page_of_another_origin_cannot_open_a_socket_even_with_a_ticket(browser, shop):
    ticket = shop.client.post("/v1/tickets", json={"user_id": "ann"}).json()["ticket"]
    context = browser.new_context()
    page = context.new_page()
    context.route("https://evil.example/", lambda route: route.fulfill(body="<h1>evil</h1>", content_type="text/html"))
    page.goto("https://evil.example/")
    opened = page.evaluate(
        """url => new Promise(done => {
            const line = new WebSocket(url);
            line.onopen = () => done(true);
            line.onerror = () => done(false);
        })""",
        f"{shop.url.replace('http', 'ws')}/v1/stream?ticket={ticket}",
    )
    assert opened is False
    with shop.client.stream("GET", "/v1/feed", params={"ticket": ticket}) as answer:
        assert answer.status_code == 200
    context.close()
