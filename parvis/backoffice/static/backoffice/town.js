// The settings page: the colour as it is chosen, the crest before it is sent, what has changed.
const brand = document.getElementById("id_brand");
const picker = document.querySelector("[data-picker]");
const isColour = (text) => /^#[0-9a-f]{6}$/i.test(text);

function paint() {
  // Set through the object model: the page's policy forbids style attributes, not this.
  document.querySelectorAll("[data-brand]").forEach((side) => side.style.setProperty("--brand", side.dataset.brand));
}

if (picker && brand) {
  picker.hidden = false;
  picker.addEventListener("input", () => {
    brand.value = picker.value;
    brand.dispatchEvent(new Event("input", { bubbles: true }));
  });
  brand.addEventListener("input", () => { if (isColour(brand.value)) picker.value = brand.value.toLowerCase(); });
}
document.addEventListener("htmx:afterSettle", paint);
paint();

const crest = document.getElementById("id_crest");
crest?.addEventListener("change", () => {
  const place = document.querySelector("[data-crest]");
  if (!place || !crest.files[0]) return;
  const image = Object.assign(document.createElement("img"), { className: "crest", alt: "" });
  image.src = URL.createObjectURL(crest.files[0]);
  place.replaceChildren(image);
});

const said = document.querySelector("[data-changes]");
const fields = [...document.querySelectorAll('[form="reglages"][name]')];
const before = (field) =>
  field.type === "checkbox" ? field.checked === field.defaultChecked
  : field.type === "file" ? !field.files.length
  : field.options ? [...field.options].every((one) => one.selected === one.defaultSelected || !field.querySelector("[selected]"))
  : field.value === field.defaultValue;

function tell() {
  const changed = fields.filter((field) => !before(field));
  const names = changed.map((field) => field.labels?.[0]?.textContent.trim().replace(/\s*\(.*\)$/, "").toLowerCase()).filter(Boolean);
  const { none, one, many } = said.dataset;
  said.textContent = !changed.length ? none : `${changed.length === 1 ? one : `${changed.length}\u00a0${many}`} ${names.join(", ")}`;
}
document.addEventListener("input", tell);
document.addEventListener("change", tell);
