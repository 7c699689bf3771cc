// The form of a try-out: an example fills it without asking the server, and on a narrow screen, where the answer comes below
// it, the answer is brought into sight once it is there.
(function () {
  "use strict";

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    quayside_try: {
      // What the clicked example puts into each field, and no field blamed any more.
      fill: function (_clicks, ids, examples) {
        var none = window.dash_clientside.no_update;
        var asked = window.dash_clientside.quayside.asked();
        var values = asked !== none && examples ? examples[asked.row] : null;
        if (!values) return [ids.map(function () { return none; }), ids.map(function () { return none; })];
        return [ids.map(function (id) { return values[id.field]; }), ids.map(function () { return null; })];
      },

      reveal: function () {
        window.requestAnimationFrame(function () {
          var answer = document.getElementById("try-result");
          if (answer && answer.getBoundingClientRect().top > window.innerHeight * 0.6) answer.scrollIntoView();
        });
      },
    },
  });
})();
