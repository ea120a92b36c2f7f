import { describe, expect, it } from 'vitest';
import { batches, type Found } from './drop';

const found = (...paths: string[]): Found[] =>
  paths.map((path) => ({
    file: new File([], path.replace(/.*\//, '')),
    folder: path.replace(/\/?[^/]*$/, ''),
  }));

const names = (paths: readonly Found[]): string[][] =>
  batches(paths).map((it) => [
    ...(it.table === null ? [] : ['table']),
    ...it.recordings.map((file) => file.name),
  ]);

describe('what is dropped', () => {
  it('keeps recordings and leaves the rest', () => {
    expect(names(found('a.wav', 'b.MP3', 'notes.txt', '.hidden.wav', '.git/c.wav'))).toEqual([
      ['a.wav', 'b.MP3'],
    ]);
    expect(names(found('notes.txt'))).toEqual([]);
  });

  it('gives each folder its own table, and that of a folder above to all', () => {
    expect(
      names(found('in/a/1.wav', 'in/a/calls.csv', 'in/b/1.wav', 'in/Calls.csv', 'in/a/2.wav')),
    ).toEqual([['table'], ['1.wav'], ['table', '1.wav', '2.wav']]);
  });
});
