/** The service over HTTP: actions and finished calls. */

import type { Book, BookKind, Playbook, Rules, TimeSpan, Trial } from './books';
import type { AlertEnd, CallSummary, Entry, HelpReason } from './events';
import { session } from './session.svelte';

/**
 * The service answered with a problem, or not at all (`status` 0).
 *
 * `detail` says why, in the language of the page; empty where it was not the service that answered.
 */
export class ServiceError extends Error {
  override name = 'ServiceError';

  constructor(
    readonly status: number,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}

export async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, inLanguage(init));
  } catch (error) {
    throw new ServiceError(0, '', { cause: error });
  }
  if (response.status === 401) session.needed = true;
  if (!response.ok) throw new ServiceError(response.status, await detailOf(response));
  return response;
}

/** The service says in the language of the page what it has to say to people. */
function inLanguage(init: RequestInit | undefined): RequestInit {
  const headers = new Headers(init?.headers);
  headers.set('accept-language', document.documentElement.lang);
  return { ...init, headers };
}

async function detailOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: unknown };
    return typeof problem.detail === 'string' ? problem.detail : '';
  } catch {
    return '';
  }
}

async function post(path: string, body: object): Promise<void> {
  await request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

const call = (id: string): string => `/v1/calls/${encodeURIComponent(id)}`;

/** Asked for by those who may see numbers and addresses; each time is in the audit log. */
const uncovering = (uncovered: boolean): string => (uncovered ? '?unredacted=true' : '');

export const audioUrl = (callId: string, uncovered = false): string =>
  `${call(callId)}/audio${uncovering(uncovered)}`;
export const exportUrl = (callId: string, file: string, uncovered = false): string =>
  `${call(callId)}/export/${file}${uncovering(uncovered)}`;

export async function summary(callId: string): Promise<CallSummary> {
  return (await (await request(call(callId))).json()) as CallSummary;
}

export async function entries(callId: string, uncovered = false): Promise<readonly Entry[]> {
  const response = await request(`${call(callId)}/entries${uncovering(uncovered)}`);
  return (await response.json()) as readonly Entry[];
}

export const acknowledge = (callId: string, alertId: string, by: string): Promise<void> =>
  post(`${alert(callId, alertId)}/acknowledge`, { by });

const alert = (callId: string, alertId: string): string =>
  `${call(callId)}/alerts/${encodeURIComponent(alertId)}`;

export const snooze = (callId: string, alertId: string, by: string, for_s: number): Promise<void> =>
  post(`${alert(callId, alertId)}/snooze`, { by, for_s });

export const closeAlert = (
  callId: string,
  alertId: string,
  by: string,
  reason: AlertEnd,
  text: string,
): Promise<void> => post(`${alert(callId, alertId)}/close`, { by, reason, text });

export const askHelp = (callId: string, by: string, reason: HelpReason, text: string): Promise<void> =>
  post(`${call(callId)}/help`, { by, reason, text });

export const withdrawHelp = (callId: string, by: string): Promise<void> =>
  post(`${call(callId)}/help/withdraw`, { by });

export const dismissCue = (callId: string): Promise<void> => post(`${call(callId)}/cues/dismiss`, {});

export const muteCues = (callId: string, by: string, muted: boolean): Promise<void> =>
  post(`${call(callId)}/cues/${muted ? 'mute' : 'unmute'}`, { by });

export const offerLine = (callId: string): Promise<void> => post(`${call(callId)}/cues/line`, {});

/** Says who the customer is on a line with one channel; all else is worked out anew. */
export const assignRoles = (callId: string, customer: string, by: string): Promise<void> =>
  post(`${call(callId)}/roles`, { customer, by });

export const sendNote = (callId: string, text: string, by: string): Promise<void> =>
  post(`${call(callId)}/notes`, { text, by });

export async function getJson<T>(path: string): Promise<T> {
  return (await (await request(path)).json()) as T;
}

export async function sendJson<T>(
  path: string,
  body: object,
  method: 'POST' | 'PUT' = 'POST',
): Promise<T> {
  const response = await request(path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

export async function remove(path: string): Promise<void> {
  await request(path, { method: 'DELETE' });
}
export const loadBook = <Body>(kind: BookKind, team: string): Promise<Book<Body>> =>
  getJson(`/v1/${kind}?team=${encodeURIComponent(team)}`);

/** Make a new version of a team's book; null brings back what is shipped. */
export const saveBook = <Body>(
  kind: BookKind,
  team: string,
  by: string,
  body: Body | null,
): Promise<Book<Body>> => sendJson(`/v1/${kind}`, { team, by, body }, 'PUT');

export const tryRules = (team: string, body: Rules, span: TimeSpan): Promise<Trial> =>
  sendJson('/v1/rules/try', { team, body, ...span });

export const previewPlaybook = (
  body: Playbook,
  language: string,
  phase: string,
  codes: readonly string[],
  customer: string | null,
): Promise<readonly { readonly id: string; readonly text: string }[]> =>
  sendJson('/v1/playbook/preview', { body, language, phase, codes, customer });
