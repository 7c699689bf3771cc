// On a narrow screen the answer of a try-out comes below the form: bring it into sight once it is there.
(function () {
  "use strict";

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    quayside_try: {
      reveal: function () {
        window.requestAnimationFrame(function () {
          var answer = document.getElementById("try-result");
          if (answer && answer.getBoundingClientRect().top > window.innerHeight * 0.6) answer.scrollIntoView();
        });
      },
    },
  });
})();
