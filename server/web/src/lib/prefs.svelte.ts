/** What a user has chosen: language, theme, name. Kept in the browser only. */

import { readColours, type Colours } from './colours';
import { en, type Messages } from './i18n/en';
import { zh } from './i18n/zh';
import { chooseLanguage, type Language } from './language';

export type Theme = 'auto' | 'light' | 'dark';
export type BoardView = 'rows' | 'tiles';

const MESSAGES: Record<Language, Messages> = { en, zh };
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

function stored(key: string): string | null {
  try {
    return localStorage.getItem(`calmline.${key}`);
  } catch {
    return null; // Storage may be forbidden; then a choice lasts as long as the page.
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(`calmline.${key}`, value);
  } catch {
    // See above.
  }
}

class Preferences {
  language: Language = $state('en');
  theme: Theme = $state('auto');
  view: BoardView = $state('rows');
  /** Whether alerts may be heard, and shown by the browser. */
  sound: boolean = $state(true);
  notify: boolean = $state(false);
  /** Who acknowledges and writes notes; empty until it was typed. */
  name: string = $state('');
  #painted: number = $state(0);

  readonly #systemDark = matchMedia('(prefers-color-scheme: dark)');
  readonly t: Messages = $derived(MESSAGES[this.language]);
  /** The colours on screen now, for what is drawn on a canvas. */
  readonly colours: Colours = $derived.by(() => {
    void this.#painted;
    return readColours();
  });
  readonly by: string = $derived(this.name.trim() || this.t.board.defaultName);

  /** Read the choices and follow the system's theme; once, before the first paint. */
  start(): void {
    const query = new URLSearchParams(location.search).get('lang');
    this.setLanguage(chooseLanguage(query, stored('language'), navigator.languages));
    const theme = stored('theme');
    this.setTheme(THEMES.find((it) => it === theme) ?? 'auto');
    this.view = stored('view') === 'tiles' ? 'tiles' : 'rows';
    this.sound = stored('sound') !== 'off';
    this.notify = stored('notify') === 'on';
    this.name = stored('name') ?? '';
    this.#systemDark.addEventListener('change', () => this.#paint());
  }

  setLanguage(language: Language): void {
    this.language = language;
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    store('language', language);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    store('theme', theme);
    this.#paint();
  }

  #paint(): void {
    const system = this.#systemDark.matches ? 'dark' : 'light';
    document.documentElement.dataset['theme'] = this.theme === 'auto' ? system : this.theme;
    this.#painted += 1;
  }

  nextTheme(): void {
    this.setTheme(THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'auto');
  }

  setView(view: BoardView): void {
    this.view = view;
    store('view', view);
  }

  setSound(sound: boolean): void {
    this.sound = sound;
    store('sound', sound ? 'on' : 'off');
  }

  setNotify(notify: boolean): void {
    this.notify = notify;
    store('notify', notify ? 'on' : 'off');
  }

  setName(name: string): void {
    this.name = name;
    store('name', name);
  }
}

export const prefs = new Preferences();
