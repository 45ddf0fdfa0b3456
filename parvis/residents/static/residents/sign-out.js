// At sign-out: ask about emergencies only where this device receives pushes, and drop what our
// caches hold of the person. The worker itself and its push subscription stay.
const form = document.getElementById("sortie");
const box = form?.querySelector("[data-device]");

const registration = await navigator.serviceWorker?.getRegistration().catch(() => null);
const subscription = await registration?.pushManager?.getSubscription().catch(() => null);
if (subscription && box) {
  for (const input of box.querySelectorAll("input")) input.disabled = false;
  box.querySelector("[name=device]").value = subscription.endpoint;
  box.hidden = false;
}

form?.addEventListener("submit", () => {
  registration?.active?.postMessage({ type: "sign-out" });
  // Without a worker in charge the page drops them itself.
  if ("caches" in window) {
    caches.keys().then((names) => names.filter((name) => name.startsWith("personal")).forEach((name) => caches.delete(name)));
  }
});
