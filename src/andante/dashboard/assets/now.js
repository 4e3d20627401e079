// The pause button of the list of latest decisions: while it is pressed, live.js does not find the list.
"use strict";
(() => {
  for (const button of document.querySelectorAll("[data-pauses]")) {
    const list = document.querySelector(`[data-html="${CSS.escape(button.dataset.pauses)}"]`);
    button.hidden = false;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const paused = list.hasAttribute("data-html");
      if (paused) list.removeAttribute("data-html");
      else list.setAttribute("data-html", button.dataset.pauses);
      button.setAttribute("aria-pressed", String(paused));
      button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    });
  }
})();
