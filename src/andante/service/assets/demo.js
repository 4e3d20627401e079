// The demo page: follows one user, shows each push, and reports what is done with it. For a server without keys.
import { follow, subscribe } from "/demo/feed.js";

const at = (id) => document.getElementById(id);
const json = async (method, path, body) => {
  const answer = await fetch(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
};
let line = null, asked = 0;

function show(entry) {
  const { content, decision_id } = entry.push;
  const item = document.createElement("li");
  item.dataset.decision = decision_id;
  item.dataset.id = entry.id;
  const title = document.createElement("h2"), body = document.createElement("p");
  title.textContent = content.title; // never as HTML
  body.textContent = content.body || "";
  item.append(title, body);
  for (const [type, label] of [["clicked", "Open"], ["dismissed", "Dismiss"], ["not_interested", "Not for me"]]) {
    const button = document.createElement("button");
    button.textContent = label;
    button.dataset.outcome = type;
    button.onclick = async () => {
      await line.report(entry, type);
      item.dataset.done = type;
      if (type !== "clicked") item.hidden = true;
      else if (content.url && /^https?:/.test(content.url)) window.open(content.url, "_blank", "noopener");
    };
    item.append(button, " ");
  }
  at("pushes").prepend(item);
}

at("who").onsubmit = (event) => {
  event.preventDefault();
  if (line) line.close();
  at("pushes").replaceChildren();
  const user_id = at("user").value;
  line = follow({
    name: user_id + ":" + at("transport").value,
    transport: at("transport").value,
    ticket: async () => (await json("POST", "/v1/tickets", { user_id })).ticket,
    onPush: show,
    onState: (state) => { at("state").textContent = state; },
  });
  at("ask").disabled = at("notify").disabled = false;
};

at("ask").onclick = async () => {
  const user = at("user").value;
  try {
    await json("PUT", `/v1/users/${encodeURIComponent(user)}/preferences`, { consent: { in_app: true } });
    await json("PUT", "/v1/messages/demo", { kind: "campaign", message: { title: "Hello", body: "This is a push." } });
    const candidate = { candidate_id: `demo-${Date.now()}-${asked++}`, campaign_id: "demo", category: "demo", channel: "in_app" };
    const decision = await json("POST", "/v1/decisions", { user_id: user, candidates: [candidate] });
    at("said").textContent = `${decision.action}: ${decision.reasons.join(", ")}`;
  } catch (error) {
    at("said").textContent = error.message;
  }
};

at("notify").onclick = async () => {
  try {
    if ((await Notification.requestPermission()) !== "granted") throw new Error("the browser does not allow it");
    const { vapid_public_key } = await (await fetch("/demo/settings.json")).json();
    if (!vapid_public_key) throw new Error("this server has no Web Push configured");
    const subscription = await subscribe("/demo/worker.js", vapid_public_key);
    const user = at("user").value;
    await json("PUT", `/v1/users/${encodeURIComponent(user)}/addresses`,
      { channel: "push", provider: "web_push", value: subscription.toJSON() });
    at("said").textContent = "this browser can be reached now";
  } catch (error) {
    at("said").textContent = error.message;
  }
};
