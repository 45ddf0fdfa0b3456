// «Appareils avec l’appli»: asks for permission only when the button is pressed.
// Shown by app.js; imported, it would run a second time under its other, hashed address.
const toast = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));
const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const apple = /iPhone|iPad/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
const installed = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function fingerprint(endpoint) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

async function current() {
  const worker = await navigator.serviceWorker.getRegistration();
  return worker ? worker.pushManager.getSubscription() : null;
}

/** Shows what this browser can do now, and which line is this very device. */
async function show(block) {
  const part = (name) => block.querySelector(`[data-push-${name}]`);
  if (apple && !installed) part("iphone").open = true;
  if (!able || !block.dataset.pushKey) return;
  const subscription = await current().catch(() => null);
  const hash = subscription && await fingerprint(subscription.endpoint);
  const line = hash && block.querySelector(`[data-endpoint="${hash}"]`);
  if (line) line.querySelector("[data-push-this]").hidden = false;
  const denied = Notification.permission === "denied";
  part("denied").hidden = !denied;
  part("offer").hidden = denied || Boolean(line);
}

async function subscribe(block) {
  const key = block.dataset.pushKey;
  const worker = await navigator.serviceWorker.ready;
  let subscription = await worker.pushManager.getSubscription();
  // The town may have changed its key since: the push service would refuse ours.
  const held = subscription?.options?.applicationServerKey;
  if (subscription && held && text(held) !== key) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  // Kept by the worker: it names the old address when the browser changes it.
  worker.active?.postMessage({ type: "registered", endpoint: subscription.endpoint });
  return fetch(block.dataset.pushUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token(), "HX-Request": "true" },
    body: JSON.stringify({
      endpoint: subscription.endpoint,
      p256dh: text(subscription.getKey("p256dh")),
      auth: text(subscription.getKey("auth")),
      key,
    }),
  });
}

async function enable(block, button) {
  button.disabled = true;
  try {
    if (await Notification.requestPermission() === "granted") {
      const answer = await subscribe(block);
      if (answer.ok || answer.status === 422) {
        const made = document.createRange().createContextualFragment(await answer.text());
        const fresh = made.querySelector("[data-push]");
        if (!fresh) throw new Error(answer.status);
        block.replaceWith(fresh);
        window.htmx.process(fresh);
        settle(fresh);
        if (answer.ok) toast(fresh.dataset.pushDone);
        return;
      }
      throw new Error(answer.status);
    }
    await show(block);
  } catch {
    block.querySelector("[data-push-failed]").hidden = false;
  } finally {
    button.disabled = false;
  }
}

function settle(block) {
  block.dataset.settled = "";
  block.querySelector("[data-push-on]").addEventListener("click", ({ currentTarget }) => enable(block, currentTarget));
  show(block);
}

document.querySelectorAll("[data-push]").forEach(settle);
document.addEventListener("htmx:afterSettle", () => {
  const block = document.querySelector("[data-push]:not([data-settled])");
  if (block) settle(block);
});
