// The editor: Markdown tools and shortcuts, a counter that keeps pace, and no saving over a colleague.
const text = document.getElementById("id_text");
const tools = document.querySelector("[data-tools]");

function put(words, from, to) {
  text.focus();
  text.setSelectionRange(from, to);
  // This way the browser's own undo knows of it; elsewhere the words are put in plainly.
  if (!document.execCommand("insertText", false, words)) {
    text.setRangeText(words, from, to, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function around(mark, sample) {
  const { selectionStart: from, selectionEnd: to, value } = text;
  const inside = value.slice(from, to) || sample;
  put(mark + inside + mark, from, to);
  text.setSelectionRange(from + mark.length, from + mark.length + inside.length);
}

function lines(prefix) {
  const { value } = text;
  const from = value.lastIndexOf("\n", text.selectionStart - 1) + 1;
  const next = value.indexOf("\n", text.selectionEnd);
  const to = next < 0 ? value.length : next;
  const marked = value.slice(from, to).split("\n").map((line, place) => prefix(place) + line).join("\n");
  const apart = from > 0 && value[from - 2] !== "\n" ? "\n" : "";
  put(apart + marked, from, to);
}

const deeds = {
  h: () => lines(() => "## "),
  b: () => around("**", "mots importants"),
  i: () => around("*", "mots"),
  ul: () => lines(() => "- "),
  ol: () => lines((place) => `${place + 1}. `),
  a: () => {
    const { selectionStart: from, selectionEnd: to, value } = text;
    const words = value.slice(from, to) || "texte du lien";
    put(`[${words}](https://)`, from, to);
    const place = from + words.length + 3;
    text.setSelectionRange(place, place + 8);
  },
  undo: () => { text.focus(); document.execCommand("undo"); },
};

if (text && tools) {
  tools.hidden = false;
  const buttons = [...tools.querySelectorAll("button")];
  buttons.forEach((button, place) => {
    button.tabIndex = place ? -1 : 0;
    button.addEventListener("click", () => deeds[button.dataset.md]());
  });
  tools.addEventListener("keydown", (event) => {
    const here = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    const deed = { b: "b", i: "i", k: "a" }[event.key.toLowerCase()];
    if (deed) { event.preventDefault(); deeds[deed](); }
  });
}

const title = document.getElementById("id_title");
title?.addEventListener("input", () => {
  const counter = document.getElementById("compte-titre");
  if (counter) counter.textContent = counter.textContent.replace(/^\d+/, [...title.value].length);
});

// Once a colleague has written, nothing more is saved from this page: it would only be refused again.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches?.("[data-autosave]") && document.querySelector("#etat[data-stop]")) event.preventDefault();
});

// Without an answer (network, database) the words stay here: say so, and ask again until they are kept.
const keeper = document.querySelector("[data-autosave]");
let again = 0, unkept = false;
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (target !== keeper) return;
  clearTimeout(again);
  const { status } = detail.xhr;
  unkept = status === 0 || status >= 500;
  if (!unkept) return;
  document.getElementById("etat")?.replaceChildren(document.getElementById("sans-reponse").content.cloneNode(true));
  again = setTimeout(() => window.htmx.trigger(keeper, "again"), 3000);
});
addEventListener("beforeunload", (event) => { if (unkept) event.preventDefault(); });
