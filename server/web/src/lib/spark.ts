/** Draws the last minutes of a curve, small. Asks nothing of the page's layout. */

import { faded, type Colours } from './colours';
import type { HostilityPoint } from './events';

export const SPARK_S = 180;

/** A gap between two points longer than this is drawn as a gap. */
const GAP_S = 20;

export function drawSpark(
  canvas: HTMLCanvasElement,
  { width, height }: { readonly width: number; readonly height: number },
  points: readonly HostilityPoint[],
  now_s: number,
  colours: Colours,
): void {
  const context = canvas.getContext('2d');
  const scale = devicePixelRatio;
  if (context === null || width === 0) return;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const unit = colours.rem / 16;
  const pad = 4 * unit;
  const end_s = Math.max(now_s, SPARK_S);
  const x = (at_s: number): number => ((at_s - end_s + SPARK_S) / SPARK_S) * (width - pad);
  const y = (score: number): number => height - pad - (score / 100) * (height - 2 * pad);

  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  for (const score of [0, 50, 100]) {
    context.beginPath();
    context.moveTo(0, Math.round(y(score)) + 0.5);
    context.lineTo(width, Math.round(y(score)) + 0.5);
    context.stroke();
  }

  const from = points.findIndex((it) => it.at_s >= end_s - SPARK_S);
  if (from < 0) return;
  const shown = points.slice(Math.max(0, from - 1));
  for (const run of runs(shown)) {
    context.fillStyle = faded(colours.phases[run.at(-1)?.phase ?? 'rational'], 0.22);
    context.beginPath();
    for (const point of run) context.lineTo(x(point.at_s), y(point.high));
    for (const point of [...run].reverse()) context.lineTo(x(point.at_s), y(point.low));
    context.fill();
  }
  context.lineWidth = 1.75 * unit;
  context.lineJoin = 'round';
  context.lineCap = 'round';
  shown.forEach((point, index) => {
    const before = shown[index - 1];
    if (before === undefined || point.at_s - before.at_s > GAP_S) return;
    context.strokeStyle = colours.phases[point.phase];
    context.beginPath();
    context.moveTo(x(before.at_s), y(before.score));
    context.lineTo(x(point.at_s), y(point.score));
    context.stroke();
  });
  const last = shown.at(-1);
  if (last === undefined) return;
  context.fillStyle = colours.phases[last.phase];
  context.beginPath();
  context.arc(x(last.at_s), y(last.score), 3 * unit, 0, 2 * Math.PI);
  context.fill();
}

/** `points` cut where there is a gap and where the phase changes, each with its neighbour. */
function runs(points: readonly HostilityPoint[]): HostilityPoint[][] {
  const cut: HostilityPoint[][] = [];
  for (const point of points) {
    const run = cut.at(-1);
    const last = run?.at(-1);
    if (run === undefined || last === undefined || point.at_s - last.at_s > GAP_S) {
      cut.push([point]);
    } else if (last.phase !== point.phase) {
      run.push({ ...point, phase: last.phase });
      cut.push([point]);
    } else {
      run.push(point);
    }
  }
  return cut;
}
