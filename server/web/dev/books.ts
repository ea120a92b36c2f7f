/** Rules and a playbook made up for `npm run dev`; what is saved lasts until it ends. */

import { freshRule, KINDS, type Book, type BookKind, type Playbook, type Rules } from '../src/lib/books';

const RULES: Rules = {
  rule: KINDS.map((kind) => freshRule(kind, [])),
  clear_score: 35,
  clear_s: 10,
  least_open_s: 20,
  cooldown_s: 60,
  cap: 6,
  cap_s: 300,
  escalate_s: 60,
};

const PLAYBOOK: Playbook = {
  lines: [
    {
      id: 'vent',
      method: { en: 'six steps: let them vent', zh: '六步法：让客户发泄' },
      text: { en: 'Please go on. I want to hear all of it.', zh: '您请说，我先完整地听您讲。' },
      phases: ['take_off', 'peak'],
      codes: [],
      customers: [],
    },
    {
      id: 'feel',
      method: { en: '3F: feel', zh: '3F：感受' },
      text: { en: 'I can see why you feel that way.', zh: '我理解您现在的心情。' },
      phases: [],
      codes: [],
      customers: ['venting'],
    },
  ],
};

const SHIPPED: Record<BookKind, unknown> = { rules: RULES, playbook: PLAYBOOK };
const saved = new Map<string, Book<unknown>>();

export function look(kind: BookKind, team: string): Book<unknown> {
  const teams = [...saved.values()].map((it) => it.team).filter((it) => it !== '');
  const edition = { version: 0, team: '', by: '', at: '' };
  return saved.get(`${kind} ${team}`) ?? { team, edition, teams, body: SHIPPED[kind] };
}

export function save(kind: BookKind, team: string, by: string, body: unknown): Book<unknown> {
  const key = `${kind} ${team}`;
  if (body === null) saved.delete(key);
  else {
    const edition = { version: saved.size + 1, team, by, at: new Date().toISOString() };
    saved.set(key, { team, edition, teams: [team], body });
  }
  return look(kind, team);
}
