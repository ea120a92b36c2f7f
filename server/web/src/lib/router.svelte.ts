/** Which page is on screen: a function of the address, nothing else. */

import { parseTime } from './desk/lanes';

export type Route =
  | { readonly page: 'board'; readonly open: string | null }
  | { readonly page: 'agent'; readonly agentId: string; readonly overlay: boolean }
  | { readonly page: 'reports' }
  | { readonly page: 'trust' }
  | { readonly page: 'print'; readonly callId: string }
  | { readonly page: 'rules' }
  | { readonly page: 'playbook' }
  | { readonly page: 'audit'; readonly search: string }
  | { readonly page: 'call'; readonly callId: string; readonly at_s: number | null }
  | { readonly page: 'desk'; readonly room: 'reviews' | 'cards' | 'import' }
  | { readonly page: 'unknown' };

export function parse(pathname: string, search: string): Route {
  const [page, id, ...rest] = pathname.split('/').filter((part) => part !== '');
  const query = new URLSearchParams(search);
  if (rest.length > 0) return { page: 'unknown' };
  if ((page === undefined || page === 'board') && id === undefined) {
    return { page: 'board', open: query.get('call') };
  }
  if (page === 'agent' && id !== undefined) {
    return { page: 'agent', agentId: decodeURIComponent(id), overlay: query.has('overlay') };
  }
  if (page === 'audit') {
    if (id === undefined) return { page: 'audit', search };
    const at_s = parseTime(query.get('t') ?? '');
    return { page: 'call', callId: decodeURIComponent(id), at_s };
  }
  if ((page === 'reports' || page === 'trust') && id === undefined) return { page };
  if (page === 'print' && id !== undefined) {
    return { page: 'print', callId: decodeURIComponent(id) };
  }
  if ((page === 'rules' || page === 'playbook') && id === undefined) return { page };
  if (page === 'desk' && (id === 'reviews' || id === 'cards' || id === 'import')) return { page: 'desk', room: id };
  return { page: 'unknown' };
}

class Router {
  route: Route = $state.raw({ page: 'unknown' });

  start(): void {
    this.#read();
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  go(address: string): void {
    history.pushState(null, '', address);
    this.#read();
  }

  /** The same page under another address: nothing is gone back to. */
  replace(address: string): void {
    history.replaceState(null, '', address);
    this.#read();
  }

  #read(): void {
    this.route = parse(location.pathname, location.search);
  }

  /** Links to our own pages change the page without loading it anew. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest('a');
    if (link === null || link.origin !== location.origin || link.target !== '') return;
    if (link.hash !== '' || parse(link.pathname, link.search).page === 'unknown') return;
    event.preventDefault();
    this.go(link.pathname + link.search);
    scrollTo(0, 0);
  }
}

export const router = new Router();
