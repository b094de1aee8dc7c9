// client-node's configuration refers to two functions of its generated client, and would load all of that, 50 MB, for them.
// Imported by the operator before anything else; the rest works without it, only larger.
import { registerHooks } from 'node:module';

const GENERATED = '/@kubernetes/client-node/dist/gen/index.js';
const NEEDED_OF_IT = `
export { createConfiguration } from './configuration.js';
export { ServerConfiguration } from './servers.js';
`;

registerHooks({
  load: (url, context, nextLoad) =>
    url.endsWith(GENERATED) ? { format: 'module', shortCircuit: true, source: NEEDED_OF_IT } : nextLoad(url, context),
});
