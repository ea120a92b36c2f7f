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
  expect(parse('/audit', '')).toEqual({ page: 'audit' });
  expect(parse('/audit/c1', '')).toEqual({ page: 'call', callId: 'c1' });
  expect(parse('/reports', '')).toEqual({ page: 'reports' });
  expect(parse('/trust', '')).toEqual({ page: 'trust' });
  expect(parse('/print/c1', '')).toEqual({ page: 'print', callId: 'c1' });
});

it.each(['/agent', '/audit/a/b', '/nowhere', '/board/x'])('has no page at %s', (pathname) => {
  expect(parse(pathname, '')).toEqual({ page: 'unknown' });
});
