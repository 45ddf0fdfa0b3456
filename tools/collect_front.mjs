// Copies what the pages need from node_modules into parvis/core/static/vendor, which is not in git.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const from = (path) => `${root}node_modules/${path}`;
const at = `${root}parvis/core/static/vendor/`;
const font = "@fontsource-variable/atkinson-hyperlegible-next";

function symbol(name) {
  const svg = readFileSync(from(`lucide-static/icons/${name}.svg`), "utf8");
  const shapes = svg.replace(/<!--[^]*?-->/g, "").replace(/^[^]*?<svg[^]*?>/, "").replace(/<\/svg>\s*$/, "");
  const inner = shapes.replace(/\s+/g, " ").replace(/> </g, "><").replace(/ \/>/g, "/>").trim();
  return `<symbol id="i-${name}" viewBox="0 0 24 24">${inner}</symbol>`;
}

rmSync(at, { recursive: true, force: true });
mkdirSync(at, { recursive: true });

copyFileSync(from("htmx.org/dist/htmx.min.js"), `${at}htmx.min.js`);
for (const subset of ["latin", "latin-ext"]) {
  const file = `atkinson-hyperlegible-next-${subset}-wght-normal.woff2`;
  copyFileSync(from(`${font}/files/${file}`), `${at}atkinson-${subset}.woff2`);
}
for (const [name, licence] of [["htmx", "htmx.org"], ["atkinson", font], ["lucide", "lucide-static"]]) {
  copyFileSync(from(`${licence}/LICENSE`), `${at}${name}.LICENSE`);
}

const names = readFileSync(`${root}parvis/core/static/icons.txt`, "utf8").split(/\s+/).filter(Boolean);
const sprite = [...new Set(names)].sort().map(symbol).join("\n");
writeFileSync(
  `${at}icons.svg`,
  `<svg xmlns="http://www.w3.org/2000/svg"><!-- Lucide, ISC licence -->\n${sprite}\n</svg>\n`,
);
console.log(`${names.length} icons, two fonts and htmx in parvis/core/static/vendor`);
