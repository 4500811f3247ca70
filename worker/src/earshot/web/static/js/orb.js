// The agent, as one calm shape: rings of sound around a core. Your voice comes in, in your colour;
// its voice goes out, in its colour; while it thinks an arc goes round. Nothing moves by itself for
// those who asked for less motion: then only the size follows the voice.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const TAU = Math.PI * 2;
const RINGS = 5;
// often enough for what moves: the page may share the machine with the models
const FRAME_MS = 40;
const CALM_FRAME_MS = 66;

export class Orb {
  #canvas;
  #context;
  #colours = {};
  #phase = 0;
  #then = 0;
  #you = 0;
  #agent = 0;
  #out = 0;
  #in = 0;
  #mix = { you: 0, agent: 0, think: 0, awake: 0 };
  /** idle | connecting | waiting | listening | thinking | speaking | off */
  mood = "idle";
  /** Reads {you, agent}, each 0..1. */
  levels = () => ({ you: 0, agent: 0 });
  /** Called once per frame with the levels. */
  onframe = () => {};

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.recolour();
    new MutationObserver(() => this.recolour()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    requestAnimationFrame((now) => this.#paint(now));
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["agent", "you", "muted", "glow"]) this.#colours[name] = rgb(style.getPropertyValue(`--${name}`));
  }

  #paint(now) {
    requestAnimationFrame((next) => this.#paint(next)); // browsers stop this while the page is hidden
    const calm = this.mood === "idle" || this.mood === "off";
    if (now - this.#then < (calm ? CALM_FRAME_MS : FRAME_MS) - 4) return;
    const passed = Math.min(0.1, (now - this.#then) / 1000);
    this.#then = now;
    const levels = this.levels();
    this.onframe(levels);
    this.#you += (levels.you - this.#you) * 0.5;
    this.#agent += (levels.agent - this.#agent) * 0.5;
    const ease = (key, to) => (this.#mix[key] += (to - this.#mix[key]) * Math.min(1, passed * 5));
    ease("agent", this.mood === "speaking" ? 1 : 0);
    ease("you", this.mood === "listening" ? 1 : 0);
    ease("think", ["thinking", "connecting", "waiting"].includes(this.mood) ? 1 : 0);
    ease("awake", this.mood === "off" ? 0 : 1);
    if (!still.matches) this.#phase += passed;
    this.#draw(passed);
  }

  #draw(passed) {
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const size = this.#canvas.clientWidth;
    if (!size) return;
    const pixels = Math.round(size * ratio);
    if (this.#canvas.width !== pixels || this.#canvas.height !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    const g = this.#context;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, size, size);
    g.translate(size / 2, size / 2);

    const { agent, you, think, awake } = this.#mix;
    const heard = this.#you * you;
    const said = this.#agent;
    const colour = blend(this.#colours.muted, this.#colours.agent, awake);
    const breath = 0.5 + 0.5 * Math.sin(this.#phase * 1.5);
    const radius = size * (0.165 + 0.01 * breath * awake + 0.03 * said + 0.012 * heard);

    // the agent's rings go out, yours come in; both swell slowly while nobody speaks
    const move = still.matches ? 0 : passed;
    this.#out = (this.#out + move * (0.05 + 0.2 * said)) % 1;
    this.#in = (this.#in + 1 - move * (0.05 + 0.22 * heard)) % 1;
    const rings = (drift, tint, energy, strength) => {
      if (strength < 0.01) return;
      for (let i = 0; i < RINGS; i++) {
        const at = (i + drift * RINGS) % RINGS / RINGS;
        const fade = Math.sin(Math.PI * (0.06 + 0.94 * at)) * (0.3 + 0.6 * energy) * strength;
        g.beginPath();
        wobble(g, radius + (size * 0.485 - radius) * at, size * 0.008 * energy, this.#phase * 1.8 + i);
        g.strokeStyle = css(tint, fade);
        g.lineWidth = size * (0.005 + 0.011 * energy * (1 - at));
        g.stroke();
      }
    };
    const warm = Math.min(1, heard * 2.2);
    rings(this.#out, colour, said, (0.35 + 0.65 * awake) * (1 - warm));
    rings(this.#in, this.#colours.you, heard, warm);

    // glow and core
    const glow = g.createRadialGradient(0, 0, radius * 0.6, 0, 0, radius * 2);
    glow.addColorStop(0, css(colour, 0.2 * awake + 0.22 * Math.max(said, heard)));
    glow.addColorStop(1, css(colour, 0));
    g.fillStyle = glow;
    g.beginPath();
    g.arc(0, 0, radius * 2, 0, TAU);
    g.fill();

    const core = g.createRadialGradient(-radius * 0.35, -radius * 0.45, radius * 0.1, 0, 0, radius * 1.05);
    core.addColorStop(0, css(blend(blend(colour, [255, 255, 255], 0.3), this.#colours.glow, 0.85 * awake), 1));
    core.addColorStop(0.95, css(colour, 1));
    g.fillStyle = core;
    g.beginPath();
    wobble(g, radius, size * 0.006 * said, this.#phase * 3);
    g.fill();

    if (think > 0.02) {
      const turn = this.#phase * 2.4;
      g.lineCap = "round";
      g.lineWidth = size * 0.012;
      for (let i = 0; i < 3; i++) {
        g.strokeStyle = css(colour, think * (0.85 - i * 0.25));
        g.beginPath();
        g.arc(0, 0, radius * 1.28, turn - i * 0.55 - 0.42, turn - i * 0.55);
        g.stroke();
      }
    }
  }
}

function wobble(g, radius, depth, phase) {
  if (depth < 0.3) {
    g.arc(0, 0, radius, 0, TAU);
    return;
  }
  for (let i = 0; i <= 48; i++) {
    const a = (i / 48) * TAU;
    const r = radius + depth * (Math.sin(a * 3 + phase) * 0.6 + Math.sin(a * 5 - phase * 1.4) * 0.4);
    g[i ? "lineTo" : "moveTo"](Math.cos(a) * r, Math.sin(a) * r);
  }
  g.closePath();
}

function rgb(text) {
  const hex = text.trim().replace("#", "");
  return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

const blend = (a, b, t) => a.map((value, i) => Math.round(value + (b[i] - value) * t));
const css = ([r, g, b], alpha) => `rgb(${r} ${g} ${b} / ${Math.max(0, Math.min(1, alpha)).toFixed(3)})`;
