"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const { config, charts } = read("chart-data");
  const options = {
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    ast: true, // expressions are interpreted, so the page's policy needs no eval
    defaultStyle: false,
    config,
    tooltip: { disableDefaultStyle: true },
  };
  const views = {};

  const draw = async (element) => {
    const name = element.dataset.chart;
    try {
      views[name] = (await vegaEmbed(element, charts[name], options)).view;
    } catch (error) {
      console.error(name, error);
      element.closest("figure").classList.add("failed");
    }
  };

  const slide = () => {
    const slider = document.getElementById("budget");
    if (!slider) return;
    const readouts = read("budget-data");
    const show = () => {
      const now = readouts[Number(slider.value)];
      for (const element of document.querySelectorAll("[data-readout]")) {
        element.textContent = now[element.dataset.readout];
      }
      slider.setAttribute("aria-valuetext", now.value);
      slider.style.setProperty("--at", `${(100 * slider.value) / Math.max(slider.max, 1)}%`);
      for (const [name, view] of Object.entries(views)) {
        if (name.startsWith("budget-")) view.signal("budget", now.budget).runAsync();
      }
    };
    slider.addEventListener("input", show);
    show();
  };

  const follow = () => {
    const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
    const mark = (entries) => {
      for (const entry of entries.filter((e) => e.isIntersecting)) {
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    };
    const observer = new IntersectionObserver(mark, { rootMargin: "-10% 0px -80% 0px" });
    for (const section of document.querySelectorAll("main section[id]")) observer.observe(section);
  };

  const start = async () => {
    for (const element of document.querySelectorAll("[data-chart]")) await draw(element);
    slide();
    follow();
    document.documentElement.dataset.charts = "drawn";
  };
  start();
})();
