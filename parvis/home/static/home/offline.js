// The page without network: lists the public notices that the service worker kept.
const list = document.querySelector("[data-notices]");
const cache = "caches" in window ? await caches.open("parvis-notices") : null;
const feed = cache && (await cache.keys()).find(({ url }) => new URL(url).pathname.startsWith("/api/"));
const { items = [] } = feed ? await (await cache.match(feed)).json() : {};
const kept = new Set(cache ? (await cache.keys()).map(({ url }) => new URL(url).pathname) : []);
const when = new Intl.DateTimeFormat("fr-CA", { day: "numeric", month: "long", hour: "numeric", minute: "2-digit" });

for (const item of items) {
  const line = document.querySelector("[data-notice]").content.firstElementChild.cloneNode(true);
  const title = line.querySelector("h3");
  if (kept.has(item.path)) {
    const link = Object.assign(document.createElement("a"), { href: item.path, textContent: item.title });
    title.replaceChildren(link);
  } else title.textContent = item.title;
  line.querySelector("[data-summary]").textContent = item.summary;
  const time = line.querySelector("time");
  time.dateTime = item.published_at;
  time.textContent = when.format(new Date(item.published_at));
  line.querySelector("[data-standing]").hidden = !item.in_force;
  list.append(line);
}
document.querySelector("[data-some]").hidden = !items.length;
document.querySelector("[data-none]").hidden = Boolean(items.length);
document.querySelector("[data-again]")?.addEventListener("click", () => location.reload());
addEventListener("online", () => location.reload());
