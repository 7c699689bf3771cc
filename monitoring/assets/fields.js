// Fields that stand in the URL of their page, so that a link shows a colleague the same (pages/url_fields.py). Both ways are
// gone here, at once: what went over the server came back late and overtook who typed on.
(function () {
  "use strict";

  var said = {}; // page -> what its fields are, and what its URL said of them last

  function here(spec, path) {
    if (!spec) return false;
    var below = spec.path.length > 1 && spec.path.slice(-1) === "/";
    return below ? path.indexOf(spec.path) === 0 : path === spec.path;
  }

  function parts(text) {
    return text.split(",").filter(function (part, place, all) { return part && all.indexOf(part) === place; });
  }

  function same(field, one, other) {
    return field.kind === "list" ? parts(one).sort().join() === parts(other).sort().join() : one === other;
  }

  // What a URL says of a field, as text; what the field holds anyway where it says nothing that can be chosen.
  function stated(field, wanted) {
    var text = (wanted.getAll(field.name).pop() || "").slice(0, field.most);
    if (field.kind === "list" && field.among) {
      text = parts(text).filter(function (part) { return field.among.indexOf(part) >= 0; }).join();
    }
    if (field.kind === "choice" && field.among && field.among.indexOf(text) < 0) text = "";
    if (field.kind === "number" && !/^\d{1,3}$/.test(text)) text = "";
    return text || (field.kind === "text" && wanted.has(field.name) ? "" : field.usual);
  }

  function held(field, text) {
    if (field.kind === "list") return parts(text);
    if (field.kind === "choice") return text || null;
    return field.kind === "number" && text ? Number(text) : text;
  }

  function typed(value) {
    return Array.isArray(value) ? value.join() : value === null || value === undefined ? "" : String(value).trim();
  }

  // The search part that says what the fields hold; whatever else stood there stays, and so does what nobody has changed.
  function saying(spec, search, values) {
    var before = new URLSearchParams(search || ""), after = new URLSearchParams(search || ""), moved = false;
    spec.fields.forEach(function (field, place) {
      var text = typed(values[place]);
      var kept = same(field, text, stated(field, before));
      if (kept && !(field.always && !before.has(field.name))) return;
      moved = moved || !kept;
      if (!field.always && same(field, text, field.usual)) after.delete(field.name);
      else if (text || field.kind === "text" && field.usual) after.set(field.name, text);
      else after.delete(field.name);
    });
    if (moved) spec.forgets.forEach(function (name) { after.delete(name); });
    Object.keys(spec.also).forEach(function (name) { after.set(name, spec.also[name]); });
    if (after.toString() === before.toString()) return window.dash_clientside.no_update;
    return after.toString() ? "?" + after.toString() : "";
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    fields: {
      // Of what the URL says anew: what stands in a field stays, half typed or not, while the URL says the same of it.
      from_url: function (spec, search, path) {
        var none = window.dash_clientside.no_update, values = Array.prototype.slice.call(arguments, 3);
        var outputs = window.dash_clientside.callback_context.outputs_list.map(function (one) { return one.id; });
        if (!here(spec, path)) return outputs.map(function () { return none; });
        var wanted = new URLSearchParams(search || ""), last = said[spec.page];
        var texts = spec.fields.map(function (field) { return stated(field, wanted); });
        var opened = !last || last.spec !== spec;
        said[spec.page] = { spec: spec, texts: texts };
        var holds = spec.fields.map(function (field, place) {
          var moved = opened || !same(field, texts[place], last.texts[place]);
          return moved && !same(field, texts[place], typed(values[place])) ? held(field, texts[place]) : none;
        });
        // A choice that is given its options after its value would drop the value.
        return holds.concat(outputs.slice(values.length).map(function (id) {
          return opened ? spec.fields[outputs.indexOf(id)].among : none;
        }));
      },

      to_url: function () {
        var all = Array.prototype.slice.call(arguments), path = all.pop(), search = all.pop(), spec = all.pop();
        return here(spec, path) ? saying(spec, search, all) : window.dash_clientside.no_update;
      },

      // As before, but only when a button is pressed.
      pressed_to_url: function (clicks) {
        var rest = Array.prototype.slice.call(arguments, 1);
        return clicks ? window.dash_clientside.fields.to_url.apply(null, rest) : window.dash_clientside.no_update;
      },
    },
  });
})();
