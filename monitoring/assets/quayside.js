// What the browser decides alone: when to ask anew, whether the connection lives, where the links lead.
(function () {
  "use strict";

  var SILENCE = 9000; // ms without a beat until the push counts as gone; the hub beats at least every 5 s
  var LOST = 14000; // ms without any beat, polled ones included, until the banner says so
  var REJOIN_EVERY = 10000; // ms between two tries to get the push back
  var SCHEDULER_SILENCE = 15; // s without a heartbeat of the scheduler
  var EVERY = { "15m": 1000, "1h": 2000, "6h": 5000, "24h": 5000, "7d": 30000, "30d": 60000 }; // ms between updates
  // Pages without a link of their own, and the one they belong to; what lies below a page belongs to it anyway.
  var BELOW = { "/traces": "/calls", "/replays": "/calls", "/plans": "/syncs", "/backfills": "/syncs", "/conflicts": "/syncs" };
  // What is open in front of a page, and the parameter of the URL that names it.
  var DRAWERS = { "call-drawer": "call", "trace-call": "call", "run-drawer": "run", "replay-item": "item" };
  var loadedAt = Date.now();
  var heardAt = 0; // any beat
  var pushedAt = 0; // a beat over the WebSocket
  var rejoinedAt = Date.now();
  var known = window.quayside_connection; // what failed requests have told: connection.js
  var none = window.dash_clientside && window.dash_clientside.no_update;

  function parameters(search) { return new URLSearchParams(search || ""); }

  function rangeOnly(search) {
    var all = parameters(search), kept = new URLSearchParams();
    ["range", "from", "to"].forEach(function (name) { if (all.has(name)) kept.set(name, all.get(name)); });
    var text = kept.toString();
    return text ? "?" + text : "";
  }

  function spoken(seconds) {
    if (seconds < 120) return Math.round(seconds) + " s";
    if (seconds < 7200) return Math.round(seconds / 60) + " min";
    return Math.round(seconds / 3600) + " h";
  }

  function say(id, text, hidden, kind) {
    var node = document.getElementById(id);
    if (!node) return;
    if (text !== null && node.textContent !== text) node.textContent = text;
    if (node.hidden !== Boolean(hidden)) node.hidden = Boolean(hidden);
    if (kind && node.className !== kind) node.className = kind;
  }

  // What is drawn anew slips from under who presses it, and what somebody has marked to copy is marked no more. So news
  // waits while a pointer is down and for as long as something on the page is marked, but never longer than HOLD.
  var HOLD = 15000; // ms
  var busySince = 0, pressed = false;
  document.addEventListener("pointerdown", function () { pressed = true; }, true);
  ["pointerup", "pointercancel"].forEach(function (name) {
    document.addEventListener(name, function () { pressed = false; }, true);
  });
  window.addEventListener("blur", function () { pressed = false; });

  function busy() {
    var marked = document.getSelection(), page = document.getElementById("page");
    var copying = marked && !marked.isCollapsed && page && page.contains(marked.anchorNode);
    if (!pressed && !copying) busySince = 0;
    else if (!busySince) busySince = Date.now();
    return Boolean(busySince) && Date.now() - busySince < HOLD;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    quayside: {
      begin: function (_href, chosen, zone, tab) {
        none = window.dash_clientside.no_update;
        var here = "UTC";
        try { here = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC"; } catch (e) { /* keep UTC */ }
        var wanted = chosen || here;
        document.documentElement.dataset.zone = wanted; // for what is taken along as CSV
        if (zone === wanted && tab) return [none, none, none];
        var id = tab ? none : Array.from(crypto.getRandomValues(new Uint8Array(8)), function (b) {
          return b.toString(16).padStart(2, "0");
        }).join("");
        return [wanted, id, "times in " + wanted.replace(/_/g, " ")];
      },

      // A beat becomes a tick for the page: not while paused, hidden or in use, and less often the longer the range.
      tick: function (beat, live, search, last) {
        if (!beat) return none;
        if (!live || document.hidden || busy()) return none;
        var wanted = parameters(search);
        if (wanted.has("from") && wanted.get("to") && wanted.get("to") !== "now") {
          if (Date.parse(wanted.get("to")) < Date.now() - 60000) return none; // the past does not change
        }
        var every = EVERY[wanted.get("range") || "1h"] || 2000;
        if (last && Date.now() - last < every - 150) return none;
        return Date.now();
      },

      // What is said of the connection stands in the page itself: with every second, so that it goes past the framework.
      pulse: function (_n, beat, live, still) {
        var now = Date.now();
        var seen = beat && beat.at && beat.stamp !== beat.at ? beat : null;
        if (seen) {
          beat.stamp = beat.at; // counted once
          heardAt = now;
          if (beat.via === "push") pushedAt = now;
          // Somebody went to another page while nothing answered: it is not there yet, so fetch it whole.
          if (known.stranded && beat.store !== false) { known.stranded = false; location.reload(); }
        }
        var quiet = now - Math.max(pushedAt, loadedAt) > SILENCE;
        // The server says itself that the database is away: then it is not lost.
        var away = now - known.awayAt < LOST && known.awayAt > heardAt;
        var lost = !away && (now - Math.max(heardAt, loadedAt) > LOST || known.brokenAt > heardAt);
        var again = none;
        if (quiet && !document.hidden && now - rejoinedAt > REJOIN_EVERY) { rejoinedAt = now; again = now; }
        var state, word;
        if (lost) { state = "lost"; word = "Lost"; }
        else if (!live) { state = "off"; word = "Paused"; }
        else if (!heardAt) { state = "wait"; word = "Connecting"; }
        else if (quiet) { state = "poll"; word = "Polling"; }
        else { state = "on"; word = "Live"; }
        var late = Boolean(beat && beat.store && (beat.scheduler === null || beat.scheduler > SCHEDULER_SILENCE));
        var text = "";
        if (late) {
          text = beat.scheduler === null
            ? "No scheduler has ever run on this database: no sync starts. Start one with: python app.py scheduler"
            : "The scheduler has not been heard for " + spoken(beat.scheduler) + ": no sync starts until it is back.";
        }
        var firing = beat && beat.incidents ? beat.incidents : 0;
        var unknown = beat && beat.unknown ? beat.unknown : 0;
        say("live-state", null, false, "q-live q-live-" + state);
        say("live-word", word);
        say("banner-lost", null, !lost);
        say("banner-store", null, lost || !(away || (beat && beat.store === false)));
        say("banner-scheduler", null, !late || lost);
        say("banner-scheduler-text", text);
        say("nav-incidents", firing ? String(firing) : "", !firing);
        say("nav-outcomes", unknown ? String(unknown) : "", !unknown);
        return [!quiet === still ? none : !quiet, again];
      },

      burger: function (opened, _path, navbar) {
        var cause = (window.dash_clientside.callback_context.triggered[0] || {}).prop_id || "";
        var open = cause.indexOf("burger") === 0 ? Boolean(opened) : false;
        if (navbar.collapsed.mobile === !open) return [none, open === Boolean(opened) ? none : open];
        return [Object.assign({}, navbar, { collapsed: { mobile: !open } }), open];
      },

      // The links keep the time range, and that of the page says so, or that of the page it belongs to.
      navigation: function (path, search, text) {
        window.quayside.put("nav", text);
        var kept = rangeOnly(search), above = "/" + path.split("/")[1];
        var links = Array.from(document.querySelectorAll("#nav a"));
        var goals = links.map(function (link) { return link.getAttribute("href").split("?")[0]; });
        var here = goals.indexOf(path) >= 0 ? path : BELOW[above] || above;
        links.forEach(function (link, place) {
          link.setAttribute("href", goals[place] + kept);
          if (goals[place] === here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
        });
      },

      title: function (title) {
        document.title = title ? title + " · Quayside" : "Quayside";
      },

      // Bring a component bundle that is not on the index page; true once it can be used.
      bundle: function (path) {
        if (!path) return none;
        if (window.dash_ag_grid) return true;
        return new Promise(function (resolve) {
          var script = document.createElement("script");
          script.src = path;
          script.onload = function () { resolve(true); };
          script.onerror = function () { resolve(false); };
          document.head.appendChild(script);
        });
      },

      // Which row of a list is to be acted on: the id of the button with the moment it was clicked. Taken here at once: the
      // list is drawn anew with every tick, and a question to the server that is under way then would be forgotten.
      asked: function () {
        var cause = window.dash_clientside.callback_context.triggered.find(function (one) { return one.value; });
        if (!cause) return none; // it was only drawn; of buttons drawn at the moment of a click, the clicked one counts
        var id = JSON.parse(cause.prop_id.slice(0, cause.prop_id.lastIndexOf(".")));
        return Object.assign({}, id, { at: Date.now() });
      },

      // Copy a text; a page that is not served over TLS has no clipboard, so the old way is tried as well.
      copy: function (clicks, opened, text) {
        var cause = (window.dash_clientside.callback_context.triggered[0] || {}).prop_id || "";
        if (cause.indexOf("opened") > 0 || !clicks) return "Copy";
        if (navigator.clipboard && window.isSecureContext) {
          return navigator.clipboard.writeText(text).then(function () { return "Copied"; }, function () { return "Not copied"; });
        }
        var field = document.getElementById("incident-summary-text");
        field.select();
        return document.execCommand("copy") ? "Copied" : "Select it and copy it";
      },

      print: function (clicks) { if (clicks) window.print(); return none; },

      // What is open in front of the page goes with it.
      shut: function () { return false; },

      never_mind: function (clicks) { return clicks ? false : none; },

      // The open call stands in the URL, so that a link shows it; closed, it is chosen no more, and its row opens it again.
      chosen: function (rows, search) {
        if (!rows || !rows.length) return none;
        var wanted = parameters(search);
        wanted.set("call", rows[0].correlation + "/" + rows[0].id);
        return "?" + wanted.toString();
      },

      closed: function (opened, search, drawer) {
        if (opened) return none;
        try { window.dash_ag_grid.getApi("calls-grid").deselectAll(); } catch (e) { /* the list is gone */ }
        var wanted = parameters(search), name = DRAWERS[drawer];
        if (!wanted.has(name)) return none;
        wanted.delete(name);
        return wanted.toString() ? "?" + wanted.toString() : "";
      },

      // The call list: a new filter starts it over; news only refresh it while somebody looks at its top.
      calls: function (search, _tick, further, last) {
        var wanted = parameters(search), cause = window.dash_clientside.callback_context.triggered[0] || {};
        ["call", "columns"].forEach(function (name) { wanted.delete(name); });
        var now = wanted.toString();
        var api = null;
        try { api = window.dash_ag_grid.getApi("calls-grid"); } catch (e) { /* not drawn yet */ }
        if (!api || api.isDestroyed()) return now;
        if (now !== last || (further && cause.prop_id === "calls-further.data")) api.purgeInfiniteCache();
        else if (cause.prop_id === "tick.data" && api.getFirstDisplayedRowIndex() === 0) api.refreshInfiniteCache();
        return now;
      },

      // A search that gave up goes on for longer, as often as it is asked to, until something else is searched for.
      further: function (clicks, search, last) {
        if (!clicks) return none;
        return { search: search, times: last && last.search === search ? last.times + 1 : 1 };
      },

      // A range that was typed or dragged, once the server has read it; whatever else the page asks for stays.
      ranged: function (moments, search) {
        if (!moments) return none;
        var wanted = parameters(search);
        wanted.delete("range");
        Object.keys(moments).forEach(function (name) { wanted.set(name, moments[name]); });
        return "?" + wanted.toString();
      },

      preset: function () {
        var cause = (window.dash_clientside.callback_context.triggered[0] || {}).prop_id || "";
        var search = arguments[arguments.length - 1];
        var name = cause.split(".")[0].replace("preset-", "");
        if (!name || !EVERY[name]) return [none, none];
        var wanted = parameters(search);
        ["from", "to"].forEach(function (old) { wanted.delete(old); });
        wanted.set("range", name);
        return ["?" + wanted.toString(), false];
      },
    },
  });

  // The second click of a double click is no second act: its answer ("not done, it was already") would hide the first's.
  document.addEventListener("click", function (event) {
    if (event.detail < 2 || !event.target.closest(".q-acts button, button[id$='-yes']")) return;
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);

  // Escape closes what a button has opened from wherever the keyboard is: the kit hears it only inside, and whoever is
  // quick is not inside yet.
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || event.target.closest("[role='dialog']")) return;
    var button = document.querySelector("button[aria-haspopup='dialog'][aria-expanded='true']");
    if (!button) return;
    button.click();
    button.focus({ preventScroll: true });
  });

  // The kit says on a box around a button that something opens; a screen reader needs it on the button.
  var OPENS = ["aria-expanded", "aria-haspopup", "aria-controls"];

  function lend(box) {
    var button = box.tagName === "DIV" && !box.hasAttribute("role") && box.querySelector("button");
    if (!button) return;
    OPENS.forEach(function (name) {
      if (!box.hasAttribute(name)) return;
      button.setAttribute(name, box.getAttribute(name));
      box.removeAttribute(name);
    });
  }

  new MutationObserver(function () {
    document.querySelectorAll("div[aria-expanded], div[aria-haspopup]").forEach(lend);
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: OPENS });
})();
