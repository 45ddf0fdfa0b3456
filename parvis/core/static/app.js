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

// One stream for all that the page watches: browsers open six connections to a host, all told.
let stream = null, watched = "";

function listen() {
  const links = [...new Set([...document.querySelectorAll("[data-live]")].map((block) => block.dataset.live))];
  const all = links.join(" ");
  if (stream && stream.readyState !== EventSource.CLOSED && all === watched) return;
  const before = stream;
  watched = all;
  stream = null;
  if (!links.length) { before?.close(); return; }
  const now = new EventSource("/live/?" + links.map((link) => link.split("?")[1]).join("&"));
  stream = now;
  const again = (of) => of.forEach((link) => document.querySelectorAll(`[data-live="${CSS.escape(link)}"]`).forEach(lookAgain));
  now.addEventListener("look", ({ lastEventId }) => again(lastEventId.split(",").map((nth) => links[nth])));
  let opened = false;
  now.addEventListener("open", () => {
    before?.close();
    // After a break something may have been missed.
    if (opened) again(links);
    opened = true;
  });
  now.addEventListener("error", () => before?.close());
}

function hush() { stream?.close(); stream = null; watched = ""; }

function settle(root) {
  listen();
  root.querySelector("[data-focus]")?.focus();
}

document.addEventListener("htmx:afterSettle", ({ target }) => settle(target));
document.addEventListener("htmx:sendError", () => toast(document.documentElement.lang.startsWith("en") ? "You are offline. Try again." : "Vous êtes hors ligne. Réessayez."));
addEventListener("pagehide", hush);
addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
// A page in the background listens to nothing.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { hush(); return; }
  listen();
  document.querySelectorAll("[data-live]").forEach(lookAgain);
});

settle(document);

const worker = meta("parvis-sw");
if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker).catch(() => {});
