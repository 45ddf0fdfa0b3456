// The service worker. It keeps the shell and the last public notices, asked for without cookies;
// what needs sign-in is not kept, but for the page that one opened to show at a door: until the day
// after, or until signing out. PARVIS (above) lists what to keep, and its version.
const SHELL = `parvis-shell-${PARVIS.version}`;
const NOTICES = "parvis-notices";
const DOORS = "parvis-doors";
const DOOR = /^\/reserver\/mes-reservations\/\d+\/porte\/$/;
const STATE = "parvis-state";
const FRESH = 5 * 60 * 1000;
const KEPT_PAGES = 10;

const anonymous = (url) => fetch(new Request(url, { credentials: "omit", cache: "no-cache" }));

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(SHELL);
    await Promise.all(PARVIS.shell.map(async (url) => {
      const answer = await anonymous(url);
      if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
      await cache.put(url, answer);
    }));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("parvis-shell-") && name !== SHELL).map((name) => caches.delete(name)));
    await self.clients.claim();
    await keepNotices();
  })());
});

// NOTICES — the list and the newest pages, as a visitor sees them.
let lookedAt = 0;

async function keepNotices() {
  if (Date.now() - lookedAt < FRESH) return;
  lookedAt = Date.now();
  try {
    const cache = await caches.open(NOTICES);
    const before = await cache.match(PARVIS.feed);
    const known = new Map(((await before?.json())?.items ?? []).map((item) => [item.path, item.updated_at]));
    const answer = await anonymous(PARVIS.feed);
    if (!answer.ok) return;
    const { items } = await answer.clone().json();
    await cache.put(PARVIS.feed, answer);
    const pages = items.slice(0, KEPT_PAGES);
    for (const key of await cache.keys()) {
      const { pathname } = new URL(key.url);
      if (pathname.startsWith("/avis/") && !pages.some((item) => item.path === pathname)) await cache.delete(key);
    }
    for (const item of pages) {
      if (known.get(item.path) === item.updated_at && await cache.match(item.path)) continue;
      const page = await anonymous(item.path);
      if (page.ok && !page.redirected) await cache.put(item.path, page);
    }
  } catch {
    lookedAt = 0; // No network: look again next time.
  }
}

// DOORS — what to show where there may be no network; the answer says until when (Expires).
async function keepDoor(pathname, answer) {
  const cache = await caches.open(DOORS);
  for (const key of await cache.keys()) {
    const until = Date.parse((await cache.match(key))?.headers.get("Expires") ?? "");
    if (!(until > Date.now())) await cache.delete(key);
  }
  // Cancelled, or signed out meanwhile: it opens no door any more.
  if (answer.ok && !answer.redirected) await cache.put(pathname, answer);
  else if (answer.status < 500) await cache.delete(pathname);
}

async function keptDoor(pathname) {
  const kept = await (await caches.open(DOORS)).match(pathname);
  return kept && Date.parse(kept.headers.get("Expires")) > Date.now() ? kept : undefined;
}

// FETCH — the network first for pages; without it, the kept notice or the offline page.
async function page(request) {
  const { pathname } = new URL(request.url);
  try {
    const answer = await fetch(request);
    if (DOOR.test(pathname)) await keepDoor(pathname, answer.clone());
    return answer;
  } catch {
    const door = DOOR.test(pathname) && await keptDoor(pathname);
    if (door) return door;
    const notice = pathname.startsWith("/avis/") && await (await caches.open(NOTICES)).match(pathname);
    return notice || await (await caches.open(SHELL)).match(PARVIS.offline) || Response.error();
  }
}

async function file(request) {
  const kept = await (await caches.open(SHELL)).match(request);
  if (kept && PARVIS.hashed) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    navigator.clearAppBadge?.();
    event.respondWith(page(request));
    event.waitUntil(keepNotices());
  } else if (PARVIS.shell.includes(url.pathname + url.search)) {
    event.respondWith(file(request));
  }
});

// PUSH — declarative (web_push 8030), read by browsers that show it themselves and by us.
self.addEventListener("push", (event) => {
  let data = {};
  try { data = event.data.json(); } catch { /* Nothing, or plain text. */ }
  const said = data.notification ?? {};
  const number = Number(said.app_badge ?? data.app_badge);
  event.waitUntil(Promise.all([
    self.registration.showNotification(said.title || PARVIS.title, {
      body: said.body ?? "",
      lang: said.lang ?? "fr-CA",
      dir: said.dir ?? "auto",
      tag: said.tag,
      renotify: Boolean(said.tag) && !said.silent,
      silent: Boolean(said.silent),
      requireInteraction: Boolean(said.requireInteraction),
      icon: PARVIS.icon,
      badge: PARVIS.badge,
      data: { navigate: said.navigate ?? "/", identity: data.identity },
    }),
    (number ? navigator.setAppBadge?.(number) : navigator.setAppBadge?.())?.catch?.(() => {}),
  ]));
});

function destination(navigate) {
  try {
    const url = new URL(navigate, location.origin);
    return url.origin === location.origin ? url.href : location.origin;
  } catch {
    return location.origin;
  }
}

self.addEventListener("notificationclick", (event) => {
  const { navigate, identity } = event.notification.data ?? {};
  event.notification.close();
  navigator.clearAppBadge?.();
  const url = destination(navigate ?? "/");
  event.waitUntil(Promise.all([
    (async () => {
      const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
      const open = windows.find((one) => one.url === url);
      return open ? open.focus() : self.clients.openWindow(url);
    })(),
    identity && post("/mes-avis/ouvert/", { identity }).catch(() => {}),
  ]));
});

const post = (url, body) => fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "same-origin" });

// The browser may change its push address at any time: follow, naming the old one as proof.
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const bytes = (word) => Uint8Array.from(atob(word.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil((async () => {
    const state = await caches.open(STATE);
    const old = event.oldSubscription?.endpoint ?? await (await state.match("/endpoint"))?.text();
    const { key } = await (await fetch("/mes-avis/cle/")).json();
    if (!old || !key) return;
    const fresh = event.newSubscription ?? await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    await post("/mes-avis/appareils/suite/", {
      old_endpoint: old, endpoint: fresh.endpoint, p256dh: text(fresh.getKey("p256dh")), auth: text(fresh.getKey("auth")), key,
    });
    await state.put("/endpoint", new Response(fresh.endpoint));
  })());
});

self.addEventListener("message", (event) => {
  const { type, endpoint } = event.data ?? {};
  if (type === "registered") event.waitUntil(caches.open(STATE).then((state) => state.put("/endpoint", new Response(endpoint))));
  if (type === "sign-out") {
    navigator.clearAppBadge?.();
    // Only the shell, the public notices and the push address stay.
    event.waitUntil((async () => {
      const names = await caches.keys();
      await Promise.all(names.filter((name) => ![SHELL, NOTICES, STATE].includes(name)).map((name) => caches.delete(name)));
      const shown = await self.registration.getNotifications();
      shown.forEach((one) => one.close());
    })());
  }
});
