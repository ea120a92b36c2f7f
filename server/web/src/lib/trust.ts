/** The audit log, holds and deletion, as the service gives them. */

export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly who: string;
  readonly role: string;
  readonly action: string;
  readonly call_id: string;
  readonly detail: string;
}

export interface Verdict {
  readonly checked: number;
  readonly broken_seq: number | null;
  readonly whole: boolean;
  readonly anchors: number;
}

export interface Hold {
  readonly hold_id: string;
  readonly call_id: string;
  readonly customer_ref: string;
  readonly reason: string;
  readonly placed_by: string;
  readonly placed_at: string;
}

export interface Receipt {
  readonly receipt_id: string;
  readonly deleted: readonly { readonly call_id: string }[];
  readonly skipped: readonly { readonly call_id: string; readonly why: string }[];
}

export interface Retention {
  readonly days: Readonly<Record<string, number>>;
  readonly due: readonly unknown[];
}

/** The detail of an entry in one line: `file: csv, by: team`. */
export function detailText(detail: string): string {
  const parts = Object.entries(JSON.parse(detail) as Record<string, unknown>);
  return parts
    .map(([key, value]) => `${key}: ${String(value).length > 20 ? `${String(value).slice(0, 12)}…` : String(value)}`)
    .join(', ');
}
