import { expect, it } from 'vitest';

import { chooseLanguage } from './language';

it('follows the address, then the choice made before, then the browser', () => {
  expect(chooseLanguage('zh', 'en', ['en-GB'])).toBe('zh');
  expect(chooseLanguage(null, 'zh', ['en-GB'])).toBe('zh');
  expect(chooseLanguage(null, null, ['fr', 'zh-CN', 'en'])).toBe('zh');
});

it('passes over languages it does not speak', () => {
  expect(chooseLanguage('fr', null, ['de-DE'])).toBe('en');
  expect(chooseLanguage('xx', 'zh', [])).toBe('zh');
});
