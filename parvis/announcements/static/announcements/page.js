// Sharing and printing: buttons that only scripts can serve, so only scripts show them.
// Told by an event: importing app.js by another address would start it twice.
const toast = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));
const address = () => document.querySelector('link[rel="canonical"]')?.href ?? location.href;

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
for (const button of document.querySelectorAll("[data-share]")) {
  button.hidden = !(navigator.share || navigator.clipboard);
  button.addEventListener("click", async () => {
    try {
      if (navigator.share) return await navigator.share({ title: document.title, url: address() });
      await navigator.clipboard.writeText(address());
      toast("Adresse copiée.");
    } catch (error) {
      if (error.name !== "AbortError") toast(address());
    }
  });
}
