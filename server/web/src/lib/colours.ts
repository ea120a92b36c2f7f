/** Colours of the style sheet for what is drawn on a canvas. */

import { PHASES, type Phase } from './events';

export interface Colours {
  readonly ink: string;
  readonly quiet: string;
  readonly faint: string;
  readonly line: string;
  readonly surface: string;
  readonly accent: string;
  readonly customer: string;
  readonly agent: string;
  readonly alert: string;
  readonly cue: string;
  readonly phases: Readonly<Record<Phase, string>>;
  readonly font: string;
  /** CSS pixels in one rem: what is drawn grows with the text around it. */
  readonly rem: number;
}

export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ink: value('--ink'),
    quiet: value('--ink-2'),
    faint: value('--ink-3'),
    line: value('--line'),
    surface: value('--surface'),
    accent: value('--accent'),
    customer: value('--customer'),
    agent: value('--agent'),
    alert: value('--critical'),
    cue: value('--accent'),
    phases: Object.fromEntries(
      PHASES.map((phase) => [phase, value(`--phase-${phase}`)]),
    ) as Record<Phase, string>,
    font: value('--font'),
    rem: parseFloat(style.fontSize),
  };
}

/** `#rrggbb` with an opacity in [0, 1]. */
export const faded = (colour: string, opacity: number): string =>
  `${colour}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, '0')}`;
