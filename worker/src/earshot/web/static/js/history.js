// The drawer: how long every turn took, as a plot, as a table, and the connection's own figures.

import { $, element, svg } from "./dom.js";
import { STAGES, inWords, ms } from "./latency.js";

const TURNS_MAX = 200;
const SHOWN = 20;
const WIDTH = 470;
const HEIGHT = 230;
const LEFT = 40;
const TOP = 22;
const BOTTOM = 26;

export class History {
  #turns = new Map();
  #facts = {};
  #call = 0;

  newCall() {
    this.#call += 1;
  }

  /** Adds a measured turn, or replaces the one of the same number. */
  add(measured) {
    this.#turns.set(`${this.#call}:${measured.turn}`, measured);
    while (this.#turns.size > TURNS_MAX) this.#turns.delete(this.#turns.keys().next().value);
    this.#refresh();
  }

  /** @param facts of network.js */
  connection(facts) {
    this.#facts = { ...this.#facts, ...facts };
    this.#refresh();
  }

  all() {
    return [...this.#turns.values()];
  }

  open() {
    this.#draw();
    const dialog = $("#history");
    if (!dialog.open) dialog.showModal();
  }

  #refresh() {
    if ($("#history").open) this.#draw();
  }

  #draw() {
    const turns = this.all();
    const timed = turns.filter((turn) => turn.total !== null && !turn.typed); // typed ones are no measure of a voice
    const body = $("#history-body");
    if (!timed.length) {
      body.replaceChildren(element("p", { class: "nothing" }, "After the first answer, this shows how long you waited for it, and for what."), this.#connection());
      return;
    }
    const shown = timed.slice(-SHOWN);
    const totals = timed.map((turn) => turn.total).sort((a, b) => a - b);
    body.replaceChildren(
      element("dl", { class: "figures" }, figure("Median", quantile(totals, 0.5)), figure("p95", quantile(totals, 0.95)), figure("Last", timed.at(-1).total)),
      plot(shown),
      legend(shown),
      element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "The same as a table" }, table(turns.slice(-SHOWN))),
      element(
        "p",
        { class: "fine" },
        "The plot shows what you waited for, from your last word to the first sound. Stages overlap: most of the work is done during the silence that ends your turn, so the times in the table add up to more than the total.",
      ),
      this.#connection(),
    );
  }

  #connection() {
    const { rtt_ms, buffer_ms, lost_percent, server, kind } = this.#facts;
    const rows = [
      ["Round trip", rtt_ms === undefined ? null : `${rtt_ms < 10 ? rtt_ms.toFixed(1) : Math.round(rtt_ms)} ms`],
      ["Buffered before it plays", buffer_ms === undefined ? null : ms(buffer_ms)],
      ["Packets lost", lost_percent === undefined ? null : `${lost_percent.toFixed(1)} %`],
      ["Server", server ? `${server}, ${kind}` : null],
    ].filter(([, value]) => value !== null);
    if (!rows.length) return element("div");
    return element(
      "div",
      {},
      element("h3", {}, "Connection"),
      element("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    );
  }
}

function figure(name, value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, String(Math.round(value)), element("small", {}, " ms")));
}

export function quantile(sorted, q) {
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** A round number of about a quarter of `most`. */
export function step(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
}

function plot(turns) {
  const most = Math.max(100, ...turns.map((turn) => turn.total));
  const by = step(most);
  const top = Math.ceil(most / by) * by;
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  const room = (WIDTH - LEFT) / Math.max(6, turns.length);
  const wide = Math.min(38, room * 0.62);
  const drawing = svg("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Waiting time of the last ${turns.length} turns, in milliseconds. The table below has the figures.` });
  for (let value = 0; value <= top + 1e-6; value += by) {
    drawing.append(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value === 0 ? "0" : String(Math.round(value))),
    );
  }
  drawing.append(svg("text", { x: 0, y: 10 }, "ms"));
  turns.forEach((turn, i) => {
    const middle = LEFT + room * (i + 0.5);
    const group = svg("g", {}, svg("title", {}, `Turn ${turn.turn}. ${inWords(turn)}`));
    let base = 0;
    for (const [stage, waited] of turn.waits) {
      const high = y(base) - y(base + waited);
      group.append(svg("rect", { "data-stage": stage, x: middle - wide / 2, y: y(base + waited), width: wide, height: Math.max(0.5, high - 0.8) }));
      base += waited;
    }
    if (turns.length <= 12) group.append(svg("text", { class: "total", x: middle, y: y(turn.total) - 6, "text-anchor": "middle" }, String(Math.round(turn.total))));
    group.append(svg("text", { x: middle, y: HEIGHT - 8, "text-anchor": "middle" }, String(turn.turn)));
    drawing.append(group);
  });
  return drawing;
}

function legend(turns) {
  const used = new Set(turns.flatMap((turn) => turn.waits.map(([stage]) => stage)));
  return element(
    "ul",
    { class: "legend", "aria-label": "Colours" },
    ...STAGES.filter(([stage]) => used.has(stage)).map(([stage, name, meaning]) =>
      element("li", { title: meaning }, element("span", { class: "swatch", "data-stage": stage }), name),
    ),
  );
}

function table(turns) {
  const columns = STAGES.filter(([stage]) => stage !== "other");
  return element(
    "table",
    { class: "turns" },
    element("thead", {}, element("tr", {}, ...["Turn", ...columns.map(([, name]) => name), "Total"].map((name) => element("th", { scope: "col" }, name)))),
    element(
      "tbody",
      {},
      ...turns
        .toReversed()
        .map((turn) =>
          element(
            "tr",
            {},
            element("td", {}, turn.typed ? `${turn.turn}, typed` : String(turn.turn)),
            ...columns.map(([stage]) => element("td", {}, turn.work[stage] == null ? "–" : String(Math.round(turn.work[stage])))),
            element("td", {}, turn.total === null ? "–" : String(Math.round(turn.total))),
          ),
        ),
    ),
  );
}
