// «Figer»: the figures stop changing while one reads or copies them.
const button = document.querySelector("[data-freeze]");
const block = button && document.getElementById(button.dataset.freeze);

if (block?.dataset.live) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const frozen = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", frozen);
    if (frozen) { block.dataset.liveFrozen = ""; return; }
    delete block.dataset.liveFrozen;
    window.htmx.ajax("GET", block.dataset.liveGet, { source: block, target: block, swap: "innerHTML" });
  });
}
