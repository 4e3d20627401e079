// Moves the charts of the play page as its sliders move. All figures come from the server; nothing is computed here.
"use strict";
(() => {
  const form = document.querySelector("form[data-play]");
  let show = null;
  let running = false;
  let again = false;

  const asked = () => new URLSearchParams(new FormData(form)).toString();

  async function ask() {
    if (running) { again = true; return; }
    running = true;
    const query = asked();
    try {
      const answer = await fetch(`${form.dataset.play}?${query}`, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
      await show(await answer.json());
      history.replaceState(null, "", `?${query}`);
      document.documentElement.dataset.played = query;
    } catch (error) {
      console.error(error);
    } finally {
      running = false;
      if (again) { again = false; ask(); }
    }
  }

  document.addEventListener("andante:drawn", (event) => {
    show = event.detail.show;
    for (const button of form.querySelectorAll("[data-without-script]")) button.hidden = true;
    form.addEventListener("input", ask);
  });
})();
