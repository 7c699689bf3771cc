// What a panel shows, to take along: its tables and charts as CSV, made in the browser from what is drawn.
(function () {
  "use strict";

  function quoted(value) {
    var text = value === null || value === undefined ? "" : String(value);
    if (/^[=+@\t\r]/.test(text) || (/^-/.test(text) && isNaN(Number(text)))) text = "'" + text; // a spreadsheet would run it
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function lines(rows) {
    return rows.map(function (row) { return row.map(quoted).join(","); }).join("\r\n") + "\r\n";
  }

  function said(cell) {
    var time = cell.querySelector("time[datetime]");
    return time ? time.getAttribute("datetime") : cell.innerText.replace(/\s+/g, " ").trim();
  }

  function ofTable(table) {
    return lines(Array.from(table.rows).map(function (row) { return Array.from(row.cells).map(said); }));
  }

  function places(trace) {
    if (trace.x) return Array.from(trace.x);
    var start = Date.parse(String(trace.x0).replace(" ", "T") + "Z");
    return Array.from(trace.y || [], function (_y, place) {
      return new Date(start + place * trace.dx).toISOString().slice(0, 19).replace("T", " ");
    });
  }

  // One line per moment, one column per curve, as in the legend; the moments are the viewer's.
  function ofChart(chart) {
    var names = [], at = new Map();
    chart.data.forEach(function (trace) {
      if (!trace.y || trace.hoverinfo === "skip") return;
      names.push(trace.name || "value");
      places(trace).forEach(function (x, place) {
        if (!at.has(x)) at.set(x, {});
        at.get(x)[names.length - 1] = trace.y[place];
      });
    });
    return lines([["at (" + (document.documentElement.dataset.zone || "UTC") + ")"].concat(names)].concat(Array.from(at.keys()).sort().map(function (x) {
      return [x].concat(names.map(function (_name, place) { return at.get(x)[place]; }));
    })));
  }

  function save(name, text) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
    link.download = name + ".csv";
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  function named(panel) {
    var head = panel.querySelector("h2");
    var words = [location.pathname.replace(/^\//, "") || "overview", head ? head.innerText : "", new Date().toISOString().slice(0, 16)];
    return words.join(" ").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  }

  // All of a panel: its chart, if that has moments, then its tables, each under its own head.
  function take(button) {
    var panel = button.closest(".q-panel"), chart = panel.querySelector(".js-plotly-plot"), parts = [];
    if (chart && chart.data.some(function (trace) { return trace.orientation !== "h"; })) parts.push(ofChart(chart));
    panel.querySelectorAll("table.q-table").forEach(function (table) { parts.push(ofTable(table)); });
    save(named(panel), parts.join("\r\n"));
  }

  // A panel with something to take along gets its button; the page is drawn anew with every tick, so look again then.
  function offer() {
    document.querySelectorAll("#page .q-panel > .q-panel-head").forEach(function (head) {
      var there = head.parentElement.querySelector("table.q-table, .js-plotly-plot");
      var button = head.querySelector(".q-csv");
      if (!there && button) button.remove();
      if (!there || button) return;
      button = document.createElement("button");
      button.type = "button";
      button.className = "q-csv";
      button.textContent = "CSV";
      var title = head.querySelector("h2");
      button.setAttribute("aria-label", "Download as CSV: " + (title ? title.innerText : "table"));
      head.appendChild(button);
    });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button.q-csv");
    if (button) take(button);
  });

  // A stretch dragged on a chart becomes the range of the page, for all its charts and for the link to it.
  function follow(chart) {
    if (chart.dataset.followed || !chart.on) return;
    chart.dataset.followed = "1";
    chart.on("plotly_relayout", function (change) {
      var since = change["xaxis.range[0]"], until = change["xaxis.range[1]"];
      if (typeof since === "string" && typeof until === "string") {
        window.dash_clientside.set_props("zoomed", { data: [since, until] });
      }
    });
  }

  var waiting = false;
  new MutationObserver(function () {
    if (waiting) return;
    waiting = true;
    setTimeout(function () {
      waiting = false;
      offer();
      document.querySelectorAll("#page .js-plotly-plot").forEach(follow);
    }, 100);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
