/** What both pages for a team's book do: load it, know whether it was changed, save it. */

import { loadBook, saveBook } from './api';
import type { Book, BookKind } from './books';
import { prefs } from './prefs.svelte';
import { refusal } from './refusal';

export class BookPage<Body> {
  /** What is edited; null until it has come. */
  body: Body | null = $state(null);
  team: string = $state('');
  book: Book<Body> | null = $state.raw(null);
  failure: unknown = $state.raw(null);
  /** What the service says is wrong with it. */
  problem: string = $state('');
  saved: boolean = $state(false);

  readonly #kind: BookKind;
  readonly changed: boolean = $derived(
    this.book !== null && JSON.stringify(this.body) !== JSON.stringify(this.book.body),
  );

  constructor(kind: BookKind) {
    this.#kind = kind;
    this.team = new URLSearchParams(location.search).get('team') ?? '';
    void this.load();
  }

  async load(): Promise<void> {
    this.failure = null;
    try {
      this.#take(await loadBook<Body>(this.#kind, this.team));
    } catch (error) {
      this.failure = error;
    }
  }

  choose(team: string): void {
    this.team = team.trim();
    this.saved = false;
    this.problem = '';
    void this.load();
  }

  save(): Promise<void> {
    return this.#save($state.snapshot(this.body) as Body);
  }

  reset(): Promise<void> {
    return this.#save(null);
  }

  async #save(body: Body | null): Promise<void> {
    this.problem = '';
    this.saved = false;
    try {
      this.#take(await saveBook<Body>(this.#kind, this.team, prefs.by, body));
      this.saved = true;
    } catch (error) {
      this.problem = refusal(error, prefs.t.errors);
    }
  }

  #take(book: Book<Body>): void {
    this.book = book;
    this.body = structuredClone(book.body);
  }
}
