// The page of an alert looks again by itself when the alert changes. Without script, it still reads.
const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const block = document.querySelector("[data-look]");

async function again() {
  // What somebody is writing is theirs: the page waits until they are done.
  if (block.contains(document.activeElement) && document.activeElement.matches("input, textarea")) {
    setTimeout(again, 3000);
    return;
  }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = fresh.querySelector("[data-look]");
  if (!part || part.textContent === block.textContent) return;
  block.replaceChildren(...part.childNodes);
  document.title = fresh.title;
  document.getElementById("annonce").textContent = block.dataset.say;
}

if (block?.dataset.look) {
  const stream = new EventSource(block.dataset.look);
  let opened = false;
  const soon = () => setTimeout(() => again().catch(() => {}), Math.random() * 400);
  stream.addEventListener("look", soon);
  // After a break something may have been missed.
  stream.addEventListener("open", () => { if (opened) soon(); opened = true; });
  addEventListener("pagehide", () => stream.close());
}
