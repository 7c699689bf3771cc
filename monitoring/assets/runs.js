// The lanes of runs by keyboard: one stop for the Tab key in each lane, the arrows go from run to run and from lane to lane.
(function () {
  "use strict";

  function runs(lane) { return Array.from(lane.querySelectorAll("a")); }

  function middle(run) { var box = run.getBoundingClientRect(); return box.left + box.width / 2; }

  // The latest run of a lane is its stop, unless somebody stands on another one.
  function stop() {
    document.querySelectorAll("#page .q-runs-lane").forEach(function (lane) {
      var all = runs(lane), here = all.indexOf(document.activeElement);
      all.forEach(function (run, place) { run.tabIndex = place === (here < 0 ? all.length - 1 : here) ? 0 : -1; });
    });
  }

  function beside(run, key) {
    var lane = run.closest(".q-runs-lane"), all = runs(lane), place = all.indexOf(run);
    if (key === "ArrowLeft") return all[place - 1];
    if (key === "ArrowRight") return all[place + 1];
    if (key === "Home") return all[0];
    if (key === "End") return all[all.length - 1];
    var lanes = Array.from(document.querySelectorAll("#page .q-runs-lane")).filter(function (one) { return runs(one).length; });
    var next = lanes[lanes.indexOf(lane) + (key === "ArrowDown" ? 1 : -1)];
    if (!next) return null;
    return runs(next).sort(function (a, b) { return Math.abs(middle(a) - middle(run)) - Math.abs(middle(b) - middle(run)); })[0];
  }

  document.addEventListener("keydown", function (event) {
    var run = event.target.closest && event.target.closest(".q-runs-lane a");
    if (!run || ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].indexOf(event.key) < 0) return;
    var goal = beside(run, event.key);
    event.preventDefault();
    if (!goal) return;
    goal.focus();
    stop();
  });

  var waiting = false;
  new MutationObserver(function () {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(function () { waiting = false; stop(); });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
