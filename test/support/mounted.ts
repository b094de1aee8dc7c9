// Files as kubelet mounts them, on a machine on which they lie elsewhere than the documentation says.
import { mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Data = Readonly<Record<string, string | Buffer>>;

/** Rendered files with `/etc/trustmesh` replaced by `root`. */
export function relocated(files: Readonly<Record<string, string>>, root: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll('/etc/trustmesh', root)]));
}

/** By directory, the second that its files bear. Kubelet writes a volume anew seconds later at the earliest, and programs rely on that. */
const writtenAt = new Map<string, number>();

/** A volume of a Secret or ConfigMap with exactly this content: its files are links through `..data`, which one rename replaces. */
export async function mount(directory: string, data: Data): Promise<void> {
  await mkdir(directory, { recursive: true });
  const version = await mkdtemp(`${directory}/..`);
  const second = Math.max(Math.floor(Date.now() / 1000), (writtenAt.get(directory) ?? 0) + 1);
  writtenAt.set(directory, second);
  for (const [name, content] of Object.entries(data)) {
    await writeFile(join(version, name), content);
    await utimes(join(version, name), second, second);
  }
  await symlink(version, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  const before = (await readdir(directory)).filter((name) => !name.startsWith('..'));
  for (const name of before.filter((each) => !(each in data))) await rm(join(directory, name));
  for (const name of Object.keys(data).filter((each) => !before.includes(each))) {
    await symlink(join('..data', name), join(directory, name));
  }
}
