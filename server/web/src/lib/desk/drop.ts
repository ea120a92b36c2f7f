/** Recordings and tables of calls out of what was dropped or chosen. */

/** A file, and the folder that it lay in. */
export interface Found {
  readonly file: File;
  readonly folder: string;
}

/** What a folder brings: its table, and the recordings that the table is about. */
export interface Batch {
  readonly table: File | null;
  readonly recordings: readonly File[];
}

const TABLE = 'calls.csv';
const AUDIO =
  /\.(wave?|flac|aiff?|au|caf|mp3|og[ga]|opus|m4a|mp4|aac|wma|amr|gsm|webm|mka|u?law|alaw|ul|al)$/i;

/**
 * Sort files by folder; what is no recording is left out.
 *
 * A table holds for all that is brought after it: first the tables that stand above their
 * recordings, then folders without a table, then each of the others behind its own.
 */
export function batches(found: readonly Found[]): readonly Batch[] {
  const folders = new Map<string, { table: File | null; recordings: File[] }>();
  for (const { file, folder } of found) {
    const hidden = `${folder}/${file.name}`.split('/').some((part) => part.startsWith('.'));
    const isTable = file.name.toLowerCase() === TABLE;
    if (hidden || !(isTable || AUDIO.test(file.name))) continue;
    const batch = folders.get(folder) ?? { table: null, recordings: [] };
    if (isTable) batch.table = file;
    else batch.recordings.push(file);
    folders.set(folder, batch);
  }
  const rank = (batch: Batch): number =>
    batch.recordings.length === 0 ? 0 : batch.table === null ? 1 : 2;
  return [...folders.values()].sort((a, b) => rank(a) - rank(b));
}

/** Files that were chosen in a dialogue. */
export const chosenFiles = (list: FileList | null): readonly Found[] =>
  [...(list ?? [])].map((file) => ({
    file,
    folder: file.webkitRelativePath.replace(/\/?[^/]*$/, ''),
  }));

/** Files out of what was dropped on the page, those in folders too. */
export async function droppedFiles(dropped: DataTransfer): Promise<readonly Found[]> {
  const entries = [...dropped.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (entries.length === 0) return chosenFiles(dropped.files);
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<readonly Found[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ file, folder: entry.fullPath.replace(/\/[^/]*$/, '') }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  // A reader gives a hundred entries at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesOf))).flat());
  }
}
