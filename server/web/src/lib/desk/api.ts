/** The desk over HTTP. */

import { request } from '../api';
import type {
  Agreement,
  Beside,
  Choices,
  Given,
  ImportFile,
  ImportJob,
  Measured,
  NewCorrection,
  Page,
  Peaks,
  Purpose,
  Review,
  ReviewList,
  SavedSearch,
  Scorecard,
  SearchQuery,
} from './types';

async function get<T>(path: string): Promise<T> {
  return (await (await request(`/v1/desk/${path}`)).json()) as T;
}

const send = (method: string, path: string, body?: object): Promise<Response> =>
  request(`/v1/desk/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });

const call = (id: string): string => `calls/${encodeURIComponent(id)}`;

export const search = async (query: SearchQuery): Promise<Page> =>
  (await (await send('POST', 'search', query)).json()) as Page;
export const choices = (): Promise<Choices> => get('choices');
export const savedSearches = (): Promise<readonly SavedSearch[]> => get('searches');
export const saveSearch = async (name: string, by: string, query: SearchQuery): Promise<void> => {
  await send('POST', 'searches', { name, by, query });
};
export const removeSearch = async (id: string): Promise<void> => {
  await send('DELETE', `searches/${id}`);
};

export const imports = (): Promise<readonly ImportJob[]> => get('imports');
export const importFiles = (jobId: string): Promise<readonly ImportFile[]> =>
  get(`imports/${jobId}/files`);
export async function beginImport(options: object): Promise<string> {
  const response = await send('POST', 'imports', options);
  return ((await response.json()) as { job_id: string }).job_id;
}
export const putTable = async (jobId: string, table: Blob): Promise<void> => {
  await request(`/v1/desk/imports/${jobId}/table`, { method: 'PUT', body: table });
};
export const putFile = async (jobId: string, file: File): Promise<void> => {
  const query = new URLSearchParams({
    name: file.name,
    modified: String(file.lastModified / 1000),
  });
  await request(`/v1/desk/imports/${jobId}/files?${query}`, { method: 'PUT', body: file });
};
export const steerImport = async (jobId: string, to: 'pause' | 'resume'): Promise<void> => {
  await send('POST', `imports/${jobId}/${to}`);
};
export const removeImport = async (jobId: string): Promise<void> => {
  await send('DELETE', `imports/${jobId}`);
};

export const beside = (callId: string): Promise<Beside> => get(call(callId));
export const peaks = (callId: string): Promise<Peaks> => get(`${call(callId)}/peaks`);
export const peaksBetween = (callId: string, from_s: number, to_s: number): Promise<Peaks> =>
  get(`${call(callId)}/peaks?from_s=${from_s.toFixed(2)}&to_s=${to_s.toFixed(2)}`);
export const addComment = async (
  callId: string,
  at_s: number,
  text: string,
  by: string,
): Promise<void> => {
  await send('POST', `${call(callId)}/comments`, { at_s, text, by });
};
export const removeComment = async (callId: string, id: number): Promise<void> => {
  await send('DELETE', `${call(callId)}/comments/${id}`);
};
export const addCorrection = async (
  callId: string,
  correction: NewCorrection,
  by: string,
): Promise<void> => {
  await send('POST', `${call(callId)}/corrections`, { correction, by });
};
export const withdrawCorrection = async (callId: string, id: number): Promise<void> => {
  await send('DELETE', `${call(callId)}/corrections/${id}`);
};

export const cards = (): Promise<readonly Scorecard[]> => get('cards');
export const measureNames = (): Promise<readonly string[]> => get('measures');
export const saveCard = async (card: Scorecard, by: string): Promise<Scorecard> =>
  (await (await send('PUT', `cards/${encodeURIComponent(card.id)}`, { card, by })).json()) as Scorecard;
export const withdrawCard = async (id: string): Promise<void> => {
  await send('DELETE', `cards/${encodeURIComponent(id)}`);
};
export const measures = (callId: string): Promise<Readonly<Record<string, Measured>>> =>
  get(`${call(callId)}/measures`);
export const reviewsOf = (callId: string, by: string): Promise<readonly Review[]> =>
  get(`${call(callId)}/reviews?${new URLSearchParams({ by })}`);
export const submitReview = async (
  callId: string,
  review: {
    card: string;
    purpose: Purpose;
    by: string;
    answers: Readonly<Record<string, Given>>;
    comment: string;
  },
): Promise<void> => {
  await send('POST', `${call(callId)}/reviews`, review);
};
export const myReviews = (by: string): Promise<ReviewList> =>
  get(`reviews?${new URLSearchParams({ by })}`);
export const dispute = async (
  reviewId: number,
  step: 'dispute' | 'answer',
  by: string,
  text: string,
): Promise<void> => {
  await send('POST', `reviews/${reviewId}/${step}`, { by, text });
};
export const sample = async (wanted: object): Promise<{ calls: number; reviews: number }> =>
  (await (await send('POST', 'samples', wanted)).json()) as { calls: number; reviews: number };
export const agreement = (card: string, batch: string): Promise<Agreement> =>
  get(`agreement?${new URLSearchParams({ card, batch })}`);
