"""Web Push in a real browser: encrypted to keys that it made, opened by it, shown by its worker, clicked, counted."""

import base64
import json
from contextlib import suppress

from conftest import until
from playwright.sync_api import TimeoutError  # noqa: A004  playwright's own

SUBSCRIBE = """async endpoint => {
  const keys = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const point = await crypto.subtle.exportKey("raw", keys.publicKey);
  const auth = crypto.getRandomValues(new Uint8Array(16));
  window.own = { keys, point: new Uint8Array(point), auth };
  const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "");
  return { endpoint, expirationTime: null, keys: { p256dh: text(point), auth: text(auth) } };
}"""
"""What a browser does when a page subscribes; the private key cannot leave it."""

DECRYPT = """async sealed => {
  const bytes = Uint8Array.from(atob(sealed), (c) => c.charCodeAt(0));
  const salt = bytes.slice(0, 16), length = bytes[20], theirs = bytes.slice(21, 21 + length);
  const text = (said) => new TextEncoder().encode(said);
  const derive = async (secret, salt, info, size) => {
    const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    return crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, 8 * size);
  };
  const point = await crypto.subtle.importKey("raw", theirs, { name: "ECDH", namedCurve: "P-256" }, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: point }, own.keys.privateKey, 256);
  const info = new Uint8Array([...text("WebPush: info"), 0, ...own.point, ...theirs]);
  const secret = await derive(shared, own.auth, info, 32);
  const key = await derive(secret, salt, text("Content-Encoding: aes128gcm\\0"), 16);
  const iv = await derive(secret, salt, text("Content-Encoding: nonce\\0"), 12);
  const opened = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const record = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, opened, bytes.slice(21 + length));
  const padded = new Uint8Array(record), end = padded.lastIndexOf(2);
  return new TextDecoder().decode(padded.slice(0, end));
}"""
"""RFC 8291 and RFC 8188 by WebCrypto, with nothing of ours: what a browser does with a message before its worker."""

NOTIFICATIONS = """navigator.serviceWorker.ready.then(registration => registration.getNotifications())
  .then(shown => shown.map(one => ({ title: one.title, body: one.body, tag: one.tag })))"""

SHOWS = f"async tag => (await {NOTIFICATIONS}).some(one => one.tag === tag)"

PRESS = """async type => {
  const [notification] = await self.registration.getNotifications();
  const event = new NotificationEvent(type, { notification });
  event.waitUntil = () => {};  // a browser lends it to its own events alone
  self.dispatchEvent(event);
}"""


def _worker(page, context, shop):
    """Register the worker and give the page keys; return the session and the registration of the debugging protocol."""
    session = context.new_cdp_session(page)
    registrations = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda told: registrations.extend(told["registrations"]))
    session.send("ServiceWorker.enable")
    page.goto(f"{shop.url}/demo/")
    page.evaluate(
        "navigator.serviceWorker.register('/demo/worker.js').then(() => navigator.serviceWorker.ready).then(() => 1)"
    )
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), "controlled")
    value = page.evaluate(SUBSCRIBE, f"http://127.0.0.1:{shop.push_service.port}/subscription/1")
    address = {"channel": "push", "provider": "web_push", "value": value}
    shop.client.put("/v1/users/ann/addresses", json=address).raise_for_status()
    return session, registrations[-1]["registrationId"]


def _delivered(page, shop, session, registration):
    """Have a push decided, sent by our channel, opened by the browser, and given to its worker."""
    decision_id = shop.sends(3, channel="push")
    headers, sealed = shop.push_service.next()
    assert headers["content-encoding"] == "aes128gcm"
    assert b"Sale" not in sealed
    opened = page.evaluate(DECRYPT, base64.b64encode(sealed).decode())
    assert json.loads(opened)["decision_id"] == decision_id
    message = {"origin": shop.url, "registrationId": registration, "data": opened}
    until(lambda: _shown(page, session, message, decision_id), "shown")
    return decision_id


def _shown(page, session, message, decision_id):
    """Give the worker a message, and tell whether it was shown soon. One for a worker not on disk yet is lost."""
    session.send("ServiceWorker.deliverPushMessage", message)
    with suppress(TimeoutError):
        return page.wait_for_function(SHOWS, arg=decision_id, timeout=5_000)
    return None


def test_push_is_opened_by_the_browser_shown_by_its_worker_and_its_click_moves_the_user(browser, shop):
    shop.consents(push=True)
    shop.says("sale", title="Sale {{ item_id }}", body="Nur heute — 今天", url="{{ item_id }}.html")
    context = browser.new_context(permissions=["notifications"])
    page = context.new_page()
    session, registration = _worker(page, context, shop)
    decision_id = _delivered(page, shop, session, registration)
    assert page.evaluate(NOTIFICATIONS) == [{"title": "Sale i3", "body": "Nur heute — 今天", "tag": decision_id}]
    until(lambda: "delivered" in shop.outcomes(decision_id), "reported")
    before = shop.user()
    (worker,) = context.service_workers
    worker.evaluate(PRESS, "notificationclick")
    until(lambda: "clicked" in shop.outcomes(decision_id), "reported")
    after = shop.user()
    assert after["open_rate"] > before["open_rate"]
    assert page.evaluate(NOTIFICATIONS) == []
    context.close()


def test_notification_that_is_closed_comes_back_as_dismissed(browser, shop):
    shop.consents(push=True)
    shop.says("sale", title="Sale")
    context = browser.new_context(permissions=["notifications"])
    page = context.new_page()
    session, registration = _worker(page, context, shop)
    decision_id = _delivered(page, shop, session, registration)
    (worker,) = context.service_workers
    worker.evaluate(PRESS, "notificationclose")
    until(lambda: "dismissed" in shop.outcomes(decision_id), "reported")
    context.close()


def test_key_that_pages_subscribe_with_is_given_to_them(browser, shop):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{shop.url}/demo/")
    key = page.evaluate("fetch('/demo/settings.json').then(answer => answer.json())")["vapid_public_key"]
    assert len(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))) == 65
    context.close()
