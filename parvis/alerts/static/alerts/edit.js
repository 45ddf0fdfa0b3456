// The sectors that are ticked are hatched on the map, as the page would show them.
const map = document.querySelector("[data-area] svg.map");
const everywhere = document.getElementById("id_everywhere");

function hatch(path, on) {
  path.classList.toggle("m-on", on);
  path.classList.toggle("m-s", !on);
  const drawn = path.nextElementSibling;
  const hatched = drawn?.dataset.hatch === path.dataset.sector;
  if (on && !hatched) {
    const lines = path.cloneNode();
    lines.removeAttribute("class");
    delete lines.dataset.sector;
    lines.dataset.hatch = path.dataset.sector;
    lines.setAttribute("fill", "url(#zone-hatch)");
    path.after(lines);
  } else if (!on && hatched) drawn.remove();
}

function show() {
  for (const box of document.querySelectorAll('input[name="sectors"]')) {
    const path = map.querySelector(`[data-sector="${CSS.escape(box.value)}"]`);
    if (path) hatch(path, box.checked || everywhere.checked);
  }
}

if (map && everywhere) {
  document.getElementById("editeur").addEventListener("change", show);
  show();
}
