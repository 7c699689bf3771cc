// Runs before anything is drawn, so that a dark page does not flash white. Mantine keeps the choice under this name.
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
})();
