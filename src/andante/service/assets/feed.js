// Pushes of one user, live on a page: each once, in order, whatever happens to the line.
//
//   import { follow } from "/demo/feed.js";
//   const line = follow({ name: "ann", ticket: () => askYourServer(), onPush: (entry) => show(entry.push) });
//   line.report(entry, "clicked");
//
// `ticket` returns (a promise of) a ticket that your server got from POST /v1/tickets. The last id is kept in
// localStorage under `name`, so a page that was closed goes on where it was.

const FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 30000, REMEMBERED = 300;

export function follow({ name, ticket, onPush, base = "", transport = "websocket", onState = () => {} }) {
  const key = "andante:" + name;
  const kept = JSON.parse(localStorage.getItem(key) || '{"last":0,"shown":[]}');
  let line = null, wait = FIRST_WAIT_MS, over = false, timer = 0;

  function take(text) {
    const entry = JSON.parse(text);
    if (!entry.push) return; // an answer to a report
    const isNew = !kept.shown.includes(entry.push.decision_id);
    kept.last = entry.id;
    if (isNew) kept.shown = [...kept.shown, entry.push.decision_id].slice(-REMEMBERED);
    localStorage.setItem(key, JSON.stringify(kept));
    if (isNew) onPush(entry);
  }

  function opened() {
    wait = FIRST_WAIT_MS;
    onState("open");
  }

  function lost() {
    if (line) line.close();
    line = null;
    if (over || timer) return;
    onState("lost");
    timer = setTimeout(open, wait * (0.5 + Math.random()));
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }

  async function open() {
    timer = 0;
    try {
      const query = "?ticket=" + encodeURIComponent(await ticket()) + "&after=" + kept.last;
      if (over) return;
      const made = transport === "sse" ? events(query) : socket(query);
      line = made;
    } catch {
      lost();
    }
  }

  function socket(query) {
    const url = new URL(base + "/v1/stream" + query, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const made = new WebSocket(url);
    made.onopen = opened;
    made.onmessage = (event) => take(event.data);
    made.onclose = () => made === line && lost();
    return made;
  }

  function events(query) {
    const made = new EventSource(base + "/v1/feed" + query);
    made.onopen = opened;
    made.addEventListener("push", (event) => take(event.data));
    made.addEventListener("end", () => made === line && lost());
    made.onerror = () => made === line && lost(); // its ticket was used: a new line needs a new one
    return made;
  }

  open();
  return {
    // What came of a push: opened, clicked, dismissed, not_interested, or rated with { rating: 1 to 5 }.
    report(entry, type, more = {}) {
      if (line instanceof WebSocket && line.readyState === WebSocket.OPEN) {
        line.send(JSON.stringify({ type, token: entry.token, ...more }));
        return Promise.resolve();
      }
      return fetch(base + "/v1/outcomes?token=" + encodeURIComponent(entry.token), {
        method: "POST", keepalive: true,
        headers: { "content-type": "application/json" }, body: JSON.stringify({ type, ...more }),
      });
    },
    close() {
      over = true;
      clearTimeout(timer);
      if (line) line.close();
      onState("closed");
    },
  };
}

// Let a browser be reached while no page is open. Resolves to the subscription: give it to your server, which puts it to
// /v1/users/{id}/addresses as the value of the provider web_push.
export async function subscribe(worker, publicKey) {
  const registration = await navigator.serviceWorker.register(worker);
  await navigator.serviceWorker.ready;
  const bytes = Uint8Array.from(atob(publicKey.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes });
}
