import { expect, it } from 'vitest';

import { parse } from './router.svelte';

it('finds the page in the address', () => {
  expect(parse('/', '')).toEqual({ page: 'board', open: null });
  expect(parse('/board', '?call=c1')).toEqual({ page: 'board', open: 'c1' });
  expect(parse('/agent/a%207/', '?overlay')).toEqual({
    page: 'agent',
    agentId: 'a 7',
    overlay: true,
  });
  expect(parse('/reports', '')).toEqual({ page: 'reports' });
  expect(parse('/trust', '')).toEqual({ page: 'trust' });
  expect(parse('/print/c1', '')).toEqual({ page: 'print', callId: 'c1' });
  expect(parse('/audit', '?s=x')).toEqual({ page: 'audit', search: '?s=x' });
  expect(parse('/audit/c1', '')).toEqual({ page: 'call', callId: 'c1', at_s: null });
  expect(parse('/audit/c1', '?t=1:05')).toEqual({ page: 'call', callId: 'c1', at_s: 65 });
  expect(parse('/desk/reviews', '')).toEqual({ page: 'desk', room: 'reviews' });
});

it.each(['/agent', '/audit/a/b', '/nowhere', '/board/x', '/desk/x'])('has no page at %s', (pathname) => {
  expect(parse(pathname, '')).toEqual({ page: 'unknown' });
});
