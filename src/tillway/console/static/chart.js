// Draws the table of messages a minute as a chart; the table stays, one key away (t).
(() => {
  "use strict";
  const place = document.querySelector("[data-chart]");
  if (!place || typeof uPlot === "undefined") return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let chart = null;

  function read() {
    const rows = [...document.querySelectorAll(`#${place.dataset.chart} tr[data-at]`)].reverse();
    return [
      rows.map((row) => Date.parse(row.dataset.at) / 1000),
      rows.map((row) => Number(row.dataset.accepted)),
      rows.map((row) => Number(row.dataset.delivered)),
    ];
  }
  function draw() {
    const data = read();
    if (data[0].length < 2) return;
    if (chart) { chart.setData(data); return; }
    const heads = [...document.querySelectorAll(`#${place.dataset.chart}`)].map((body) =>
      [...body.closest("table").querySelectorAll("thead th")].map((one) => one.textContent.trim()))[0];
    const axis = { stroke: colour("--dim"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    place.textContent = "";
    chart = new uPlot({
      width: place.clientWidth, height: 220, legend: { show: true }, cursor: { show: false },
      series: [{}, { label: heads[1], stroke: colour("--link"), width: 2 },
        { label: heads[2], stroke: colour("--good"), width: 2, dash: [6, 4] }],
      axes: [axis, axis],
      scales: { y: { range: (_chart, low, high) => [0, Math.max(1, high * 1.1)] } },
    }, data, place);
  }
  draw();
  document.addEventListener("renewed", draw);
  addEventListener("resize", () => { if (chart) chart.setSize({ width: place.clientWidth, height: 220 }); });
})();
