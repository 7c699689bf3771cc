// Parts of a page that come as HTML text (pages/markup.py): put where they belong, changed only where they differ, so that
// what has the focus or is pointed at stays. Their links go on without a reload.
(function () {
  "use strict";

  function alike(one, other) { return one.nodeType === other.nodeType && one.nodeName === other.nodeName; }

  function attributes(node, fresh) {
    for (var i = node.attributes.length - 1; i >= 0; i--) {
      if (!fresh.hasAttribute(node.attributes[i].name)) node.removeAttribute(node.attributes[i].name);
    }
    for (var k = 0; k < fresh.attributes.length; k++) {
      var one = fresh.attributes[k];
      if (node.getAttribute(one.name) !== one.value) node.setAttribute(one.name, one.value);
    }
  }

  function become(node, fresh) {
    if (node.nodeType !== 1) {
      if (node.nodeValue !== fresh.nodeValue) node.nodeValue = fresh.nodeValue;
      return;
    }
    if (node.isEqualNode(fresh)) return;
    attributes(node, fresh);
    inner(node, fresh);
  }

  function inner(node, fresh) {
    var old = Array.from(node.childNodes), young = Array.from(fresh.childNodes);
    young.forEach(function (one, place) {
      if (place >= old.length) node.appendChild(one);
      else if (alike(old[place], one)) become(old[place], one);
      else node.replaceChild(one, old[place]);
    });
    old.slice(young.length).forEach(function (one) { one.remove(); });
  }

  function put(id, html) {
    var node = document.getElementById(id);
    if (!node) return;
    if (node.drawn !== html) {
      var fresh = document.createElement("template");
      fresh.innerHTML = html;
      if (node.firstChild) inner(node, fresh.content); else node.appendChild(fresh.content);
      node.drawn = html;
    }
    node.removeAttribute("aria-busy");
  }

  window.quayside = { put: put };

  // The first drawing does not wait for the framework's callbacks, only for the places it belongs to.
  window.quayside_ahead.then(function (drawn) {
    if (!drawn) return;
    var ids = Object.keys(drawn.parts);
    function draw() {
      if (!document.getElementById(ids[0])) return false;
      ids.forEach(function (id) { put(id, drawn.parts[id]); });
      return true;
    }
    if (draw()) return;
    var seen = new MutationObserver(function () { if (draw()) seen.disconnect(); });
    seen.observe(document.documentElement, { childList: true, subtree: true });
    setTimeout(function () { seen.disconnect(); }, 20000);
  });

  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest(".q-drawn a[href^='/']");
    if (!link || link.target || link.hasAttribute("download") || event.button || event.defaultPrevented) return;
    if (event.metaKey || event.shiftKey || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    history.pushState({}, "", link.getAttribute("href"));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate")); // what dcc.Link tells dcc.Location
    window.scrollTo(0, 0);
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    drawn: {
      // Put each part of ``{parts: {id: html}, stamps: {id: stamp}}`` into its place; return the stamps, so that only news
      // are sent.
      put: function (drawn) {
        if (!drawn) return window.dash_clientside.no_update;
        Object.keys(drawn.parts).forEach(function (id) { put(id, drawn.parts[id]); });
        return drawn.stamps;
      },
    },
  });
})();
