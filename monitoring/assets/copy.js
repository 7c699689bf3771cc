// A text beside a button, to the clipboard with a click or a key. Says whether it worked; needs no server.
(function () {
  "use strict";

  var SAID_FOR = 4000; // ms

  // Over plain HTTP a browser has no clipboard for scripts; the old way still works there.
  function theOldWay(text) {
    var area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.position = "fixed";
    area.style.opacity = "0";
    var back = document.activeElement;
    // Inside an open drawer the focus may not leave it: so the text is put where the focus is.
    (back && back.parentElement ? back.parentElement : document.body).appendChild(area);
    area.select();
    var done = false;
    try { done = document.execCommand("copy"); } catch (e) { done = false; }
    area.remove();
    if (back) back.focus({ preventScroll: true });
    return done;
  }

  function copy(text) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(text).then(function () { return true; }, function () { return theOldWay(text); });
    }
    return Promise.resolve(theOldWay(text));
  }

  function select(node) {
    var fold = node.closest("details");
    if (fold) fold.open = true;
    var range = document.createRange();
    range.selectNodeContents(node);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("button.q-copy-text");
    if (!button) return;
    var box = button.closest(".q-copying"), text = box.querySelector("pre"), said = box.querySelector(".q-copied");
    copy(text.textContent).then(function (done) {
      if (!done) select(text);
      said.textContent = done ? "Copied" : "Not copied: the browser does not allow it. It is selected; press Ctrl+C.";
      clearTimeout(said.forget);
      said.forget = setTimeout(function () { said.textContent = ""; }, done ? SAID_FOR : 3 * SAID_FOR);
    });
  });
})();
