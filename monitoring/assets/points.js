// A click on a point of a chart leads to the calls behind it: its bucket of time, its vendor, its kind of error.
(function () {
  "use strict";

  function moment(text) { return Date.parse(String(text).replace(" ", "T") + "Z"); }

  // Which bucket: by its number where the chart says it, else by how far it lies from the first. Wall clocks of one
  // chart are compared with each other only, so the zone does not matter.
  function place(point, trace) {
    if (typeof point.pointNumber === "number") return point.pointNumber;
    if (Array.isArray(point.pointNumber)) return point.pointNumber[1];
    var first = trace.x ? trace.x[0] : trace.x0;
    return Math.round((moment(point.x) - moment(first)) / (trace.dx || moment(trace.x[1]) - moment(first)));
  }

  function stamp(seconds) { return new Date(seconds * 1000).toISOString().slice(0, 19) + "Z"; }

  function address(point, chart) {
    var shared = chart.layout.meta || {}, trace = chart.data[point.curveNumber];
    if (typeof shared.start !== "number" || !trace) return null;
    var from = shared.start + place(point, trace) * shared.width;
    var wanted = new URLSearchParams({ from: stamp(from), to: stamp(from + shared.width) });
    var filters = Object.assign({}, shared.filters, trace.meta);
    Object.keys(filters).forEach(function (name) { wanted.set(name, filters[name]); });
    return "/calls?" + wanted.toString();
  }

  function follow(chart) {
    if (chart.dataset.leads || !chart.on) return;
    chart.dataset.leads = "1";
    chart.on("plotly_click", function (event) {
      var goal = event.points && event.points.length ? address(event.points[0], chart) : null;
      if (!goal) return;
      window.dash_clientside.set_props("url", { pathname: "/calls", search: goal.slice("/calls".length) });
    });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    points: {
      // News for the charts, but not while somebody points at one: drawn anew it would slip from under the pointer.
      still: function (tick) {
        var held = document.querySelector("#page .q-chart:hover") && matchMedia("(hover: hover)").matches;
        return tick && !held ? tick : window.dash_clientside.no_update;
      },
    },
  });

  new MutationObserver(function () {
    document.querySelectorAll("#page .js-plotly-plot").forEach(follow);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
