// `npm run generate`: what is committed is what the schemas say, and the check notices when it is not.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drifted, generatedFiles } from '../../../crds/generate.ts';

const run = promisify(execFile);
const generate = join(import.meta.dirname, '../../../crds/generate.ts');

describe('generated files', () => {
  it('are a CRD, its copy in the chart and a reference page for each kind', () => {
    expect(generatedFiles().map(({ path }) => path)).toEqual([
      'crds/enterpriseca.yaml',
      'charts/trustmesh/files/crds/enterpriseca.yaml',
      'docs/reference/enterpriseca.md',
      'crds/trustdomain.yaml',
      'charts/trustmesh/files/crds/trustdomain.yaml',
      'docs/reference/trustdomain.md',
      'crds/trustedserver.yaml',
      'charts/trustmesh/files/crds/trustedserver.yaml',
      'docs/reference/trustedserver.md',
    ]);
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
