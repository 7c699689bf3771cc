// What a person has done to a part of the page stays when the part is drawn anew: where the keyboard is, what is unfolded,
// and how far a table is scrolled.
(function () {
  "use strict";

  var SCROLLED = "#page .q-scroll, #page .q-body";
  var held = null;
  var folds = new Map(), scrolls = new Map(); // by the name of their place: the node, and how it was left
  var path = location.pathname;

  function alike(node) {
    var name = node.id ? "id" : node.hasAttribute("href") ? "href" : "aria-label";
    return Array.from(document.querySelectorAll("#page " + node.tagName)).filter(function (other) {
      return other.getAttribute(name) === node.getAttribute(name);
    });
  }

  // The name of a place: what it stands in, and its own words without figures, its label or its class.
  function named(node) {
    var around = node.parentElement.closest("[id], [aria-label]"), summary = node.querySelector(":scope > summary");
    var own = summary ? summary.textContent.replace(/[\d.,]+/g, "") : node.getAttribute("aria-label") || node.className;
    return [around.id || around.getAttribute("aria-label"), node.tagName, own].join("|");
  }

  function again(kept, selector, give) {
    kept.forEach(function (was, name) {
      if (was.node.isConnected) return;
      var fresh = Array.from(document.querySelectorAll(selector)).filter(function (node) { return named(node) === name; });
      if (fresh.length !== 1) return; // gone for now, or not to be told from another
      was.node = fresh[0];
      give(was);
    });
  }

  document.addEventListener("pointerdown", function () { held = null; }, true);

  document.addEventListener("focusin", function (event) {
    var node = event.target;
    held = node.matches("#page a, #page button, #page summary")
      ? { node: node, place: alike(node).indexOf(node), path: location.pathname }
      : null;
  });

  document.addEventListener("click", function (event) {
    var summary = event.target.closest("#page summary");
    if (summary) folds.set(named(summary.parentElement), { node: summary.parentElement, open: !summary.parentElement.open });
  }, true);

  document.addEventListener("scroll", function (event) {
    var node = event.target;
    if (node.nodeType !== 1 || !node.matches(SCROLLED)) return;
    scrolls.set(named(node), { node: node, left: node.scrollLeft, top: node.scrollTop });
  }, true);

  new MutationObserver(function () {
    if (path !== location.pathname) {
      path = location.pathname;
      folds.clear();
      scrolls.clear();
    }
    again(folds, "#page details", function (was) { was.node.open = was.open; });
    again(scrolls, SCROLLED, function (was) {
      was.node.scrollLeft = was.left;
      was.node.scrollTop = was.top;
    });
    if (!held || held.node.isConnected || document.activeElement !== document.body || held.path !== location.pathname) return;
    var node = alike(held.node)[held.place];
    if (node) node.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
