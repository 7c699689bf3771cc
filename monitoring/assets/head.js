// Runs before anything is drawn. The theme, so that a dark page does not flash white (Mantine keeps the choice under
// this name); and what the page asks for first, so that it comes while the scripts are still being read.
(function () {
  var root = document.documentElement;
  function choose() {
    var kept = null;
    try { kept = localStorage.getItem("mantine-color-scheme-value"); } catch (e) { /* storage may be off */ }
    if (kept !== "light" && kept !== "dark") {
      kept = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    }
    root.setAttribute("data-mantine-color-scheme", kept);
  }
  choose();
  function follow() {
    // AG Grid reads its own attribute.
    root.setAttribute("data-ag-theme-mode", root.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light");
  }
  follow();
  new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });

  var zone = "UTC";
  try { zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC"; } catch (e) { /* keep UTC */ }
  // The layout is told where it will be shown, so that it can bring the page along.
  var where = new URLSearchParams({
    pathname: location.pathname, search: location.search, hash: location.hash, href: location.href, zone: zone,
  });
  var early = {};
  function ask(path, query) {
    early[path] = fetch(path + query, { credentials: "same-origin", headers: { Accept: "application/json" } });
    early[path].catch(function () { /* whoever takes it is told */ });
  }
  ask("/_dash-layout", "?" + where.toString());
  ask("/_dash-dependencies", "");

  // What the page shows at once lies in the layout, in a store whose name ends so; assets/drawn.js puts it into its place
  // as soon as that is there.
  function ahead(part) {
    if (!part || typeof part !== "object") return null;
    if (Array.isArray(part)) return part.reduce(function (found, one) { return found || ahead(one); }, null);
    var props = part.props || {};
    if (typeof props.id === "string" && /-drawn$/.test(props.id)) return props.data || null;
    return ahead(props.children);
  }
  window.quayside_ahead = early["/_dash-layout"].then(function (answer) {
    return answer.ok ? answer.clone().json().then(ahead) : null;
  }).catch(function () { return null; });

  // Each answer is given once, to the first who asks for the same.
  var real = window.fetch;
  window.fetch = function (what) {
    var path = typeof what === "string" ? what : "";
    var answer = Object.prototype.hasOwnProperty.call(early, path) ? early[path] : null;
    if (!answer) return real.apply(this, arguments);
    delete early[path];
    return answer;
  };
})();
