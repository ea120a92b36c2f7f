/** What the desk says over HTTP. Mirrors server/desk; docs/protocol.md has the routes. */

import type { Party, Phase, Tier } from '../events';

export interface Range {
  readonly least: number | null;
  readonly most: number | null;
}

export const SORTS = ['date', 'length', 'peak', 'time_in_peak', 'score'] as const;
export type SortBy = (typeof SORTS)[number];
export const PAUSES = ['any', 'followed', 'ignored', 'none'] as const;
export const REVIEWED = ['any', 'yes', 'no'] as const;
export const SAID_BY = ['anybody', 'customer', 'agent'] as const;
export const SOURCES = ['', 'live', 'import'] as const;
export const TIERS: readonly Tier[] = ['direct', 'public', 'third_party'];

/** A search; what is absent asks for nothing. */
export interface SearchQuery {
  readonly text?: string;
  readonly said_by?: (typeof SAID_BY)[number];
  readonly agents?: readonly string[];
  readonly teams?: readonly string[];
  readonly languages?: readonly string[];
  readonly customer_ref?: string;
  readonly began_from?: string | null;
  readonly began_before?: string | null;
  readonly length_s?: Range;
  readonly peak?: Range;
  readonly time_in_peak_s?: Range;
  readonly phases?: readonly Phase[];
  readonly alerts?: readonly string[];
  readonly tiers?: readonly Tier[];
  readonly pauses?: (typeof PAUSES)[number];
  readonly reviewed?: (typeof REVIEWED)[number];
  readonly score?: Range;
  readonly source?: (typeof SOURCES)[number];
  readonly sort?: SortBy;
  readonly ascending?: boolean;
  readonly limit?: number;
  readonly cursor?: string;
}

export interface Spoken {
  readonly party: Party;
  readonly start_s: number;
  readonly text: string;
  /** Start and end of each match, in characters. */
  readonly marks: readonly (readonly [number, number])[];
}

export interface FoundCall {
  readonly call_id: string;
  readonly agent_id: string;
  readonly team: string;
  readonly subject: string;
  readonly customer_ref: string;
  readonly language: string;
  readonly source: string;
  readonly started_at: string;
  readonly duration_s: number;
  readonly peak_score: number;
  readonly peak_at_s: number;
  readonly hot_s: number;
  readonly alerts: number;
  readonly cues_followed: number;
  readonly cues_ignored: number;
  readonly review_score: number | null;
  readonly curve: readonly number[];
  readonly phases: readonly Phase[];
  readonly rules: readonly string[];
  readonly tiers: readonly Tier[];
  readonly said: readonly Spoken[];
}

export interface Page {
  readonly total: number;
  readonly calls: readonly FoundCall[];
  readonly cursor: string;
}

export interface Choices {
  readonly agents: readonly string[];
  readonly teams: readonly string[];
  readonly languages: readonly string[];
  readonly alerts: readonly string[];
}

export interface SavedSearch {
  readonly search_id: string;
  readonly name: string;
  readonly by: string;
  readonly query: SearchQuery;
}

export type FileState = 'waiting' | 'working' | 'done' | 'duplicate' | 'failed';

export interface ImportJob {
  readonly job_id: string;
  readonly name: string;
  readonly by: string;
  readonly state: 'running' | 'paused' | 'done';
  readonly created_at: string;
  readonly counts: Readonly<Record<FileState, number>>;
  readonly size: number;
  readonly done_size: number;
  readonly audio_s: number;
  readonly work_s: number;
}

export interface ImportFile {
  readonly file_id: number;
  readonly name: string;
  readonly state: FileState;
  readonly reason: string;
  readonly size: number;
  readonly duration_s: number;
  readonly done_s: number;
  readonly call_id: string;
}

export interface Neighbour {
  readonly call_id: string;
  readonly started_at: string;
  readonly peak_score: number;
}

export interface Comment {
  readonly comment_id: number;
  readonly at_s: number;
  readonly by: string;
  readonly text: string;
  readonly created_at: string;
}

export const CORRECTIONS = [
  'not_hostile',
  'missed_hostility',
  'wrong_speaker',
  'wrong_words',
] as const;
export type CorrectionKind = (typeof CORRECTIONS)[number];

export interface Correction {
  readonly correction_id: number;
  readonly kind: CorrectionKind;
  readonly start_s: number;
  readonly end_s: number;
  readonly utterance_id: string;
  readonly text: string;
  readonly party: string;
  readonly level: number | null;
  readonly tier: string | null;
  readonly by: string;
  readonly withdrawn_at: string | null;
}

export interface NewCorrection {
  readonly kind: CorrectionKind;
  readonly start_s: number;
  readonly end_s: number;
  readonly utterance_id: string;
  readonly text?: string;
  readonly party?: Party;
  readonly level?: number;
}

/** What people added to a call, and the calls of its customer around it. */
export interface Beside {
  readonly neighbours: { readonly before: Neighbour | null; readonly after: Neighbour | null };
  readonly comments: readonly Comment[];
  readonly corrections: readonly Correction[];
}

export interface Peaks {
  readonly duration_s: number;
  readonly channels: readonly (readonly number[])[];
}

export const ANSWERS = ['yes', 'partly', 'no', 'na'] as const;
export type Answer = (typeof ANSWERS)[number];

export interface Text {
  readonly en: string;
  readonly zh: string;
}

export interface Question {
  readonly id: string;
  readonly weight: number;
  readonly text: Text;
  readonly help: Text | null;
  readonly auto: string;
  readonly critical: boolean;
}

export interface Scorecard {
  readonly id: string;
  readonly version: number;
  readonly title: Text;
  readonly question: readonly Question[];
}

export interface Stretch {
  readonly start_s: number;
  readonly end_s: number;
}

export interface Measured {
  /** None where the log cannot tell, and a person has to. */
  readonly answer: Answer | null;
  readonly reason: string;
  readonly spans: readonly Stretch[];
}

export interface Given {
  readonly answer: Answer;
  readonly comment: string;
  readonly start_s: number | null;
  readonly end_s: number | null;
}

export const PURPOSES = ['review', 'second', 'calibration'] as const;
export type Purpose = (typeof PURPOSES)[number];

interface Signed {
  readonly by: string;
  readonly text: string;
  readonly at: string;
}

export interface Review {
  readonly review_id: number;
  readonly call_id: string;
  readonly card: string;
  readonly purpose: Purpose;
  readonly reviewer: string;
  readonly batch: string;
  readonly answers: Readonly<Record<string, Given>>;
  readonly automatic: Readonly<Record<string, Measured>>;
  readonly comment: string;
  readonly score: number | null;
  readonly failed: readonly string[];
  readonly assigned_at: string;
  readonly done_at: string | null;
  readonly dispute: (Signed & { readonly answer: Signed | null }) | null;
}

export interface CallInList {
  readonly agent_id: string;
  readonly started_at: string;
  readonly duration_s: number;
  readonly peak_score: number;
  readonly curve: readonly number[];
}

export interface ReviewList {
  /** What waits, and the newest that are done. */
  readonly own: readonly Review[];
  readonly n_done: number;
  readonly disputed: readonly Review[];
  readonly calls: Readonly<Record<string, CallInList>>;
}

export interface Agreement {
  readonly reviews: number;
  readonly reviewers: readonly string[];
  readonly calls: number;
  readonly answers: number | null;
  readonly scores: number | null;
  readonly questions: Readonly<Record<string, number | null>>;
}
