// `npm run generate`: what is committed is what the schemas say, and the check notices when it is not.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drifted, generatedFiles } from '../../../crds/generate.ts';

const run = promisify(execFile);
const generate = join(import.meta.dirname, '../../../crds/generate.ts');

describe('generated files', () => {
  it('are a CRD, its copy in the chart and a reference page for each kind', () => {
    const kinds = ['enterpriseca', 'trustdomain', 'trustedserver', 'mediagateway', 'federatedpartner', 'mediarelay'];
    expect(generatedFiles().map(({ path }) => path)).toEqual(
      kinds.flatMap((kind) => [`crds/${kind}.yaml`, `charts/trustmesh/files/crds/${kind}.yaml`, `docs/reference/${kind}.md`]),
    );
  });

  it('are committed as the schemas have them', async () => {
    expect((await drifted(generatedFiles())).map(({ path }) => path)).toEqual([]);
  });

  it('count as drifted when they differ or are missing', async () => {
    const [first] = generatedFiles();
    const edited = { path: first?.path ?? '', content: `${first?.content}# edited\n` };
    const missing = { path: 'crds/nosuchkind.yaml', content: '' };
    expect(await drifted([...generatedFiles(), edited, missing])).toEqual([edited, missing]);
  });

  it('pass the check that CI runs', async () => {
    await expect(run(process.execPath, [generate, '--check'])).resolves.toEqual({ stdout: '', stderr: '' });
  });
});
