import { expect, test } from 'vitest';
import { ServiceError } from './api';
import { en } from './i18n/en';
import { zh } from './i18n/zh';
import { refusal } from './refusal';

test('a reader of Chinese is told in Chinese what the service says in English', () => {
  const detail = 'no answer to greeting';

  expect(refusal(new ServiceError(422, detail), en.errors)).toBe(detail);
  expect(refusal(new ServiceError(422, detail), zh.errors)).toBe(`服务未接受所填内容：${detail}`);
  expect(refusal(new ServiceError(409, detail), zh.errors)).toContain('请重新载入页面');
});

test('roles, what is not there and a service that is gone have words of their own', () => {
  expect(refusal(new ServiceError(403, 'x'), en.errors)).toBe(en.errors.forbidden);
  expect(refusal(new ServiceError(404, 'x'), zh.errors)).toBe(zh.errors.gone);
  expect(refusal(new ServiceError(503, 'x'), zh.errors)).toBe(zh.errors.noDatabase);
  expect(refusal(new ServiceError(0, 'x'), en.errors)).toBe(en.errors.unreachable);
  expect(refusal(new TypeError('x'), en.errors)).toBe(en.errors.unreachable);
});
