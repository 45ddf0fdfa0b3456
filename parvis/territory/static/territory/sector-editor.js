// Draws and corrects a sector on a map of our own: no tiles, nothing asked of a third party.
// The form's GeoJSON text is what is sent; this keeps it up to date. Without scripts it stands alone.
const NS = "http://www.w3.org/2000/svg";
const SIZE = { width: 640, height: 480 };
const METRE = 1 / 111_320;
const MOST_SEEN = 400;

function rings(geometry) {
  if (geometry?.type === "Polygon") return geometry.coordinates;
  if (geometry?.type === "MultiPolygon") return geometry.coordinates.flat();
  return [];
}

function crossing([a, b], [c, d]) {
  const side = (p, q, r) => Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

class Editor {
  constructor(box, field) {
    this.box = box;
    this.field = field;
    this.words = box.dataset;
    this.others = JSON.parse(document.getElementById(box.dataset.others).textContent);
    this.past = [];
    this.chosen = { ring: 0, at: 0 };
    this.status = box.querySelector("[data-status]");
    this.svg = document.createElementNS(NS, "svg");
    this.svg.setAttribute("class", "map map-edit");
    this.svg.dataset.tone = "info";
    this.svg.setAttribute("viewBox", `0 0 ${SIZE.width} ${SIZE.height}`);
    this.svg.setAttribute("tabindex", "0");
    this.svg.setAttribute("role", "application");
    this.svg.setAttribute("aria-label", this.words.label);
    this.svg.setAttribute("aria-describedby", "aide-trace");
    box.querySelector("[data-canvas]").append(this.svg);
    this.read();
    this.fit();
    this.field.addEventListener("change", () => { this.keep(); this.read(); this.draw(); });
    box.addEventListener("click", (event) => {
      const deed = event.target.closest("[data-do]")?.dataset.do;
      if (deed) this.do(deed, 1);
    });
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    box.hidden = false;
    this.draw();
  }

  read() {
    try { this.geometry = JSON.parse(this.field.value); } catch { this.geometry = null; }
    if (this.geometry?.type === "Feature") this.geometry = this.geometry.geometry;
    if (!rings(this.geometry).length) this.geometry = null;
    this.chosen = { ring: 0, at: 0 };
  }

  write() { this.field.value = this.geometry ? JSON.stringify(this.geometry) : ""; }

  keep() {
    this.past.push(this.geometry ? JSON.stringify(this.geometry) : "");
    if (this.past.length > 100) this.past.shift();
  }

  fit() {
    const all = [...rings(this.geometry), ...this.others.flatMap((one) => rings(one.geometry))].flat();
    const spots = all.length ? all : [[-71.72, 48.5], [-71.58, 48.58]];
    const [xs, ys] = [spots.map((p) => p[0]), spots.map((p) => p[1])];
    const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    this.centre = [(west + east) / 2, (south + north) / 2];
    this.squeeze = Math.cos((this.centre[1] * Math.PI) / 180);
    this.scale = 0.9 * Math.min(SIZE.width / Math.max((east - west) * this.squeeze, 1e-4), SIZE.height / Math.max(north - south, 1e-4));
  }

  place([lon, lat]) {
    return [SIZE.width / 2 + (lon - this.centre[0]) * this.squeeze * this.scale, SIZE.height / 2 - (lat - this.centre[1]) * this.scale];
  }

  spot(x, y) {
    const round = (v) => Math.round(v * 1e6) / 1e6;
    return [round(this.centre[0] + (x - SIZE.width / 2) / (this.squeeze * this.scale)), round(this.centre[1] - (y - SIZE.height / 2) / this.scale)];
  }

  make(name, attributes) {
    const shape = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    this.svg.append(shape);
    return shape;
  }

  path(geometry) {
    return rings(geometry).map((ring) => `M${ring.slice(0, -1).map((p) => this.place(p).map((v) => v.toFixed(1)).join(",")).join(" ")}Z`).join("");
  }

  draw() {
    this.svg.replaceChildren();
    for (const one of this.others) {
      this.make("path", { class: "m-s", d: this.path(one.geometry) });
      const all = rings(one.geometry)[0] ?? [];
      if (!all.length) continue;
      const middle = [0, 1].map((axis) => all.reduce((sum, p) => sum + p[axis], 0) / all.length);
      const [x, y] = this.place(middle);
      this.make("text", { class: "m-t m-small", x, y }).textContent = one.name;
    }
    if (this.geometry) {
      this.make("path", { class: "m-on", "fill-rule": "evenodd", d: this.path(this.geometry) });
      const seen = [];
      rings(this.geometry).forEach((ring, r) => ring.slice(0, -1).forEach((p, at) => {
        const [x, y] = this.place(p);
        if (x > -20 && y > -20 && x < SIZE.width + 20 && y < SIZE.height + 20) seen.push([r, at, x, y]);
      }));
      this.hidden = seen.length > MOST_SEEN;
      for (const [r, at, cx, cy] of this.hidden ? [] : seen) {
        const now = r === this.chosen.ring && at === this.chosen.at;
        this.make("circle", { class: now ? "m-v m-now" : "m-v", cx, cy, r: now ? 11 : 8, "data-ring": r, "data-at": at });
      }
    }
    this.box.querySelectorAll("[data-do]").forEach((button) => {
      const deed = button.dataset.do;
      if (deed === "start") button.disabled = Boolean(this.geometry);
      else if (deed === "undo") button.disabled = !this.past.length;
      else if (!["in", "out", "fit"].includes(deed)) button.disabled = !this.geometry;
    });
    this.say();
  }

  say(text) {
    if (text) { this.status.textContent = text; return; }
    const ring = rings(this.geometry)[this.chosen.ring];
    if (!ring) { this.status.textContent = this.words.none; return; }
    const [lon, lat] = ring[this.chosen.at];
    const shown = (v) => Math.abs(v).toFixed(5).replace(".", document.documentElement.lang.startsWith("en") ? "." : ",");
    let words = this.words.vertex.replace("%n", this.chosen.at + 1).replace("%all", ring.length - 1)
      .replace("%lat", `${shown(lat)}° N`).replace("%lon", `${shown(lon)}° O`);
    if (this.crossed(ring)) words = `${this.words.crossed} ${words}`;
    if (this.hidden) words += ` ${this.words.many}`;
    this.status.textContent = words;
  }

  /** Whether the two sides at the chosen vertex cross another; the server checks the whole. */
  crossed(ring) {
    const count = ring.length - 1;
    const sides = [(this.chosen.at + count - 1) % count, this.chosen.at];
    return sides.some((one) => ring.slice(0, -1).some((_p, other) => crossing([ring[one], ring[one + 1]], [ring[other], ring[other + 1]])));
  }

  move(spot) {
    const ring = rings(this.geometry)[this.chosen.ring];
    ring[this.chosen.at] = spot;
    // The first point of a ring is also its last.
    if (this.chosen.at === 0) ring[ring.length - 1] = [...spot];
    this.write();
    this.draw();
  }

  do(deed, steps) {
    const ring = rings(this.geometry)[this.chosen.ring];
    const stride = 8 * steps / this.scale;
    const ways = { north: [0, 1], south: [0, -1], east: [1 / this.squeeze, 0], west: [-1 / this.squeeze, 0] };
    if (deed === "start" && !this.geometry) {
      this.keep();
      const third = 0.15;
      const at = [[1, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]].map(([x, y]) => this.spot(SIZE.width * (0.5 - x * third), SIZE.height * (0.5 - y * third)));
      this.geometry = { type: "Polygon", coordinates: [at] };
      this.chosen = { ring: 0, at: 0 };
      this.write();
      this.svg.focus();
    } else if (deed === "undo" && this.past.length) {
      const text = this.past.pop();
      this.geometry = text ? JSON.parse(text) : null;
      const again = rings(this.geometry)[this.chosen.ring];
      if (!again || this.chosen.at >= again.length - 1) this.chosen = { ring: 0, at: 0 };
      this.write();
    } else if (deed === "in" || deed === "out") {
      if (ring) this.centre = [...ring[this.chosen.at]];
      this.scale = Math.min(Math.max(this.scale * (deed === "in" ? 1.6 : 0.625), 20), 1 / METRE);
    } else if (deed === "fit") this.fit();
    else if (!ring) return;
    else if (deed === "next" || deed === "prev") {
      const all = rings(this.geometry).flatMap((r, i) => r.slice(0, -1).map((_p, at) => ({ ring: i, at })));
      const now = all.findIndex((one) => one.ring === this.chosen.ring && one.at === this.chosen.at);
      this.chosen = all[(now + (deed === "next" ? 1 : all.length - 1)) % all.length];
      const [x, y] = this.place(rings(this.geometry)[this.chosen.ring][this.chosen.at]);
      if (x < 0 || y < 0 || x > SIZE.width || y > SIZE.height) this.centre = [...rings(this.geometry)[this.chosen.ring][this.chosen.at]];
    } else if (deed === "add") {
      this.keep();
      const [from, to] = [ring[this.chosen.at], ring[this.chosen.at + 1]];
      ring.splice(this.chosen.at + 1, 0, [0, 1].map((axis) => Math.round((from[axis] + to[axis]) * 5e5) / 1e6));
      this.chosen.at += 1;
      this.write();
    } else if (deed === "remove") {
      if (ring.length <= 4) { this.say(this.words.few); return; }
      this.keep();
      ring.splice(this.chosen.at, 1);
      if (this.chosen.at === 0) ring[ring.length - 1] = [...ring[0]];
      this.chosen.at = Math.min(this.chosen.at, ring.length - 2);
      this.write();
    } else if (ways[deed]) {
      this.keep();
      const [lon, lat] = ring[this.chosen.at];
      this.move([lon + ways[deed][0] * stride, lat + ways[deed][1] * stride].map((v) => Math.round(v * 1e6) / 1e6));
      return;
    }
    this.draw();
  }

  key(event) {
    const keys = {
      ArrowUp: "north", ArrowDown: "south", ArrowLeft: "west", ArrowRight: "east", n: "next", p: "prev",
      a: "add", Insert: "add", Delete: "remove", Backspace: "remove", z: "undo", "+": "in", "=": "in", "-": "out",
    };
    const deed = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!deed || event.altKey || event.metaKey || (event.ctrlKey && deed !== "undo")) return;
    event.preventDefault();
    this.do(deed, event.shiftKey ? 5 : 1);
  }

  press(event) {
    const inside = (e) => {
      const frame = this.svg.getBoundingClientRect();
      return [((e.clientX - frame.left) / frame.width) * SIZE.width, ((e.clientY - frame.top) / frame.height) * SIZE.height];
    };
    const vertex = event.target.closest(".m-v");
    let last = inside(event);
    if (vertex) {
      this.chosen = { ring: Number(vertex.dataset.ring), at: Number(vertex.dataset.at) };
      this.keep();
      this.draw();
    }
    this.svg.setPointerCapture(event.pointerId);
    const moved = (e) => {
      const [x, y] = inside(e);
      if (vertex) this.move(this.spot(x, y));
      else {
        this.centre = [this.centre[0] - (x - last[0]) / (this.squeeze * this.scale), this.centre[1] + (y - last[1]) / this.scale];
        this.draw();
      }
      last = [x, y];
    };
    this.svg.addEventListener("pointermove", moved);
    const done = () => {
      this.svg.removeEventListener("pointermove", moved);
      if (vertex && this.past.at(-1) === JSON.stringify(this.geometry)) this.past.pop();
      this.draw();
    };
    this.svg.addEventListener("pointerup", done, { once: true });
    this.svg.addEventListener("pointercancel", done, { once: true });
  }
}

for (const box of document.querySelectorAll("[data-sector-editor]")) {
  const field = document.getElementById(box.dataset.sectorEditor);
  if (field) new Editor(box, field);
}
