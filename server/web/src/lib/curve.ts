/** The full curve: uPlot draws axes and line, this module everything that is ours. */

import uPlot from 'uplot';

import type { Alert, CallState, Cue, PhaseSpan } from './call';
import { faded, type Colours } from './colours';
import type { Party, Phase } from './events';
import { clock } from './format';

export interface CurveScene {
  readonly call: CallState;
  readonly from_s: number;
  readonly end_s: number;
  readonly colours: Colours;
  readonly phaseNames: Readonly<Record<Phase, string>>;
  readonly partyNames: Readonly<Record<Party, string>>;
  readonly lanes: boolean;
  readonly live: boolean;
}

/** Room beside the plot, in rem; what shares the time axis keeps the same. */
export const CURVE_LEFT_REM = 4.2;
export const CURVE_RIGHT_REM = 1.7;

// In rem, too.
const RIBBON = 1.65;
const LANE = 0.56;
const LANE_STEP = 0.88;
const LANES = 2.2;
const TEXT = 0.76;

export function curveData(call: CallState): uPlot.AlignedData {
  return [
    call.points.map((it) => it.at_s),
    call.points.map((it) => it.score),
    call.points.map((it) => it.low),
    call.points.map((it) => it.high),
  ];
}

/** Live, the axis grows by the half minute, so that the curve does not creep. */
export const axisEnd = (now_s: number, live: boolean): number =>
  live ? Math.max(60, Math.ceil((now_s + 3) / 30) * 30) : Math.max(1, now_s);

/** Options of a chart that shows what `scene` returns at each drawing. */
export function curveOptions(
  scene: () => CurveScene,
  size: { readonly width: number; readonly height: number },
  onHover: (at_s: number | null) => void,
): uPlot.Options {
  const { lanes, colours } = scene();
  const { rem } = colours;
  return {
    ...size,
    padding: [(RIBBON + 0.4) * rem, CURVE_RIGHT_REM * rem, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 9, width: 2 } },
    scales: {
      x: { time: false, range: () => [scene().from_s, scene().end_s] },
      y: { range: () => [0, 100] },
    },
    axes: [
      {
        stroke: () => scene().colours.faint,
        font: axisFont(scene),
        grid: { show: false },
        ticks: { show: false },
        size: ((lanes ? LANES : 0) + 1.65) * rem,
        gap: ((lanes ? LANES : 0) + 0.4) * rem,
        space: 4.5 * rem,
        incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600],
        values: (_, splits) => splits.map(clock),
      },
      {
        stroke: () => scene().colours.faint,
        font: axisFont(scene),
        grid: { stroke: () => scene().colours.line, width: 1 },
        ticks: { show: false },
        size: CURVE_LEFT_REM * rem,
        gap: 0.5 * rem,
        splits: () => [0, 25, 50, 75, 100],
      },
    ],
    series: [
      {},
      {
        stroke: (chart) => phaseGradient(chart, scene()),
        width: 0.16 * rem,
        points: { show: false },
      },
      { stroke: 'transparent', points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
    ],
    bands: [{ series: [3, 2], fill: () => faded(scene().colours.ink, 0.09) }],
    hooks: {
      drawClear: [(chart) => drawPhases(chart, scene())],
      draw: [
        (chart) => {
          if (scene().lanes) drawLanes(chart, scene());
          drawCues(chart, scene());
          drawAlerts(chart, scene());
          drawNow(chart, scene());
        },
      ],
      setCursor: [
        (chart) => {
          const left = chart.cursor.left ?? -1;
          onHover(left < 0 ? null : chart.posToVal(left, 'x'));
        },
      ],
    },
  };
}

const axisFont = (scene: () => CurveScene): string =>
  `${TEXT * scene().colours.rem}px ${scene().colours.font}`;

/** Canvas pixels in a sixteenth of a rem. */
const unit = (scene: CurveScene): number => (devicePixelRatio * scene.colours.rem) / 16;
const xOf = (chart: uPlot, at_s: number): number => chart.valToPos(at_s, 'x', true);
const yOf = (chart: uPlot, score: number): number => chart.valToPos(score, 'y', true);

function spansOf(scene: CurveScene): { span: PhaseSpan; end_s: number }[] {
  const last_s = scene.call.points.at(-1)?.at_s ?? 0;
  const open_s = scene.live ? last_s : scene.end_s;
  return scene.call.phases.map((span) => ({ span, end_s: span.end_s ?? open_s }));
}

/** The line has the colour of the phase it is in. */
function phaseGradient(chart: uPlot, scene: CurveScene): CanvasGradient | string {
  const { left, width } = chart.bbox;
  const spans = spansOf(scene);
  if (spans.length === 0 || width <= 0) return scene.colours.quiet;
  const gradient = chart.ctx.createLinearGradient(left, 0, left + width, 0);
  const { from_s } = scene;
  const stop = (at_s: number): number =>
    Math.min(1, Math.max(0, (at_s - from_s) / (scene.end_s - from_s)));
  for (const { span, end_s } of spans) {
    gradient.addColorStop(stop(span.start_s), scene.colours.phases[span.phase]);
    gradient.addColorStop(stop(end_s), scene.colours.phases[span.phase]);
  }
  return gradient;
}

/** Named bands: a tint behind the curve and the phase's name above it. */
function drawPhases(chart: uPlot, scene: CurveScene): void {
  const { ctx, bbox } = chart;
  const scale = unit(scene);
  ctx.save();
  ctx.font = `${TEXT * 16 * scale}px ${scene.colours.font}`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { span, end_s } of spansOf(scene)) {
    const from = Math.max(bbox.left, xOf(chart, span.start_s));
    const to = Math.min(bbox.left + bbox.width, xOf(chart, end_s));
    if (to - from < 0.5) continue; // Too short to be seen, or not in view.
    const colour = scene.colours.phases[span.phase];
    ctx.fillStyle = faded(colour, 0.06);
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    const top = bbox.top - RIBBON * 16 * scale;
    const gap = Math.min(scale, (to - from) / 4);
    ctx.fillStyle = faded(colour, 0.17);
    ctx.beginPath();
    ctx.roundRect(from + gap, top, to - from - 2 * gap, (RIBBON * 16 - 6) * scale, 4 * scale);
    ctx.fill();
    const middle = top + ((RIBBON * 16 - 6) / 2) * scale;
    const shape = 4.2 * scale;
    const room = to - from - 8 * scale;
    const name = scene.phaseNames[span.phase];
    const wide = ctx.measureText(name).width + 3.6 * shape;
    if (room < 2 * shape) continue;
    const start = wide <= room ? from + 6 * scale : (from + to) / 2 - shape;
    drawShape(ctx, span.phase, start + shape, middle, shape, colour, scene.colours.surface);
    if (wide <= room) {
      ctx.fillStyle = scene.colours.ink;
      ctx.fillText(name, start + 3.2 * shape, middle);
    }
  }
  ctx.restore();
}

/** The same shapes as in PhaseShape.svelte. */
function drawShape(
  ctx: CanvasRenderingContext2D,
  phase: Phase,
  x: number,
  y: number,
  size: number,
  colour: string,
  surface: string,
): void {
  ctx.save();
  ctx.fillStyle = colour;
  ctx.strokeStyle = colour;
  ctx.lineWidth = size * 0.4;
  ctx.lineJoin = 'round';
  ctx.beginPath();
  if (phase === 'rational') ctx.arc(x, y, size * 0.8, 0, 2 * Math.PI);
  else if (phase === 'problem_solving') ctx.arc(x, y, size, 0, 2 * Math.PI);
  else {
    const points: readonly (readonly [number, number])[] =
      phase === 'peak'
        ? [[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]]
        : phase === 'take_off'
          ? [[0, -0.9], [1, 0.85], [-1, 0.85]]
          : [[0, 0.9], [1, -0.85], [-1, -0.85]];
    points.forEach(([dx, dy], index) => {
      if (index === 0) ctx.moveTo(x + dx * size, y + dy * size);
      else ctx.lineTo(x + dx * size, y + dy * size);
    });
    ctx.closePath();
  }
  if (phase === 'rational' || phase === 'cool_down') ctx.stroke();
  else ctx.fill();
  if (phase === 'problem_solving') {
    ctx.strokeStyle = surface;
    ctx.lineWidth = size * 0.3;
    ctx.beginPath();
    ctx.moveTo(x - size * 0.45, y);
    ctx.lineTo(x - size * 0.1, y + size * 0.35);
    ctx.lineTo(x + size * 0.5, y - size * 0.35);
    ctx.stroke();
  }
  ctx.restore();
}

/** Who spoke when, one lane for each party, below the curve. */
function drawLanes(chart: uPlot, scene: CurveScene): void {
  const { ctx, bbox } = chart;
  const scale = unit(scene);
  const lanes: readonly Party[] = scene.call.parties.includes('unknown')
    ? ['unknown']
    : ['customer', 'agent'];
  ctx.save();
  ctx.font = `${0.7 * 16 * scale}px ${scene.colours.font}`;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'middle';
  lanes.forEach((party, index) => {
    const top = bbox.top + bbox.height + (9 + index * LANE_STEP * 16) * scale;
    ctx.fillStyle = scene.colours.faint;
    ctx.fillText(scene.partyNames[party], bbox.left - 8 * scale, top + LANE * 8 * scale);
    ctx.fillStyle = faded(scene.colours.line, 0.55);
    ctx.fillRect(bbox.left, top + (LANE * 8 - 0.5) * scale, bbox.width, scale);
    ctx.fillStyle = party === 'agent' ? scene.colours.agent : scene.colours.customer;
    for (const span of scene.call.speech) {
      if (span.party !== party) continue;
      const from = xOf(chart, span.start_s);
      const width = Math.max(scale, xOf(chart, Math.min(span.end_s, scene.end_s)) - from);
      ctx.beginPath();
      ctx.roundRect(from, top, width, LANE * 16 * scale, 2 * scale);
      ctx.fill();
    }
  });
  ctx.restore();
}

/** Draw from here on in the plot only, and as far beside it as a sign is wide. */
function clipped({ ctx, bbox }: uPlot): void {
  const beside = 12 * devicePixelRatio;
  ctx.beginPath();
  ctx.rect(bbox.left - beside, 0, bbox.width + 2 * beside, ctx.canvas.height);
  ctx.clip();
}

/** From one flag of an alert to the next, and where each has a pole. */
const FLAG_ROOM = 11;
const POLE_ROOM = 24;

/** From one ring of a cue to the next, at least. */
const RING_ROOM = 15;

const cueEnd = (cue: Cue, scene: CurveScene): number =>
  cue.step === 'followed' || cue.step === 'ignored' || cue.step === 'withdrawn'
    ? cue.at_s
    : Math.min(scene.end_s, cue.count?.until_s ?? cue.at_s);

/**
 * A cue is a small ring on the floor of the plot, with a line as long as it was there.
 *
 * In hours of a call rings would lie on each other: one without room is a dot, until somebody looks closer.
 */
function drawCues(chart: uPlot, scene: CurveScene): void {
  const { ctx } = chart;
  const scale = unit(scene);
  const y = yOf(chart, 0) - 9 * scale;
  let room = -Infinity;
  ctx.save();
  clipped(chart);
  for (const cue of scene.call.cues) {
    const from = xOf(chart, cue.armed_s);
    const to = Math.max(from, xOf(chart, cueEnd(cue, scene)));
    ctx.strokeStyle = scene.colours.cue;
    ctx.lineWidth = 2 * scale;
    ctx.beginPath();
    ctx.moveTo(from, y);
    ctx.lineTo(to, y);
    ctx.stroke();
    const x = cue.count === null ? from : xOf(chart, cue.count.start_s);
    if (x < room) {
      ctx.fillStyle = scene.colours.cue;
      ctx.beginPath();
      ctx.arc(x, y, 2 * scale, 0, 2 * Math.PI);
      ctx.fill();
      continue;
    }
    room = x + RING_ROOM * scale;
    ctx.fillStyle = scene.colours.surface;
    ctx.beginPath();
    ctx.arc(x, y, 5.5 * scale, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, y - 3 * scale);
    ctx.lineTo(x, y);
    ctx.lineTo(x + 2.2 * scale, y + 1.2 * scale);
    ctx.lineWidth = 1.4 * scale;
    ctx.stroke();
  }
  ctx.restore();
}

/** In hours of a call flags have no poles, which would hide the curve, nor lie on each other. */
function drawAlerts(chart: uPlot, scene: CurveScene): void {
  const scale = unit(scene);
  const flags = scene.call.alerts
    .flatMap((alert) => [alert, ...alert.escalations].map(({ at_s }) => ({ alert, at_s })))
    .filter(({ at_s }) => at_s >= scene.from_s && at_s <= scene.end_s)
    .sort((a, b) => a.at_s - b.at_s);
  const poles = flags.length * POLE_ROOM * scale <= chart.bbox.width;
  let room = -Infinity;
  for (const { alert, at_s } of flags) {
    const x = xOf(chart, at_s);
    if (poles || x >= room) {
      room = x + FLAG_ROOM * scale;
      drawFlag(chart, scene, alert, x, poles);
    } else {
      drawNotch(chart, scene, x);
    }
  }
}

/** What is left of a flag that has no room. */
function drawNotch(chart: uPlot, scene: CurveScene, x: number): void {
  const { ctx, bbox } = chart;
  const scale = unit(scene);
  ctx.save();
  ctx.fillStyle = scene.colours.alert;
  ctx.fillRect(x, bbox.top + scale, 1.5 * scale, 4 * scale);
  ctx.restore();
}

/** A flag at the top of the plot, on a thin pole where there is room for one. */
function drawFlag(chart: uPlot, scene: CurveScene, alert: Alert, x: number, pole: boolean): void {
  const { ctx, bbox } = chart;
  const scale = unit(scene);
  const top = bbox.top + 5 * scale;
  ctx.save();
  clipped(chart);
  ctx.strokeStyle = faded(scene.colours.alert, 0.55);
  ctx.fillStyle = scene.colours.alert;
  ctx.lineWidth = scale;
  if (pole) {
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x + 10 * scale, top + 4 * scale);
  ctx.lineTo(x, top + 8 * scale);
  ctx.closePath();
  if (alert.severity === 'notice') {
    ctx.strokeStyle = scene.colours.alert;
    ctx.lineWidth = 1.5 * scale;
    ctx.fillStyle = scene.colours.surface;
    ctx.fill();
    ctx.stroke();
  } else {
    ctx.fill();
  }
  ctx.restore();
}

/** Where the curve stands now. */
function drawNow(chart: uPlot, scene: CurveScene): void {
  const last = scene.call.points.at(-1);
  if (!scene.live || last === undefined) return;
  const { ctx } = chart;
  const scale = unit(scene);
  const x = xOf(chart, last.at_s);
  const y = yOf(chart, last.score);
  ctx.save();
  ctx.fillStyle = scene.colours.phases[last.phase];
  ctx.strokeStyle = scene.colours.surface;
  ctx.lineWidth = 2.5 * scale;
  ctx.beginPath();
  ctx.arc(x, y, 5.5 * scale, 0, 2 * Math.PI);
  ctx.fill();
  ctx.stroke();
  ctx.restore();
}
