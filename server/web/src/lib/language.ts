/** Which language the screens speak. Pure. */

export type Language = 'en' | 'zh';

/** `?lang=` wins, then what was chosen before, then the browser's language. */
export function chooseLanguage(
  query: string | null,
  chosen: string | null,
  browser: readonly string[],
): Language {
  for (const tag of [query, chosen, ...browser]) {
    const base = tag?.toLowerCase().split('-')[0];
    if (base === 'zh' || base === 'en') return base;
  }
  return 'en';
}
