// What a request that went wrong means to the one who looks: signed out, the connection gone, the database away, a fault.
// The banners are shown by quayside.js; what somebody did by hand gets a word of its own, since they have to know whether to
// do it again.
(function () {
  "use strict";

  var ACTS = /\.(n_clicks|n_submit)$|-(asked|back|scenario|stop)\.data$/; // done by hand, unlike what follows the clock
  var known = window.quayside_connection = { brokenAt: 0, awayAt: 0, stranded: false };

  function tell(title, message) {
    window.dash_clientside.set_props("toasts", { sendNotifications: [{
      action: "show", title: title, message: message, color: "red", autoClose: false,
      closeButtonProps: { "aria-label": "Close" },
    }] });
  }

  // Whether a request runs a callback that somebody set off by hand, or one that brings a page; null for any other request.
  function meaning(address, options) {
    if (typeof address !== "string" || address.indexOf("_dash-update-component") < 0) return null;
    try {
      var sent = JSON.parse(options.body);
      return {
        byHand: (sent.changedPropIds || []).some(function (cause) { return ACTS.test(cause); }),
        page: String(sent.output).indexOf("page.children") >= 0,
      };
    } catch (e) { return null; }
  }

  function broken(what) {
    known.brokenAt = Date.now();
    if (what.page) known.stranded = true;
    if (what.byHand) tell("No answer", "The connection broke while this was under way: it may have been done. Look before you do it again.");
  }

  // A problem document below 500, or 503, says that nothing was done; any other answer leaves it open.
  function refused(answer, what) {
    var ours = (answer.headers.get("content-type") || "").indexOf("application/problem+json") === 0;
    var sure = ours && (answer.status < 500 || answer.status === 503);
    if (ours && answer.status === 503) known.awayAt = Date.now();
    if (what.page) known.stranded = true;
    if (!what.byHand) return;
    var id = answer.headers.get("x-correlation-id");
    var more = id ? " The log has more under " + id + "." : "";
    if (!sure) {
      tell("No good answer", "The server failed (HTTP " + answer.status + "): it may have been done. Look before you do it again." + more);
      return;
    }
    answer.clone().json().then(function (problem) { tell("Not done", problem.detail + more); });
  }

  var ask = window.fetch;
  window.fetch = function (address, options) {
    var what = meaning(address, options);
    return ask.apply(this, arguments).then(function (answer) {
      // A session that has ended answers 401: go to the sign-in page and come back here afterwards.
      if (answer.status === 401 && new URL(answer.url, location.href).origin === location.origin) {
        location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
      } else if (answer.status >= 400 && what) refused(answer, what);
      return answer;
    }, function (error) {
      if (what && !(error && error.name === "AbortError")) broken(what);
      throw error;
    });
  };
})();
