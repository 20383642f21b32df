(() => {
  "use strict";

  // Whether news of rounds is coming in, for the dot beside them.
  const region = document.getElementById("live");
  if (!region) return;
  const streaming = (is) => region.classList.toggle("streaming", is);
  region.addEventListener("htmx:sse:after:message", () => streaming(true));
  region.addEventListener("htmx:sse:error", () => streaming(false));
  region.addEventListener("htmx:sse:close", () => streaming(false));
})();
