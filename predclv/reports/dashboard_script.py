"""What the cockpit does in a browser: choose, draw, search, export. Nothing is fetched."""

STYLE = """
.bar { display: flex; flex-wrap: wrap; gap: .8rem 1.4rem; align-items: end; margin: 1rem 0;
  padding: .8rem; background: var(--tint); border-radius: .5rem; }
.bar label { display: grid; gap: .15rem; font-size: .88rem; color: var(--soft); }
.bar select, .tools input, .tools button { font: inherit; color: var(--ink);
  background: var(--paper); border: 1px solid var(--line); border-radius: .35rem;
  padding: .3rem .5rem; }
.bar select:focus-visible, .tools :focus-visible { outline: 3px solid var(--blue); }
.chart { width: 100%; min-height: 17rem; } .chart svg { max-width: 100%; height: auto; }
.tools { display: flex; flex-wrap: wrap; gap: .6rem; margin: .6rem 0; }
.alert td, .alert th { white-space: normal; }
@media print { .bar, .tools { display: none; } }
"""

SCRIPT = r"""
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = id => document.getElementById(id);
  const pick = { grouping: byId("grouping"), group: byId("group"), date: byId("date"),
                 measure: byId("measure") };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const words = text => String(text).replaceAll("_", " ");
  const unique = values => Array.from(new Set(values));

  function options(select, values, chosen) {
    select.replaceChildren(...values.map(value => {
      const option = document.createElement("option");
      option.value = value; option.textContent = words(value);
      option.selected = value === chosen;
      return option;
    }));
  }

  function config() {
    const ink = dark.matches ? "#e8eaee" : "#1d2026", line = dark.matches ? "#363b44" : "#d9dce1";
    return { background: null, font: "system-ui, sans-serif", view: { stroke: null },
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line,
              tickColor: line, labelFontSize: 12, titleFontSize: 12 },
      legend: { labelColor: ink, titleColor: ink }, text: { color: ink } };
  }

  function draw(id, spec, said) {
    const place = byId(id);
    if (!place) return Promise.resolve();
    place.setAttribute("aria-label", said);
    const whole = Object.assign({ $schema: "https://vega.github.io/schema/vega-lite/v5.json",
      width: "container", height: 260, autosize: { type: "fit", contains: "padding" },
      config: config(), description: said }, spec);
    delete whole.$schema;
    return window.vegaEmbed(place, whole,
      { mode: "vega-lite", actions: false, renderer: "svg", tooltip: true })
      .then(() => { place.dataset.drawn = "yes"; });
  }

  const blue = () => dark.matches ? "#2f8fd6" : "#0072b2";
  const here = row => row.grouping === pick.grouping.value && row.group === pick.group.value;

  function overTime() {
    const m = pick.measure.value;
    const values = data.history.filter(here).map(row => ({ date: row.date, value: row[m],
      lower: row[m + "_lower"], upper: row[m + "_upper"] }));
    const x = { field: "date", type: "temporal", title: null };
    const layer = [];
    if (values.some(v => v.lower != null)) layer.push({ mark: { type: "area", opacity: 0.25,
      color: blue() }, encoding: { x, y: { field: "lower", type: "quantitative",
      title: words(m) }, y2: { field: "upper" } } });
    layer.push({ mark: { type: "line", point: true, color: blue() }, encoding: { x,
      y: { field: "value", type: "quantitative", title: words(m) },
      tooltip: [{ field: "date", type: "temporal" }, { field: "value", format: ",.0f" },
                { field: "lower", format: ",.0f" }, { field: "upper", format: ",.0f" }] } });
    return draw("over-time", { data: { values }, layer },
      words(m) + " of " + pick.group.value + " over time, with its interval");
  }

  function first(id) {
    const place = byId(id);
    if (place) place.textContent = "There is no earlier refresh to compare this date with.";
    return Promise.resolve();
  }

  function waterfall() {
    const row = data.changes.find(r => r.date === pick.date.value && here(r)) ||
      data.changes.find(r => r.date === pick.date.value && r.grouping === "all");
    if (!row) return first("waterfall");
    let level = row.equity_before;
    const levels = [level];
    for (const part of data.parts) levels.push(levels[levels.length - 1] + row[part]);
    const low = Math.min(...levels), high = Math.max(...levels);
    const floor = Math.max(0, low - 0.4 * (high - low));
    const values = [{ part: "before", from: floor, to: level, kind: "total", by: level }];
    for (const part of data.parts) {
      values.push({ part: words(part), from: level, to: level + row[part], by: row[part],
        kind: row[part] >= 0 ? "more" : "less" });
      level += row[part];
    }
    values.push({ part: "after", from: floor, to: row.equity_after, kind: "total",
      by: row.equity_after });
    return draw("waterfall", { data: { values }, mark: "bar", encoding: {
      x: { field: "part", type: "nominal", sort: null, title: null, axis: { labelAngle: -35 } },
      y: { field: "from", type: "quantitative", title: floor > 0 ? "equity (not from 0)" : "equity",
           scale: { zero: false, nice: false } },
      y2: { field: "to" },
      color: { field: "kind", type: "nominal", legend: null, scale: {
        domain: ["total", "more", "less"], range: ["#888888", "#009e73", "#d55e00"] } },
      tooltip: [{ field: "part" }, { field: "by", format: ",.0f" }] } },
      "Change of equity from " + row.before + " to " + row.date + " of " + row.group);
  }

  function flows() {
    const values = data.movement.filter(r => r.date === pick.date.value);
    if (!values.length) return first("flows");
    const from = { field: "tier_before", type: "nominal", title: "before", sort: data.tiers,
                   axis: { minExtent: 80 } };
    const to = { field: "tier", type: "nominal", title: "after", sort: data.tiers,
                 axis: { labelAngle: -25 } };
    return draw("flows", { data: { values }, layer: [
      { mark: "rect", encoding: { x: to, y: from, color: { field: "customers",
        type: "quantitative", legend: null, scale: { type: "symlog", scheme: "blues" } } } },
      { mark: { type: "text", fontSize: 12 }, encoding: { x: to, y: from,
        text: { field: "customers", format: ",.0f" }, color: { condition: {
          test: "datum.customers > " + Math.max(...values.map(v => v.customers)) / 12,
          value: "#ffffff" }, value: "#111111" } } }] },
      "Customers by tier before and after");
  }

  function groups() {
    const m = pick.measure.value;
    const g = pick.grouping.value === "all" ? "tier" : pick.grouping.value;
    const values = data.history.filter(r => r.grouping === g && r.date === pick.date.value)
      .map(r => ({ group: r.group, value: r[m], lower: r[m + "_lower"], upper: r[m + "_upper"] }));
    const y = { field: "group", type: "nominal", sort: null, title: null };
    return draw("by-group", { data: { values }, height: 40 + 26 * values.length, layer: [
      { mark: { type: "bar", color: blue() }, encoding: { y,
        x: { field: "value", type: "quantitative", title: words(m) },
        tooltip: [{ field: "group" }, { field: "value", format: ",.0f" }] } },
      { mark: { type: "rule", color: "#888888" }, encoding: { y,
        x: { field: "lower", type: "quantitative", title: words(m) }, x2: { field: "upper" } } }] },
      words(m) + " by " + words(g) + " on " + pick.date.value);
  }

  function season() {
    return draw("season", { data: { values: data.season }, mark: { type: "line", color: blue() },
      encoding: { x: { field: "week", type: "temporal", title: null },
        y: { field: "purchases", type: "quantitative", title: "purchases a week" },
        tooltip: [{ field: "week", type: "temporal" }, { field: "purchases", format: ",.0f" }] } },
      "Purchases week by week");
  }

  function kept() {
    const m = pick.measure.value === "revenue" || pick.measure.value === "clv"
      ? "revenue" : "purchases";
    const values = data.kept.filter(r => here(r) && r.measure === m);
    const x = { field: "date", type: "temporal", title: "forecast of" };
    return draw("kept", { data: { values }, layer: [
      { mark: { type: "rule", color: blue(), strokeWidth: 5, opacity: 0.4 }, encoding: { x,
        y: { field: "lower", type: "quantitative", title: m }, y2: { field: "upper" } } },
      { mark: { type: "tick", color: blue(), thickness: 3 }, encoding: { x,
        y: { field: "forecast", type: "quantitative", title: m } } },
      { mark: { type: "point", filled: true, color: "#d55e00", size: 60 }, encoding: { x,
        y: { field: "came", type: "quantitative", title: m },
        tooltip: [{ field: "date" }, { field: "until" }, { field: "forecast", format: ",.0f" },
                  { field: "came", format: ",.0f" }] } }] },
      "Forecast " + m + " with interval, and what came, by date of the forecast");
  }

  function figures() {
    const row = data.history.find(r => r.date === pick.date.value && here(r));
    for (const name of ["customers", "alive", "active", "purchases", "revenue", "clv"]) {
      const place = byId("figure-" + name);
      if (place) place.textContent = row && row[name] != null ? number.format(row[name]) : "-";
    }
    byId("chosen").textContent = words(pick.group.value) + ", " + pick.date.value;
  }

  function refill() {
    const found = unique(data.history.filter(r => r.grouping === pick.grouping.value)
      .map(r => r.group));
    options(pick.group, found, found[0]);
  }

  function all() {
    document.body.dataset.ready = "no";
    figures();
    return Promise.all([overTime(), waterfall(), flows(), groups(), season(), kept()])
      .then(() => { document.body.dataset.ready = "yes"; });
  }

  const dates = unique(data.history.map(r => r.date));
  options(pick.grouping, unique(data.history.map(r => r.grouping)), "all");
  options(pick.date, dates, dates[dates.length - 1]);
  options(pick.measure, data.measures, data.measures[0]);
  refill();
  pick.grouping.addEventListener("change", () => { refill(); all(); });
  for (const name of ["group", "date", "measure"]) pick[name].addEventListener("change", all);
  dark.addEventListener("change", all);

  const search = byId("search"), table = document.querySelector("#act table");
  if (search && table) {
    search.addEventListener("input", () => {
      const sought = search.value.trim().toLowerCase();
      for (const row of table.tBodies[0].rows)
        row.hidden = sought !== "" && !row.cells[0].textContent.toLowerCase().includes(sought);
    });
    byId("export").addEventListener("click", () => {
      const cell = c => '"' + c.textContent.replace(/^([=+\-@])(?!\d)/, "'$1")
        .replaceAll('"', '""') + '"';
      const rows = [table.tHead.rows[0], ...Array.from(table.tBodies[0].rows)
        .filter(row => !row.hidden)];
      const text = rows.map(row => Array.from(row.cells).map(cell).join(",")).join("\r\n");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = "customers.csv"; link.click(); URL.revokeObjectURL(link.href);
    });
  }
  all();
})();
"""
