import { ServiceError } from './api';
import type { Messages } from './i18n/en';

/** Why the service did not do something or show it, in the reader's language. */
export function refusal(error: unknown, t: Messages['errors']): string {
  if (!(error instanceof ServiceError) || error.status === 0) return t.unreachable;
  const known: Readonly<Record<number, string>> = {
    403: t.forbidden,
    404: t.gone,
    409: t.overtaken(error.detail),
    503: t.noDatabase,
  };
  return known[error.status] ?? t.refused(error.detail);
}
