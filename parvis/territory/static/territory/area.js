// Draw an area on the map of the sectors, by pointer or by keyboard; the field holds its GeoJSON.
const box = document.querySelector("[data-area]");
const field = document.getElementById("id_area");
const SVG = "http://www.w3.org/2000/svg";

if (box && field) {
  const map = box.querySelector("svg");
  const { west, north, left, top, scale, squeeze, label, said, undo, clear } = box.dataset;
  const units = { west: +west, north: +north, left: +left, top: +top, scale: +scale, squeeze: +squeeze };
  const toDegrees = ([x, y]) => [
    +(units.west + (x - units.left) / (units.squeeze * units.scale)).toFixed(6),
    +(units.north - (y - units.top) / units.scale).toFixed(6),
  ];
  const toUnits = ([longitude, latitude]) => [
    units.left + (longitude - units.west) * units.squeeze * units.scale,
    units.top + (units.north - latitude) * units.scale,
  ];
  let points = [];
  try {
    const given = JSON.parse(field.value || "null");
    if (given?.type === "Polygon") points = given.coordinates[0].slice(0, -1).map(toUnits);
  } catch { points = []; }

  const make = (name, classes) => {
    const made = document.createElementNS(SVG, name);
    made.setAttribute("class", classes);
    map.append(made);
    return made;
  };
  const shape = make("polygon", "m-on m-drawn");
  const sight = make("path", "m-sight");
  sight.setAttribute("d", "M-14 0H14M0-14V14");
  let aim = [map.viewBox.baseVal.width / 2, map.viewBox.baseVal.height / 2];

  // The picture becomes a tool: its sentence stays below, its label says how it is used.
  map.setAttribute("role", "application");
  map.setAttribute("aria-label", label);
  map.setAttribute("tabindex", "0");
  const status = Object.assign(document.createElement("p"), { className: "meta" });
  status.setAttribute("role", "status");
  const row = Object.assign(document.createElement("div"), { className: "row" });
  const button = (words, deed) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: words });
    made.addEventListener("click", () => { deed(); draw(true); });
    row.append(made);
  };
  button(undo, () => points.pop());
  button(clear, () => { points = []; });
  box.append(row, status);

  function draw(changed) {
    shape.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    sight.setAttribute("transform", `translate(${aim.join(",")})`);
    status.textContent = points.length ? `${points.length} ${said}` : "";
    if (!changed) return;
    const ring = points.map(toDegrees);
    field.value = points.length > 2 ? JSON.stringify({ type: "Polygon", coordinates: [[...ring, ring[0]]] }) : "";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  map.addEventListener("click", (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    aim = [Math.round(place.x), Math.round(place.y)];
    points.push(aim);
    draw(true);
  });
  map.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 2 : 16;
    const [x, y] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
    if (x || y) aim = [aim[0] + x, aim[1] + y];
    else if (event.key === "Enter" || event.key === " ") points.push([...aim]);
    else if (event.key === "Backspace") points.pop();
    else return;
    event.preventDefault();
    draw(!(x || y));
  });
  draw(false);
}
