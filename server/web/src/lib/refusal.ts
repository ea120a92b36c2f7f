import { ServiceError } from './api';
import type { Messages } from './i18n/en';

/** Why the service did not do something or show it: it says so itself, in the page's language. */
export function refusal(error: unknown, t: Messages['errors']): string {
  return (error instanceof ServiceError && error.detail) || t.unreachable;
}
