// Four suites: pure values (unit), published corpora (conformance), a real API server (cluster), real peers on real sockets
// (interop).
import type { Config } from 'jest';

const transform: Config['transform'] = {
  '\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2024', transform: { verbatimModuleSyntax: true } },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    },
  ],
};

const suite = (name: string): Config => ({
  displayName: name,
  testEnvironment: '<rootDir>/test/support/environment.ts',
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  extensionsToTreatAsEsm: ['.ts'],
  transform,
});

export default {
  projects: [suite('unit'), suite('conformance'), suite('cluster'), suite('interop')],
  // Jest knows one limit for all: that of the slowest thing a single test waits for.
  testTimeout: 120_000,
} satisfies Config;
