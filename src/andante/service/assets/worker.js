// Shows pushes while no page is open, and reports what came of them.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(Promise.all([report(event.notification.data, "clicked"), lead(event.notification.data.url)]));
});

self.addEventListener("notificationclose", (event) => event.waitUntil(report(event.notification.data, "dismissed")));

async function show(data) {
  const push = data.json();
  const content = push.content || push;
  const { title, body = "", image_url: image, url = null } = content;
  await self.registration.showNotification(title, {
    body, image, tag: push.decision_id, // the same push again takes its own place
    data: { url, outcome_url: push.outcome_url || null },
  });
  await report({ outcome_url: push.outcome_url }, "delivered");
}

async function report(data, type) {
  if (!data.outcome_url) return;
  const body = JSON.stringify({ type });
  await fetch(data.outcome_url, { method: "POST", headers: { "content-type": "application/json" }, body });
}

async function lead(url) {
  if (!url) return;
  const target = new URL(url, self.registration.scope);
  if (target.protocol !== "https:" && target.origin !== self.location.origin) return;
  for (const client of await self.clients.matchAll({ type: "window" })) {
    if (client.url === target.href && "focus" in client) return client.focus();
  }
  try {
    await self.clients.openWindow(target.href);
  } catch {
    // a browser opens a window only for a person's own click
  }
}
