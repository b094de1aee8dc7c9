// Files as kubelet mounts them, on a machine on which they lie elsewhere than the documentation says.
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Data = Readonly<Record<string, string | Buffer>>;

/** Rendered files with `/etc/trustmesh` replaced by `root`. */
export function relocated(files: Readonly<Record<string, string>>, root: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll('/etc/trustmesh', root)]));
}

/** A volume of a Secret or ConfigMap with exactly this content: its files are links through `..data`, which one rename replaces. */
export async function mount(directory: string, data: Data): Promise<void> {
  await mkdir(directory, { recursive: true });
  const version = await mkdtemp(`${directory}/..`);
  for (const [name, content] of Object.entries(data)) await writeFile(join(version, name), content);
  await symlink(version, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
  const before = (await readdir(directory)).filter((name) => !name.startsWith('..'));
  for (const name of before.filter((each) => !(each in data))) await rm(join(directory, name));
  for (const name of Object.keys(data).filter((each) => !before.includes(each))) {
    await symlink(join('..data', name), join(directory, name));
  }
}
