// One line a decision, as text or JSON, whatever is in it. Read from a process of its own, since that is what is collected.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What a program that says this writes to its standard output, by line. */
async function written(format: 'text' | 'json', level: string, ...statements: readonly string[]): Promise<readonly string[]> {
  const module = JSON.stringify(new URL('../../../operator/log.ts', import.meta.url).href);
  const program =
    `import { createLog } from ${module};\n` +
    `const log = createLog({ logLevel: ${JSON.stringify(level)}, logFormat: ${JSON.stringify(format)} });\n${statements.join('\n')}`;
  const { stdout, stderr } = await execute(process.execPath, ['--input-type=module', '--eval', program]);
  expect(stderr).toBe('');
  return stdout.split('\n').slice(0, -1);
}

const pem = '-----BEGIN PRIVATE KEY-----\\nMIGHAgEAMBMGByqGSM49\\n-----END PRIVATE KEY-----\\n';

it('writes a line of text for each decision, with its fields, quoted where they need it', async () => {
  const lines = await written(
    'text',
    'info',
    `log.info('certificate issued', { object: 'TrustedServer voice/pool01', serial: '0a', count: 3, none: undefined, empty: '' });`,
    `log.warn('bundle not written', { why: 'a "quoted"\\nsecond line', list: ['a', 'b'] });`,
    `log.error('broken\\nin two');`,
    `log.debug('not asked for');`,
  );
  const [issued, refused, broken, ...others] = lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, 'AT '));
  expect(issued).toBe(
    'AT info  certificate issued object="TrustedServer voice/pool01" serial=0a count=3 none=undefined empty=""',
  );
  expect(refused).toBe(`AT warn  bundle not written why="a \\"quoted\\"\\nsecond line" list="[\\"a\\",\\"b\\"]"`);
  expect(broken).toBe('AT error broken in two');
  expect(others).toEqual([]);
});

it('writes an object of JSON for each decision', async () => {
  const lines = await written(
    'json',
    'debug',
    `log.debug('looked', { object: 'TrustDomain contoso' });`,
    `log.error('failed', { error: 'two\\nlines', message: 'not this one', level: 'not this one' });`,
  );
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 'debug', message: 'looked', object: 'TrustDomain contoso', timestamp: expect.stringMatching(/Z$/) },
    { level: 'error', message: 'failed', error: 'two\nlines', timestamp: expect.stringMatching(/Z$/) },
  ]);
});

it.each(['text', 'json'] as const)('writes no private key, were one handed in (%s)', async (format) => {
  const [line = '', ...others] = await written(
    format,
    'info',
    `log.info('read ${pem}', { error: 'bad key: ${pem} end', in: { key: '${pem}' } });`,
  );
  expect(others).toEqual([]);
  expect(line).not.toContain('MIGH');
  expect(line).toContain('[private key]');
  expect(line).toContain('end');
});
