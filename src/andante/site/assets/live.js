// Draws the charts of a page, and keeps figures live: a page says where with <main data-live="/path" data-every="1000">.
// What is polled is JSON: {"texts": {name: text}, "html": {name: HTML of our own server}, "charts": {name: {"values", "says", "table"}}}.
"use strict";
(() => {
  const OPTIONS = {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false,
    logLevel: 1, // errors alone: a chart without data yet is none
    tooltip: { disableDefaultStyle: true },
  };
  const views = new Map();
  const rowsPx = new Map(); // of charts that are as high as they have rows

  const all = (name) => document.querySelectorAll(`[${name}]`);

  async function draw(element, config) {
    const name = element.dataset.chart;
    const spec = JSON.parse(document.querySelector(`[data-spec="${CSS.escape(name)}"]`).textContent);
    const says = element.getAttribute("aria-label");
    try {
      const { view } = await vegaEmbed(element, spec, { ...OPTIONS, config });
      view.cleanThreshold = 100; // of items that have left, Vega would keep ten thousand for each mark
      views.set(name, view);
      if (spec.usermeta?.rowPx) rowsPx.set(name, spec.usermeta.rowPx);
      describe(element, says);
    } catch (error) {
      console.error(name, error);
      element.closest("figure").classList.add("failed");
    }
  }

  // Vega calls every chart "Vega visualization" and each of its marks an image: the sentence of ours says what it shows.
  function describe(element, says) {
    element.setAttribute("role", "img");
    element.removeAttribute("aria-roledescription");
    element.setAttribute("aria-label", says);
    element.querySelector("svg").setAttribute("aria-hidden", "true");
  }

  async function show(told) {
    for (const element of all("data-text")) set(element, told.texts?.[element.dataset.text]);
    for (const element of all("data-html")) setHtml(element, told.html?.[element.dataset.html]);
    for (const [name, chart] of Object.entries(told.charts || {})) {
      for (const element of all("data-says")) if (element.dataset.says === name) set(element, chart.says);
      for (const element of all("data-table")) if (element.dataset.table === name) setHtml(element, chart.table);
      document.querySelector(`[data-chart="${CSS.escape(name)}"]`)?.setAttribute("aria-label", chart.says);
      const view = views.get(name);
      if (rowsPx.has(name)) view.height(rowsPx.get(name) * chart.values.length);
      await view?.data("live", chart.values).runAsync();
    }
  }

  function set(element, text) {
    if (text !== undefined && element.textContent !== text) element.textContent = text;
  }

  function setHtml(element, html) {
    if (html === undefined || element.dataset.was === html || element.contains(document.activeElement)) return;
    element.innerHTML = html;
    element.dataset.was = html;
  }

  async function follow(main) {
    const stale = document.querySelector("[data-stale]");
    const every = Number(main.dataset.every || 1000);
    for (;;) {
      await new Promise((done) => setTimeout(done, every));
      if (document.hidden || main.dataset.paused === "true") continue;
      try {
        const answer = await fetch(main.dataset.live, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(10_000) });
        if (!answer.ok) throw new Error(answer.statusText);
        await show(await answer.json());
        if (stale) stale.hidden = true;
        document.documentElement.dataset.polls = String(Number(document.documentElement.dataset.polls || 0) + 1);
      } catch (error) {
        if (stale) stale.hidden = false;
      }
    }
  }

  async function start() {
    const config = JSON.parse(document.getElementById("chart-config").textContent);
    for (const element of all("data-chart")) await draw(element, config);
    document.documentElement.dataset.charts = "drawn";
    document.dispatchEvent(new CustomEvent("andante:drawn", { detail: { views, show } }));
    const main = document.querySelector("main [data-live], main[data-live]");
    if (main) follow(main);
  }
  start();
})();
