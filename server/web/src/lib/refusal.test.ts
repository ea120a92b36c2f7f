import { afterEach, expect, test, vi } from 'vitest';
import { request, ServiceError } from './api';
import { en } from './i18n/en';
import { zh } from './i18n/zh';
import { refusal } from './refusal';

afterEach(() => vi.unstubAllGlobals());

/** A service that refuses, and a page in this language; returns what was asked of it. */
function refusing(language: string, response: Response): { asked: Headers | null } {
  const seen: { asked: Headers | null } = { asked: null };
  vi.stubGlobal('document', { documentElement: { lang: language } });
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    seen.asked = new Headers(init.headers);
    return Promise.resolve(response);
  });
  return seen;
}

test('the service is asked in the language of the page, and tells why it refuses', async () => {
  const problem = { status: 422, detail: '尚未回答：greeting', code: 'no_answer' };
  const seen = refusing('zh-CN', new Response(JSON.stringify(problem), { status: 422 }));

  const error: unknown = await request('/v1/x', { headers: { 'content-type': 'a/b' } }).catch(
    (caught: unknown) => caught,
  );

  expect(seen.asked?.get('accept-language')).toBe('zh-CN');
  expect(seen.asked?.get('content-type')).toBe('a/b');
  expect(refusal(error, zh.errors)).toBe('尚未回答：greeting');
});

test('a service that is gone, and one in its place, have words of their own', async () => {
  refusing('en', new Response('<html>bad gateway</html>', { status: 502 }));
  const between: unknown = await request('/v1/x').catch((caught: unknown) => caught);

  expect(refusal(between, en.errors)).toBe(en.errors.unreachable);
  expect(refusal(new ServiceError(0, ''), zh.errors)).toBe(zh.errors.unreachable);
  expect(refusal(new TypeError('x'), en.errors)).toBe(en.errors.unreachable);
});
