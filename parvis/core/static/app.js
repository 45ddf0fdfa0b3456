// What a page gains when scripts run. Every page works without it.
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content;

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const token = meta("csrf-token");
  if (token && detail.verb !== "get") detail.headers["X-CSRFToken"] = token;
});

/** Says a sentence to screen readers, at most one every ten seconds: the last one wins. */
let said = 0, waiting = 0;
export function announce(text) {
  const region = document.getElementById("annonce");
  if (!region || !text) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => { said = Date.now(); region.textContent = text; }, Math.max(100, said + 10000 - Date.now()));
}

/** Shows what was done; the server sends it as HX-Trigger {"toast": "…"}. */
export function toast(text) {
  document.querySelector(".toast[data-made]")?.remove();
  const box = Object.assign(document.createElement("div"), { className: "toast", textContent: text });
  box.dataset.made = "";
  box.setAttribute("role", "status");
  document.body.append(box);
  setTimeout(() => box.remove(), 8000);
}
document.addEventListener("toast", ({ detail }) => toast(detail.value ?? detail));

// LIVE — <div data-live="/live/…" data-live-get="/fragment/" data-live-say="…">: one EventSource
// for each address, however many blocks look at it. An event says «look again»; the delay keeps
// ten thousand screens from asking at the same instant.
const streams = new Map();

/** Gives the focus back after a swap: to the same link or field, or to the block itself. */
function holdFocus(block) {
  const at = document.activeElement;
  if (!at || at === block || !block.contains(at)) return () => {};
  const href = at.getAttribute("href");
  const name = at.id ? `#${CSS.escape(at.id)}` : href ? `a[href="${CSS.escape(href)}"]` : at.name ? `[name="${CSS.escape(at.name)}"]` : at.localName;
  const nth = [...block.querySelectorAll(name)].indexOf(at);
  return () => {
    if (document.activeElement !== document.body) return;
    const same = block.querySelectorAll(name);
    const next = same[nth] ?? same[0];
    if (!next) block.tabIndex = -1;
    (next ?? block).focus({ preventScroll: true });
  };
}

function lookAgain(block) {
  if (block.dataset.liveFrozen !== undefined || block.pending) return;
  block.pending = setTimeout(async () => {
    block.pending = 0;
    if (!block.isConnected) return;
    let giveBack = () => {};
    // Measured at the swap itself: the person may move on while the answer is under way.
    block.addEventListener("htmx:beforeSwap", () => { giveBack = holdFocus(block); }, { once: true });
    block.addEventListener("htmx:afterSwap", () => giveBack(), { once: true });
    await window.htmx.ajax("GET", block.dataset.liveGet, { source: block, target: block, swap: block.dataset.liveSwap || "innerHTML" });
    announce(block.dataset.liveSay);
  }, Math.random() * 400);
}

function listen(root) {
  const blocks = [...root.querySelectorAll("[data-live]")];
  if (root.matches?.("[data-live]")) blocks.push(root);
  for (const { dataset: { live } } of blocks) {
    if (streams.has(live)) continue;
    const stream = new EventSource(live);
    streams.set(live, stream);
    let opened = false;
    const again = () => {
      const watching = document.querySelectorAll(`[data-live="${CSS.escape(live)}"]`);
      if (!watching.length) { stream.close(); streams.delete(live); }
      watching.forEach(lookAgain);
    };
    stream.addEventListener("message", again);
    stream.addEventListener("look", again);
    // After a break something may have been missed.
    stream.addEventListener("open", () => { if (opened) again(); opened = true; });
  }
}

function settle(root) {
  listen(root);
  root.querySelector("[data-focus]")?.focus();
}

document.addEventListener("htmx:afterSettle", ({ target }) => settle(target));
document.addEventListener("htmx:sendError", () => toast(document.documentElement.lang.startsWith("en") ? "You are offline. Try again." : "Vous êtes hors ligne. Réessayez."));
addEventListener("pagehide", () => { streams.forEach((stream) => stream.close()); streams.clear(); });
addEventListener("pageshow", (event) => { if (event.persisted) listen(document); });
// A page in the background listens to nothing: browsers open six connections to a host, all told.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { streams.forEach((stream) => stream.close()); streams.clear(); return; }
  listen(document);
  document.querySelectorAll("[data-live]").forEach(lookAgain);
});

settle(document);

const worker = meta("parvis-sw");
if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker).catch(() => {});
