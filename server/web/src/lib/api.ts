/** The service over HTTP: actions and finished calls. */

import type { CallSummary, Entry } from './events';

/** The service answered with a problem, or not at all (`status` 0). */
export class ServiceError extends Error {
  override name = 'ServiceError';

  constructor(
    readonly status: number,
    readonly detail: string,
  ) {
    super(detail);
  }
}

async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    throw new ServiceError(0, String(error));
  }
  if (!response.ok) throw new ServiceError(response.status, await detailOf(response));
  return response;
}

async function detailOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: unknown; title?: unknown };
    return String(problem.detail ?? problem.title ?? response.statusText);
  } catch {
    return response.statusText;
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

export const audioUrl = (callId: string): string => `${call(callId)}/audio`;

export async function endedCalls(): Promise<readonly CallSummary[]> {
  const response = await request('/v1/calls?state=ended&limit=100');
  return (await response.json()) as readonly CallSummary[];
}

export async function summary(callId: string): Promise<CallSummary> {
  return (await (await request(call(callId))).json()) as CallSummary;
}

export async function entries(callId: string): Promise<readonly Entry[]> {
  return (await (await request(`${call(callId)}/entries`)).json()) as readonly Entry[];
}

export const acknowledge = (callId: string, alertId: string, by: string): Promise<void> =>
  post(`${call(callId)}/alerts/${encodeURIComponent(alertId)}/acknowledge`, { by });

export const sendNote = (callId: string, text: string, by: string): Promise<void> =>
  post(`${call(callId)}/notes`, { text, by });
